"""CALENDAR LINES: octets to content lines, components, values, zones and rules; one reader for every door."""
