"""What a planned closure is. Standard library only; no I/O, no clock read: ``now`` is always an argument."""
