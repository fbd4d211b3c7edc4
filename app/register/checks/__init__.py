"""What verification holds against what: the log, the entries, the acts, what stands, the calendars."""
