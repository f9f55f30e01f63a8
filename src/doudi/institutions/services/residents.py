"""Who lives in an institution: admission (入住), change, leaving, isolation. One place at a time in the whole province, a bed for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import ends_by_hand, raise_todo
from doudi.institutions.models import Institution, IsolationRoom, IsolationStay, Resident, StaffMember
from doudi.institutions.models.places import Bed
from doudi.institutions.services.base import between, locked, needed, note_event, one_of, phone_token, refused, today_of
from doudi.registry.models import BenefitStatus, Person, Programme, Sex

ends_by_hand("institutions.support", "institutions.died")

SUPPORTED = (Programme.TEKUN, Programme.ORPHAN, Programme.UNSUPPORTED_CHILD)
Leaving = Resident.Leaving


@dataclass(frozen=True)
class Newcomer:
    """Whom a house takes in. `id_number` as written, or `token` where it is known already (a transfer); neither: nobody knows it."""

    key: UUID
    name: str
    bed: str
    sex: str = ""
    birth_date: date | None = None
    id_number: str = ""
    token: UUID | None = None
    room: str = ""
    kin_name: str = ""
    kin_relation: str = ""
    kin_phone: str = ""
    kin_token: UUID | None = None
    health: str = ""


def _row(house: Institution, given: Newcomer, starts: date, now: datetime) -> Resident:
    needed(name=given.name)
    one_of("bed", given.bed, Bed.values)
    token, sex, born = given.token, given.sex, given.birth_date
    if given.id_number.strip():
        try:
            parsed = idnumber.parse(given.id_number, on=today_of(now))
        except idnumber.IdNumberError as error:
            raise ValidationError({"id_number": _("“身份证号”：%(reason)s；请核对证件后重新填写。") % {"reason": error}}) from None
        token, sex, born = numbers.id_token(parsed.number18), Sex.MALE if parsed.sex == "male" else Sex.FEMALE, parsed.birth_date
    if sex not in Sex.values:
        raise ValidationError({"sex": _("没有身份证号的，请选择性别。")})
    if born is not None and born > starts:
        raise ValidationError({"birth_date": _("“出生日期”不能晚于入住日期。")})
    return Resident(
        institution=house, area=house.area, key=given.key, token=token, name=given.name.strip()[:60], sex=sex, birth_date=born, bed=given.bed,
        room=given.room.strip()[:40], kin_name=given.kin_name.strip()[:60], kin_relation=given.kin_relation.strip()[:20],
        kin_phone=given.kin_token or phone_token(given.kin_phone, "kin_phone"), health=given.health.strip()[:2000] or None,
        starts=starts, made_by_id=scopes.current().account_id or None, made_at=now,
    )  # fmt: skip


def _link(rows: list[Resident]) -> dict[int, Person]:
    """Fill in the persons of the registry whom the officer sees; who died is not taken in. By person id."""
    people = {person.token: person for person in Person.objects.filter(token__in=[row.token for row in rows if row.token])}
    for row in rows:
        person = people.get(row.token) if row.token else None
        if person is None:
            continue
        if person.died_on:
            raise ValidationError({"id_number": _("%(name)s 在救助家庭库中已登记去世；请核对身份证号。") % {"name": row.name}})
        row.person_id, row.name, row.sex, row.birth_date = person.pk, person.name, person.sex, person.birth_date
    return {person.pk: person for person in people.values()}


def _ask_support(people: dict[int, Person], text: str, now: datetime) -> None:
    """Who receives tekun support or a child's allowance and moves in or out is checked by the township: kind of support, payee."""
    held = BenefitStatus.objects.running(today_of(now)).filter(person_id__in=people, programme__in=SUPPORTED, state=BenefitStatus.State.ACTIVE)
    for person_id, household_id in held.values_list("person_id", "household_id").distinct():
        person = people[person_id]
        raise_todo(
            kind="institutions.support", area=person.area, duty=Duty.TOWNSHIP_OFFICER, title=text.format(name=person.name),
            url=f"/households/{household_id}/" if household_id else "/households/", subject="person", subject_id=person_id, now=now,
        )  # fmt: skip


@transaction.atomic
def admit_many(*, institution_id: int, newcomers: Sequence[Newcomer], starts: date, now: datetime) -> list[Resident]:
    """Take in several people (入住) on one day; a form (`key`) that was taken before is not taken again. All or nobody.

    Set-based: the number of statements does not grow with the people. Raises ValidationError: no free bed of the kind, somebody
    lives in another house (without saying which), a number that is none, somebody who died.
    """
    house = locked(institution_id, "institutions.keep")
    if house.state != Institution.State.RUNNING:
        raise ValidationError(_("这家机构已停业，不能办理入住。"))
    between("starts", _("入住日期"), starts, None, today_of(now))
    before = {row.key: row for row in Resident.objects.filter(key__in=[given.key for given in newcomers])}
    rows = [_row(house, given, starts, now) for given in newcomers if given.key not in before]
    people = _link(rows)
    elsewhere = ValidationError({"id_number": _("此人已在一家机构入住，尚未办理离院，不能重复入住；请与原机构或上级民政部门核对。")})
    full = ValidationError({"bed": _("这类床位已满；请选择其他床位，或由县级先核增床位。")})
    with refused({"institution_one_place": elsewhere, "institution_one_place_now": elsewhere, "institution_bed_free": full}):
        made = Resident.objects.bulk_create(rows)
    if made:
        note_event(house, "admitted", "、".join(row.name for row in made), now)
        _ask_support(people, f"{{name}} 已入住{house.name}：请核对供养方式和领款人", now)
    scopes.check_constraints()
    return [*before.values(), *made]


def admit(*, institution_id: int, newcomer: Newcomer, starts: date, now: datetime) -> Resident:
    """Take one person in; see `admit_many`."""
    return admit_many(institution_id=institution_id, newcomers=[newcomer], starts=starts, now=now)[0]


@transaction.atomic
def leave_many(*, institution_id: int, resident_ids: Sequence[int], leaving: str, on: date, left_to: str = "", now: datetime) -> list[Resident]:
    """Let several people go (离院) on one day; their beds are free from that day. All or nobody.

    Raises ValidationError where one is not living there, is younger than the day, or the way out needs a place that is not given.
    """
    house = locked(institution_id, "institutions.keep", closed=True)
    one_of("leaving", leaving, Leaving.values)
    if leaving in (Leaving.TRANSFER, Leaving.HOSPITAL, Leaving.OTHER) and not left_to.strip():
        raise ValidationError({"left_to": _("请填写去向。")})
    rows = list(Resident.objects.select_for_update(of=("self",)).filter(institution=house, pk__in=resident_ids, ends__isnull=True).order_by("pk"))
    if len(rows) != len(set(resident_ids)) or not rows:
        raise ValidationError(_("所选人员中有人已不在这家机构；请刷新页面。"), code="stale")
    between("on", _("离院日期"), on, max(row.starts for row in rows), today_of(now))
    ids = [row.pk for row in rows]
    IsolationStay.objects.filter(resident_id__in=ids, ended_at__isnull=True).update(ended_at=now)
    for row in rows:
        row.ends, row.leaving, row.left_to, row.ended_by_id, row.version = on, leaving, left_to.strip()[:120], scopes.current().account_id or None, row.version + 1
    Resident.objects.bulk_update(rows, ["ends", "leaving", "left_to", "ended_by", "version"])
    note_event(house, "died" if leaving == Leaving.DIED else "left", "、".join(row.name for row in rows) + (f" → {left_to.strip()}" if left_to.strip() else ""), now)
    people = Person.objects.in_bulk([row.person_id for row in rows if row.person_id])
    if leaving == Leaving.DIED:
        for person in people.values():
            raise_todo(
                kind="institutions.died", area=person.area, duty=Duty.TOWNSHIP_OFFICER, title=f"{house.name}报告 {person.name} 去世：请核实并登记",
                url=f"/people/{person.pk}/", subject="person", subject_id=person.pk, now=now,
            )  # fmt: skip
    else:
        _ask_support(people, f"{{name}} 已离开{house.name}：请核对供养方式和领款人", now)
    scopes.check_constraints()
    return rows


def leave(*, institution_id: int, resident_id: int, leaving: str, on: date, left_to: str = "", now: datetime) -> Resident:
    """Let one person go; see `leave_many`."""
    return leave_many(institution_id=institution_id, resident_ids=[resident_id], leaving=leaving, on=on, left_to=left_to, now=now)[0]


@transaction.atomic
def change_resident(
    *, institution_id: int, resident_id: int, version: int, bed: str, room: str, kin_name: str, kin_relation: str, kin_phone: str | None, health: str, now: datetime
) -> Resident:
    """Change bed, room, whom the house tells and what carers must know. `kin_phone` None keeps the number that there is."""
    house = locked(institution_id, "institutions.keep")
    row = Resident.objects.select_for_update(of=("self",)).filter(pk=resident_id, institution=house, ends__isnull=True).first()
    if row is None:
        raise ValidationError(_("此人已不在这家机构；请刷新页面。"), code="stale")
    if row.version != version:
        raise ValidationError(_("这份资料刚被他人修改；您的操作没有保存，请刷新页面后再改。"), code="stale")
    row.bed, row.room, row.health = one_of("bed", bed, Bed.values), room.strip()[:40], health.strip()[:2000] or None
    row.kin_name, row.kin_relation = kin_name.strip()[:60], kin_relation.strip()[:20]
    if kin_phone is not None:
        row.kin_phone = phone_token(kin_phone, "kin_phone")
    row.version += 1
    with refused({"institution_bed_free": ValidationError({"bed": _("这类床位已满；请选择其他床位，或由县级先核增床位。")})}):
        row.save(update_fields=["bed", "room", "kin_name", "kin_relation", "kin_phone", "health", "version"])
    return row


@transaction.atomic
def isolate(*, institution_id: int, room_id: int, reason: str, resident_id: int | None = None, staff_id: int | None = None, now: datetime) -> IsolationStay:
    """Keep one resident or staff member apart (隔离观察) in a room that has a place."""
    house = locked(institution_id, "institutions.keep")
    needed(reason=reason)
    room = IsolationRoom.objects.filter(pk=room_id, institution=house, closed_at__isnull=True).first()
    whom = (
        Resident.objects.filter(pk=resident_id, institution=house, ends__isnull=True).first()
        if resident_id is not None
        else StaffMember.objects.filter(pk=staff_id or 0, institution=house, ends__isnull=True).first()
    )
    if room is None or whom is None:
        raise ValidationError(_("没有这间隔离观察室或这个人员；请刷新页面。"))
    already = ValidationError(_("此人已在隔离观察。"))
    full = ValidationError({"room": _("这间隔离观察室已满；请另选，或提出隔离场所需求。")})
    with refused({"institution_room_full": full, "institution_isolated_resident": already, "institution_isolated_staff": already}):
        stay = IsolationStay.objects.create(
            room=room, area=house.area, resident_id=resident_id if resident_id else None, staff_id=None if resident_id else staff_id, reason=reason.strip()[:200],
            started_at=now, made_by_id=scopes.current().account_id or None,
        )  # fmt: skip
    note_event(house, "isolated", f"{whom.name}：{room.name}，{reason.strip()[:200]}", now)
    return stay


@transaction.atomic
def end_isolation(*, institution_id: int, stay_id: int, now: datetime) -> None:
    """End somebody's isolation."""
    house = locked(institution_id, "institutions.keep", closed=True)
    stay = IsolationStay.objects.select_related("resident", "staff").filter(pk=stay_id, room__institution=house, ended_at__isnull=True).first()
    if stay is None:
        raise ValidationError(_("此人已解除隔离观察；请刷新页面。"), code="stale")
    stay.ended_at = now
    stay.save(update_fields=["ended_at"])
    note_event(house, "isolation_ended", str(stay.resident or stay.staff), now)
