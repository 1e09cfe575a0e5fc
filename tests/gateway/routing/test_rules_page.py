"""The rules page: in a browser, as an administrator and a user would, and what it refuses."""

import pytest
from playwright.sync_api import Page, expect

from gateway.access import Role
from gateway.routing.versions import in_force
from gateway.tokens import Tokens
from tests.browser import chromium, new_page
from tests.gateway.routing_example import TOKEN, laboratory
from tests.serving import served

DRAFT = """\
- name: other
  run: other
  when: [{attribute: SeriesDescription, equals: thick}]
- name: ct
  run: counts
  priority: HIGH
  when: [{attribute: Modality, equals: CT}]
"""


@pytest.fixture
def client(parts):
    return laboratory(parts)


def sign_in(page: Page, root: str, token: str = TOKEN) -> None:
    page.goto(f"{root}/ui/rules")
    page.fill("#token", token)
    page.click("main button")
    page.wait_for_url(f"{root}/ui/rules")


@pytest.mark.browser
def test_an_administrator_edits_tries_and_makes_live(client, parts):
    complaints: list[str] = []
    with served(client.app) as root, chromium() as browser:  # type: ignore[arg-type]
        page = new_page(browser)
        page.on("console", lambda message: complaints.append(message.text))
        sign_in(page, root)
        assert "Modality" in page.input_value("#text")

        page.fill("#text", DRAFT)
        page.click("text=Try it")
        expect(page.get_by_role("heading", name="What would change")).to_contain_text("3 would run")
        expect(page.locator("tr.change-added")).to_have_count(3)
        expect(page.locator("tr.change-changed")).to_have_count(3)
        page.locator("summary").first.click()
        expect(page.get_by_text("scout: rule other: not SeriesDescription").first).to_be_visible()
        with parts.database.read() as session:
            assert in_force(session).version == 1

        page.click("text=Make it live")
        page.wait_for_url(f"{root}/ui/rules")
        expect(page.locator("h1")).to_contain_text("version 2 is in force")
        page.click("table a >> text='1'")
        assert "other" not in page.input_value("#text")
    with parts.database.read() as session:
        assert [rule.name for rule in in_force(session).rules] == ["other", "ct"]
    assert [text for text in complaints if "Content Security Policy" in text] == []


@pytest.mark.browser
def test_a_mistake_is_told_beside_the_draft_which_stays(client):
    with served(client.app) as root, chromium() as browser:  # type: ignore[arg-type]
        page = new_page(browser, 390, 844)
        sign_in(page, root)
        page.fill("#text", DRAFT.replace("SeriesDescription", "SeriesTitle"))
        page.click("text=Try it")
        expect(page.get_by_role("alert")).to_contain_text("unknown attribute 'SeriesTitle'")
        assert "SeriesTitle" in page.input_value("#text")
        page.fill("#text", DRAFT)
        page.click("text=Try it")
        expect(page.locator("tr.change-added").first).to_be_visible()
        wider_than_the_window = page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not wider_than_the_window


def test_a_user_may_try_but_not_make_live(client, parts):
    _, token = Tokens(parts.database).make("reader", Role.USER, None, None)
    client.headers["Authorization"] = f"Bearer {token}"
    draft = {"rules": DRAFT, "version": "1", "days": "7"}

    shown = client.get("/ui/rules").text
    tried = client.post("/ui/rules", data=draft)
    refused = client.post("/ui/rules", data=draft | {"action": "live"})

    assert "Make it live" not in shown
    assert tried.status_code == 200
    assert "would run" in tried.text
    assert refused.status_code == 403
    with parts.database.read() as session:
        assert in_force(session).version == 1


def test_rules_that_somebody_else_changed_are_not_overwritten(client):
    client.delete("/api/v1/rules/ct").raise_for_status()

    refused = client.post("/ui/rules", data={"rules": DRAFT, "version": "1", "action": "live"})

    assert refused.status_code == 412
    assert "the rules are at version 2" in refused.text


@pytest.mark.parametrize("field", [{"days": "3"}, {"offset": "-1"}, {"offset": "9" * 30}])
def test_fields_that_no_page_offers_are_refused(client, field):
    assert client.post("/ui/rules", data={"rules": DRAFT} | field).status_code == 400


def test_a_page_shows_markup_of_a_draft_as_text(client):
    answer = client.post("/ui/rules", data={"rules": "</textarea><script>alert(1)</script>"})

    assert "<script>alert" not in answer.text
    assert client.get("/ui/rules?version=99").status_code == 404
