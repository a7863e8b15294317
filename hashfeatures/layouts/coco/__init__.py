"""The layout of COCO: JSON files."""
