"""The schema's steps: a fresh catalog, an older one brought up to date, a newer one refused."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from facesort.catalog import migrations
from facesort.catalog.connection import CATALOG_NAME
from facesort.catalog.migrations import MIGRATIONS, Migration, applied, migrate, pending
from facesort.catalog.opening import open_database
from facesort.errors import SchemaTooNew

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"


def _connect(path: Path | str = ":memory:") -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


def _schema(connection: sqlite3.Connection) -> str:
    """Return the statements that make the catalog, in the form of tests/schemas."""
    statements = connection.execute(
        """SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
           ORDER BY type != 'table', type, name"""
    )
    return "".join(f"{sql};\n" for (sql,) in statements)


def _released(number: int) -> str:
    return (SCHEMAS / f"schema-{number}.sql").read_text("utf-8")


def _make_released(path: Path, number: int) -> None:
    """Make a catalog as the facesort of that schema left it, with a name given and undone."""
    with _connect(path) as old:
        old.executescript(_released(number))
        for step in range(1, number + 1):
            old.execute("INSERT INTO migrations VALUES (?, 'as released', '2026-01-01')", (step,))
        old.execute("INSERT INTO meta VALUES ('library_id', 'the same one')")
        old.execute("INSERT INTO people VALUES ('p1234567', NULL, '2026-01-01')")
        old.execute("INSERT INTO names (text) VALUES ('Anna')")
        old.execute("INSERT INTO decisions VALUES (1, '2026-01-01', 'name', 1, NULL)")
        old.execute("INSERT INTO decision_people VALUES (1, 0, 'p1234567')")
        old.execute("INSERT INTO decisions VALUES (2, '2026-01-02', 'undo', NULL, 1)")


@pytest.fixture
def one_more_step(monkeypatch: pytest.MonkeyPatch) -> Migration:
    step = Migration(
        len(MIGRATIONS) + 1,
        "a later one",
        ("ALTER TABLE photos ADD COLUMN rating INTEGER", "CREATE TABLE later (x TEXT) STRICT"),
    )
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, step))
    return step


def test_steps_are_numbered_from_one_without_gaps():
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_a_fresh_catalog_has_the_schema_that_is_written_down():
    with _connect() as fresh:
        assert migrate(fresh) == [step.number for step in MIGRATIONS]
        assert _schema(fresh) == _released(len(MIGRATIONS))


def test_the_written_schema_can_be_run_and_gives_itself_back():
    with _connect() as made:
        made.executescript(_released(1))
        assert _schema(made) == _released(1)


def test_every_released_schema_has_its_file():
    assert {path.name for path in SCHEMAS.glob("*.sql")} == {
        f"schema-{step.number}.sql" for step in MIGRATIONS
    }


def test_looking_for_pending_steps_changes_nothing():
    with _connect() as empty:
        assert applied(empty) == []
        assert pending(empty) == list(MIGRATIONS)
        assert _schema(empty) == ""


def test_a_second_run_has_nothing_to_do():
    with _connect() as fresh:
        migrate(fresh)
        before = list(fresh.iterdump())
        assert migrate(fresh) == []
        assert list(fresh.iterdump()) == before


@pytest.mark.parametrize("number", [step.number for step in MIGRATIONS])
def test_every_released_schema_becomes_the_present_one_and_keeps_what_the_user_said(
    tmp_path, number
):
    _make_released(tmp_path / CATALOG_NAME, number)
    database = open_database(tmp_path, create=False)
    try:
        assert database.rows("SELECT text FROM names") == [("Anna",)]
        assert database.rows("SELECT id, verdict, target FROM decisions") == [
            (1, "name", None),
            (2, "undo", 1),
        ]
        assert database.meta("library_id") == "the same one"
    finally:
        database.close()
    with _connect(tmp_path / CATALOG_NAME) as migrated:
        assert sorted(_schema(migrated).split(";\n")) == sorted(
            _released(len(MIGRATIONS)).split(";\n")
        )


def test_a_later_step_runs_on_an_old_catalog_and_keeps_what_the_user_said(tmp_path, one_more_step):
    _make_released(tmp_path / CATALOG_NAME, 1)
    open_database(tmp_path, create=False).close()
    with _connect(tmp_path / CATALOG_NAME) as migrated:
        assert applied(migrated) == list(range(1, one_more_step.number + 1))
        assert migrated.execute("SELECT text FROM names").fetchall() == [("Anna",)]
        assert migrated.execute("SELECT rating FROM photos").fetchall() == []
    with _connect() as fresh:
        migrate(fresh)
        with _connect(tmp_path / CATALOG_NAME) as migrated:
            assert _schema(fresh) == _schema(migrated)


def test_a_catalog_is_copied_before_a_later_step_touches_it(tmp_path, one_more_step):
    _make_released(tmp_path / CATALOG_NAME, 1)
    open_database(tmp_path, create=False).close()
    (backup,) = tmp_path.glob("catalog-schema1-*.backup.db")
    assert backup.stat().st_mode & 0o777 == 0o600
    with _connect(backup) as copy:
        assert applied(copy) == [1]
        assert _schema(copy) == _released(1)
        assert copy.execute("SELECT text FROM names").fetchall() == [("Anna",)]


def test_an_up_to_date_or_a_new_catalog_is_not_copied(tmp_path):
    open_database(tmp_path, create=True).close()
    open_database(tmp_path, create=False).close()
    assert not list(tmp_path.glob("*.backup.db"))


def test_a_step_that_fails_leaves_the_catalog_as_it_was(tmp_path, monkeypatch):
    newest = len(MIGRATIONS)
    _make_released(tmp_path / CATALOG_NAME, newest)
    broken = Migration(newest + 1, "broken", ("CREATE TABLE half (x)", "CREATE TABLE photos (y)"))
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(sqlite3.OperationalError, match="photos already exists"):
        open_database(tmp_path, create=False)
    with _connect(tmp_path / CATALOG_NAME) as kept:
        assert applied(kept) == list(range(1, newest + 1))
        assert _schema(kept) == _released(newest)


def test_a_full_disk_during_a_step_is_reported_as_such_and_rolled_back():
    filling = Migration(
        1,
        "too large",
        ("CREATE TABLE big (x BLOB)", "INSERT INTO big VALUES (zeroblob(100000))"),
    )
    with _connect() as small, pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (filling,))
        small.execute("PRAGMA max_page_count = 8")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            migrate(small)
        assert not small.in_transaction
        assert _schema(small) == ""


def test_a_catalog_of_a_newer_facesort_is_refused_and_not_changed(tmp_path):
    open_database(tmp_path, create=True).close()
    with _connect(tmp_path / CATALOG_NAME) as newer:
        newer.execute("INSERT INTO migrations VALUES (99, 'from the future', '2030-01-01')")
        before = list(newer.iterdump())
    with pytest.raises(SchemaTooNew, match="schema 99") as refused:
        open_database(tmp_path, create=False)
    assert refused.value.exit_code == 13
    assert "Update facesort" in refused.value.hint
    with _connect(tmp_path / CATALOG_NAME) as newer:
        assert list(newer.iterdump()) == before
