"""Folders and lists of images."""
