"""The parts of a split, and what is known of images that it needs."""
