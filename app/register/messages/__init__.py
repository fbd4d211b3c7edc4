"""Who is told of what: recipients, the outbox, and what a message may say when it leaves."""
