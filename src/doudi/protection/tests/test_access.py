"""5.4, generated: what every duty reads and writes of every section, through pages and services, as `sections.SECTIONS` declares it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import open_todos, raise_todo
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.protection import services
from doudi.protection.models import CaseAssignment, Counselling, ProtectionCase
from doudi.protection.sections import SECTIONS, WRITE
from doudi.protection.services.base import WORKING
from doudi.protection.tests.world import GOOD, NOW, VILLAGE, Office, step

pytestmark = pytest.mark.django_db
TABS = {"visits": "contacts"}  # where the tab has another name
AREAS = {
    Duty.CHILD_DIRECTOR: VILLAGE, Duty.VISITOR: VILLAGE, Duty.DISCOVERY_MEMBER: VILLAGE, Duty.CHILD_SUPERVISOR: TOWNSHIP, Duty.TOWNSHIP_OFFICER: TOWNSHIP,
    Duty.STATION_WORKER: TOWNSHIP, Duty.SUPERVISOR: "4101",
}  # fmt: skip
SECRETS = {code: f"机密{at}号" for at, code in enumerate(SECTIONS)}


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(datetime(2022, 11, 24, 9, 40, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        yield


def write(code: str, row: ProtectionCase, words: str) -> Callable[[], Any]:
    """The service that writes a section."""
    on, common = NOW.date(), {"case_id": row.pk, "uuid": uuid4(), "now": NOW}
    fields = SECTIONS[code].fields
    if fields:
        name = next(field.name for field in fields if not field.choices)
        return lambda: services.save_section(case_id=row.pk, section=code, version=0, values={name: words}, before={}, now=NOW)
    return {
        "visits": lambda: services.record_contact(**common, how="phone", met="alone", safe="safe", note=words, done_at=NOW),
        "assessment": lambda: services.record_assessment(**common, version=_version(row), answers=GOOD, remarks=words),
        "plan": lambda: services.add_goal(**common, goal=words, due=on),
        "reviews": lambda: services.plan_review(**common, at=NOW, place="", members=words, agenda=""),
        "counselling": lambda: services.record_counselling(
            **common, on=on, minutes=30, counsellor="罗艳", how="face", mood="steady", topic=words, advice="", next_on=None
        ),
        "resources": lambda: services.link_resource(**common, kind="school", provider="镇小学", what=words, contact="", starts=on),
    }[code]


def _version(row: ProtectionCase) -> int:
    return ProtectionCase.objects.filter(pk=row.pk).values_list("version", flat=True).first() or 0


def page_of(row: ProtectionCase, code: str) -> str:
    """Where a section is read."""
    tab = "file" if SECTIONS[code].fields else TABS.get(code, code)
    return f"{reverse('protection:case', args=[row.pk])}?tab={tab}"


def form_of(row: ProtectionCase, code: str) -> tuple[str, str]:
    """(address, method) under which a section is written."""
    if SECTIONS[code].fields:
        return reverse("protection:section", args=[row.pk, code]), "get"
    if code in ("visits", "assessment"):
        return reverse(f"protection:{'contact' if code == 'visits' else 'assess'}", args=[row.pk]), "get"
    return step(row, {"plan": "goal", "reviews": "review", "resources": "resource"}.get(code, code)), "post"


def test_5_4_every_duty_reads_and_writes_each_section_as_declared_and_nothing_else() -> None:
    """All duties on one case; those that work on cases are assigned to it, the others try all the same."""
    office, wrong = Office(), list[str]()
    row = office.taken()
    with scopes.acting(office.worker):
        for code, words in SECRETS.items():
            write(code, row, words)()
        row.refresh_from_db()
    for duty in Duty:
        who = officer(duty, AREAS.get(duty, COUNTY), name=f"甲{duty}")
        if duty in WORKING:
            with scopes.acting(office.worker):
                row.refresh_from_db()
                services.add_helper(case_id=row.pk, version=row.version, account_id=who.account_id, reason="核对权限", now=NOW)
        client = client_of(who)
        for code, section in SECTIONS.items():
            right = section.rights.get(duty)
            answer = client.get(page_of(row, code))
            reads = answer.status_code == 200 and SECRETS[code] in answer.content.decode()
            address, method = form_of(row, code)
            code_got = getattr(client, method)(address).status_code  # an empty form that is sent is refused as incomplete
            writes = code_got == (200 if method == "get" else 422)
            with scopes.acting(who):
                try:
                    with scopes.acting(who):
                        write(code, row, "越权内容写入")()
                    served = True
                except (PermissionDenied, ValidationError) as error:
                    served = "Permission" not in type(error).__name__ and "不由您办理" not in str(error)
                except services.Merge:
                    served = True
            if (reads, writes, served) != (right is not None, right == WRITE, right == WRITE):
                wrong.append(f"{duty} {code}: declared {right}, reads {reads}, writes {writes} ({code_got}), service {served}")
    assert not wrong, "\n".join(wrong)


def test_5_4_a_to_do_of_a_case_that_others_took_is_neither_on_the_dashboard_nor_in_its_badge() -> None:
    office = Office()
    row, theirs = office.taken(), office.opened(source_id=7)
    with scopes.acting(office.worker):
        for each, title in ((row, "已由同事接收的个案"), (theirs, "等待接收的个案")):
            raise_todo(
                kind="test", area=COUNTY, duty=Duty.PROTECTION_WORKER, title=title, url=reverse("protection:case", args=[each.pk]),
                subject="protection_case", subject_id=each.pk, now=NOW,
            )  # fmt: skip
    seen = {}
    for who in (office.worker, office.other):
        client = client_of(who)
        page, mine, every = (client.get(path).content.decode() for path in ("/", "/todos/", "/todos/?all=1"))
        assert ("已由同事接收的个案" in page) == ("已由同事接收的个案" in mine) == (client.get(reverse("protection:case", args=[row.pk])).status_code == 200)
        assert "等待接收的个案" in page and "已由同事接收的个案" in every, "among all of the duty's it stands, without a link"
        with scopes.acting(who):
            listed = open_todos(duty=who.duty, posting_id=who.posting_id, on=timezone.localdate()).count()
        assert f'<span class="tag orange">{listed}</span>' in page
        seen[who] = listed
    assert seen[office.worker] > seen[office.other]


def test_5_4_the_database_itself_keeps_counselling_from_other_duties() -> None:
    office = Office()
    row = office.taken()
    with scopes.acting(office.worker):
        write("counselling", row, "想念父亲")()
        services.add_helper(case_id=row.pk, version=row.version, account_id=office.director.account_id, reason="就近走访", now=NOW)
        assert Counselling.objects.count() == 1
    with scopes.acting(office.director):
        assert CaseAssignment.objects.exists() and ProtectionCase.objects.exists() and not Counselling.objects.exists()
