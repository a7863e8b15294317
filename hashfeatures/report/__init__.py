"""What people look at: one summary of plain values, and the page and the text that show it."""
