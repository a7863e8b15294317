"""A radius from images: trials with edited copies, and the error rates they show."""
