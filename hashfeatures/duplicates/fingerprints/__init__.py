"""What images are compared by, and the pairs of images that it finds."""
