"""Every step of a relief case, and of price linkage, by two officers at the same moment: one does it, the other is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.payments.tests.world import card
from doudi.relief import services
from doudi.relief.models import ReliefCase, ReliefStep
from doudi.relief.services import Participant, Someone, price_entries, price_proposals
from doudi.relief.tests.price_world import ON as PRICE_DAY
from doudi.relief.tests.price_world import PAID, City
from doudi.relief.tests.test_prices import given as award
from doudi.relief.tests.world import NOW, ON, Place, cash, id_number

PEOPLE = [Participant("王局", "县民政局", "局长"), Participant("李股", "县民政局", "股长"), Participant("赵镇", "镇政府", "副镇长")]


class Way:
    """The officers twice, and a case brought to each of its states."""

    def __init__(self) -> None:
        self.place = Place()
        self.town, self.reviewer, self.approver = (
            (first, officer(duty, area)) for first, duty, area in (
                (self.place.officer, Duty.TOWNSHIP_OFFICER, self.place.township), (self.place.reviewer, Duty.COUNTY_REVIEWER, self.place.county),
                (self.place.approver, Duty.COUNTY_APPROVER, self.place.county),
            )
        )  # fmt: skip

    def open(self) -> ReliefCase:
        return self.place.opened(Someone("赵急难", id_number()), relief_first=False)

    def county(self) -> ReliefCase:
        case = self.open()
        with scopes.acting(self.place.officer):
            return services.propose_to_county(case_id=case.pk, version=case.version, helps=[cash("4000.00", "payroll")], checked="村委会核实", now=NOW)

    def meeting(self) -> ReliefCase:
        case = self.open()
        with scopes.acting(self.place.officer):
            return services.to_meeting(case_id=case.pk, version=case.version, reason="没有规定可依", now=NOW)

    def met(self) -> ReliefCase:
        case = self.meeting()
        with scopes.acting(self.place.reviewer):
            services.record_meeting(case_id=case.pk, version=case.version, now=NOW, **RECORD)
        return self.place.fresh(case)

    def granted(self) -> ReliefCase:
        case = self.open()
        with scopes.acting(self.place.officer):
            return services.grant_by_township(case_id=case.pk, version=case.version, helps=[cash("500.00", "payroll")], checked="村委会核实", now=NOW)

    def first(self) -> ReliefCase:
        return self.place.granted(Someone("赵急难", id_number()), amount="500.00")


RECORD: dict[str, Any] = {
    "held_on": ON, "place": "会议室", "participants": PEOPLE, "facts": "属实", "opinions": "一致同意", "reason": "没有规定可依", "resolution": "grant",
    "helps": [cash("9000.00", "payroll")],
}  # fmt: skip
HELPS = {"helps": [cash("500.00")], "checked": "村委会核实"}
WHY = {"reason": "情况有变，不再办理"}
# step -> (state before, service, whose, what the form says)
STEPS: dict[str, tuple[str, Callable[..., Any], str, dict[str, Any]]] = {
    "granted": ("open", services.grant_by_township, "town", HELPS),
    "proposed": ("open", services.propose_to_county, "town", HELPS),
    "to_meeting": ("open", services.to_meeting, "town", WHY),
    "withdrawn": ("county", services.withdraw, "town", WHY),
    "refused": ("open", services.refuse, "town", WHY),
    "refused by the county": ("county", services.refuse, "approver", WHY),
    "granted by the county": ("county", services.approve_by_county, "approver", {}),
    "sent_back": ("county", services.send_back, "approver", WHY),
    "meeting": ("meeting", services.record_meeting, "reviewer", RECORD),
    "granted by the meeting": ("met", services.approve_meeting, "approver", {}),
    "revoked": ("granted", services.revoke, "town", WHY),
    "explained": ("first", services.explain, "town", {"text": "村支书和派出所现场核实，家中起火"}),
    "account": ("granted", services.take_account, "town", {"holder": "赵急难", "account": card(3), "bank": "", "basis": "核对本人银行卡"}),
}  # fmt: skip


def test_every_step_of_a_relief_case_is_taken_once(committed_db: None) -> None:
    way, wrong = Way(), {}
    for name, (state, service, whose, given) in STEPS.items():
        case = getattr(way, state)()
        made, told = together(*(as_(scope, service, case_id=case.pk, version=case.version, now=NOW, **given) for scope in getattr(way, whose)))
        with scopes.acting(way.place.reviewer):
            steps = ReliefStep.objects.filter(case=case, what=name.split()[0]).count()
        if (len(made), len(told), steps) != (1, 1, 1) or "刷新页面" not in told[0]:
            wrong[name] = (made, told, steps)
    assert not wrong
    with scopes.acting(way.place.reviewer):
        assert {name.split()[0] for name in STEPS} | {"opened", "notice"} == {*ReliefStep.objects.values_list("what", flat=True), "notice"}


def test_every_step_of_price_linkage_is_taken_once(committed_db: None, owner_connection: Any) -> None:
    city = City()
    award(members=2)
    confirmers = (city.second, officer(Duty.SUPERVISOR, city.city))
    approvers = (city.approver, officer(Duty.COUNTY_APPROVER, city.county))
    wrong: dict[str, Any] = {}

    def race(name: str, *calls: Callable[[], Any]) -> None:
        made, told = together(*calls)
        if (len(made), len(told)) != (1, 1) or "可能已由他人办理" not in told[0]:
            wrong[name] = (made, told)

    entry = city.entered("3.0", "1.0", "2.5")
    race("withdrawn", as_(city.first, price_entries.withdraw_indices, entry_id=entry.pk, note="录错", now=NOW),
         as_(city.second, price_entries.refuse_indices, entry_id=entry.pk, note="与公报不符", now=NOW))  # fmt: skip
    for name, service, given in (
        ("refused", price_entries.refuse_indices, {"note": "与公报不符"}), ("confirmed", price_entries.confirm_indices, {}),
    ):  # fmt: skip
        entry = city.entered("3.0", "1.0", "2.5")
        race(name, *(as_(scope, service, entry_id=entry.pk, now=NOW, **given) for scope in confirmers))
    made = city.proposed(PAID, on=PRICE_DAY).proposal
    race("taken back", as_(city.reviewer, price_proposals.withdraw_subsidies, proposal_id=made.pk, version=made.version, now=NOW),
         as_(city.approver, price_proposals.send_back_subsidies, proposal_id=made.pk, version=made.version, note="人数需核对", now=NOW))  # fmt: skip
    for name, service, given in (
        ("sent back", price_proposals.send_back_subsidies, {"note": "人数需核对"}), ("approved", price_proposals.approve_subsidies, {"note": ""}),
    ):  # fmt: skip
        made = city.proposed(PAID, on=PRICE_DAY).proposal
        race(name, *(as_(scope, service, proposal_id=made.pk, version=made.version, now=NOW, **given) for scope in approvers))
    assert not wrong
