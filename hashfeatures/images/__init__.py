"""Any source of an image as one upright, opaque Pillow image."""
