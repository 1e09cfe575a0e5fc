"""Chains of models: which work stands on which, and the findings that are kept for that."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base


class ChainLinkRow(Base):
    """A workitem takes the findings of another one; gateway/chains/links.py.

    input_name: as its model's card calls them.
    """

    __tablename__ = "chain_links"

    workitem_uid: Mapped[str] = mapped_column(
        ForeignKey("workitems.sop_instance_uid", ondelete="CASCADE"), primary_key=True
    )
    input_name: Mapped[str] = mapped_column(primary_key=True)
    earlier_uid: Mapped[str] = mapped_column(
        ForeignKey("workitems.sop_instance_uid", ondelete="CASCADE"), index=True
    )


class KeptFindingsRow(Base):
    """What a workitem found, for those that take it; gateway/chains/kept.py."""

    __tablename__ = "kept_findings"

    workitem_uid: Mapped[str] = mapped_column(
        ForeignKey("workitems.sop_instance_uid", ondelete="CASCADE"), primary_key=True
    )
    content: Mapped[bytes]  # standards/findings_file.py
