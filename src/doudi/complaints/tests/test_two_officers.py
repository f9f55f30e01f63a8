"""Every step of a complaint by two officers, or in two windows of one, at the same moment: it is taken once, the other is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from doudi.complaints import services
from doudi.complaints.models import Complaint, ComplaintEvent
from doudi.complaints.tests.world import ANSWER, NOW, Office
from doudi.core import scope as scopes
from doudi.core.tests.together import as_, together

CLOSE = {"finding": "upheld", "action": "none", "answer": ANSWER}


def held(office: Office) -> Complaint:
    row = office.working()
    with scopes.acting(office.second):
        return services.hold(complaint_id=row.pk, version=row.version, reason="等待银行流水", until=date(2022, 12, 20), now=NOW)


# step -> (how the complaint comes there, service, whose, what the form says)
STEPS: dict[str, tuple[Callable[[Office], Complaint], Callable[..., Any], tuple[str, str], dict[str, Any]]] = {
    "assign": (lambda office: office.opened(), services.assign, ("reviewer", "second"), {}),
    "begin": (lambda office: office.assigned(office.opened()), services.begin, ("second", "second"), {}),
    "hold": (lambda office: office.working(), services.hold, ("second", "second"), {"reason": "等待银行流水", "until": date(2022, 12, 20)}),
    "resume": (held, services.resume, ("second", "second"), {}),
    "propose": (lambda office: office.working(), services.propose_close, ("second", "second"), CLOSE),
    "approve": (lambda office: office.proposed(), services.approve_close, ("approver", "other_approver"), {}),
    "send back": (lambda office: office.proposed(), services.send_back, ("approver", "other_approver"), {"note": "请补充银行流水"}),
    "reopen": (lambda office: office.closed(), services.reopen, ("reviewer", "second"), {"reason": "实际没有到账"}),
}  # fmt: skip


def test_every_step_of_a_complaint_is_taken_once(committed_db: None) -> None:
    office, wrong = Office(), {}
    for name, (arrange, service, who, given) in STEPS.items():
        row = arrange(office)
        more = given | ({"account_id": office.town.account_id} if name == "assign" else {})
        calls = [as_(getattr(office, each), service, complaint_id=row.pk, version=row.version, now=NOW, **more) for each in who]
        with scopes.acting(office.reviewer):
            before = ComplaintEvent.objects.filter(complaint=row.pk).count()
        made, told = together(*calls)
        with scopes.acting(office.reviewer):
            events = ComplaintEvent.objects.filter(complaint=row.pk).count() - before
        if (len(made), len(told), events) != (1, 1, 1) or "刷新页面" not in told[0]:
            wrong[name] = (made, told, events)
    assert not wrong


def test_a_mass_close_is_proposed_and_decided_once(committed_db: None) -> None:
    office = Office()
    ids = [office.opened(category="payment").pk for _ in range(3)]
    words = {"finding": "upheld", "reason": "银行系统升级延迟到账", "answer": ANSWER, "now": NOW}
    proposers, approvers = (office.reviewer, office.second), (office.approver, office.other_approver)
    made, told = together(*(as_(scope, services.propose_mass_close, complaint_ids=ids, **words) for scope in proposers))
    assert len(made) == 1 and "待审批" in told[0]
    back, late = together(*(as_(scope, services.send_back_mass_close, mass_id=made[0].pk, note="逐件核实", now=NOW) for scope in approvers))
    assert len(back) == 1 and "已由他人办理" in late[0]
    made, _told = together(as_(office.reviewer, services.propose_mass_close, complaint_ids=ids, **words))
    closed, told = together(*(as_(scope, services.approve_mass_close, mass_id=made[0].pk, now=NOW) for scope in approvers))
    assert closed == [3] and "已由他人办理" in told[0]
    with scopes.acting(office.reviewer):
        assert ComplaintEvent.objects.filter(what="批量办结").count() == 3
