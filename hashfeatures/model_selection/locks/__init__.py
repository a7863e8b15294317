"""Splits that stay put when images are added."""
