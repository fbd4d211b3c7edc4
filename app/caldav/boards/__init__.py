"""The calendars behind the protocol: a User's gateways, and the feed scopes that DCC staff read."""
