"""Applications sent through the public door (网上申请): taken in as they are told, registered or declined by the township.

Anybody can send anything: nothing of it enters the registry before an officer has seen the documents, and the sender learns a number and no more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.batch.datasets.relationships import RELATIONSHIPS
from doudi.core import audit, duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.numbers import Kind
from doudi.core.services.attachments import attach, attachments_of, open_attachment
from doudi.core.services.messages import send_message
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.enrolment.models import Application, Authorisation, Document
from doudi.enrolment.procedure import PROCEDURES, Paper, checked
from doudi.enrolment.services.applying import apply
from doudi.enrolment.services.papers import add_document, record_authorisation
from doudi.portal.facts import SELF_CARE, HouseholdFacts, MemberFacts
from doudi.portal.models import OnlineApplication, OnlineMember
from doudi.portal.places import exists, machine
from doudi.portal.procedures import RECEIVE_DAYS
from doudi.portal.services import files
from doudi.registry.models import HOUSEHOLD_FACTS, Fact, FactKind, Household, Membership, Person
from doudi.registry.names import BadName, clean_name
from doudi.registry.services import NewFact, record_facts, register_household
from doudi.registry.services.base import next_id, service

SUBJECT = "online_application"
TODO = "portal.application"
SELF = "01"
# Kinds of documents that the form takes -> what their files are called; the officer sorts the others.
PAPERS: dict[str, str] = {Paper.IDENTITY: "身份证户口簿", Paper.DISABILITY: "残疾人证", Paper.ILLNESS: "看病材料", Paper.FORM: "其他材料"}
State = OnlineApplication.State


@dataclass(frozen=True)
class Named:
    """A member as the applicant names them; `relationship` to the applicant (GB/T 4761 code)."""

    name: str
    id_number: str
    relationship: str = SELF


@dataclass(frozen=True)
class Sent:
    """What an application says. `programmes`: codes, or none where the township shall say; `facts`: of the self-check, the applicant first."""

    applicant: Named
    phone: str
    residence: str
    address: str
    members: Sequence[Named] = ()
    programmes: Sequence[str] = ()
    note: str = ""
    facts: HouseholdFacts | None = None
    papers: Mapping[str, Sequence[bytes]] = field(default_factory=dict)


def _person(given: Named, where: str, day: date, problems: dict[str, str]) -> tuple[str, UUID | None]:
    """(name, token of the number); what is wrong goes into `problems` at the field `where` with its part."""
    name, token = "", None
    try:
        name = clean_name(given.name)
    except BadName as error:
        problems[f"{where}name"] = str(error)
    try:
        token = numbers.id_token(idnumber.parse(given.id_number, on=day).number18)
    except idnumber.IdNumberError as error:
        problems[f"{where}id_number"] = _("“身份证号”：%(reason)s；请对照证件填写。") % {"reason": error}
    return name, token


def send_application(*, uuid: UUID, area: str, sent: Sent, now: datetime) -> str:
    """Take an application in for the township `area`; its number. The same form (`uuid`) again gives the same number. Another form of the same person
    is another application, since its page must not tell who types a number in that there was one before: the first one's phone is told, and the
    officer takes both together. Sets its own scope: nobody is signed in. Raises ValidationError by field (`m2-name` for the third member).
    """
    day = timezone.localdate(now)
    problems: dict[str, str] = {}
    people = [_person(sent.applicant, "", day, problems)]
    people += [_person(member, f"m{at}-", day, problems) for at, member in enumerate(sent.members, 1)]
    tokens = [token for _name, token in people if token]
    if len(set(tokens)) != len(tokens):
        problems["id_number"] = _("同一个身份证号填写了两次；请核对家庭成员。")
    for at, member in enumerate(sent.members, 1):
        if member.relationship not in RELATIONSHIPS or member.relationship in (SELF, "02"):
            problems[f"m{at}-relationship"] = _("请选择与申请人的关系。")
    phone = None
    try:
        plain = idnumber.check_phone(sent.phone)
        if not plain.startswith("1"):
            raise ValueError(_("请填写手机号，查询进度的验证码发到这个号码"))
        phone = numbers.token_of(Kind.PHONE, plain)
    except ValueError as error:
        problems["phone"] = _("“手机号”：%(problem)s。") % {"problem": error}
    if len(area) != 9 or not exists(area):
        problems["area"] = _("请选择所在的乡镇（街道）。")
    if sent.residence not in Household.Residence.values:
        problems["residence"] = _("请选择户口性质。")
    if len(sent.address.strip()) < 2:
        problems["address"] = _("请填写村（社区）和门牌。")
    if set(sent.programmes) - set(PROCEDURES):
        problems["programmes"] = _("没有这个救助项目；请刷新页面后重新选择。")
    if sum(len(each) for each in sent.papers.values()) > files.PAPERS:
        problems[f"papers_{Paper.FORM}"] = _("最多上传 %(most)d 个文件；请减少后再提交。") % {"most": files.PAPERS}
    if problems:
        raise ValidationError(problems)
    assert phone is not None and people[0][1] is not None
    with scopes.acting(machine(area, "portal.send")):
        duties.require("portal.send")
        with connection.cursor() as cursor:  # a form sent twice at once: the second waits and finds the first
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('portal application ' || %s, 0))", [str(uuid)])
        known = OnlineApplication.objects.filter(uuid=uuid).first()
        if known is not None:
            return known.number
        return _take(uuid, area, sent, people, phone, now)  # type: ignore[arg-type]


def _take(uuid: UUID, area: str, sent: Sent, people: list[tuple[str, UUID]], phone: UUID, now: datetime) -> str:
    day = timezone.localdate(now)
    pk = next_id("portal_onlineapplication")
    due = add_working_days(day, int(get_setting(RECEIVE_DAYS, area, day)))
    told = json.dumps({"note": sent.note.strip()[:1000], "facts": asdict(sent.facts) if sent.facts else None}, ensure_ascii=False)
    made = OnlineApplication.objects.create(
        id=pk, uuid=uuid, area=area, number=f"WS{area[:6]}{pk:09d}", name=people[0][0], token=people[0][1], phone=phone, residence=sent.residence,
        address=sent.address.strip()[:300], programmes=list(sent.programmes), told=told, authorised_at=now, sent_at=now, due=due,
    )  # fmt: skip
    OnlineMember.objects.bulk_create(
        OnlineMember(area=area, application=made, position=at, name=name, token=token, relationship=SELF if at == 0 else sent.members[at - 1].relationship)
        for at, (name, token) in enumerate(people)
    )
    for paper, contents in sent.papers.items():
        files.keep(
            contents, subject=SUBJECT, subject_id=pk, area=area, name=PAPERS[paper], field=f"papers_{paper}", pictures_only=False, now=now
        )
    raise_todo(
        kind=TODO, area=area, duty=Duty.TOWNSHIP_OFFICER, title=f"网上申请 {made.number}：核对并登记", url=f"/portal/applications/{pk}/", subject=SUBJECT,
        subject_id=pk, due=due, now=now,
    )  # fmt: skip
    earlier = same_person(made).filter(pk__lt=pk).first()
    if earlier is not None:
        _tell(earlier, "portal.again", {"number": earlier.number, "again": made.number}, now, key=f"{earlier.pk}.{pk}")
    scopes.check_constraints()
    return made.number


def same_person(row: OnlineApplication) -> QuerySet[OnlineApplication]:
    """Other online applications of the same person that wait, for one of the same programmes or where one leaves it to the township; oldest first."""
    found = OnlineApplication.objects.filter(token=row.token, state=State.SENT).exclude(pk=row.pk).order_by("id")
    return found.filter(Q(programmes=[]) | reduce(or_, [Q(programmes__contains=[code]) for code in row.programmes])) if row.programmes else found


def _waiting(application_id: int, version: int) -> OnlineApplication:
    found = OnlineApplication.objects.select_for_update().filter(pk=application_id).first()
    if found is None:
        raise ValidationError(_("找不到这件网上申请，或不在您的管辖范围内。"))
    if found.state != State.SENT or found.version != version:
        raise ValidationError(_("这件网上申请刚由其他工作人员办理，本次操作未保存；请刷新页面。"))
    return found


def known_people(application: OnlineApplication) -> dict[int, Person]:
    """Position of a member -> the person of the officer's own area with that number."""
    members = {row.token: row.position for row in OnlineMember.objects.filter(application=application)}
    return {members[person.token]: person for person in Person.objects.filter(token__in=members)}


@service("portal.receive")
def register_application(
    *, application_id: int, version: int, village: str, programmes: Sequence[tuple[str, int | None]], identity_seen: bool, now: datetime,
    together: Sequence[int] = (),
) -> Application:  # fmt: skip
    """The officer has seen who it is: the household is found or registered, and an application (channel portal, of the day it was sent) begins.

    `programmes`: (programme, position of the member, or None for the household's). A household that is registered stays as it is; of a new one
    the declared facts are recorded as declared. `together`: other applications of the same person that go into this one with their papers and
    remarks; their senders are told. Raises ValidationError: members of different households, somebody managed elsewhere, and what `enrolment.apply` refuses.
    """
    online = _waiting(application_id, version)
    if not identity_seen:
        raise ValidationError({"identity_seen": _("请先核对申请人身份（证件、电话联系或见面），再登记。")})
    today, sent_on = timezone.localdate(now), timezone.localdate(online.sent_at)
    members = list(OnlineMember.objects.filter(application=online).order_by("position"))
    people = {at: person.pk for at, person in known_people(online).items()}
    household = _household_of(members, people)
    if household is None:
        household, people = _new_household(online, members, village, today, now)
        _declare(online, household, people, sent_on, today, now)
    in_household = set(Membership.objects.filter(household=household, ends__isnull=True).values_list("person_id", flat=True))
    wanted: list[tuple[str, int | None]] = []
    for programme, at in programmes:
        person = None if at is None else people.get(at)
        if at is not None and person not in in_household:
            raise ValidationError({"programmes": _("“%(name)s”不在这个家庭里；请先在家庭页办理。") % {"name": members[at].name if at < len(members) else "?"}})
        wanted.append((programme, person))
    made = apply(
        household_id=household.pk, applicant_id=people[0], programmes=wanted, channel=Application.Channel.PORTAL, applied_on=sent_on,
        note=str(json.loads(online.told or "{}").get("note", "")), now=now,
    )  # fmt: skip
    _papers(online, household, made, people[0], now)
    for pk in together:
        _merge(same_person(online).select_for_update().filter(pk=pk).first(), online, household, made, people[0], now)
    if any(checked(programme) for programme, _person in wanted):
        record_authorisation(household_id=household.pk, person_id=people[0], signed_on=sent_on, sign=Authorisation.Sign.ONLINE, now=now)
    _handled(online, now, state=State.REGISTERED, application=made)
    _tell(online, "portal.registered", {"number": online.number}, now)
    return made


def _merge(other: OnlineApplication | None, into: OnlineApplication, household: Household, made: Application, applicant_id: int, now: datetime) -> None:
    """The same person's other application: its form and files become papers of this one, and itself stays readable as it was sent."""
    if other is None:
        raise ValidationError({"together": _("同一人的另一件网上申请刚由其他工作人员办理，或申请的项目不同；请刷新页面。")})
    _papers(other, household, made, applicant_id, now)
    reason = _("与 %(number)s 是同一人的同一项申请，已合并办理，材料一并收下。") % {"number": into.number}
    _handled(other, now, state=State.MERGED, reason=reason)
    _tell(other, "portal.registered", {"number": other.number}, now)


def _household_of(members: list[OnlineMember], people: Mapping[int, int]) -> Household | None:
    """The household of the applicant; None where none of the members is registered here."""
    if not people:
        return None
    rows = Membership.objects.filter(person_id__in=people.values(), ends__isnull=True).select_related("household")
    households = {row.person_id: row.household for row in rows}
    if 0 in people and people[0] in households:
        return households[people[0]]
    names = "、".join(members[at].name for at in sorted(people))
    raise ValidationError(_("%(names)s 已在本地登记，但申请人不在其家庭里；请先在家庭页办理成员变更，再登记这件申请。") % {"names": names})


def _new_household(online: OnlineApplication, members: list[OnlineMember], village: str, today: date, now: datetime) -> tuple[Household, dict[int, int]]:
    def person(row: OnlineMember) -> dict[str, Any]:
        more = {"phone": numbers.plain(online.phone)} if row.position == 0 else {"relationship": row.relationship}
        return {"name": row.name, "id_number": numbers.plain(row.token), "confirmed": True, **more}

    try:
        household = register_household(
            area=village, residence=online.residence, address=online.address, head=person(members[0]), members=[person(row) for row in members[1:]], on=today, now=now
        )
    except ValidationError as error:
        at = getattr(error, "member", None)
        if at is None:
            raise
        raise ValidationError(f"{members[at].name}：{'；'.join(error.messages)}") from None
    ids = dict(Person.objects.filter(token__in=[row.token for row in members]).values_list("token", "pk"))
    return household, {row.position: ids[row.token] for row in members}


# A fact of the self-check (yuan a month, or a word) -> the registry's kind; money is kept over 12 months.
MONEY = {"wage": FactKind.WAGE_INCOME, "business": FactKind.BUSINESS_INCOME, "transfers": FactKind.TRANSFER_INCOME, "maintenance": FactKind.MAINTENANCE_INCOME}
FLAGS = {"works_away": FactKind.WORKS_AWAY, "serious_illness": FactKind.SERIOUS_ILLNESS, "in_school": FactKind.IN_SCHOOL}


def _declare(online: OnlineApplication, household: Household, people: Mapping[int, int], sent_on: date, today: date, now: datetime) -> None:
    """What was declared of a household that is new, as declared: departments' data and the visit will say what is so."""
    told = told_facts(online)
    if told is None:
        return
    common: dict[str, Any] = {"starts": sent_on, "source": Fact.Source.DECLARED}
    facts: list[NewFact] = []
    for at, member in enumerate(told.members):
        if at not in people:
            continue
        yearly = {kind: round(getattr(member, name) * 12, 2) for name, kind in MONEY.items()} | {kind: int(getattr(member, name)) for name, kind in FLAGS.items()}
        facts += [NewFact(kind=kind, person_id=people[at], number=Decimal(str(value)), **common) for kind, value in yearly.items() if value]
        facts += _words(member, people[at], told.support, common)
    house: dict[str, float] = {
        FactKind.RIGID_EXPENDITURE: told.rigid, FactKind.FINANCIAL_ASSETS: told.savings, FactKind.VEHICLES: told.vehicles, FactKind.DWELLINGS: told.dwellings,
    }  # fmt: skip
    assert set(house) <= HOUSEHOLD_FACTS
    facts += [NewFact(kind=kind, household_id=household.pk, number=Decimal(str(value)), **common) for kind, value in house.items() if value]
    if facts:
        record_facts(facts=facts, on=today, now=now)


def _words(member: MemberFacts, person_id: int, support: str, common: dict[str, Any]) -> list[NewFact]:
    made = []
    if member.disability_grade:
        made.append(NewFact(kind=FactKind.DISABILITY, person_id=person_id, number=Decimal(member.disability_grade), text=member.disability_kind, **common))
    if member.labour != "full":
        made.append(NewFact(kind=FactKind.LABOUR_CAPACITY, person_id=person_id, text=member.labour, **common))
    if failures := SELF_CARE[member.self_care][1]:
        made.append(NewFact(kind=FactKind.SELF_CARE, person_id=person_id, number=Decimal(failures), **common))
    if support != "able":
        made.append(NewFact(kind=FactKind.SUPPORT_OBLIGOR, person_id=person_id, text=support, **common))
    if member.child:
        kind = FactKind.ORPHAN if member.child == "orphan" else FactKind.UNSUPPORTED_CHILD
        made.append(NewFact(kind=kind, person_id=person_id, number=Decimal(1), **common))
    return made


def told_facts(online: OnlineApplication) -> HouseholdFacts | None:
    """The facts of the self-check that came with the application."""
    given = json.loads(online.told or "{}").get("facts")
    return HouseholdFacts(**{**given, "members": tuple(MemberFacts(**each) for each in given["members"])}) if given else None


def _papers(online: OnlineApplication, household: Household, made: Application, applicant_id: int, now: datetime) -> None:
    """The form itself, what it declares, and the files, as documents of the household."""
    declared = (Paper.INCOME, Paper.PROPERTY) if told_facts(online) else ()
    documents: dict[str, Document] = {
        paper: add_document(household_id=household.pk, paper=paper, application_id=made.pk, note=f"网上申请 {online.number}", now=now)
        for paper in (Paper.FORM, *declared)
    }  # fmt: skip
    for row in attachments_of(subject=SUBJECT, subject_id=online.pk).order_by("uploaded_at", "name"):
        paper = next(paper for paper, name in PAPERS.items() if row.name.startswith(name))
        document = documents.get(paper) or add_document(
            household_id=household.pk, paper=paper, application_id=made.pk, note=f"网上申请 {online.number}", now=now
        )
        documents[paper] = document
        _row, content = open_attachment(identifier=row.pk)
        attach(subject="document", subject_id=document.pk, area=document.area, name=row.name, content=content, now=now)


@service("portal.receive")
def decline_application(*, application_id: int, version: int, reason: str, now: datetime) -> OnlineApplication:
    """The township does not make an application of it (cannot be reached, another place handles it, not the person); the applicant reads the reason."""
    online = _waiting(application_id, version)
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("请写明理由和申请人下一步怎么办，至少 4 个字；申请人查询进度时会看到。")})
    _handled(online, now, state=State.DECLINED, reason=reason.strip()[:400])
    _tell(online, "portal.declined", {"number": online.number}, now)
    return online


def _handled(online: OnlineApplication, now: datetime, **values: Any) -> None:
    OnlineApplication.objects.filter(pk=online.pk).update(handled_by_id=scopes.current().account_id or None, handled_at=now, version=online.version + 1, **values)
    finish_todos(subject=SUBJECT, subject_id=online.pk, now=now)
    online.refresh_from_db()


def _tell(online: OnlineApplication, template: str, values: dict[str, Any], now: datetime, *, key: str = "") -> None:
    send_message(template=template, area=online.area, key=key or f"{online.pk}", values=values, phone=online.phone, now=now)


def reveal(*, application_id: int, what: str) -> str:
    """Phone or ID number of the applicant, for the township that handles it; recorded before it answers. Raises ValidationError outside the scope."""
    duties.require("portal.receive")
    online = OnlineApplication.objects.filter(pk=application_id).first()
    if online is None or what not in ("phone", "id_number"):
        raise ValidationError(_("找不到这件网上申请，或不在您的管辖范围内。"))
    audit.record_access(what="reveal", subject=SUBJECT, subject_id=online.pk, area=online.area, field=what)
    return numbers.plain(online.phone if what == "phone" else online.token) or ""
