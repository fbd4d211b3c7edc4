"""The calendars behind the protocol: one board, over a User's gateways or the feed scopes that DCC staff read."""
