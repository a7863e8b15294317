"""Sealed sets: files that tell whether an image is near one of a set, without the set itself."""
