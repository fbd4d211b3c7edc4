"""Keys: what seals, finds and signs. The only package that imports ``cryptography``."""
