"""Groups by hand (measure 7.4: "and others the area adds"): somebody added to one or taken out of one, an area's own groups."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from doudi.community.models import CareEvent, CarePerson, GroupByHand, GroupDefinition
from doudi.community.models.groups import OWN_FACTS, CareGroup
from doudi.community.services.base import locked, note_event, reason_of
from doudi.community.services.deriving import bring_up
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models.divisions import ancestors
from doudi.registry.models import Membership, Person, Programme

W = CareEvent.What


def groups_at(area: str, on: date) -> list[tuple[str, str]]:
    """(code, name) of the groups of a place on a day: those of the measure, then the place's own; one query."""
    held = GroupDefinition.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), area__in=ancestors(area), starts__lte=on).order_by("area", "id")
    return [*[(group.value, str(group.label)) for group in CareGroup], *[(row.code, row.name) for row in held]]


def _living(person_id: int) -> tuple[Person, int]:
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise ValidationError(_("没有这个人员，或不在您的管辖范围内。"))
    if person.died_on:
        raise ValidationError(_("此人已登记死亡，不能列入关爱对象；请核对。"))
    household = Membership.objects.filter(person=person, ends__isnull=True).values_list("household_id", flat=True).first()
    if household is None:
        raise ValidationError(_("此人目前不在任何登记家庭中；请先登记家庭，再列入关爱对象。"))
    return person, household


def add_by_hand(*, person_id: int, group: str, reason: str, on: date, now: datetime) -> CarePerson:
    """Add somebody of the registry to a group by hand (手工列入). Adding again what stands is refused; who was taken out of it is let in again.

    Raises ValidationError by field.
    """
    acting = duties.require("community.members")
    why = reason_of(reason)
    person, household = _living(person_id)
    if group not in dict(groups_at(person.area, on)):
        raise ValidationError({"group": _("没有这一类关爱对象，或它已停用；请在列表中选择。")})
    GroupByHand.objects.filter(person=person, group=group, kind=GroupByHand.Kind.OUT, ended_at__isnull=True).update(
        ended_at=now, ended_by_id=acting.account_id or None
    )
    before = CarePerson.objects.filter(person=person, ends__isnull=True).first()
    if before is not None and group in before.groups:
        raise ValidationError({"group": _("此人已在这一类中，没有重复列入。")})
    try:
        with transaction.atomic():
            GroupByHand.objects.create(area=person.area, person=person, group=group, kind=GroupByHand.Kind.ADDED, reason=why, made_by_id=acting.account_id, made_at=now)
    except IntegrityError:
        raise ValidationError({"group": _("此人刚由他人列入这一类，没有重复列入。")}) from None
    bring_up(area=person.area, on=on, now=now, households=[household])
    row = CarePerson.objects.get(person=person, ends__isnull=True)
    note_event(row, W.ADDED, now=now, note=why, groups=[group])
    scopes.check_constraints()
    return row


def take_out(*, care_id: int, version: int, group: str, reason: str, on: date, now: datetime) -> CarePerson:
    """Take somebody out of a group by hand (手工移出), also against the registry; it stands until lifted. Out of the last group, the person leaves."""
    acting = duties.require("community.members")
    why = reason_of(reason)
    row = locked(care_id, version)
    if group not in row.groups:
        raise ValidationError({"group": _("此人已不在这一类中；请刷新页面。")})
    GroupByHand.objects.filter(person=row.person_id, group=group, ended_at__isnull=True).update(ended_at=now, ended_by_id=acting.account_id or None)
    bring_up(area=row.area, on=on, now=now, households=[row.household_id])
    row.refresh_from_db()
    if row.ends is None and group in row.groups:  # the registry says so too
        GroupByHand.objects.create(
            area=row.area, person_id=row.person_id, group=group, kind=GroupByHand.Kind.OUT, reason=why, made_by_id=acting.account_id, made_at=now
        )
        bring_up(area=row.area, on=on, now=now, households=[row.household_id])
        row.refresh_from_db()
    note_event(row, W.OUT, now=now, note=why, groups=[group])
    scopes.check_constraints()
    return row


def lift(*, hand_id: int, reason: str, on: date, now: datetime) -> GroupByHand:
    """Lift what was done by hand (撤销): from now on the registry alone says whether the person belongs to the group."""
    acting = duties.require("community.members")
    why = reason_of(reason)
    hand = GroupByHand.objects.select_for_update().filter(pk=hand_id).first()
    if hand is None:
        raise ValidationError(_("没有找到这条手工处理，或不在您的管辖范围内。"))
    if hand.ended_at is not None:
        raise ValidationError(_("这条手工处理刚由他人撤销；请刷新页面。"), code="stale")
    hand.ended_at, hand.ended_by_id = now, acting.account_id
    hand.save(update_fields=["ended_at", "ended_by"])
    person, household = _living(hand.person_id)
    bring_up(area=person.area, on=on, now=now, households=[household])
    row = CarePerson.objects.filter(person=person).order_by("ends", "-id").first()
    if row is not None:
        note_event(row, W.LIFTED, now=now, note=why, groups=[hand.group])
    scopes.check_constraints()
    return hand


def define_group(
    *, area: str, name: str, starts: date, fact: str = "", programme: str = "", age_from: int | None = None, age_to: int | None = None, document: str = "",
    on: date, now: datetime,
) -> GroupDefinition:  # fmt: skip
    """Add a group of the place's own (自定关爱对象) from a day on; who meets all its conditions is in it from the next round on."""
    acting = duties.require("community.groups")
    if not acting.covers(area) or len(area) not in (2, 4, 6, 9, 12):
        raise ValidationError({"area": _("“适用地区”不在您的管辖范围内；请重新选择。")})
    title = " ".join(name.split())[:40]
    if len(title) < 2:
        raise ValidationError({"name": _("请填写名称，至少 2 个字。")})
    if title in {str(group.label) for group in CareGroup}:
        raise ValidationError({"name": _("这一类已由全省统一设定，不能另设同名的。")})
    if starts < on:
        raise ValidationError({"starts": _("“起始日期”不能早于今天。")})
    if (fact and fact not in dict(OWN_FACTS)) or (programme and programme not in Programme.values):
        raise ValidationError({"fact": _("请在列表中重新选择条件。")})
    for field, age in (("age_from", age_from), ("age_to", age_to)):
        if age is not None and not 0 <= age <= 120:
            raise ValidationError({field: _("年龄应在 0 至 120 岁之间。")})
    if age_from is not None and age_to is not None and age_to < age_from:
        raise ValidationError({"age_to": _("年龄上限不能小于下限。")})
    try:
        with transaction.atomic():
            made = GroupDefinition.objects.create(
                area=area, name=title, fact=fact, programme=programme, age_from=age_from, age_to=age_to, starts=starts,
                document=document.strip()[:200], made_by_id=acting.account_id, made_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError({"name": _("本地已有同名的一类；请先停用，或换一个名称。")}) from None
    if starts <= on:
        bring_up(area=area, on=on, now=now)
    scopes.check_constraints()
    return made


def end_group(*, group_id: int, ends: date, on: date, now: datetime) -> GroupDefinition:
    """End a group of the place's own on a day; who is in no other group leaves."""
    acting = duties.require("community.groups")
    row = GroupDefinition.objects.select_for_update().filter(pk=group_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有找到这一类，或它由上级设定，不能在这里停用。"))
    if row.ends is not None:
        raise ValidationError(_("这一类已停用；请刷新页面。"), code="stale")
    if ends < on or ends < row.starts:
        raise ValidationError({"ends": _("“停用日期”不能早于今天。")})
    row.ends = ends
    row.save(update_fields=["ends"])
    if ends <= on:
        bring_up(area=row.area, on=on, now=now)
    scopes.check_constraints()
    return row
