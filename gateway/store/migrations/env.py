"""Alembic's entry: it works on the connection that gateway/store/migrate.py hands over."""

from alembic import context

from gateway.store.tables import Base

# Made by migration 0003 in SQL of each database's own; no part of the tables' description.
_OWN = ("study_texts", "study_numbers")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    include_name=lambda name, _kind, _parents: not (name or "").startswith(_OWN),
)
context.run_migrations()
