"""The card of a split: all that is to be said about it."""
