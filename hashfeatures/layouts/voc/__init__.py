"""The layout of Pascal VOC: an XML file for each image."""
