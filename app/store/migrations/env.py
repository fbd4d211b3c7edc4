"""Alembic's entry: it migrates over the connection that ``schema.upgrade`` hands in, in that one transaction."""

from alembic import context

from app.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
