"""Pages for people: what is closed, the closures, and under each folder what belongs together."""
