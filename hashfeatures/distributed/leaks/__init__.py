"""Near duplicates between two data sets."""
