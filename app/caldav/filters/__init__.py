"""Filters of calendar-query: read from XML, and held against a member."""
