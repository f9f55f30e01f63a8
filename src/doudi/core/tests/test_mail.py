"""Mail to officers with an address: one message id however often it is told, refusals by their kind, no address in a log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_string, policy
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doudi.core import messaging
from doudi.core import scope as scopes
from doudi.core.messaging import Template
from doudi.core.models import Account, Duty, Message
from doudi.core.services import messages as service
from doudi.core.services import sending, staff
from doudi.core.tests import gateways
from doudi.core.tests.officers import COUNTY, VILLAGE, client_of, officer

NOW = datetime(2022, 12, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
DAY = timedelta(days=1)
_keys = count(1)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    template = Template("t.staff", "通知", messaging.STAFF, "您有 {count} 件事。", "{count} matters for you.")
    monkeypatch.setitem(messaging.templates._known, template.key, template)


def state(pk: int) -> tuple[str, str]:
    with scopes.acting(scopes.Scope(area="41")):
        found = Message.objects.get(pk=pk)
        return found.state, found.error


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[gateways.Mailbox]:
    with gateways.mailbox() as box:
        for name, value in {
            "DOUDI_STAFF_CHANNEL": "mail", "DOUDI_MAIL_HOST": "127.0.0.1", "DOUDI_MAIL_PORT": str(box.port), "DOUDI_MAIL_SECURITY": "none",
            "DOUDI_MAIL_FROM": "doudi@example.gov.cn",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield box


def to_staff(who: scopes.Scope) -> int:
    with scopes.acting(scopes.Scope(area=COUNTY)):
        key = str(next(_keys))
        service.send_message(template="t.staff", area=VILLAGE, key=key, values={"count": 3}, account_id=who.account_id, now=NOW)
        return int(Message.objects.get(dedupe__startswith=f"t.staff:{key}:").pk)


@pytest.mark.django_db
def test_an_officer_with_an_address_gets_mail_under_one_message_id(mails: gateways.Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    who, without = officer(Duty.VISITOR, VILLAGE), officer(Duty.VISITOR, VILLAGE)
    with scopes.acting(officer(Duty.ADMINISTRATOR, COUNTY)):
        staff.set_mail(account_id=who.account_id, mail="visitor@example.cn", on=NOW.date())
    pk, none = to_staff(who), to_staff(without)
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_outcome", lambda *args, **more: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sending.send_due(now=NOW)
    sending.send_due(now=NOW + DAY)
    first, again = (message_from_string(mail, policy=policy.default) for mail in mails.mails)
    assert first["Message-ID"] == again["Message-ID"] == f"<doudi.{pk:010d}00@example.gov.cn>"
    assert first["To"] == "visitor@example.cn" and "您有 3 件事。" in first.get_content()
    assert state(pk) == ("sent", "") and state(none) == ("refused", "no_address"), "that is no failure: it is read on the page"


@pytest.mark.django_db
@pytest.mark.parametrize(("said", "outcome"), [("550 no such user", ("failed", "smtp 550")), ("451 later", ("queued", "smtp 451"))])
def test_what_a_mail_server_refuses(mails: gateways.Mailbox, said: str, outcome: tuple[str, str], caplog: Any) -> None:
    who = officer(Duty.VISITOR, VILLAGE)
    with scopes.acting(scopes.Scope(area="41")):
        Account.objects.filter(pk=who.account_id).update(mail="visitor@example.cn")
    mails.said = said
    pk = to_staff(who)
    sending.send_due(now=NOW)
    assert state(pk) == outcome and "visitor@example.cn" not in caplog.text
    mails.said = "250 ok"
    if outcome[0] == "queued":
        assert sending.send_due(now=NOW + DAY) == 1


@pytest.mark.django_db
def test_the_address_is_entered_by_the_administrator() -> None:
    who = officer(Duty.VISITOR, VILLAGE)
    admin = client_of(officer(Duty.ADMINISTRATOR, COUNTY))
    url = f"/staff/{who.account_id}/change/"
    assert "邮箱地址不正确" in admin.post(url, {"action": "mail", "mail": "no address"}, follow=True).content.decode()
    assert "a@b.cn" in admin.post(url, {"action": "mail", "mail": " a@b.cn "}, follow=True).content.decode()
    assert client_of(who).post(f"/staff/{who.account_id}/change/", {"action": "mail", "mail": "x@y.cn"}).status_code == 403
    with scopes.acting(scopes.Scope(area="41")):
        assert Account.objects.get(pk=who.account_id).mail == "a@b.cn"
