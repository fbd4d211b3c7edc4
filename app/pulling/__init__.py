"""PULLING: a User's own calendar is read once; whether it is due is for app.jobs to know."""
