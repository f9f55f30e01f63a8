"""Reading the registry: search by what an officer types, the household and person pages, history in words.

Search uses ranges on collation C B-trees and exact tokens only: LIKE and trigrams lose their index under row-level security.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Account
from doudi.core.numbers import Kind
from doudi.core.prepared import prepared
from doudi.registry import facts as kinds
from doudi.registry.codes import BANKS, ETHNICITIES, RELATIONSHIPS
from doudi.registry.models import BenefitStatus, Fact, Household, Membership, MoveRequest, Person, Programme

AFTER = "\U0010ffff"
# So many people at most are followed from a search word to their households; a list beyond that asks for more letters.
MOST = 2_000
_DIGITS = re.compile(r"^[0-9]{14,17}[0-9X]$")
_PHONE = re.compile(r"^(?:\+?86)?1[3-9][0-9]{9}$|^0[0-9]{2,3}-?[0-9]{7,8}$")
_LATIN = re.compile(r"^[a-z ']+$")


def full_names() -> bool:
    """Whether lists show names in full: within a township's or village's scope (design of the pages)."""
    return len(scopes.current().area) >= 9


def shown_name(name: str) -> str:
    return name if full_names() else idnumber.mask_name(name)


def people(text: str = "", *, area: str = "") -> QuerySet[Person]:
    """People of the scope, and of `area` within it, that a search word finds: ID number, phone, pinyin or initials, else the beginning of a name.

    Letters find at most MOST people by pinyin and by initials each, in the order of the index: "lj" alone is one person in fifty, and
    the first page must not wait for all of them.
    """
    rows = Person.objects.all()
    if area:
        rows = rows.filter(area__gte=area, area__lt=area + ":")
    text = text.strip()
    if not text:
        return rows
    plain = idnumber.normalise(text)
    if _PHONE.match(plain):
        return rows.filter(phone=numbers.token_of(Kind.PHONE, idnumber.check_phone(plain)))
    if _DIGITS.match(plain):
        try:
            return rows.filter(token=numbers.id_token(idnumber.parse(plain).number18))
        except idnumber.IdNumberError:
            return rows.filter(token=numbers.token_of(Kind.DOCUMENT, plain))
    if letters(text):
        low = letters(text)
        by_pinyin = rows.filter(pinyin__gte=low, pinyin__lt=low + AFTER).order_by("pinyin").values("pk")[:MOST]
        by_initials = rows.filter(initials__gte=low, initials__lt=low + AFTER).order_by("initials").values("pk")[:MOST]
        return Person.objects.filter(pk__in=by_pinyin.union(by_initials))
    name = re.sub(r"\s+", "", text)
    return rows.filter(name__gte=name, name__lt=name + AFTER)


def letters(text: str) -> str:
    """The search word as pinyin or initials; empty where it is something else."""
    low = text.strip().lower()
    return re.sub("[ ']", "", low) if _LATIN.match(low) else ""


def households(text: str = "", *, on: date, area: str = "", programme: str = "") -> QuerySet[Household]:
    """Households of the scope by head or any member, by household number, by programme that runs on a day (`none`: no benefit runs)."""
    rows = Household.objects.all()
    if area:
        rows = rows.filter(area__gte=area, area__lt=area + ":")
    text = text.strip()
    if re.fullmatch(r"[0-9]{15,16}", text) and Household.objects.filter(number=text).exists():
        rows = rows.filter(number=text)
    elif text:
        found = people(text, area=area)
        # a name can be many people's: the limit makes the planner begin with the people (letters are limited already)
        chosen = found.values("pk") if letters(text) else found.order_by("name", "id").values("pk")[:MOST]
        rows = rows.filter(pk__in=Membership.objects.filter(person__in=chosen, ends__isnull=True).values("household_id"))
    running = BenefitStatus.objects.running(on).filter(household_id__isnull=False)
    if programme == "none":
        rows = rows.exclude(pk__in=running.filter(household_id=OuterRef("pk")).values("household_id"))
    elif programme:
        rows = rows.filter(pk__in=running.filter(programme=programme).values("household_id"))
    return rows


def with_summary(rows: QuerySet[Household], on: date) -> QuerySet[Household]:
    """Adds `size` (members now) and `programmes` (codes that run on a day), read for the rows of a page only."""
    members = (
        Membership.objects.filter(household=OuterRef("pk"), ends__isnull=True).order_by().values("household").annotate(n=Count("id")).values("n")
    )
    running = BenefitStatus.objects.running(on).filter(household_id=OuterRef("pk")).order_by("programme")
    return rows.annotate(
        size=Coalesce(Subquery(members, output_field=IntegerField()), 0), programmes=ArraySubquery(running.values("programme").distinct())
    )


def programme_words(codes: Iterable[str]) -> str:
    return "、".join(str(Programme(code).label) for code in codes)


# --- one household -------------------------------------------------------------------------------------------------


@dataclass
class Member:
    """A member as pages show it; numbers masked."""

    membership: Membership
    person: Person
    relationship: str
    age: int
    facts: dict[str, Fact] = field(default_factory=dict)
    benefits: list[BenefitStatus] = field(default_factory=list)

    @property
    def is_head(self) -> bool:
        return self.membership.relationship == "02"

    @property
    def marks(self) -> list[str]:
        """What stands out: disability, illness, schooling, work away."""
        words = []
        for kind in ("disability", "serious_illness", "labour_capacity", "in_school", "works_away"):
            fact = self.facts.get(kind)
            if fact and not kinds.zero(fact) and fact.text != "full":
                words.append(kinds.say(fact) if kind in ("disability", "labour_capacity") else str(fact.get_kind_display()))
        return words


@dataclass
class HouseholdView:
    household: Household
    members: list[Member]
    former: list[Member]
    facts: list[Fact]
    events: list[dict[str, Any]]

    @property
    def head(self) -> Member | None:
        return next((member for member in self.members if member.is_head), None)

    def fact_groups(self) -> list[tuple[str | Promise, list[tuple[str, Fact, str]]]]:
        """(class, rows of (owner, fact, words)) in the order of the classes; empty classes are left out."""
        names = {member.person.pk: member.person.name for member in [*self.members, *self.former]}
        groups = []
        for label, members_of in kinds.CLASSES:
            order = {kind: at for at, kind in enumerate(members_of)}
            inside = sorted((fact for fact in self.facts if fact.kind in order), key=lambda fact: (order[fact.kind], fact.person_id or 0))
            if inside:
                groups.append((label, [(names.get(fact.person_id or 0, str(_("全家"))), fact, kinds.say(fact)) for fact in inside]))
        return groups


def age_on(born: date, on: date) -> int:
    """Full years; who is born on 29 February has the birthday on 1 March in other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@prepared
def _memberships(household: int) -> QuerySet[Membership]:
    return Membership.objects.select_related("person").filter(household_id=household).order_by("ends", "relationship", "id")


@prepared
def _standing(household: int, people: list[int]) -> QuerySet[Fact]:
    return Fact.objects.filter(Q(household_id=household) | Q(person_id__in=people), superseded_at__isnull=True).order_by("kind", "id")


@prepared
def _received(people: list[int]) -> QuerySet[BenefitStatus]:
    return BenefitStatus.objects.filter(person_id__in=people).order_by("-starts")


@prepared
def _recorded(household: int, people: list[int]) -> QuerySet[Fact]:
    return Fact.objects.filter(Q(household_id=household) | Q(person_id__in=people)).order_by("-recorded_at")[:NEWEST]


@prepared
def _recorded_of(people: list[int]) -> QuerySet[Fact]:
    return Fact.objects.filter(person_id__in=people).order_by("-recorded_at")[:NEWEST]


@prepared
def _names(accounts: list[int]) -> QuerySet[Account, tuple[int, str]]:
    return Account.objects.filter(pk__in=accounts).values_list("pk", "name")


def _benefits(people: list[int], on: date) -> list[BenefitStatus]:
    """What people receive and received, the latest first, with the state as it is on a day."""
    rows = _received(people)
    for row in rows:
        row.state = row.state_on(on)
    return rows


def household_view(household: Household, *, on: date) -> HouseholdView:
    """Everything of the household page in a bounded number of queries."""
    memberships = _memberships(household.pk)
    ids = [each.person_id for each in memberships]
    facts = _standing(household.pk, ids)
    benefits = _benefits(ids, on)
    # a household of one can have left and come back: each membership is shown, the running one first
    members = [
        Member(
            each, each.person, RELATIONSHIPS.get(each.relationship, each.relationship), age_on(each.person.birth_date, each.person.died_on or on),
            {fact.kind: fact for fact in facts if fact.person_id == each.person_id}, [row for row in benefits if row.person_id == each.person_id],
        )
        for each in memberships
    ]  # fmt: skip
    now_in = sorted((each for each in members if each.membership.ends is None), key=lambda each: (not each.is_head, each.membership.pk))
    events = household_events(household.pk, {each.person_id: each.person.name for each in memberships})
    return HouseholdView(household, now_in, [each for each in members if each.membership.ends is not None], facts, events)


@dataclass
class PersonView:
    person: Person
    id_masked: str
    id_label: str
    phone_masked: str
    account_masked: str
    bank: str
    ethnicity: str
    age: int
    memberships: list[Membership]
    facts: list[Fact]
    past: list[Fact]
    benefits: list[BenefitStatus]
    events: list[dict[str, Any]]


def plain_number(token: Any) -> tuple[Kind, str]:
    """(kind, number) behind a token, the number empty where only a digest is kept."""
    try:
        return numbers.token_key().open(token)
    except ValueError:
        return Kind.DOCUMENT, ""


def person_view(pk: int, *, on: date) -> PersonView:
    """Everything of the person page. Raises Http404 outside the scope."""
    person = Person.objects.filter(pk=pk).first()
    if person is None:
        raise Http404
    kind, number = plain_number(person.token)
    if kind is Kind.NONE:
        masked, label = str(_("无证件号码")), str(_("证件号码"))
    else:
        masked, label = idnumber.mask_id(number or person.long_number or "") or "********", str(_("身份证号") if kind is Kind.CITIZEN_ID else _("证件号码"))
    facts = list(Fact.objects.filter(person=person).order_by("kind", "-starts", "-recorded_at", "-id"))
    return PersonView(
        person, masked, label,
        idnumber.mask_phone(numbers.plain(person.phone) or "") if person.phone else "",
        idnumber.mask_account(numbers.plain(person.account) or "") if person.account else "",
        BANKS.get(person.bank, person.bank), ETHNICITIES.get(person.ethnicity, person.ethnicity), age_on(person.birth_date, person.died_on or on),
        list(Membership.objects.select_related("household").filter(person=person).order_by("-starts")),
        [fact for fact in facts if fact.superseded_at is None], [fact for fact in facts if fact.superseded_at is not None],
        _benefits([pk], on), person_events([pk]),
    )  # fmt: skip


# --- history in words ----------------------------------------------------------------------------------------------

FIELDS: dict[str, str | Promise] = {
    "token": gettext_lazy("证件号码"), "name": gettext_lazy("姓名"), "sex": gettext_lazy("性别"), "birth_date": gettext_lazy("出生日期"),
    "died_on": gettext_lazy("死亡日期"), "ethnicity": gettext_lazy("民族"), "registered_area": gettext_lazy("户籍地"),
    "residence_area": gettext_lazy("居住地"), "phone": gettext_lazy("联系电话"), "account": gettext_lazy("银行账号"), "bank": gettext_lazy("开户银行"),
    "area": gettext_lazy("管理地区"), "residence": gettext_lazy("户口性质"), "address": gettext_lazy("住址"), "relationship": gettext_lazy("与户主关系"),
    "ends": gettext_lazy("离开日期"),
}  # fmt: skip
MADE: dict[str, str | Promise] = {
    "household": gettext_lazy("登记家庭"),
    "person": gettext_lazy("登记人员"),
    "membership": gettext_lazy("加入家庭"),
}
_TRACKED = {
    "household": ("registry_householdhistoryevent", "pgh_obj_id", ("area", "name", "residence", "address")),
    "membership": ("registry_membershiphistoryevent", "household_id", ("area", "relationship", "ends")),
    "person": (
        "registry_personhistoryevent", "pgh_obj_id",
        ("area", "token", "name", "sex", "birth_date", "died_on", "ethnicity", "registered_area", "residence_area", "phone", "account", "bank"),
    ),
}  # fmt: skip
NEWEST = 100


Change = tuple[datetime, str, int, int | None, list[str], str]
"""At, what, row id, account, fields that changed, label."""


def _changes(asked: dict[str, list[int]]) -> list[Change]:
    """History rows of households, memberships and people, newest first; the comparison is the database's. One query."""
    parts: list[str] = []
    given: list[Any] = []
    for what, ids in asked.items():
        if not ids:
            continue
        table, column, tracked = _TRACKED[what]
        differs = ", ".join(f"case when {name} is distinct from lag({name}) over w then '{name}' end" for name in tracked)
        subject = "person_id" if what == "membership" else "id"
        parts.append(
            f"(select pgh_created_at, '{what}', {subject}, account_id, array_remove(array[{differs}], null), pgh_label from {table}"
            f" where {column} = any(%s) window w as (partition by pgh_obj_id order by pgh_id) order by pgh_id desc limit %s)"
        )
        given += [ids, NEWEST]
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(parts), given)
        return [(at, what, pk, account, list(fields), label) for at, what, pk, account, fields, label in cursor.fetchall()]


def _events(changes: list[Change], names: dict[int, str], facts: list[Fact]) -> list[dict[str, Any]]:
    """Items for the timeline component, newest first: what changed, and the facts as they were recorded. One query at most."""
    accounts = {change[3] for change in changes if change[3]} | {row.recorded_by for row in facts if row.recorded_by}
    who = dict(_names(list(accounts)))
    items = _in_words(changes, names, who) + _fact_changes(facts, who)
    return sorted(items, key=lambda item: item["at"], reverse=True)[:NEWEST]


def _in_words(changes: list[Change], names: dict[int, str], who: dict[int, str]) -> list[dict[str, Any]]:
    """Inserts of one statement are one line each, updates name their fields."""
    items = []
    for at, what, pk, account, fields, label in sorted(changes, key=lambda change: change[0], reverse=True):
        name = names.get(pk, "") if what != "household" else ""
        if label == "insert":
            title, note = str(MADE[what]), name
        elif what == "membership" and "ends" in fields:
            title, note = str(_("离开家庭")), name
        elif "area" in fields:
            title, note = str(_("转移管理地区")), name
        elif fields:
            title, note = str(_("变更%(fields)s") % {"fields": "、".join(str(FIELDS[each]) for each in fields)}), name
        else:
            continue
        items.append({"at": at, "title": title, "who": who.get(account or 0, ""), "note": note})
    return items[:NEWEST]


def _fact_changes(rows: list[Fact], who: dict[int, str]) -> list[dict[str, Any]]:
    batches: dict[tuple[datetime, int | None, str], list[str]] = {}
    for row in rows:
        batches.setdefault((row.recorded_at, row.recorded_by, row.source), []).append(str(row.get_kind_display()).split("（")[0])
    return [
        {
            "at": at, "title": str(_("登记经济与健康状况")), "who": who.get(account or 0, ""),
            "note": f"{Fact.Source(source).label}：" + "、".join(list(dict.fromkeys(labels))[:6]) + (_("等") if len(set(labels)) > 6 else ""),
        }
        for (at, account, source), labels in batches.items()
    ]  # fmt: skip


def household_events(pk: int, names: dict[int, str]) -> list[dict[str, Any]]:
    """What happened to a household and its members (`names`: those of now and before), newest first."""
    people = list(names)
    changes = [each for each in _changes({"household": [pk], "membership": [pk], "person": people}) if each[1] != "person" or each[5] != "insert"]
    return _events(changes, names, _recorded(pk, people))


def person_events(ids: list[int]) -> list[dict[str, Any]]:
    """What happened to people, newest first."""
    return _events(_changes({"person": ids}), {}, _recorded_of(ids))


def moves() -> QuerySet[MoveRequest]:
    """Moves that either end of lies in the scope."""
    return MoveRequest.objects.all()
