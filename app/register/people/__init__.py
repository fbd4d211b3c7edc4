"""Who takes part and who signs in: Users, gateways, accounts, app passwords."""
