"""Versions of the rule set, on both databases."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from gateway.errors import Conflict, Unprocessable
from gateway.routing import versions
from gateway.routing.rules import Rule
from gateway.routing.versions import Change, RulesChanged
from gateway.store.database import Database
from gateway.store.migrate import MIGRATIONS, migrate
from gateway.store.tables import RuleVersionRow

A, B, C = (Rule(name=name, run="lung_ct") for name in "abc")


def put(database: Database, *rules: Rule, based_on: int | None = None) -> versions.RuleSet:
    with database.write() as session:
        order = Change("alice", "put", based_on)
        return versions.change(session, order, lambda _: list(rules), lambda _: "")


def take_over(database: Database, *rules: Rule) -> versions.RuleSet:
    with database.write() as session:
        return versions.take_over(session, list(rules))


def test_each_change_is_a_version_with_who_and_when_and_no_change_is_none(database):
    put(database, A)
    put(database, A)
    put(database, A, B)

    with database.read() as session:
        rows = versions.versions(session, 10)
        assert [(row.number, row.changed_by) for row in rows] == [(2, "alice"), (1, "alice")]
        assert rows[0].at >= rows[1].at > 0
        assert versions.rules_in(rows[1]) == [A]
        assert versions.in_force(session) == versions.RuleSet(2, (A, B))
        assert [row.number for row in versions.versions(session, 10, before=2)] == [1]


def test_the_file_is_taken_over_when_it_changed_and_leaves_the_rules_of_others(database):
    assert take_over(database, A, B).version == 1
    put(database, A, C)  # b was deleted, c added

    assert take_over(database, A, B) == versions.RuleSet(2, (A, C))  # the file says the same
    changed = B.model_copy(update={"description": "changed"})
    assert take_over(database, changed) == versions.RuleSet(3, (changed, C))  # a is gone from it


def test_a_change_made_from_an_older_version_is_refused(database):
    put(database, A)
    put(database, B, based_on=1)

    with pytest.raises(RulesChanged, match="at version 2"):
        put(database, C, based_on=1)


def test_of_two_changes_that_meet_one_is_refused(database):
    put(database, A)

    def meanwhile(rules: list[Rule]) -> list[Rule]:
        row = session.get(RuleVersionRow, 1)
        assert row is not None
        copy = {"at": 1.0, "changed_by": "bob", "change": "put", "rules": row.rules}
        session.add(RuleVersionRow(number=2, **copy))
        session.flush()
        session.expunge_all()
        return [*rules, B]

    with pytest.raises(Conflict, match="somebody else"), database.write() as session:
        versions.change(session, Change("alice", "put"), meanwhile, lambda _: "")


def test_a_new_rule_wants_a_registered_model_and_an_old_one_keeps_its_place(database):
    put(database, A)
    with database.write() as session:
        order = Change("alice", "moved")
        versions.change(session, order, lambda rules: rules[::-1], _lacks)
        with pytest.raises(Unprocessable, match="lung_ct"):
            versions.change(session, order, lambda rules: [*rules, B], _lacks)


def _lacks(rule: Rule) -> str:
    return f"no model {rule.run} is registered"


def test_more_rules_than_a_set_may_have_are_refused(database):
    many = [Rule(name=f"r{n}", run="lung_ct") for n in range(1001)]

    with pytest.raises(Unprocessable, match="1001 rules"):
        put(database, *many)


def test_rules_of_a_database_before_versions_are_its_first_version(database_url):
    database = Database(database_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0010")
        connection.execute(
            text("INSERT INTO rules VALUES (:name, :at, :body, :origin, 1.0)"),
            [
                {"name": rule.name, "at": at, "body": rule.model_dump_json(), "origin": origin}
                for at, rule, origin in ((2, A, "file"), (1, B, "api"))
            ],
        )
    migrate(database)

    with database.read() as session:
        assert versions.in_force(session) == versions.RuleSet(1, (B, A))
    assert take_over(database, C).rules == (C, B)
    database.close()
