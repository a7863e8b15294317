"""The hashes of a data set, in parts."""
