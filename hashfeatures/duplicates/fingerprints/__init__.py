"""Fingerprints of images, and the search for near ones."""
