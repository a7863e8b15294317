"""Hashes of the views and the segments of an image."""
