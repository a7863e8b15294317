"""The demo: photos with planted copies, and what the library makes of them."""
