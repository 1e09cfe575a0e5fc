"""What the OpenAPI document says of the DICOMweb services, out of the same table as OPTIONS."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from gateway.capabilities.transactions import PREFIX, TRANSACTIONS, Parameter, Transaction


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application, made once."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        for (method, path), transaction in TRANSACTIONS.items():
            template = (PREFIX + path).replace(":path", "")
            _describe(document["paths"][template][method.lower()], transaction)
        app.openapi_schema = document
    return app.openapi_schema


def _describe(operation: dict[str, Any], transaction: Transaction) -> None:
    operation["summary"] = transaction.name
    query = [_parameter(one) for one in transaction.query if not one.name.startswith("{")]
    operation["parameters"] = [*operation.get("parameters", ()), *query]
    if transaction.request:
        binary = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"content": dict.fromkeys(transaction.request, binary)}
    operation["responses"] = {
        str(status): _response(status, meaning, transaction)
        for status, meaning in transaction.statuses.items()
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if parameter.options:
        schema["examples"] = list(parameter.options)
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.meaning,
        "schema": schema,
    }


def _response(status: int, meaning: str, transaction: Transaction) -> dict[str, Any]:
    told: dict[str, Any] = {"description": f"{HTTPStatus(status).phrase}: {meaning}"}
    if status in (200, 206) and transaction.response:
        told["content"] = {media_type: {} for media_type in transaction.response}
    elif status >= 400:
        told["content"] = {"application/problem+json": {}}
    return told
