"""What letters say: plain data of decisions and awards for the templates in `typst/`. Numbers are masked, as on every page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import segno
from django.utils import timezone

from doudi.assessment import services as assessments
from doudi.core import numbers, places
from doudi.core.models import Account
from doudi.core.templatetags.ui import mask_id, tail
from doudi.discovery.models import HotlineDesk
from doudi.enrolment.models import Award, Case, CaseEvent, Certificate, Decision
from doudi.enrolment.procedure import PROCEDURES
from doudi.registry.codes import RELATIONSHIPS
from doudi.registry.models import Household, Membership, Person, Programme

P = Programme
# The law's names of the results of a programme: whose reasons and lines belong into its letters.
LAW = {
    P.DIBAO: ("dibao_amount",), P.DIBAO_SINGLE: ("single_person_dibao_amount",), P.TEKUN: ("tekun_living_amount", "tekun_care_amount", "tekun"),
    P.MARGINAL: ("marginal_family",), P.RIGID: ("rigid_expenditure_family",), P.ORPHAN: ("orphan_allowance",), P.UNSUPPORTED_CHILD: ("unsupported_child_allowance",),
    P.DISABILITY_LIVING: ("disability_living_subsidy",), P.DISABILITY_NURSING: ("disability_nursing_subsidy",),
}  # fmt: skip
TITLES = {"grant": "审核确认告知书", "refuse": "不予确认告知书", "change": "待遇变更告知书", "stop": "停发告知书"}
# 行政复议法 (60 days) and 行政诉讼法 (six months): what everybody may do against a decision.
REMEDY = "对本决定有异议的，可以自收到本告知书之日起六十日内向{government}申请行政复议，或者自收到之日起六个月内依法向人民法院提起行政诉讼。"
WHY = "对理由有疑问的，可以要求{township}书面说明。"
RECEIVED = "您于{day}提出的“{programme}”申请收悉。"
DUTY = "家庭成员、收入、财产发生变化的，请及时告知{township}。"


def office(area: str) -> str:
    """The county's civil affairs bureau that signs."""
    return places.name(area[:6]) + "民政局"


def day(value: date) -> str:
    return f"{value.year}年{value.month}月{value.day}日"


def month(value: date) -> str:
    return f"{value.year}年{value.month}月"


def yuan(value: Decimal | float | str | None) -> str:
    return "—" if value is None else f"{Decimal(str(value)):,.2f}"


def _masked(person: Person | None) -> str:
    return mask_id(numbers.plain(person.token)) if person else ""


def _hotlines(counties: set[str]) -> dict[str, str]:
    """Hotline number by county: its own desk, else the city's, else the province's."""
    areas = {code[:length] for code in counties for length in (6, 4, 2)}
    found = dict(HotlineDesk.objects.filter(area__in=areas, is_open=True).order_by("-id").values_list("area", "number"))
    return {code: next((found[code[:length]] for length in (6, 4, 2) if code[:length] in found), "") for code in counties}


def _ground(programme: str) -> list[str]:
    """The document on which a refusal rests."""
    way = PROCEDURES.get(programme)
    return [f"依据：{way.source}。"] if way else []


def _reasons(row: Decision) -> list[str]:
    """Why: the officer's reason, what the law's calculation says of the programme, from the frozen facts, and by which document."""
    ground = _ground(row.programme) if row.kind in ("refuse", "stop") else []
    return _calculated(row) + ground


def _calculated(row: Decision) -> list[str]:
    said = [row.reason] if row.reason else []
    if row.assessment is None:
        return said
    explained = assessments.explanation(row.assessment)
    names = LAW[Programme(row.programme)]
    person = row.content.get("person_id")
    ids = row.assessment.facts["person_ids"]
    member = ids.index(person) if person in ids else None
    for refusal in explained.refusals if row.kind in ("refuse", "stop") else []:
        if refusal.code in names and refusal.member in (None, member):
            said.append(f"{refusal.label}：{refusal.reason}。")
    if row.kind in ("grant", "change"):
        for section in explained.sections:
            said += [
                f"{line.label} {yuan(round(line.value, 2))} 元：{line.formula}" + (f"（{line.reference}）" if line.reference else "") + "。"
                for line in section.lines
                if line.code in names and line.value is not None and line.member in (None, member)
            ]
    return said


def _paragraphs(row: Decision, people: dict[int, Person]) -> list[str]:
    programme, members = row.get_programme_display(), row.content.get("members", [])
    whose = f"{row.person.name}" if row.person_id and row.person else "您的家庭"
    payee = row.content.get("payee") or {}
    account = people.get(payee.get("person_id") or 0)
    if row.kind == "grant":
        said = f"经审核，{whose}符合{programme}条件，自{month(row.starts)}起享受{programme}"
        if row.amount is None:
            return [said + "资格。"]
        first = f"{said}，{'保障人口 ' + str(len(members)) + ' 人，' if len(members) > 1 else ''}每月 {yuan(row.amount)} 元。"
        ending = tail(numbers.plain(account.account)) if account and account.account else ""
        return [first, f"补助金每月通过财政“一卡通”发放给{payee.get('name', '')}{'（账户' + ending + '）' if ending else ''}。"]
    if row.kind == "change":
        amount = f"每月 {yuan(row.amount)} 元" if row.amount is not None else "见下表"
        return [f"经核查，{whose}享受的{programme}自{month(row.starts)}起变更为{amount}。"]
    if row.kind == "stop":
        return [f"经核查，{whose}享受的{programme}自{month(row.starts)}起停发。"]
    return [f"经审核，{whose}申请的{programme}不符合规定条件，决定不予确认。"]


def _with_people(decisions: Sequence[Decision]) -> dict[int, Person]:
    ids = {member["person_id"] for row in decisions for member in row.content.get("members", [])}
    payees = {(row.content.get("payee") or {}).get("person_id") for row in decisions}
    return Person.objects.in_bulk(ids | (payees - {None}))


def _remedies(area: str, kind: str, hotline: str) -> list[str]:
    """What the reader can do, and in a grant what is owed."""
    said = [DUTY.format(township=places.name(area[:9]))] if kind in ("grant", "change") else []
    if kind == "refuse":
        said.append(WHY.format(township=places.name(area[:9])))
    said.append(REMEDY.format(government=places.name(area[:6]) + "人民政府"))
    if hotline:
        said.append(f"也可以拨打救助服务热线 {hotline} 咨询或者反映。")
    return said


def _received(case: Case) -> str:
    return RECEIVED.format(day=day(case.application.applied_on), programme=case.get_programme_display())


def notices(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """告知书: to the applicant, with reasons and remedies; the township signs what it confirmed itself. The one source of the notice, on paper and
    on the page of its case. Bounded queries; the law is run once per letter for its reasons."""
    people, hotlines = _with_people(decisions), _hotlines({row.area[:6] for row in decisions})
    rows = Case.objects.filter(decision__in=[row.pk for row in decisions]).select_related("application__applicant")
    cases = {case.decision_id: case for case in rows}
    made = []
    for row in decisions:
        case = cases.get(row.pk)
        delegated = case is not None and case.procedure["delegated"]
        made.append({
            "office": places.name(row.area[:9]) if delegated else office(row.area), "title": f"{row.get_programme_display()}{TITLES[row.kind]}",
            "number": f"编号：{row.number}", "name": case.application.applicant.name if case else row.household.name,
            "paragraphs": [*([_received(case)] if case else []), *_paragraphs(row, people)], "reasons": _reasons(row),
            "remedies": _remedies(row.area, row.kind, hotlines[row.area[:6]]),
            "members": [
                {"name": member["name"], "id_number": _masked(people.get(member["person_id"])), "share": yuan(member.get("share"))}
                for member in row.content.get("members", []) if row.kind in ("grant", "change")
            ],
            "day": day(timezone.localdate(row.decided_at)) if row.decided_at else "",
        })  # fmt: skip
    return made


def not_accepted(case: Case) -> dict[str, Any]:
    """不予受理告知书: of a case that was not accepted, in the shape of `notices`."""
    said = CaseEvent.objects.filter(case_id=case.pk, what="不予受理").order_by("-id").first()
    return {
        "office": places.name(case.area[:9]), "title": f"{case.get_programme_display()}申请不予受理告知书", "number": f"编号：{case.application.number}",
        "name": case.application.applicant.name, "paragraphs": [_received(case), "经审查，决定不予受理。"],
        "reasons": ([str(said.note)] if said and said.note else []) + _ground(case.programme), "members": [],
        "remedies": _remedies(case.area, "refuse", _hotlines({case.area[:6]})[case.area[:6]]), "day": day(timezone.localdate(said.at)) if said else "",
    }  # fmt: skip


def approvals(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """审核确认表: household, calculation, opinions; goes into the file."""
    people = _with_people(decisions)
    relations = _relations({row.household_id for row in decisions})
    made = []
    for row in decisions:
        lines = []
        if row.assessment is not None:
            explained = assessments.explanation(row.assessment, names=assessments.member_names(row.assessment))
            lines = [
                {
                    "number": str(line.number or ""), "label": f"{line.label}{'：' + line.member_name if line.member_name else ''}", "formula": line.formula,
                    "value": ("符合" if line.verdict else "不符合") if line.verdict is not None else yuan(round(line.value or 0, 2)),
                }
                for section in explained.sections for line in section.lines
            ]  # fmt: skip
        proposed, decided = timezone.localdate(row.proposed_at), timezone.localdate(row.decided_at) if row.decided_at else None
        made.append({
            "office": office(row.area), "title": f"{row.get_programme_display()}审核确认表", "number": f"编号：{row.number}",
            "facts": [
                ("户主", row.household.name), ("家庭编号", row.household.number), ("村（社区）", places.name(row.area)),
                ("城乡类别", row.household.get_residence_display()), ("办理事项", str(row.get_kind_display())), ("起始月", month(row.starts)),
                ("金额", f"{yuan(row.amount)} 元/月" if row.amount is not None else "—"), ("领款人", (row.content.get("payee") or {}).get("name") or "—"),
            ],
            "members": [
                {
                    "name": member["name"], "relationship": relations.get((row.household_id, member["person_id"]), ""), "share": yuan(member.get("share")),
                    "birth_date": f"{person.birth_date:%Y-%m-%d}" if (person := people.get(member["person_id"])) and person.birth_date else "",
                    "id_number": _masked(people.get(member["person_id"])),
                }
                for member in row.content.get("members", [])
            ],
            "calculation": lines,
            "opinions": [
                _opinion("乡镇（街道）初审意见", row.reason or ("" if row.kind == "refuse" else "符合规定，拟同意。"), row.proposed_by, proposed),
                _opinion("县级民政部门审核确认意见", row.decision_note or str(row.get_state_display()), row.decided_by, decided),
            ],
        })  # fmt: skip
    return made


def _opinion(title: str, words: str, who: Account | None, on: date | None) -> dict[str, str]:
    return {"title": title, "words": words, "who": who.name if who else "", "day": f"{on:%Y-%m-%d}" if on else ""}


def _relations(households: set[int]) -> dict[tuple[int, int], str]:
    rows = Membership.objects.filter(household_id__in=households).order_by("starts").values_list("household_id", "person_id", "relationship")
    return {(household, person): RELATIONSHIPS.get(code, "") for household, person, code in rows}


def grouped(code: str) -> str:
    """A check code as it is printed: in fours."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def certificate(row: Certificate, *, url: str) -> dict[str, Any]:
    """低保证; `url` is the whole address of its check page."""
    award: Award = row.award
    household: Household = award.household
    members = award.members.filter(void=False, ends__isnull=True).select_related("person").order_by("id")
    relations = _relations({household.pk})
    picture = io.BytesIO()
    segno.make(url, error="m").save(picture, kind="svg", border=0, xmldecl=False)
    return {
        "office": office(award.area), "title": "最低生活保障证" if award.grp == 1 and award.programme != P.TEKUN else f"{award.get_programme_display()}证",
        "facts": [
            ("证号", row.number), ("户主", household.name), ("地址", "".join(places.path(award.area, above=0)[2:]) or places.name(award.area)),
            ("保障类别", f"{household.get_residence_display()} · {award.get_programme_display()}"), ("起始月", month(award.starts)),
        ],
        "members": [
            {"name": each.person.name, "relationship": relations.get((household.pk, each.person_id), ""), "id_number": _masked(each.person)} for each in members
        ],
        "qr": list(picture.getvalue()), "code": grouped(row.code), "day": day(timezone.localdate(row.made_at)),
    }  # fmt: skip
