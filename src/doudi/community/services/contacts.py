"""Care contacts (帮扶责任人, measure 7.5): who they are, whom they look after, who stands in while one is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.community.models import CareContact, CareEvent, CarePerson, ContactAbsence
from doudi.community.procedures import LOAD
from doudi.community.services.base import locked, note_event, reason_of
from doudi.community.services.cards import refresh
from doudi.community.services.telling import tell_contact, tell_gaps
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Account, Division, Posting
from doudi.core.models.divisions import ancestors
from doudi.core.numbers import Kind
from doudi.core.settings_overlay import get_setting
from doudi.registry.names import BadName, clean_name

W = CareEvent.What
LONGEST_ABSENCE = 366


def clean_contact_name(text: str) -> str:
    """A contact's name as it is kept. Raises ValidationError at `name`."""
    try:
        return clean_name(text)
    except BadName as error:
        raise ValidationError({"name": _("“姓名”：%(problem)s。") % {"problem": error}}) from None


def _account(username: str, area: str, on: date) -> Account | None:
    if not username.strip():
        return None
    held = Posting.objects.filter(account__username=username.strip(), account__is_active=True, starts__lte=on).select_related("account")
    posting = next((each for each in held if each.holds_on(on) and (area.startswith(each.area) or each.area.startswith(area))), None)
    if posting is None:
        raise ValidationError({"username": _("没有这个账号，或它在本地没有在任岗位；没有账号的志愿者、邻居可不填。")})
    return posting.account


def add_contact(
    *, area: str, name: str, kind: str, phone: str, username: str = "", most: int | None = None, starts: date | None = None, now: datetime
) -> CareContact:
    """Register somebody who looks after people of a village or township. Raises ValidationError by field, also for one who is registered there."""
    acting = duties.require("community.contacts")
    on = timezone.localdate(now)
    if len(area) not in (9, 12) or not acting.covers(area) or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("“服务范围”应为辖区内的乡镇（街道）或村（社区）；请在列表中重新选择。")})
    if kind not in CareContact.Kind.values:
        raise ValidationError({"kind": _("请选择身份。")})
    if most is not None and not 1 <= most <= 500:
        raise ValidationError({"most": _("“最多帮扶人数”应在 1 至 500 之间；不填按当地统一设定。")})
    try:
        token = numbers.token_of(Kind.PHONE, idnumber.check_phone(phone))
    except ValueError as error:
        raise ValidationError({"phone": _("“联系电话”：%(problem)s；电话要印在明白卡上，请核对。") % {"problem": error}}) from None
    try:
        with transaction.atomic():
            made = CareContact.objects.create(
                area=area, name=clean_contact_name(name), kind=kind, phone=token, account=_account(username, area, on), most=most, starts=starts or on,
                made_by_id=acting.account_id or None, made_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        field = "username" if "account_once" in str(error) else "phone"
        raise ValidationError({field: _("本地已有用这个账号或电话的帮扶责任人；请在列表中查找。")}) from None
    scopes.check_constraints()
    return made


def _contact(contact_id: int, on: date) -> CareContact:
    """A contact of the officer's own area, locked: nobody fills it beyond its limit meanwhile."""
    row = CareContact.objects.select_for_update().filter(pk=contact_id).first()
    if row is None or not scopes.current().covers(row.area):
        raise ValidationError({"contact": _("没有这名帮扶责任人，或不在您的管辖范围内；请重新选择。")})
    if (row.ends is not None and row.ends <= on) or row.starts > on:
        raise ValidationError({"contact": _("%(name)s 今天不担任帮扶责任人；请重新选择。") % {"name": row.name}})
    return row


def most_of(row: CareContact, on: date) -> int:
    """How many people a contact may look after: its own limit, else the place's setting."""
    return row.most if row.most is not None else int(get_setting(LOAD, row.area, on))


def load_of(contact_ids: Sequence[int]) -> dict[int, int]:
    """How many people each contact looks after now, within the scope; one query."""
    rows = CarePerson.objects.filter(contact__in=contact_ids, ends__isnull=True).values_list("contact_id").annotate(n=Count("id")).order_by()
    return {pk: count for pk, count in rows if pk is not None}


def assign_contact(*, care_id: int, version: int, contact_id: int | None, reason: str = "", now: datetime) -> CarePerson:
    """Give a person a care contact, or none with a reason. Of two officers at once the second is told; the same again changes nothing."""
    duties.require("community.contacts")
    on = timezone.localdate(now)
    row = locked(care_id, None)
    if row.contact_id == contact_id:
        return row
    if row.version != version:
        raise ValidationError(_("此人的情况刚由他人更改，您的操作没有保存；请刷新页面后重新办理。"), code="stale")
    chosen = None if contact_id is None else _contact(contact_id, on)
    if chosen is None:
        reason = reason_of(reason)
    else:
        if not row.area.startswith(chosen.area):
            raise ValidationError({"contact": _("%(name)s 的服务范围不含此人所在的村（社区）；请重新选择。") % {"name": chosen.name}})
        most = most_of(chosen, on)
        if load_of([chosen.pk]).get(chosen.pk, 0) >= most:
            raise ValidationError({"contact": _("%(name)s 已帮扶 %(most)d 人，到了上限；请选择他人，或调整其上限。") % {"name": chosen.name, "most": most}})
    row.contact, row.contact_since, row.version = chosen, now if chosen else None, row.version + 1
    row.save(update_fields=["contact", "contact_since", "version"])
    note_event(row, W.CONTACT if chosen else W.NO_CONTACT, now=now, note=reason.strip()[:500], contact=chosen)
    if chosen:
        tell_contact(chosen, on=on, now=now)
    tell_gaps(area=row.area, now=now)
    refresh(area=row.area, on=on, cards=list(row.cards.filter(void_at__isnull=True).values_list("pk", flat=True)))
    scopes.check_constraints()
    return row


@dataclass(frozen=True)
class Given:
    """People who got a contact, and those for whom no contact had room."""

    given: int
    left: int


# Of a household whose members go to one contact; a locked row that somebody gave a contact meanwhile is left as it is.
GIVE = """
with given as (
  update community_careperson c set contact_id = g.contact, contact_since = %(now)s, version = c.version + 1
  from unnest(%(care)s::bigint[], %(contacts)s::bigint[]) g (id, contact)
  where c.id = g.id and c.ends is null and c.contact_id is null returning c.id, c.area, c.contact_id
)
insert into community_careevent (care_id, area, at, account_id, what, groups, contact_id)
select id, area, %(now)s, %(account)s, 'contact', array[]::varchar[], contact_id from given
"""


def assign_village(*, area: str, contact_ids: Sequence[int], care_ids: Sequence[int] | None = None, now: datetime) -> Given:
    """Give everybody of a village who has no contact (or the chosen ones) one of these: members of a household to the same, the least loaded first,
    nobody beyond the limit. A handful of statements, whatever the size. Twice is once.
    """
    acting = duties.require("community.contacts")
    on = timezone.localdate(now)
    if len(area) != 12 or not acting.covers(area):
        raise ValidationError({"area": _("请选择您管辖范围内的村（社区）。")})
    wanted = sorted(set(contact_ids))
    found = {row.pk: row for row in CareContact.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    usable = [row for row in found.values() if area.startswith(row.area) and row.starts <= on and (row.ends is None or row.ends > on)]
    if not usable or len(usable) < len(wanted):
        raise ValidationError({"contact": _("请至少选择一名服务本村（社区）的帮扶责任人；所选的人有变化时请刷新页面。")})
    loads = load_of([row.pk for row in usable])
    room = {row.pk: most_of(row, on) - loads.get(row.pk, 0) for row in usable}
    people = CarePerson.objects.select_for_update().filter(area=area, ends__isnull=True, contact__isnull=True)
    if care_ids is not None:
        people = people.filter(pk__in=care_ids)
    homes: dict[int, list[int]] = {}
    for pk, household in people.order_by("household_id", "pk").values_list("pk", "household_id"):
        homes.setdefault(household, []).append(pk)
    near = dict(CarePerson.objects.filter(household_id__in=homes, ends__isnull=True, contact__in=room).values_list("household_id", "contact_id"))
    care: list[int] = []
    contacts: list[int] = []
    left = 0
    for household, members in sorted(homes.items(), key=lambda home: -len(home[1])):  # the large ones first, so that loads come out even
        for member in members:
            best = near.get(household)
            if best is None or room[best] <= 0:
                best = max(room, key=lambda pk: (room[pk], -pk))
            if room[best] <= 0:
                left += 1
                continue
            near[household] = best
            room[best] -= 1
            care.append(member)
            contacts.append(best)
    with connection.cursor() as cursor:
        cursor.execute(GIVE, {"care": care, "contacts": contacts, "now": now, "account": acting.account_id or None})
        given = cursor.rowcount
    for pk in sorted(set(contacts)):
        tell_contact(found[pk], on=on, now=now)
    tell_gaps(area=area, now=now)
    refresh(area=area, on=on)
    scopes.check_constraints()
    return Given(given=given, left=left)


def end_contact(*, contact_id: int, version: int, reason: str, successor_id: int | None = None, now: datetime) -> int:
    """Somebody is no longer a care contact: their people go to a successor, or stand first in the list of those without. The number of people."""
    acting = duties.require("community.contacts")
    on = timezone.localdate(now)
    why = reason_of(reason)
    row = CareContact.objects.select_for_update().filter(pk=contact_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这名帮扶责任人，或不在您的管辖范围内。"))
    if row.version != version or row.ends is not None:
        raise ValidationError(_("这名帮扶责任人的情况刚由他人更改；请刷新页面。"), code="stale")
    successor = None
    if successor_id is not None:
        successor = _contact(successor_id, on)
        if successor.pk == row.pk or not row.area.startswith(successor.area):
            raise ValidationError({"successor": _("接替的人须服务同一范围；请重新选择。")})
    people = CarePerson.objects.filter(contact=row, ends__isnull=True)
    if successor is not None:
        count, most = people.count(), most_of(successor, on)
        if load_of([successor.pk]).get(successor.pk, 0) + count > most:
            raise ValidationError({"successor": _("%(name)s 接替后将超过 %(most)d 人的上限；请先分出一部分。") % {"name": successor.name, "most": most}})
    return _stop(row, successor, why, on=on, now=now)


def _stop(row: CareContact, successor: CareContact | None, why: str, *, on: date, now: datetime) -> int:
    acting = scopes.current()
    people = list(CarePerson.objects.select_for_update().filter(contact=row, ends__isnull=True).order_by("pk"))
    CarePerson.objects.filter(pk__in=[each.pk for each in people]).update(
        contact=successor, contact_since=now if successor else None, version=F("version") + 1
    )
    CareEvent.objects.bulk_create(
        CareEvent(
            area=each.area, care=each, at=now, account_id=acting.account_id or None, what=W.CONTACT if successor else W.NO_CONTACT, contact=successor, note=why
        )
        for each in people
    )  # fmt: skip
    row.ends, row.version = max(on, row.starts), row.version + 1
    row.save(update_fields=["ends", "version"])
    ahead = ContactAbsence.objects.filter(Q(contact=row) | Q(substitute=row), cancelled_at__isnull=True, ends__gt=on)
    ahead.update(cancelled_at=now, cancelled_by_id=acting.account_id or None)
    if successor:
        tell_contact(successor, on=on, now=now)
    for area in sorted({each.area for each in people}):
        tell_gaps(area=area, now=now)
        refresh(area=area, on=on)
    scopes.check_constraints()
    return len(people)


def set_absence(*, contact_id: int, substitute_id: int, starts: date, ends: date, reason: str = "", now: datetime) -> ContactAbsence:
    """Somebody is away from `starts` and back on `ends`; the substitute stands in for those days, by itself.

    Raises ValidationError by field: who is away or stands in for somebody on any of those days cannot be the other one.
    """
    acting = duties.require("community.contacts")
    today = timezone.localdate(now)
    if not starts < ends:
        raise ValidationError({"ends": _("“返回日期”必须晚于“离开日期”。")})
    if ends <= today or (ends - starts).days > LONGEST_ABSENCE:
        raise ValidationError({"ends": _("“返回日期”应在今天以后，代班不超过一年；更长的请更换帮扶责任人。")})
    both = {row.pk: row for row in CareContact.objects.select_for_update().filter(pk__in=[contact_id, substitute_id]).order_by("pk")}
    contact, substitute = both.get(contact_id), both.get(substitute_id)
    if contact is None or contact.ends is not None or not acting.covers(contact.area):
        raise ValidationError(_("没有这名帮扶责任人，或已不再担任；请刷新页面。"))
    if substitute is None or substitute.ends is not None or substitute.pk == contact.pk or not contact.area.startswith(substitute.area[:9]):
        raise ValidationError({"substitute": _("请选择同一乡镇的另一名帮扶责任人代班。")})
    clash = ContactAbsence.objects.filter(cancelled_at__isnull=True, starts__lt=ends, ends__gt=starts)
    if clash.filter(contact=contact).exists():
        raise ValidationError({"starts": _("%(name)s 这段时间已登记外出；请先撤销原来的登记。") % {"name": contact.name}})
    if clash.filter(contact=substitute).exists():
        raise ValidationError({"substitute": _("%(name)s 这段时间自己也外出；请选择他人代班。") % {"name": substitute.name}})
    if clash.filter(substitute=contact).exists():
        raise ValidationError({"starts": _("%(name)s 这段时间正为别人代班；请先另找代班人。") % {"name": contact.name}})
    made = ContactAbsence.objects.create(
        area=contact.area, contact=contact, substitute=substitute, starts=starts, ends=ends, reason=reason.strip()[:60],
        made_by_id=acting.account_id or None, made_at=now,
    )  # fmt: skip
    tell_contact(substitute, on=today, now=now)
    scopes.check_constraints()
    return made


def cancel_absence(*, absence_id: int, now: datetime) -> ContactAbsence:
    """The absence does not take place, or ends today: days that have passed stay as they were."""
    acting = duties.require("community.contacts")
    today = timezone.localdate(now)
    row = ContactAbsence.objects.select_for_update().filter(pk=absence_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有找到这次外出登记，或不在您的管辖范围内。"))
    if row.cancelled_at is not None or row.ends <= today:
        raise ValidationError(_("这次外出已经结束或撤销；请刷新页面。"), code="stale")
    if row.starts >= today:
        row.cancelled_at, row.cancelled_by_id = now, acting.account_id or None
    else:
        row.ends = today
    row.save(update_fields=["cancelled_at", "cancelled_by", "ends"])
    scopes.check_constraints()
    return row


def standing_in(on: date, contact_ids: Sequence[int] | None = None) -> dict[int, CareContact]:
    """Who stands in on a day: contact id -> substitute. Nothing is switched: the day decides. One query."""
    rows = ContactAbsence.objects.filter(cancelled_at__isnull=True, starts__lte=on, ends__gt=on).select_related("substitute")
    if contact_ids is not None:
        rows = rows.filter(contact__in=contact_ids)
    return {row.contact_id: row.substitute for row in rows}


def contacts_of(area: str, on: date) -> list[CareContact]:
    """Contacts of the reader's own area who may look after people of a village: the village's, then the township's."""
    own = [code for code in ancestors(area) if len(code) >= 9 and scopes.current().covers(code)]
    rows = CareContact.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), area__in=own, starts__lte=on)
    return list(rows.order_by("-area", "name", "id"))


def end_without_posting(*, area: str, on: date, now: datetime) -> int:
    """Contacts whose account has no posting any more stop being contacts; the number (daily)."""
    duties.require("community.derive")
    rows = CareContact.objects.filter(ends__isnull=True, account__isnull=False, area__gte=area, area__lt=area + ":")
    running = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), account__in=rows.values("account"), account__is_active=True, starts__lte=on)
    held = set(running.values_list("account_id", flat=True))
    gone = [row for row in rows.select_for_update(of=("self",)).order_by("pk") if row.account_id not in held]
    for row in gone:
        _stop(row, None, "账号已没有在任岗位", on=on, now=now)
    return len(gone)
