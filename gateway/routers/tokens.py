"""Tokens: made, listed and revoked by administrators."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, model_validator

from gateway.access import Role, administrators_only
from gateway.deps import services
from gateway.store.tables import TokenRow
from gateway.tokens import Tokens

router = APIRouter(
    prefix="/api/v1/tokens", tags=["tokens"], dependencies=[Depends(administrators_only)]
)


class TokenOrder(BaseModel):
    """expires_in_seconds: unset = the token is good until it is revoked."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$")
    role: Role = Role.USER
    patient_id: str | None = Field(default=None, min_length=1, max_length=64)
    expires_in_seconds: float | None = Field(default=None, gt=0, le=10 * 366 * 86400)

    @model_validator(mode="after")
    def _patient_for_patients_only(self) -> "TokenOrder":
        if (self.role is Role.PATIENT) != (self.patient_id is not None):
            raise ValueError("patient_id goes with the role `patient`, and only with it")
        return self


class TokenView(BaseModel):
    """Times are seconds since the epoch, UTC."""

    name: str
    role: Role
    patient_id: str | None
    created_at: float
    expires_at: float | None


class NewToken(TokenView):
    token: str = Field(description="told this once; only its hash is kept")


def _tokens(request: Request) -> Tokens:
    return Tokens(services(request).database)


TokensOf = Annotated[Tokens, Depends(_tokens)]


@router.post("", status_code=201)
def make(order: TokenOrder, tokens: TokensOf) -> NewToken:
    seconds = order.expires_in_seconds
    expires_at = None if seconds is None else time.time() + seconds
    row, token = tokens.make(order.name, order.role, order.patient_id, expires_at)
    return NewToken(**_view(row).model_dump(), token=token)


@router.get("")
def every_token(tokens: TokensOf) -> list[TokenView]:
    return [_view(row) for row in tokens.all()]


@router.delete("/{name}", status_code=204)
def revoke(name: str, tokens: TokensOf) -> None:
    """The token, and browser sessions made from it, open nothing within seconds."""
    tokens.revoke(name)


def _view(row: TokenRow) -> TokenView:
    return TokenView.model_validate(row, from_attributes=True)
