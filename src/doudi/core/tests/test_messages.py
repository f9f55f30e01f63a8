"""Messages: queued with the work, sent after it, the same one never twice, and people are not told too much."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, connections, transaction

from doudi.core import channels, messaging, numbers, places
from doudi.core import scope as scopes
from doudi.core.messaging import PEOPLE, STAFF, Template
from doudi.core.models import Account, Duty, Message, MessageOptOut
from doudi.core.numbers import Kind
from doudi.core.services import messages as service
from doudi.core.services import sending
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, client_of, officer

NOW = datetime(2022, 12, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
PHONE = "13800002222"
Box = Path


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> messaging.Templates:
    """Templates of the tests beside those of the rooms."""
    for each in (
        Template("t.staff", "通知", STAFF, "您有 {count} 件事，{day} 前办理。", "{count} matters for you, due {day}."),
        Template("t.secret", "通知", STAFF, "{name}的情况需要核实。", "Please check on {name}.", sensitive=True),
        Template("t.people", "通知", PEOPLE, "您报告的情况（{number}）已办结。", "Your report ({number}) is done."),
    ):
        monkeypatch.setitem(messaging.templates._known, each.key, each)
    return messaging.templates


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(channels._known, "file", lambda: channels.FileChannel(tmp_path / "messages"))
    return tmp_path / "messages"


@pytest.fixture
def visitor() -> scopes.Scope:
    return officer(Duty.VISITOR, VILLAGE)


def phone() -> UUID:
    return numbers.token_of(Kind.PHONE, PHONE)


def to_staff(who: scopes.Scope, key: str = "1", **more: Any) -> bool:
    given = {"template": "t.staff", "area": who.area, "values": {"count": 3, "day": "2022-12-02"}, "account_id": who.account_id}
    with scopes.acting(scopes.Scope(area=COUNTY)):
        return service.send_message(**{**given, **more}, key=key, now=NOW)


def to_people(key: str = "1", **more: Any) -> bool:
    given = {"template": "t.people", "area": VILLAGE, "values": {"number": "XS1"}, "phone": phone()}
    with scopes.acting(scopes.Scope(area=COUNTY)):
        return service.send_message(**{**given, **more}, key=key, now=NOW)


def messages() -> list[Message]:
    with scopes.acting(scopes.Scope(area="41")):
        return list(Message.objects.order_by("dedupe"))


def files(box: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(box.glob("*/*.json"))]


@pytest.mark.django_db
def test_the_same_message_is_queued_once(visitor: scopes.Scope) -> None:
    assert to_staff(visitor) and not to_staff(visitor) and to_staff(visitor, key="2")
    assert to_people() and not to_people()
    assert len(messages()) == 3
    assert PHONE not in "".join(f"{row.dedupe}{row.values}" for row in messages())


@pytest.mark.django_db
def test_a_message_leaves_as_one_private_file_and_once(visitor: scopes.Scope, box: Path) -> None:
    to_staff(visitor)
    to_people(language="en")
    assert sending.send_due(now=NOW) == 2
    assert sending.send_due(now=NOW + timedelta(days=1)) == 0
    found = {each["kind"]: each for each in files(box)}
    assert found["phone"]["to"] == PHONE and found["phone"]["text"] == "Your report (XS1) is done."
    assert found["account"]["text"] == "您有 3 件事，2022-12-02 前办理。"
    assert {oct(path.stat().st_mode & 0o777) for path in box.glob("*/*.json")} == {"0o600"}
    assert {row.state for row in messages()} == {"sent"} and all(row.sent_at == NOW for row in messages())


@pytest.mark.django_db
def test_a_worker_killed_after_writing_leaves_no_second_file(visitor: scopes.Scope, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to_staff(visitor)

    def killed(*args: Any, **kwargs: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            sending.send_due(now=NOW)
    assert len(files(box)) == 1 and [row.state for row in messages()] == ["queued"]
    assert sending.send_due(now=NOW + timedelta(days=1)) == 1
    assert len(files(box)) == 1


@pytest.mark.django_db
def test_work_that_is_rolled_back_sends_nothing(visitor: scopes.Scope, box: Path) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        to_staff(visitor)
        raise RuntimeError
    assert sending.send_due(now=NOW) == 0 and messages() == []


@pytest.mark.django_db
def test_a_failing_channel_is_tried_again_later_and_then_left(visitor: scopes.Scope, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    class Broken:
        def send(self, parcel: channels.Parcel) -> None:
            raise OSError(f"cannot send to {parcel.to}")

    monkeypatch.setitem(channels._known, "file", Broken)
    to_people()
    now = NOW
    waits = []
    with caplog.at_level(logging.WARNING):
        for _attempt in range(sending.ATTEMPTS):
            assert sending.send_due(now=now) == 0
            (row,) = messages()
            if row.next_at:
                assert sending.send_due(now=row.next_at - timedelta(seconds=1)) == 0
                waits.append(row.next_at - now)
                now = row.next_at
    (row,) = messages()
    assert (row.state, row.attempts, row.next_at, row.error) == ("failed", sending.ATTEMPTS, None, "OSError")
    assert waits == sorted(waits) and waits[0] < waits[-1]
    assert PHONE not in caplog.text
    admin = officer(Duty.ADMINISTRATOR, COUNTY)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)), pytest.raises(PermissionDenied):
        sending.retry_failed(now=now)
    with scopes.acting(officer(Duty.ADMINISTRATOR, "410103")):
        assert sending.retry_failed(now=now) == 0, "another county's"
    with scopes.acting(admin):
        assert sending.retry_failed(now=now) == 1
    assert messages()[0].state == "queued"


@pytest.mark.django_db
def test_one_that_cannot_be_sent_does_not_hold_up_the_others(visitor: scopes.Scope, box: Path) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        Message.objects.create(
            area=VILLAGE, template="gone", account_id=visitor.account_id, channel="file", dedupe="gone:1", made_at=NOW, next_at=NOW
        )
    to_staff(visitor)
    assert sending.send_due(now=NOW) == 1
    assert [row.state for row in messages()] == ["queued", "sent"]


@pytest.mark.django_db
def test_of_a_sensitive_message_only_a_notice_leaves_the_system(visitor: scopes.Scope, box: Path) -> None:
    to_staff(visitor, template="t.secret", values={"name": "王桂兰"})
    with connection.cursor() as cursor, scopes.acting(scopes.Scope(area="41")):
        cursor.execute("select core_message::text from core_message")
        assert "王桂兰" not in cursor.fetchone()[0]
    sending.send_due(now=NOW)
    assert "王桂兰" not in files(box)[0]["text"]
    assert "王桂兰的情况需要核实" in client_of(visitor).get("/messages/").content.decode()


@pytest.mark.django_db
def test_who_wants_no_messages_gets_none(box: Path) -> None:
    town = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    to_people("queued before")
    with scopes.acting(town):
        first = service.opt_out(area=VILLAGE, phone=phone(), now=NOW)
        assert service.opt_out(area=VILLAGE, phone=phone(), now=NOW).pk == first.pk
        with pytest.raises(ValidationError):
            service.opt_out(area=VILLAGE, now=NOW)
    with scopes.acting(officer(Duty.ADMINISTRATOR, COUNTY)), pytest.raises(PermissionDenied):
        service.opt_out(area=VILLAGE, phone=phone(), now=NOW)
    to_people("after")
    with scopes.acting(scopes.Scope(area="410103")):  # another county's office holds to it too
        service.send_message(template="t.people", area="410103", key="there", values={"number": "XS2"}, phone=phone(), now=NOW)
    assert sending.send_due(now=NOW) == 0 and files(box) == []
    assert {(row.state, row.error) for row in messages()} == {("refused", "opted_out")}
    with scopes.acting(town):
        assert service.opt_in(phone=phone(), now=NOW) == 1
    to_people("again")
    assert sending.send_due(now=NOW) == 1


@pytest.mark.django_db
def test_a_person_opts_out_whatever_the_phone() -> None:
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)):
        service.opt_out(area=VILLAGE, person_id=17, now=NOW)
    to_people(person_id=17)
    to_people(person_id=18, key="2", phone=None)
    assert [row.error for row in messages()] == ["opted_out", "no_phone"]


@pytest.mark.django_db
def test_an_officer_is_told_once_for_places_that_overlap(visitor: scopes.Scope) -> None:
    town, gone, elsewhere = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP), officer(Duty.VISITOR, VILLAGE), officer(Duty.VISITOR, "410122102201")
    with scopes.acting(scopes.Scope(area="41")):
        Account.objects.filter(pk=gone.account_id).update(is_active=False)
    with scopes.acting(scopes.Scope(area=COUNTY)):
        given = {"template": "t.staff", "key": "k", "values": {"count": 1, "day": "x"}, "now": NOW}
        assert service.send_to_staff(areas=[VILLAGE, TOWNSHIP], **given) == 2  # type: ignore[arg-type]
        assert service.send_to_staff(areas=[VILLAGE, TOWNSHIP], **given) == 0  # type: ignore[arg-type]
        assert service.send_to_staff(areas=[VILLAGE], duties_wanted=["visitor"], **given | {"key": "k2"}) == 1  # type: ignore[arg-type]
    assert {row.account_id for row in messages()} == {town.account_id, visitor.account_id}
    assert elsewhere.account_id not in {row.account_id for row in messages()}


def test_templates_say_the_same_in_both_languages_and_people_not_too_much(known: messaging.Templates) -> None:
    for wrong in (
        Template("x", "x", STAFF, "{a}", "{b}"),
        Template("x", "x", STAFF, "{0}", "{0}"),
        Template("x", "x", PEOPLE, "您的低保金已发放", "paid"),
        Template("x", "x", PEOPLE, "已发放", "your disability allowance was paid"),
        Template("x", "x", "everybody", "a", "a"),
    ):
        with pytest.raises(ValueError):
            known.add(wrong)
    for each in known.all():
        assert each.to == STAFF or not messaging.unsaid_in(each.zh + each.en)


@pytest.mark.django_db
def test_values_are_the_templates_own(visitor: scopes.Scope) -> None:
    for values in ({}, {"count": 1}, {"count": 1, "day": 2, "name": "x"}):
        with pytest.raises(ValueError):
            to_staff(visitor, values=values)
    with pytest.raises(ValueError, match="not told"):
        to_people(values={"number": "重病"})
    with pytest.raises(ValueError):
        to_people(account_id=visitor.account_id)
    with pytest.raises(KeyError):
        to_people(template="nothing")


@pytest.mark.django_db
def test_guards_of_the_table(visitor: scopes.Scope) -> None:
    to_staff(visitor)
    statements = (
        "update core_message set values = '{}'",
        "update core_message set account_id = null",
        "delete from core_message",
        "insert into core_message (area, template, channel, values, dedupe, state, attempts, error, made_at, url, language)"
        f" values ('{VILLAGE}', 'x', 'file', '{{}}', 'x', 'queued', 0, '', now(), '', 'en')",
        "insert into core_messageoptout (area, made_at, reason) values ('410122101201', now(), '')",
    )
    for sql in statements:
        with scopes.acting(scopes.Scope(area=COUNTY)), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    with scopes.acting(scopes.Scope(area="410103")):
        assert Message.objects.count() == 0 and MessageOptOut.objects.count() == 0
        assert Message.objects.update(state="sent") == 0


@pytest.fixture
def two_workers(committed_db: Any, box: Path) -> Iterator[None]:
    yield
    connections.close_all()


def test_two_workers_send_each_message_once(two_workers: None, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    real = channels.FileChannel.send

    def counting(self: channels.FileChannel, parcel: channels.Parcel) -> None:
        sent.append(parcel.id)
        real(self, parcel)

    monkeypatch.setattr(channels.FileChannel, "send", counting)
    who = officer(Duty.VISITOR, VILLAGE)
    for number in range(120):
        to_staff(who, key=str(number))

    def work(_number: int) -> int:
        try:
            return sending.send_due(now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, range(2))) == 120
    assert len(sent) == len(set(sent)) == 120


@pytest.mark.django_db
def test_pages_of_messages(visitor: scopes.Scope, box: Path, django_assert_max_num_queries: Any) -> None:
    for number in range(25):
        to_staff(visitor, key=str(number), url="/leads/mine/")
    to_staff(visitor, key="evil", url="//evil.example/")
    mine, other = client_of(visitor), client_of(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP))
    with django_assert_max_num_queries(18):
        page = mine.get("/messages/").content.decode()
    assert "您有 3 件事" in page and '消息 <span class="n">26' in page
    assert "您有 3 件事" not in other.get("/messages/").content.decode(), "an officer reads own messages only"
    row, evil = (next(each for each in messages() if each.url == url) for url in ("/leads/mine/", "//evil.example/"))
    assert other.get(f"/messages/{row.pk}/").status_code == 404
    assert mine.get(f"/messages/{row.pk}/").headers["Location"] == "/leads/mine/"
    assert mine.get(f"/messages/{evil.pk}/").headers["Location"] == "/messages/"
    assert "26</span>" not in mine.get("/messages/").content.decode()
    mine.post("/messages/read/")
    with scopes.acting(scopes.Scope(area="41")):
        assert not Message.objects.filter(read_at__isnull=True).exists()
    assert mine.get("/messages/sent/").status_code == 403
    admin = client_of(officer(Duty.ADMINISTRATOR, COUNTY))
    shown = admin.get("/messages/sent/").content.decode()
    assert "待发送" in shown and "您有 3 件事" not in shown, "the administrator sees what was sent, not what it says"
    assert admin.post("/messages/sent/retry/", follow=True).status_code == 200


def test_a_file_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(channels.Never):
        channels.FileChannel(tmp_path).send(channels.Parcel("../../etc/passwd", "phone", "1", "en", "x", NOW))


def test_a_full_disk_is_a_reason_to_try_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(channels.NotNow):
        channels.FileChannel(tmp_path / "file").send(channels.Parcel("7", "phone", "1", "en", "x", NOW))


@pytest.mark.django_db
def test_an_emergency_is_told_to_the_staff_of_its_places(visitor: scopes.Scope) -> None:
    from doudi.core.tests.test_emergencies import confirm, declare

    elsewhere = officer(Duty.VISITOR, "410122102201")
    row = declare(officer(Duty.COUNTY_REVIEWER), areas=[TOWNSHIP])
    assert messages() == []
    confirm(officer(Duty.COUNTY_APPROVER), row)
    told = {each.account_id for each in messages()}
    assert visitor.account_id in told and elsewhere.account_id not in told
    assert "应急状态" in messaging.text_of(messages()[0])
    assert places.name(TOWNSHIP) in messaging.text_of(messages()[0])
