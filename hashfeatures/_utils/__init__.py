"""Helpers that know nothing of images or bits."""
