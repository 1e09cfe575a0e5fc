"""What all tables are made of."""

from typing import Annotated

from sqlalchemy import BigInteger, Integer, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, bytes: LargeBinary}  # noqa: RUF012 (SQLAlchemy reads it)


# Text that is searched by ranges and prefixes: compared by code point, whatever the language that
# a PostgreSQL database was made for.
Key = Annotated[str, mapped_column(Text().with_variant(Text(collation="C"), "postgresql"))]
Large = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]
