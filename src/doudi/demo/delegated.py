"""Delegated confirmation in the demo: what two townships confirmed, one spot check that is closed and one that is under way."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password

from doudi.core import scope as scopes
from doudi.core.models import Account, Duty, Posting
from doudi.demo.staff import PASSWORD, SINCE, SignIn, by_duty
from doudi.registry.models import Programme

CHINA = ZoneInfo("Asia/Shanghai")
MOST = 12
PAPER = ("监护证明.pdf", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
SEEDS = (20221130, 20221208)


def _at(day: int, month: int = 12, hour: int = 10) -> datetime:
    return datetime.combine(date(2022, month, day), time(hour), CHINA)


def _confirmers(towns: list[SignIn]) -> dict[str, scopes.Scope]:
    """The officers to whom the county has given the confirmation, one in each township."""
    made = {}
    with scopes.acting(scopes.Scope(area="41", duty=Duty.ADMINISTRATOR.value, page="doudi demo")):
        for number, town in enumerate(towns, 1):
            name = f"confirm{'' if number == 1 else number}"
            account, _ = Account.objects.get_or_create(username=name, defaults={"name": ("秦晓东", "何建军")[number - 1], "password": make_password(PASSWORD)})
            posting, _ = Posting.objects.get_or_create(account=account, duty=Duty.COUNTY_APPROVER, area=town.area, defaults={"starts": SINCE})
            made[town.area] = scopes.Scope(area=town.area, account_id=account.pk, posting_id=posting.pk, duty=Duty.COUNTY_APPROVER, page="doudi demo")
    return made


def confirmations(demo: Any) -> None:
    """Townships confirm marginal families; the county draws, checks, opens again what is wrong. Doing it again adds nothing."""
    from doudi.assessment.models import Assessment
    from doudi.discovery.models import Lead
    from doudi.enrolment import services
    from doudi.enrolment.models import Decision, SpotCheck

    demo.tell("乡镇确认与抽查", 0, 0)
    towns = [each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value][:2]
    confirms = _confirmers(towns)
    reviewer, approver = by_duty(demo.staff, Duty.COUNTY_REVIEWER), by_duty(demo.staff, Duty.COUNTY_APPROVER)
    with scopes.acting(reviewer.scope("doudi demo")):
        if SpotCheck.objects.exists():
            return
    _awards(towns[0])
    if len(towns) > 1:
        _move(towns[0], towns[1])
    for town in towns:
        with scopes.acting(town.scope("doudi demo")):
            known = set(Decision.objects.values_list("household_id", flat=True)) | set(Lead.objects.exclude(household=None).values_list("household_id", flat=True))
            rows = Assessment.objects.filter(month=date(2022, 12, 1), results__household__marginal_family=True).exclude(household__in=known)
            newest = list(rows.order_by("household_id", "-id").distinct("household_id").values_list("id", flat=True)[: 2 * MOST])
            for part, proposed in ((newest[:MOST], _at(29, 11)), (newest[MOST:], _at(2))):
                chosen = list(Assessment.objects.filter(id__in=part).select_related("settings").order_by("id"))
                services.propose_many(assessments=chosen, programmes=[Programme.MARGINAL], now=proposed)
        for proposed, confirmed in ((_at(29, 11), _at(30, 11)), (_at(2), _at(6))):
            with scopes.acting(confirms[town.area]):
                waiting = Decision.objects.filter(state="proposed", programme=Programme.MARGINAL, proposed_at=proposed).values_list("id", "version")
                services.approve_many(decisions=list(waiting), note="同意", now=confirmed)
    with scopes.acting(reviewer.scope("doudi demo")):
        # a small county may have none in one of the two periods
        there = Decision.objects.filter(by_township=True)
        if there.filter(decided_at__lt=_at(1)).exists():
            _closed(services, approver)
        if there.filter(decided_at__gte=_at(1), decided_at__lt=_at(9)).exists():
            _open(services)
        demo.figures["spot_checks"] = SpotCheck.objects.count()


def _closed(services: Any, approver: SignIn) -> None:
    check = services.draw_spot_check(area=approver.area, starts=date(2022, 11, 1), ends=date(2022, 11, 30), seed=SEEDS[0], now=_at(1))
    wrong = 0
    for number, item in enumerate(check.items.order_by("id")):
        finding, text = (("wrong", "户主名下登记有货车一辆，申请时未申报"), ("incomplete", "缺共同生活成员核对授权书"), ("in_order", ""))[min(number, 2)]
        item = services.record_finding(item_id=item.pk, version=item.version, finding=finding, text=text, now=_at(5))
        if finding == "wrong":
            services.reopen_confirmed(item_id=item.pk, version=item.version, pause=False, now=_at(5, hour=11))
            wrong += 1
    services.close_spot_check(check_id=check.pk, note=f"确认错误 {wrong} 件已重启核查，向乡镇通报", now=_at(7))


def _open(services: Any) -> None:
    check = services.draw_spot_check(area=scopes.current().area, starts=date(2022, 12, 1), ends=date(2022, 12, 8), seed=SEEDS[1], now=_at(9, hour=8))
    first = check.items.order_by("id").first()
    if first is not None:
        services.record_finding(item_id=first.pk, version=first.version, finding="in_order", text="", now=_at(9, hour=9))


def _awards(town: SignIn) -> None:
    """An award whose payee is about to change."""
    from doudi.enrolment import services
    from doudi.enrolment.models import Award, PayeeChange

    with scopes.acting(town.scope("doudi demo")):
        if PayeeChange.objects.exists():
            return
        running = Award.objects.filter(void=False, ends=None, programme=Programme.DIBAO).order_by("entitlement_id").first()
        if running is not None:
            services.propose_payee(
                award_id=running.pk, kind="guardian", name="王长春", account="6217000000000000004", bank="105", evidence=[PAPER], now=_at(8),
                basis="户主住院，由监护人代领；监护关系证明和双方身份证已收，见附件",
            )  # fmt: skip


def _move(giving: SignIn, asking: SignIn) -> None:
    """A household of the first township that the second asks for."""
    from doudi.core import numbers, places
    from doudi.enrolment.models import Award
    from doudi.registry.models import Membership, MoveRequest
    from doudi.registry.services import ask_move

    with scopes.acting(giving.scope("doudi demo")):
        if MoveRequest.objects.exists():
            return
        held = Award.objects.filter(void=False, ends=None, programme=Programme.DIBAO).order_by("-entitlement_id").values_list("household_id", flat=True)[:1]
        head = Membership.objects.filter(household__in=list(held), ends=None, relationship="02").select_related("person").first()
        number = numbers.plain(head.person.token) if head is not None else None
    village = next((code for code, _name in places.children(asking.area)), None)
    if number and village:
        with scopes.acting(asking.scope("doudi demo")):
            ask_move(id_number=number, to_area=village, reason="随子女搬迁到本村居住", first_month=date(2023, 1, 1), on=date(2022, 12, 8), now=_at(8))
