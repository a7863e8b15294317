"""The layout of YOLO, as Ultralytics reads it."""
