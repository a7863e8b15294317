"""Objects of near duplicates, matched after the alignment of the images."""
