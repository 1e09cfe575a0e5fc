"""The page about the API: printed from the OpenAPI document, with nothing from elsewhere."""

import re

from starlette.testclient import TestClient

from gateway.app import create_app

TOKEN = "a-token-for-tests"


def test_every_operation_of_the_openapi_document_stands_on_the_page(parts):
    app = create_app(parts, TOKEN)
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        page = client.get("/api/docs")
        document = client.get("/api/openapi.json").json()
    assert page.status_code == 200
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
    printed = re.findall(r'method-(\w+)">\w+</span> <code>([^<]+)</code>', page.text)
    expected = {(method, path) for path, item in document["paths"].items() for method in item}
    assert set(printed) == expected
    assert "application/zip" in page.text  # POST /api/v1/models
