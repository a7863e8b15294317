"""Tables with a column of images."""
