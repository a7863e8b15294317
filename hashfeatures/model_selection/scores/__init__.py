"""Scores on a test part with and without its leaks."""
