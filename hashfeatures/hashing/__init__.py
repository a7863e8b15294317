"""Pixels to bits."""
