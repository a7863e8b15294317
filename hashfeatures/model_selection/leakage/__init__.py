"""Near duplicates in different parts: reports, checks and repairs."""
