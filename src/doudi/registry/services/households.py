"""Households (家庭) and their members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.batch.datasets.relationships import RELATIONSHIPS
from doudi.core.services.todos import finish_todos
from doudi.registry.models import Household, Membership, Person
from doudi.registry.services.base import changed, next_id, service, village
from doudi.registry.services.people import register_person

HEAD = "02"


def relationship_code(text: str) -> str:
    """Code of GB/T 4761 from a code or an official word. Raises ValidationError."""
    text = text.strip()
    if text in RELATIONSHIPS:
        return HEAD if text == "01" else text
    for code, word in RELATIONSHIPS.items():
        if text == word and code != "01":
            return code
    raise ValidationError({"relationship": _("“与户主关系”不是国家标准用语；请在列表中选择。")})


@service("registry.edit")
def register_household(
    *, area: str, residence: str, address: str = "", head: Mapping[str, Any], members: Sequence[Mapping[str, Any]] = (), on: date, now: datetime
) -> Household:
    """Register a household managed by the village `area` with its head and members, all or nothing.

    `head` and each of `members` are arguments of `register_person`, or {"person_id": ...} for somebody registered; members
    carry `relationship` too. Errors of the n-th member (from 1, head 0) carry `member` = n as an attribute.
    """
    village(area)
    if residence not in Household.Residence.values:
        raise ValidationError({"residence": _("“户口性质”必须选择城市或农村。")})
    people: list[tuple[Person, str]] = []
    for position, given in enumerate([{**head, "relationship": HEAD}, *members]):
        values = dict(given)
        try:
            relationship = relationship_code(str(values.pop("relationship", "")))
            if position and relationship == HEAD:
                raise ValidationError({"relationship": _("一个家庭只能有一个户主。")})
            people.append((_person(area, values, on=on, now=now), relationship))
        except ValidationError as error:
            error.member = position  # type: ignore[attr-defined]
            raise
    pk = next_id("registry_household")
    household = Household.objects.create(
        id=pk, area=area, number=f"{area[:6]}{pk:09d}", name=people[0][0].name, residence=residence, address=address.strip() or None, made_at=now
    )
    Membership.objects.bulk_create(
        Membership(area=area, household=household, person=person, relationship=relationship, starts=on) for person, relationship in people
    )
    return household


def _person(area: str, values: dict[str, Any], *, on: date, now: datetime) -> Person:
    """Somebody registered already, who must be seen and alive, or somebody new."""
    pk = values.pop("person_id", None)
    if pk is None:
        return register_person(area=area, on=on, now=now, **values)
    person = Person.objects.filter(pk=pk).first()
    if person is None:
        raise ValidationError(_("没有找到该人员，或其不在您的管辖范围内；请重新查询。"))
    if person.died_on:
        raise ValidationError(_("%(name)s 已登记死亡，不能加入家庭；请核对。") % {"name": person.name})
    return person


@service("registry.edit")
def add_member(*, household_id: int, relationship: str, person: Mapping[str, Any], on: date, now: datetime, starts: date | None = None) -> Membership:
    """Add a member from `starts` (else `on`): arguments of `register_person`, or {"person_id": ...}.

    Somebody of another village of the scope must be moved first; somebody of another household must leave it first.
    """
    household = Household.objects.get(pk=household_id)
    code = relationship_code(relationship)
    if code == HEAD:
        raise ValidationError({"relationship": _("家庭已有户主；如需更换，请办理变更户主。")})
    if starts and starts > on:
        raise ValidationError({"starts": _("“加入日期”晚于今天；请核对后重新填写。")})
    joined = _person(household.area, dict(person), on=on, now=now)
    return Membership.objects.create(area=household.area, household=household, person=joined, relationship=code, starts=starts or on)


@service("registry.edit")
def end_membership(*, membership_id: int, ends: date, on: date, now: datetime) -> Membership:
    """End a membership on `ends`, the first day on which it no longer holds. The head goes last, or after a change of head.

    Where nobody is left, there is no head to name any more.
    """
    membership = Membership.objects.select_for_update().get(pk=membership_id)
    if membership.ends is not None:
        raise ValidationError(_("该成员已于 %(day)s 离开家庭；请刷新页面。") % {"day": membership.ends})
    if ends > on:
        raise ValidationError({"ends": _("“离开日期”晚于今天；请核对后重新填写。")})
    others = Membership.objects.filter(household_id=membership.household_id, ends__isnull=True).exclude(pk=membership.pk)
    if membership.relationship == HEAD and others.exists():
        raise ValidationError(_("户主不能先于其他成员离开家庭；请先变更户主。"))
    Membership.objects.filter(pk=membership_id).update(ends=ends)
    if not others.exists():
        finish_todos(subject="household", subject_id=membership.household_id, kind="head_died", now=now)
    membership.ends = ends
    return membership


@service("registry.edit")
def change_head(*, household_id: int, version: int, person_id: int, relationships: Mapping[int, str], on: date, now: datetime) -> Household:
    """Make a member the head (变更户主). `relationships`: person id -> relationship to the new head, for every other member."""
    members = {each.person_id: each for each in Membership.objects.select_related("person").filter(household_id=household_id, ends__isnull=True)}
    if person_id not in members:
        raise ValidationError({"person_id": _("新户主必须是现有家庭成员；请重新选择。")})
    missing = [each.person.name for pk, each in members.items() if pk != person_id and pk not in relationships]
    if missing:
        raise ValidationError(_("请填写 %(names)s 与新户主的关系。") % {"names": "、".join(missing)})
    codes = {pk: relationship_code(relationships[pk]) for pk in members if pk != person_id}
    if HEAD in codes.values():
        raise ValidationError(_("一个家庭只能有一个户主。"))
    changed(Household, household_id, version, name=members[person_id].person.name)
    for pk, code in {**codes, person_id: HEAD}.items():
        Membership.objects.filter(pk=members[pk].pk).update(relationship=code)
    finish_todos(subject="household", subject_id=household_id, kind="head_died", now=now)
    return Household.objects.get(pk=household_id)


@service("registry.edit")
def change_household(*, household_id: int, version: int, residence: str, address: str, on: date, now: datetime) -> Household:
    """Correct a household's kind of residence and address."""
    if residence not in Household.Residence.values:
        raise ValidationError({"residence": _("“户口性质”必须选择城市或农村。")})
    # `update` passes the value through the field: the address is sealed on the way
    changed(Household, household_id, version, residence=residence, address=address.strip() or None)
    return Household.objects.get(pk=household_id)
