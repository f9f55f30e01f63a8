"""What the notices of temporary assistance say (告知书): plain data for the template of enrolment's notices, which these share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone, translation

from doudi.core import numbers, places
from doudi.core.templatetags.ui import mask_id, tail
from doudi.enrolment.letters import REMEDY, WHY, day, office, yuan
from doudi.payments.models import Grant
from doudi.relief.models import ReliefCase, ReliefHelp

EXPLAIN = "本次为先行救助，请配合乡镇（街道）在{day}前补充说明和有关材料。"


def _given(one: ReliefHelp) -> str:
    """One help in words: what, and how it reaches the household."""
    if one.kind == ReliefHelp.Kind.REFERRAL:
        return f"转介{one.referred_to}{'：' + one.what if one.what else ''}。"
    if one.kind == ReliefHelp.Kind.GOODS:
        return f"发放实物：{one.what}，折价 {yuan(one.amount)} 元。"
    if one.way != Grant.Way.PAYROLL:
        return f"救助金 {yuan(one.amount)} 元，由乡镇（街道）备用金发放，领取时签字。"
    account = one.grant.account if one.grant else None
    into = f"汇入{one.grant.payee_name}账户（{tail(numbers.plain(account))}）" if account and one.grant else "请提供本人银行账户，随下一批发放"
    return f"救助金 {yuan(one.amount)} 元，{into}。"


def notices(cases: Sequence[ReliefCase]) -> list[dict[str, Any]]:
    """Notices of decided cases, in the shape of `enrolment.letters.notices`; the township signs what it granted itself. Three queries, whatever their number."""
    helps: dict[int, list[ReliefHelp]] = {}
    for one in ReliefHelp.objects.filter(case__in=[case.pk for case in cases]).select_related("grant").order_by("part"):
        helps.setdefault(one.case_id, []).append(one)
    with translation.override("zh-hans"):
        return [_notice(case, helps.get(case.pk, [])) for case in cases]


def _notice(case: ReliefCase, helps: Sequence[ReliefHelp]) -> dict[str, Any]:
    granted = case.state == ReliefCase.State.GRANTED
    asked = f"您于{day(timezone.localdate(case.made_at))}因{case.get_cause_display()}提出的临时救助（{case.get_kind_display()}）申请收悉。"
    if granted:
        members = f"救助对象 {case.people} 人，" if case.people > 1 else ""
        said = [f"经审核，决定给予临时救助，{members}合计 {yuan(case.amount)} 元（含实物折价）。", *(_given(one) for one in helps)]
        if case.relief_first and case.explained_at is None and case.explanation_due:
            said.append(EXPLAIN.format(day=day(case.explanation_due)))
    else:
        said = ["经审核，您申请的临时救助不符合规定条件，决定不予救助。"]
    remedies = [] if granted else [WHY.format(township=places.name(case.area[:9]))]
    return {
        "office": places.name(case.area[:9]) if granted and case.level == ReliefCase.Level.TOWNSHIP else office(case.area),
        "title": "临时救助告知书" if granted else "不予临时救助告知书", "number": f"编号：{case.number}", "name": case.name, "paragraphs": [asked, *said],
        "reasons": [case.note] if case.note and not granted else [], "members": [],
        "remedies": [*remedies, REMEDY.format(government=places.name(case.area[:6]) + "人民政府")],
        "day": day(timezone.localdate(case.decided_at)) if case.decided_at else "", "id_number": mask_id(numbers.plain(case.token)) if case.has_number else "",
    }  # fmt: skip
