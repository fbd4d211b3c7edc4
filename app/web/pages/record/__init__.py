"""The record by page: what changed, what was late, who read it, and whether it is whole."""
