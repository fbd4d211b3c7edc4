"""Connecting programs: app passwords, feeds, and the calendars that the scheduler reads."""
