"""On disk: SQLAlchemy Core over SQLite or PostgreSQL. What is secret is sealed before it gets here."""
