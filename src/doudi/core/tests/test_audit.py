"""Access records stay when the request is rolled back; their seals show every later change."""

import ast
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from doudi.core import access_words, audit, home, worker
from doudi.core import scope as scopes
from doudi.core.lists import ListPage
from doudi.core.models import AccessRecord, AccessSeal
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, client_of, officer

PROVINCE = scopes.Scope(area="41", page="worker")


@pytest.fixture(autouse=True)
def _notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "note_file", lambda: tmp_path / "seals.json")


def _record(scope: scopes.Scope, number: int = 1, **more: Any) -> None:
    with scopes.acting(scope):
        audit.record_access(what="reveal", subject="person", subject_id=number, area=VILLAGE, field="id_number", **more)


def _seal(later: timedelta = timedelta(minutes=5)) -> int:
    with scopes.acting(PROVINCE):
        return audit.seal_access_records(timezone.now() + later)


def _count(scope: scopes.Scope) -> int:
    """Records of one officer: those of other tests were committed and stay until the database is made anew."""
    with scopes.acting(PROVINCE):
        return AccessRecord.objects.filter(account_id=scope.account_id).count()


def test_a_record_stays_when_the_request_is_rolled_back(committed_db: None) -> None:
    scope = officer("township_officer", TOWNSHIP)
    with pytest.raises(RuntimeError), scopes.acting(scope):
        audit.record_access(what="reveal", subject="person", subject_id=1, area=VILLAGE, field="phone")
        raise RuntimeError
    assert _count(scope) == 1


def test_a_record_names_officer_posting_and_page(committed_db: None) -> None:
    scope = officer("township_officer", TOWNSHIP)
    _record(scope, reason="核对")
    with scopes.acting(PROVINCE):
        row = AccessRecord.objects.get(account_id=scope.account_id)
    assert (row.account_id, row.posting_id, row.page, row.area, row.reason) == (scope.account_id, scope.posting_id, "test", VILLAGE, "核对")


def test_the_application_cannot_change_or_delete_records_and_seals(committed_db: None) -> None:
    _record(officer("township_officer", TOWNSHIP))
    with scopes.acting(PROVINCE):
        # all earlier work of this database has committed, so a time ahead seals at once
        audit.seal_access_records(timezone.now() + timedelta(minutes=5))
    for statement in (
        "update core_accessrecord set field = 'x'",
        "delete from core_accessrecord",
        "update core_accessseal set records = 0",
        "delete from core_accessseal",
    ):
        with pytest.raises(Exception, match="permission denied"), scopes.acting(PROVINCE), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def _verdict() -> audit.Verdict:
    with scopes.acting(PROVINCE):
        return audit.verify_seals()


@pytest.fixture
def nothing_recorded(committed_db: None, owner_connection: Any) -> Any:
    """The owner's connection to a database without records: those of tests that were rolled back were committed all the same."""
    owner_connection.execute("delete from core_accessseal; delete from core_accessrecord")
    return owner_connection


@pytest.fixture
def sealed(nothing_recorded: Any) -> Any:
    """Two seals over five records; the owner's connection, which may tamper."""
    owner_connection = nothing_recorded
    scope = officer("township_officer", TOWNSHIP)
    for number in (1, 2, 3):
        _record(scope, number)
    owner_connection.execute("update core_accessrecord set at = at - interval '10 minutes'")
    with scopes.acting(PROVINCE):
        assert audit.seal_access_records(timezone.now()) == 3
    for number in (4, 5):
        _record(scope, number)
    owner_connection.execute("update core_accessrecord set at = at - interval '5 minutes' where subject_id > 3")
    with scopes.acting(PROVINCE):
        assert audit.seal_access_records(timezone.now()) == 2
    verdict = _verdict()
    assert (verdict.seals, verdict.records, verdict.problems) == (2, 5, [])
    return owner_connection


@pytest.mark.parametrize(
    "tampering",
    [
        "update core_accessrecord set account_id = 0 where subject_id = 2",
        "update core_accessrecord set at = at + interval '1 microsecond' where subject_id = 4",
        "delete from core_accessrecord where subject_id = 3",
        "delete from core_accessrecord where subject_id = 1",
        "delete from core_accessseal where first_id = (select min(first_id) from core_accessseal)",
        "update core_accessseal set records = records - 1 where first_id = (select min(first_id) from core_accessseal)",
    ],
)
def test_tampering_is_found(sealed: Any, tampering: str) -> None:
    sealed.execute(tampering)
    assert _verdict().problems


@pytest.mark.parametrize(
    "cutting",
    [
        "delete from core_accessseal where last_id = (select max(last_id) from core_accessseal)",
        "delete from core_accessseal; delete from core_accessrecord",
    ],
)
def test_a_chain_whose_end_was_cut_off_is_found(sealed: Any, cutting: str) -> None:
    sealed.execute(cutting)
    assert "末段" in _verdict().problems[0]
    _record(officer("township_officer", TOWNSHIP), 9)
    _seal()
    assert "末段" in _verdict().problems[0], "what is sealed afterwards does not hide it"
    audit.note_file().unlink()
    assert _verdict().problems == [], "the chain alone does not show it"


def test_a_note_of_another_database_says_nothing_about_this_one(sealed: Any) -> None:
    noted = home.read_private(audit.note_file())
    home.write_private(audit.note_file(), noted | {"database": "another", "digest": "00"})
    assert _verdict().problems == []
    home.write_private(audit.note_file(), noted | {"digest": "00"})
    assert _verdict().problems


def test_a_record_slipped_into_a_sealed_range_is_found(sealed: Any) -> None:
    sealed.execute("delete from core_accessrecord where subject_id = 3")
    sealed.execute(
        "insert into core_accessrecord (id, area, account_id, posting_id, what, subject, subject_id, field, reason, page)"
        " overriding system value select last_id, '41', 1, 1, 'open', 'person', 3, '', '', '' from core_accessseal order by first_id limit 1"
    )
    assert _verdict().problems


def test_a_record_still_open_when_others_are_sealed_is_sealed_later(nothing_recorded: Any) -> None:
    scope = officer("township_officer", TOWNSHIP)
    with scopes.acting(scope), connection.cursor() as cursor:
        cursor.execute("select pg_current_xact_id()")
        audit.record_access(what="reveal", subject="person", subject_id=1, area=VILLAGE)
        results: list[int] = []

        def other() -> None:
            results.append(_seal())
            connections.close_all()

        thread = Thread(target=other)
        thread.start()
        thread.join()
        assert results == [0], "this transaction is older and could still write an earlier record"
    assert _seal() == 1


def test_two_sealers_make_no_fork(sealed: Any) -> None:
    with scopes.acting(PROVINCE), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [audit.LOCK])
        results: list[int] = []

        def other() -> None:
            results.append(_seal())
            connections.close_all()

        thread = Thread(target=other)
        thread.start()
        thread.join()
        assert results == [0]
    with pytest.raises(IntegrityError), scopes.acting(PROVINCE):
        first = AccessSeal.objects.order_by("first_id").first()
        AccessSeal.objects.create(first_id=first.first_id, last_id=99, records=1, previous=b"", digest=b"x", sealed_at=timezone.now())


def test_the_auditor_sees_records_of_the_own_area_only(committed_db: None) -> None:
    _record(officer("township_officer", TOWNSHIP), 37)
    page = client_of(officer("auditor", COUNTY)).get("/audit/").content.decode()
    assert "人员 37" in page and "身份证号" in page and "id_number" not in page, "words, not codes"
    assert "身份证号" not in client_of(officer("auditor", "410102")).get("/audit/").content.decode()
    assert client_of(officer("township_officer", TOWNSHIP)).get("/audit/").status_code == 403


def test_a_clock_that_a_demo_set_back_leaves_no_record_unsealed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []
    monkeypatch.setattr(worker.timezone, "now", lambda: datetime(2022, 12, 9, 9, tzinfo=UTC))
    monkeypatch.setattr(worker.audit, "seal_access_records", asked.append)
    worker.keep_house()
    assert abs(asked[0] - datetime.now(UTC)) < timedelta(minutes=1), "records bear the database's time"


def test_every_kind_of_record_has_words_for_the_auditor() -> None:
    import_module(settings.ROOT_URLCONF)  # every room's lists are there
    found, asked = set(), [ListPage]
    while asked:
        page = asked.pop()
        asked += page.__subclasses__()
        if page.__module__.startswith("doudi.") and ".tests." not in page.__module__ and page.exports and page is not ListPage:
            found.add(page.subject or page.__name__.lower())
    for file in (Path(audit.__file__).parents[1]).rglob("*.py"):
        text = "" if "tests" in file.parts else file.read_text()
        for call in ast.walk(ast.parse(text)) if "record_access" in text else ():
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) == "record_access":
                found |= {str(given.value.value) for given in call.keywords if given.arg == "subject" and isinstance(given.value, ast.Constant)}
    assert len(found) > 60 and found - set(access_words.SUBJECTS) == set()
