"""Properties of places and members: the live ones, how members are shown, and the rows that answers give them in."""
