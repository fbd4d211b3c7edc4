"""Notice in: hostile, vendor-shaped bytes become announcements and problems. No clock, no store, no network."""
