"""PULLING: a calendar of a User's or of DCC's own is read once; whether it is due is for app.jobs to know."""
