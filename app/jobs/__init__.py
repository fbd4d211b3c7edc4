"""Unasked work: what the scheduler does by itself, each job safe to run twice."""
