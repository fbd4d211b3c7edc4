"""Migrations, applied in order by ``schema.upgrade``."""
