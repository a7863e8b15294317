"""Allocation of whole groups to parts, fast or as well as can be proved."""
