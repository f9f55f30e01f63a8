"""Rotation of the token key: the same numbers under another key, all or nothing, cut off anywhere (integrity.md, tokens)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import IntegrityError, connection, connections

from doudi.batch.synth import generate
from doudi.batch.tokens import TOKEN, Kind, TokenError
from doudi.core import keys, keystate, numbers, rotation
from doudi.core import scope as scopes
from doudi.core.home import SetupError, write_private
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.registry import loading
from doudi.registry.models import Fact, Membership, Person
from doudi.registry.services import correct_person, register_person
from doudi.registry.tests.helpers import VILLAGE, id_number

ON, NOW = date(2022, 11, 25), datetime(2022, 11, 25, 2, tzinfo=UTC)
COUNTY = scopes.Scope(area="410122")
LONG = "护照编号甲乙丙丁戊己庚辛"
STEPS = ["keys", "journal", "files", "registry_person", "before commit", "committed", "files in place", "switched"]

# uuid columns that are no tokens: identifiers that the system makes itself
IDENTIFIERS = {
    ("api_apicall", "request_id"), ("community_counsellingsession", "uuid"), ("community_printrun", "task"), ("community_printrun", "uuid"), ("complaints_complaint", "uuid"),
    ("core_attachment", "id"),
    ("core_taskprogress", "id"), ("core_taskprogress", "task_id"), ("discovery_call", "uuid"), ("discovery_linkagepair", "subject"), ("discovery_sweep", "key"),
    ("discovery_sweepevent", "uuid"), ("discovery_visit", "uuid"), ("discovery_visitconflict", "uuid"), ("discovery_visitdevice", "id"),
    ("django_tasks_database_dbtaskresult", "id"), ("django_tasks_db_dbtaskresult", "id"), ("enrolment_datacheck", "task_id"), ("institutions_groupaction", "key"),
    ("institutions_groupmeeting", "key"), ("institutions_request", "key"), ("institutions_requestdelivery", "key"), ("institutions_resident", "key"),
    ("institutions_stockmovement", "key"), ("institutions_taskgroup", "key"), ("institutions_transfer", "key"), ("needs_need", "uuid"), ("needs_needanswer", "uuid"),
    ("pghistory_context", "id"), ("portal_onlineapplication", "uuid"), ("portal_publicreport", "uuid"), ("protection_care", "uuid"), ("protection_caseassessment", "uuid"),
    ("protection_casecontact", "uuid"), ("protection_caseresource", "uuid"), ("protection_casereview", "uuid"), ("protection_counselling", "uuid"),
    ("protection_handover", "uuid"), ("protection_plangoal", "uuid"), ("protection_planservice", "uuid"), ("protection_protectioncase", "uuid"),
    ("protection_referral", "uuid"), ("protection_report", "uuid"), ("registry_fact", "evidence_id"), ("relief_casemeeting", "sitting"), ("relief_reliefcase", "key"),
    ("relief_vagrantcase", "key"), ("resources_acceptance", "key"), ("resources_donation", "key"), ("resources_donationallocation", "key"),
    ("resources_purchasedservice", "uuid"), ("resources_resource", "key"), ("resources_servicecontract", "key"),
    ("volunteering_activity", "key"), ("volunteering_call", "key"), ("volunteering_organisation", "key"), ("volunteering_servicerecord", "key"),
    ("volunteering_volunteer", "key"),
}  # fmt: skip
# what a CHECK constraint wants in a row that the test makes up
CHECKED: dict[str, dict[str, Any]] = {
    "payments_payrollline": {"kind": "regular", "month_entitled": date(2022, 11, 1), "amount": 100, "cause": None, "decision_id": 1},
    "enrolment_award": {"starts": date(2022, 12, 1)},
    "enrolment_authorisation": {"obligor_name": b"x"},
    "enrolment_payeechange": {"kind": "guardian", "state": "proposed", "person_id": None, "decided_by_id": None},
    "institutions_institution": {"risk": "", "risk_reasons": []},
    "institutions_resident": {"leaving": ""},
    "needs_needanswer": {"state": "offered"},
    "needs_need": {"state": "open", "taken": 0, "met": 0},
    "protection_care": {"kind": "living", "basis": "civil_34", "organiser": "civil_affairs", "state": "active", "outcome": ""},
    "portal_onlineapplication": {"state": "sent", "application_id": None, "handled_at": None, "handled_by_id": None},
    "portal_onlinemember": {"position": 0},
    "protection_protectioncase": {"state": "moved"},
    "protection_report": {"state": "waiting"},
    "payments_grant": {"month": date(2022, 12, 1)},
    "relief_reliefclaim": {"slot": 1, "until": date(2023, 11, 25), "year": 2022},
    "relief_vagrantcase": {"state": "staying", "leaving": ""},
    "resources_donation": {"kind": "goods"},
    "resources_purchasedservice": {"confirmed": ""},
    "resources_resource": {"to_area": "410122"},
    "volunteering_organisation": {"state": "pending"},
    "volunteering_volunteer": {"state": "pending"},
}
MADE_UP = {
    "uuid": str(uuid4()),
    "text": "x",
    "character varying": "x",
    "date": ON,
    "timestamp with time zone": NOW,
    "boolean": False,
    "numeric": 1,
    "jsonb": "{}",
    "bytea": b"",
    "ARRAY": [],
}

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county")
    generate("410122", 300, 5, folder, on=ON)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Path]:
    """A data folder of its own with the test's keys in a file; nobody is connected."""
    folder = tmp_path / "home"
    folder.mkdir()
    write_private(folder / "keys.json", json.loads(os.environ["DOUDI_KEYS"]))
    monkeypatch.setenv("DOUDI_HOME", str(folder))
    monkeypatch.delenv("DOUDI_KEYS")
    keys.forget()
    connections.close_all()
    yield folder
    connections.close_all()
    monkeypatch.undo()
    keys.forget()


def fill(superuser: str) -> None:
    """A row with tokens of people in every table that has none yet: future tables are filled too."""
    with psycopg.connect(superuser, autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")  # no foreign keys, no triggers
        person, account = admin.execute("select token, account from registry_person where account is not null limit 1").fetchone()  # type: ignore[misc]
        with connections["owner"].cursor() as cursor:
            tables = rotation.token_tables(cursor)
        for table in tables:
            if admin.execute(f"select exists(select from {table.name})").fetchone() == (True,):
                continue
            columns = admin.execute(
                "select column_name, data_type from information_schema.columns where table_schema = 'doudi' and table_name = %s"
                " and is_nullable = 'NO' and column_default is null and is_identity = 'NO'",
                [table.name],
            ).fetchall()
            row = {name: MADE_UP.get(kind, 1) for name, kind in columns} | {name: COUNTY.area for name, _ in columns if name == "area"}
            row |= CHECKED.get(table.name, {}) | {name: person if "token" in name else account for name in table.tokens}
            named = ", ".join(f'"{name}"' for name in row)
            admin.execute(f"insert into {table.name} ({named}) values ({', '.join(['%s'] * len(row))})", list(row.values()))


@pytest.fixture
def filled(home: Path, county: Path, test_database: Any) -> Path:
    """People, facts and their history of a synthetic county, a row in each other table of tokens, two files in the lake."""
    with scopes.acting(COUNTY):
        loading.load_area(county, on=ON, now=NOW)
        Person.objects.filter(phone__isnull=False).update(bank="BANK")
    connections.close_all()
    fill(test_database.server.conninfo("superuser", test_database.name))
    folder = home / "lake" / "deaths" / "2022-11"
    folder.mkdir(parents=True)
    with psycopg.connect(test_database.server.conninfo("owner", test_database.name)) as owner:
        tokens = [token.bytes for (token,) in owner.execute("select token from registry_person order by id").fetchall()]
    for name in ("a", "b"):
        pq.write_table(pa.table({"row": range(len(tokens)), "id_token": pa.array(tokens, TOKEN)}), folder / f"{name}.parquet")
        entry = {"dataset": "deaths", "period": "2022-11", "delivery": name, "sha256": name, "accepted": 1, "rejected": 0, "ignored": 0, "name": name}
        entry |= {"parquet": f"deaths/2022-11/{name}.parquet", "original": "o"}
        (folder / f"{name}.json").write_text(json.dumps(entry))
    connections.close_all()
    return home


def everything(test_database: Any, home: Path) -> dict[str, Any]:
    """Every token of the database and the lake, read back with the key in use; the numbers themselves, in the order of the rows."""
    found: dict[str, Any] = {}
    key = numbers.token_key()
    with psycopg.connect(test_database.server.conninfo("owner", test_database.name)) as owner:
        tables = {
            (table, column)
            for table, column in owner.execute(
                "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped"
                " where c.relnamespace = 'doudi'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.atttypid = 'uuid'::regtype"
            ).fetchall()
        } - IDENTIFIERS
        for table, column in sorted(tables):
            order = "pgh_id" if table.endswith("event") and "history" in table else "id"
            tokens = [row[0] for row in owner.execute(f"select {column} from {table} order by {order}").fetchall()]
            texts = key.open_many(pa.array([None if each is None else each.bytes for each in tokens], TOKEN))[1].to_pylist()
            assert [text is None for text in texts] == [each is None for each in tokens]
            found[f"{table}.{column}"] = texts
    for path in sorted((home / "lake").rglob("*.parquet*")):
        found[path.name] = key.open_many(pq.read_table(path)["id_token"])[1].to_pylist()
    return found


def version_in_use(test_database: Any) -> int:
    with psycopg.connect(test_database.server.conninfo("owner", test_database.name)) as owner:
        return owner.execute("select token_version from core_keystate").fetchone()[0]  # type: ignore[index]


def test_every_uuid_column_of_the_catalogue_is_a_token_or_a_known_identifier(db: None) -> None:
    with connection.cursor() as cursor:
        tokens = {(table.name, column) for table in rotation.token_tables(cursor) for column in table.tokens}
        cursor.execute(
            "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped"
            " where c.relnamespace = 'doudi'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.atttypid = 'uuid'::regtype"
        )
        assert set(cursor.fetchall()) - IDENTIFIERS == tokens
    assert {("registry_person", "token"), ("registry_personhistoryevent", "phone"), ("payments_payrollline", "account")} <= tokens
    assert not tokens & IDENTIFIERS


def test_all_numbers_stay_the_same_and_all_tokens_change(filled: Path, test_database: Any) -> None:
    before, lines = everything(test_database, filled), []
    assert all(any(column) for column in before.values()), "every column of tokens has at least one"
    with scopes.acting(COUNTY):
        old = Person.objects.order_by("pk").first()
    done = rotation.rotate(now=NOW, after=lines.append)
    assert lines[-3:] == STEPS[-3:] and done.version == 2 == version_in_use(test_database) and done.files == 2 and not done.missing
    assert done.rows["registry_person"] == len(before["registry_person.token"])
    assert keys.load()["token"].current == 2 and keys.load()["text"].current == 2
    # rows, numbers, history: nothing came, nothing went, no file is left over
    assert everything(test_database, filled) == before
    assert not list(filled.rglob("*.k2")) and not keystate.journal().exists()
    with scopes.acting(COUNTY):
        same = Person.objects.get(token=numbers.id_token(keys.token_key(1).open(old.token)[1]))
        assert same.pk == old.pk and same.token != old.token
        with pytest.raises(TokenError):
            numbers.plain(old.token)
        assert not Person.objects.filter(token=old.token).exists()
        assert Fact.objects.exclude(token=None).exists()


def test_what_was_encrypted_still_opens_and_what_is_new_has_the_new_text_key(filled: Path) -> None:
    sealed = keys.seal_text("住址")
    rotation.rotate(now=NOW)
    assert keys.open_text(sealed) == "住址" and keys.seal_text("住址")[:2] == b"\x00\x02" and sealed[:2] == b"\x00\x01"


def test_the_sealing_key_never_rotates(filled: Path) -> None:
    before = keys.sealing_digest("41012219500203101X"), keys.django_secret()
    rotation.rotate(now=NOW)
    assert (keys.sealing_digest("41012219500203101X"), keys.django_secret()) == before


def test_constraints_and_triggers_hold_afterwards(filled: Path) -> None:
    rotation.rotate(now=NOW)
    with scopes.acting(COUNTY):
        first, second = Person.objects.order_by("pk")[:2]
        membership = Membership.objects.first()
    with pytest.raises(IntegrityError, match="token"), scopes.acting(COUNTY):
        Person.objects.filter(pk=second.pk).update(token=first.token)
    with pytest.raises(IntegrityError, match="membership_one_household"), scopes.acting(COUNTY):
        Membership.objects.create(
            household_id=membership.household_id, person_id=membership.person_id, area=membership.area, relationship="01", starts=ON
        )
    with scopes.acting(COUNTY), connection.cursor() as cursor:
        cursor.execute("select count(*) from registry_personhistoryevent where pgh_obj_id = %s", [first.pk])
        events = cursor.fetchone()[0]
        Person.objects.filter(pk=first.pk).update(bank="ANOTHER")
        cursor.execute("select count(*) from registry_personhistoryevent where pgh_obj_id = %s", [first.pk])
        assert cursor.fetchone()[0] == events + 1, "history is written again"


def test_a_second_and_a_third_rotation(filled: Path, test_database: Any) -> None:
    before = everything(test_database, filled)
    for version in (2, 3, 4):
        assert rotation.rotate(now=NOW).version == version
        assert everything(test_database, filled) == before


def test_a_connected_application_stops_the_rotation(filled: Path, test_database: Any) -> None:
    before = everything(test_database, filled)
    with psycopg.connect(test_database.server.conninfo("app", test_database.name)), pytest.raises(SetupError, match="doudi serve"):
        rotation.rotate(now=NOW)
    assert version_in_use(test_database) == 1 and everything(test_database, filled) == before


def test_who_connects_meanwhile_waits_and_gets_the_new_key(filled: Path) -> None:
    seen: list[int] = []

    def visitor() -> None:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        seen.append(numbers.token_key().version)
        connections.close_all()

    thread = threading.Thread(target=visitor)

    def meanwhile(step: str) -> None:
        if step == "locked":
            thread.start()
        elif step == "before commit":
            assert not seen and thread.is_alive()

    rotation.rotate(now=NOW, after=meanwhile)
    thread.join(timeout=20)
    assert seen == [2]


def test_a_failure_changes_nothing(filled: Path, test_database: Any) -> None:
    before, files = everything(test_database, filled), {path: path.read_bytes() for path in filled.rglob("*.parquet")}
    for step in ("locked", "journal", "files", "registry_person", "before commit"):

        def fail(done: str, step: str = step) -> None:
            if done == step:
                raise RuntimeError("disk full")

        with pytest.raises(RuntimeError, match="disk full"):
            rotation.rotate(now=NOW, after=fail)
        assert everything(test_database, filled) == before and keys.load()["token"].current == 1, step
        assert {path: path.read_bytes() for path in (filled / "lake").rglob("*.parquet*")} == files, step
    assert rotation.rotate(now=NOW).version == 2, "the version made ready is used by the next one"


RUN = """
import os, sys, datetime, django
django.setup()
from doudi.core import rotation
rotation.rotate(now=datetime.datetime(2022, 11, 25, tzinfo=datetime.UTC), after=lambda step: os._exit(9) if step == sys.argv[1] else None)
"""


def test_killed_after_any_step_the_next_start_puts_it_right(filled: Path, test_database: Any) -> None:
    before, version = everything(test_database, filled), 1
    server, name = test_database.server, test_database.name
    environment = os.environ | {
        "DATABASE_URL": server.conninfo("app", name), "DATABASE_OWNER_URL": server.conninfo("owner", name),
        "DJANGO_SETTINGS_MODULE": "doudi.config.settings", "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    for step in STEPS:
        killed = subprocess.run([sys.executable, "-c", RUN, step], env=environment, capture_output=True, text=True)
        assert killed.returncode == 9, (step, killed.stderr)
        version += STEPS.index(step) >= STEPS.index("committed")
        # the next start is any new connection of the application; this process still has the old keys in memory
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        connections.close_all()
        assert version_in_use(test_database) == numbers.token_key().version == version, step
        assert everything(test_database, filled) == before, step
        left = sorted(path.name for path in (filled / "lake").rglob("*.parquet*"))
        assert left == ["a.parquet", "b.parquet"] and not keystate.journal().exists(), step
    assert rotation.rotate(now=NOW).version == version + 1


def long_number(*, with_text: bool) -> UUID:
    token = numbers.token_of(Kind.DOCUMENT, LONG)
    with scopes.acting(COUNTY):
        person = Person.objects.order_by("pk").first()
        Person.objects.filter(pk=person.pk).update(token=token)
        Fact.objects.create(
            person=person, area=person.area, kind="disability_certificate_old", starts=ON, token=token, sealed=LONG if with_text else None,
            source="document", recorded_at=NOW,
        )  # fmt: skip
    connections.close_all()
    return token


def test_a_long_number_is_made_again_from_its_encrypted_text(filled: Path) -> None:
    old = long_number(with_text=True)
    rotation.rotate(now=NOW)
    with scopes.acting(COUNTY):
        assert Person.objects.get(token=numbers.token_of(Kind.DOCUMENT, LONG)).token != old
        assert Fact.objects.filter(token=numbers.token_of(Kind.DOCUMENT, LONG)).count() == 1


def test_a_long_number_without_its_text_stops_the_rotation_and_is_named(filled: Path, test_database: Any) -> None:
    token = long_number(with_text=False)
    with pytest.raises(SetupError, match=r"registry_person\.token 1 行"):
        rotation.rotate(now=NOW)
    assert version_in_use(test_database) == 1
    with scopes.acting(COUNTY):
        assert Person.objects.filter(token=token).exists()


def test_a_person_registered_with_a_long_document_keeps_it_through_a_rotation_until_an_id_number_is_known(filled: Path) -> None:
    given = {"area": VILLAGE, "name": "玛丽", "birth_date": date(1980, 5, 1), "sex": "2", "on": ON, "now": NOW}
    town = officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])
    with scopes.acting(town):
        person = register_person(document="USA110122198005019", **given)
        short = register_person(document="E12345678", **given, confirmed=True)
        assert person.long_number == "USA110122198005019" and short.long_number is None
        with connection.cursor() as cursor:
            cursor.execute("select long_number from registry_person where id = %s", [person.pk])
            assert b"USA" not in bytes(cursor.fetchone()[0])
    connections.close_all()
    rotation.rotate(now=NOW)
    with scopes.acting(town):
        again = Person.objects.get(pk=person.pk)
        assert again.token == numbers.token_of(Kind.DOCUMENT, "USA110122198005019") != person.token and again.long_number == "USA110122198005019"
        assert numbers.plain(Person.objects.get(pk=short.pk).token) == "E12345678"
        corrected = correct_person(person_id=again.pk, version=again.version, name="玛丽", birth_date=date(1980, 5, 1), sex="2", phone="13800138000", on=ON, now=NOW)
        assert corrected.long_number == "USA110122198005019"
        corrected = correct_person(person_id=again.pk, version=corrected.version, id_number=id_number(date(1980, 5, 1), male=False), confirmed=True, on=ON, now=NOW)
        assert corrected.long_number is None and numbers.token_key().open(corrected.token)[0] is Kind.CITIZEN_ID


def test_a_token_of_another_key_stops_the_rotation(filled: Path, test_database: Any) -> None:
    with psycopg.connect(test_database.server.conninfo("owner", test_database.name)) as owner:
        owner.execute("update registry_person set phone = '00000000-0000-0000-0000-000000000001' where id = (select min(id) from registry_person)")
    with pytest.raises(SetupError, match="1 of "):
        rotation.rotate(now=NOW)
    assert version_in_use(test_database) == 1


def test_the_database_refuses_the_keys_of_another_system(filled: Path) -> None:
    write_private(filled / "keys.json", keys.fresh())
    keys.forget()
    with pytest.raises(SetupError, match="不相符"):
        connection.ensure_connection()
    with pytest.raises(SetupError, match="不相符"):
        rotation.rotate(now=NOW)


def test_a_key_file_without_the_version_in_use_is_not_guessed(filled: Path) -> None:
    kept = json.loads((filled / "keys.json").read_text())
    rotation.rotate(now=NOW)
    write_private(filled / "keys.json", kept)
    keys.forget()
    with pytest.raises(SetupError, match="没有该版本"):
        connection.ensure_connection()


def test_keys_from_the_environment_are_never_written_but_told(
    filled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, test_database: Any
) -> None:
    before = everything(test_database, filled)
    stored = (filled / "keys.json").read_text()

    def from_environment(value: str) -> None:
        monkeypatch.setenv("DOUDI_KEYS", value)
        keys.forget()
        connections.close_all()

    from_environment(stored)
    with pytest.raises(SetupError, match="--new-keys"):
        rotation.rotate(now=NOW)
    keys.write_rotating(tmp_path / "next.json")
    assert (tmp_path / "next.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SetupError, match="已存在"):
        keys.write_rotating(tmp_path / "next.json")
    from_environment((tmp_path / "next.json").read_text())
    assert keys.load()["token"].current == 1
    done = rotation.rotate(now=NOW)
    assert (filled / "keys.json").read_text() == stored
    connections.close_all()
    with pytest.raises(SetupError, match="current 改为 2"):
        connection.ensure_connection()
    keys.write_switched(tmp_path / "switched.json", done.version)
    from_environment((tmp_path / "switched.json").read_text())
    assert numbers.token_key().version == 2 and everything(test_database, filled) == before
    connection.ensure_connection()
