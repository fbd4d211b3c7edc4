"""Feed out: values in, calendar bytes out. Imports nothing of ``app``, reads no clock, does no I/O."""
