"""Rows that another process may insert at the same time, on SQLite and PostgreSQL alike."""

from sqlalchemy.dialects.postgresql import Insert as InsertPostgresql
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import Insert as InsertSqlite
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from gateway.store.tables import Base


def insert_missing(session: Session, table: type[Base]) -> InsertSqlite | InsertPostgresql:
    """An INSERT that passes over the rows that are there already."""
    if session.get_bind().dialect.name == "sqlite":
        return insert_sqlite(table).on_conflict_do_nothing()
    return insert_postgresql(table).on_conflict_do_nothing()
