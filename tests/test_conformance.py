"""SC-90: docs/CONFORMANCE.md is what the program's own tables say."""

import re
from pathlib import Path

import pytest
from pydicom.datadict import keyword_for_tag
from typer.testing import CliRunner

from adapters.dimse import TRANSFER_SYNTAXES, storage_classes
from gateway.access import Role
from gateway.capabilities.transactions import PREFIX, TRANSACTIONS
from gateway.cli import app
from gateway.conformance.data import CREATED
from gateway.conformance.services import FAILURES, WARNINGS
from gateway.conformance.statement import ROLES, statement
from gateway.outputs import encode
from gateway.search.attributes import ALWAYS, COLUMNS
from gateway.settings import Settings
from standards.store_response import FailureReason, WarningReason
from tests.pictures import picture_result, ultrasound
from tests.series import ct_series, findings, heat_map, key_pixels, small_result

DOCUMENT = Path(__file__).parents[1] / "docs" / "CONFORMANCE.md"


@pytest.fixture(scope="module")
def text() -> str:
    return statement()


def test_sc_90_the_document_is_what_the_program_says_today(text):
    """SC-90."""
    told = "run `airgate conformance --out docs/CONFORMANCE.md`, and commit it with what changed"
    assert DOCUMENT.read_text("utf-8") == text, told


def test_sc_90_the_command_writes_it(tmp_path, text):
    """SC-90."""
    path = tmp_path / "statement.md"
    assert CliRunner().invoke(app, ["conformance", "--out", str(path)]).exit_code == 0
    assert path.read_text("utf-8") == text
    assert CliRunner().invoke(app, ["conformance"]).output == text


def test_sc_90_every_table_of_the_program_is_told(text):
    """SC-90."""
    for (method, path), one in TRANSACTIONS.items():
        assert f"| {method} | `{PREFIX}{path.replace(':path', '')}` | {one.name} |" in text
        for media_type in (*one.request, *one.response):
            assert media_type in text
        for status in one.statuses:
            assert f"| {status} (" in text
    for uid in (*storage_classes(), *TRANSFER_SYNTAXES):
        assert f"`{uid}`" in text
    for name in Settings.model_fields:
        assert f"| `AIRGATE_{name.upper()}` |" in text
    for tags in (*COLUMNS.values(), *ALWAYS.values()):
        for tag in tags:
            assert keyword_for_tag(int(tag, 16)) in text
    for reason in (*FailureReason, *WarningReason):
        assert f"| {reason:04X}H | {reason.value} |" in text


def test_every_reason_and_role_is_explained():
    assert set(FAILURES) == set(FailureReason)
    assert set(WARNINGS) == set(WarningReason)
    assert set(ROLES) == set(Role)


def test_the_sop_classes_created_are_those_that_a_result_is_written_as():
    source = ct_series()
    result = small_result(source, [*findings(), heat_map()])
    coloured = picture_result([ultrasound()])
    objects = [
        *encode(result, lambda _: key_pixels(result, source)),
        *encode(coloured, lambda _: pytest.fail("it has no key image")),
    ]
    assert {str(one.dataset.SOPClassUID) for one in objects} == set(CREATED)


def test_its_contents_lead_to_its_sections(text):
    anchors = re.findall(r"\]\(#([^)]+)\)", text)
    headings = re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    assert len(anchors) > 20
    assert set(anchors) <= made
