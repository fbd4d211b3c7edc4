"""Requests as they arrive: whole before a thread of the web server sees them (ADR 31)."""
