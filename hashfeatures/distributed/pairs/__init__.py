"""The near duplicates among hashed images, searched and confirmed in parts."""
