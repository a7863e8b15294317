"""Two small pictures: whether they show the same, and how one maps onto the other."""
