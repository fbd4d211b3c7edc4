"""The reports: members, what changed, busy times, and who is who."""
