"""The CalDAV door: the protocol, without I/O; ``Backend`` says what it needs of the rest."""
