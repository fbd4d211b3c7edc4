"""The addresses of feeds, and the log of who read them."""
