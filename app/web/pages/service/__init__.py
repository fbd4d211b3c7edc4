"""Running the service by page: people, Users, rules, messages, keys, and DCC's own dates."""
