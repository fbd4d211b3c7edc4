"""The CalDAV door: the protocol, without I/O, one file for each method; ``Backend`` says what it needs of the rest."""
