"""Who may call."""

from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base


class TokenRow(Base):
    """A bearer token beside the administrator's own. Only its hash is kept."""

    __tablename__ = "tokens"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    patient_id: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[float]
    expires_at: Mapped[float | None] = mapped_column(default=None)
