"""From any source to what workers read."""
