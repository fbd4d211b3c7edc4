"""Properties of places: live ones, privileges, and what principals set themselves."""
