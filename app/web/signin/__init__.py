"""Signing in: password or link, second factor, the organisation's own provider, and the session after it."""
