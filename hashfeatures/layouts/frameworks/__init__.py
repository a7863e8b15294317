"""Data sets as objects of Hugging Face and torch."""
