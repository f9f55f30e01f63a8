"""Residents on the way: departed, arrived, not arrived, families told; each end confirms its own, person by person (6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import duties
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todos
from doudi.institutions.models import Transfer, TransferPerson
from doudi.institutions.services.base import needed, refused, today_of
from doudi.institutions.services.residents import SUPPORTED
from doudi.institutions.services.transfers import SUBJECT, P, S, locked, moved, receives, require_end, sends, tell

CONFIRM = "transfers.confirm"
STALE = gettext_lazy("所选人员中有人刚由他人确认；您的操作没有保存，请刷新页面。")

# Who receives tekun support or a child's allowance and leaves is checked by the township: kind of support, payee.
ASKED = "left(p.name || ' 由' || t.from_name || '转往' || t.to_name || '：请核对供养方式和领款人', 200)"
SUPPORT = f"""
select b.area, %s::text, 'institutions.support', {ASKED},
  coalesce('/households/' || max(b.household_id) || '/', '/households/'), 'person', r.person_id, null::date
from institutions_transferperson p join institutions_transfer t on t.id = p.transfer_id join institutions_resident r on r.id = p.resident_id
join registry_benefitstatus b on b.person_id = r.person_id and b.state = 'active' and b.programme = any(%s) and (b.ends is null or b.ends > %s)
where p.id = any(%s) group by b.area, p.name, t.from_name, t.to_name, r.person_id
"""
# Who came back: that somebody moved in or out before is still to be checked.
BACK = f"""
update core_todo o set done_at = %s, done_by_id = %s
from institutions_transferperson p join institutions_transfer t on t.id = p.transfer_id join institutions_resident r on r.id = p.resident_id
where p.id = any(%s) and o.kind = 'institutions.support' and o.subject = 'person' and o.subject_id = r.person_id and o.done_at is null and o.title = {ASKED}
"""


def _chosen(row: Transfer, people: Sequence[int], *states: str) -> QuerySet[TransferPerson]:
    """Those chosen on the list, locked. Raises ValidationError where somebody is not on it or not in one of the states."""
    wanted = set(people)
    if not wanted:
        raise ValidationError({"people": _("请先在名单上选择人员。")})
    found = list(row.people.select_for_update(of=("self",)).filter(pk__in=wanted, state__in=states).order_by("pk").values_list("pk", flat=True))
    if len(found) != len(wanted):
        raise ValidationError(STALE, code="stale")
    return row.people.filter(pk__in=found)


def _names(rows: QuerySet[TransferPerson]) -> str:
    return "、".join(rows.order_by("pk").values_list("name", flat=True))


def _settle(row: Transfer, now: datetime) -> None:
    """When nobody on the list is on the way or waits, the transfer is done."""
    if row.people.filter(state__in=TransferPerson.OPEN).exists():
        return
    row.state, row.ended_at = S.DONE, now
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    moved(row, "done", f"到达 {row.people.filter(state=P.ARRIVED).count()} 人", now, "state", "ended_at")


@transaction.atomic
def depart(*, transfer_id: int, people: Sequence[int], vehicle_id: int, now: datetime) -> int:
    """Confirm at the house that they leave: these people are in this vehicle and on the way. Never more than its seats. Returns their number."""
    acting = duties.require(CONFIRM)
    row = locked(transfer_id, CONFIRM, None, S.AGREED, S.MOVING)
    require_end(sends(row), _("转出机构或当地民政部门"))
    vehicle = row.vehicles.filter(pk=vehicle_id).first()
    if vehicle is None:
        raise ValidationError({"vehicle": _("请先登记并选择车辆。")})
    rows = _chosen(row, people, P.LISTED)
    full = ValidationError({"vehicle": _("%(plate)s 可乘坐 %(seats)s 人，坐不下这么多；请分车确认。") % {"plate": vehicle.plate, "seats": vehicle.seats}})
    with refused({"transfer_seats": full}):
        n = rows.update(state=P.DEPARTED, departed_at=now, departed_by=acting.account_id or None, vehicle=vehicle)
    raise_todos(SUPPORT, [Duty.TOWNSHIP_OFFICER.value, [each.value for each in SUPPORTED], today_of(now), list(people)], now=now)
    row.state = S.MOVING
    tell(row, "transfer.arrive.to", f"转移安置 {row.number}：{n} 人已由{row.from_name}出发，请逐人确认到达", now)
    moved(row, "departed", f"{vehicle.plate}：{_names(rows)}", now, "state")
    if not row.people.filter(state=P.LISTED).exists():
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="transfer.depart.from")
    return n


@transaction.atomic
def arrive(*, transfer_id: int, people: Sequence[int], now: datetime) -> int:
    """Confirm at the receiving house that they are there: their stay at the one house ends, at this one it begins, in one step. Returns their number.

    Nobody is in two places, nobody beyond the beds: the database holds both, across counties.
    """
    row = locked(transfer_id, CONFIRM, None, S.MOVING)
    require_end(receives(row), _("接收机构或当地民政部门"))
    chosen = sorted(set(people))
    if not chosen:
        raise ValidationError({"people": _("请先在名单上选择人员。")})
    names = _names(row.people.filter(pk__in=chosen))
    stale = ValidationError(STALE, code="stale")
    words = {
        "transfer_stale": stale,
        "transfer_left_before": ValidationError(_("所选人员中有人已在转出机构办理离院，不能再确认到达；请与转出机构核对。")),
        "institution_one_place": ValidationError(_("所选人员中有人已在另一家机构入住；请先与上级民政部门核对。")),
        "institution_bed_free": ValidationError(_("这类床位已满；请先由县级核增床位。")),
        "transfer_other_end": ValidationError(_("没有这次转移安置，或它不由您接收。")),
    }
    with refused(words), connection.cursor() as cursor:
        cursor.execute("select doudi.transfer_arrived(%s, %s, %s, %s)", [row.pk, chosen, today_of(now), now])
        n = int(cursor.fetchone()[0])
    moved(row, "arrived", names, now)
    _settle(row, now)
    return n


@transaction.atomic
def not_arrived(*, transfer_id: int, people: Sequence[int], note: str, now: datetime) -> int:
    """Those who left and are not there (未到达), with what is known; they stay open, in red at both ends, until they are found. Returns their number."""
    row = locked(transfer_id, CONFIRM, None, S.MOVING)
    require_end(receives(row), _("接收机构或当地民政部门"))
    needed(note=note)
    rows = _chosen(row, people, P.DEPARTED)
    n = rows.update(state=P.MISSING, note=note.strip()[:200])
    tell(row, "transfer.missing.from", f"转移安置 {row.number}：{n} 人未到达，请立即查找", now)
    tell(row, "transfer.missing.to", f"转移安置 {row.number}：{n} 人未到达，请立即查找", now)
    moved(row, "not_arrived", f"{_names(rows)}：{note}", now)
    return n


@transaction.atomic
def stay(*, transfer_id: int, people: Sequence[int], note: str, now: datetime) -> int:
    """Those who do not go after all, or came back to the house that they left (未转移), with the reason; they live where they lived. Returns their number."""
    acting = duties.require(CONFIRM)
    row = locked(transfer_id, CONFIRM, None, S.AGREED, S.MOVING)
    require_end(sends(row), _("转出机构或当地民政部门"))
    needed(note=note)
    rows = _chosen(row, people, P.LISTED, P.DEPARTED, P.MISSING)
    n = rows.update(state=P.STAYED, note=note.strip()[:200], vehicle=None)
    with connection.cursor() as cursor:
        cursor.execute(BACK, [now, acting.account_id or None, list(people)])
    moved(row, "stayed", f"{_names(rows)}：{note}", now)
    _settle(row, now)
    return n


@transaction.atomic
def told(*, transfer_id: int, people: Sequence[int], whom: str, how: str, now: datetime) -> int:
    """Families told (告知家属): of each of these who was told, how, when, by whom. `whom` empty: the relative on the list. Who was told once stays.

    Raises ValidationError where nobody is on the list for somebody and `whom` says nobody.
    """
    acting = duties.require(CONFIRM)
    row = locked(transfer_id, CONFIRM, None, *Transfer.OPEN, S.DONE)
    needed(how=how)
    chosen = sorted(set(people))
    if not chosen or row.people.filter(pk__in=chosen).count() != len(chosen):
        raise ValidationError({"people": _("请先在名单上选择人员。")})
    rows = row.people.select_for_update(of=("self",)).filter(pk__in=chosen, told_at__isnull=True)
    if not rows.exists():
        raise ValidationError(_("所选人员的家属都已告知过。"), code="stale")
    given = whom.strip()[:60]
    nobody = "" if given else "、".join(rows.filter(kin_name="").order_by("pk").values_list("name", flat=True)[:10])
    if nobody:
        raise ValidationError({"whom": _("%(names)s 没有登记家属；请填写告知了谁。") % {"names": nobody}})
    with connection.cursor() as cursor:
        cursor.execute(
            "update institutions_transferperson set told_at = %s, told_by_id = %s, told_how = %s,"
            " told_whom = coalesce(nullif(%s, ''), left(kin_name || case when kin_relation <> '' then '（' || kin_relation || '）' else '' end, 60))"
            " where transfer_id = %s and id = any(%s) and told_at is null",
            [now, acting.account_id or None, how.strip()[:100], given, row.pk, chosen],
        )
        n = cursor.rowcount
    moved(row, "told", f"{n} 人：{how}", now)
    return n


# To-dos at an end that the acting officer's scope does not reach, and of clerks who are named while a transfer is under way; raised by the worker, each once.
ENDS = """
select case when k.here then t.area else t.to_area end, d.duty, d.kind, '转移安置 ' || t.number || k.words, '/institutions/transfers/' || t.id || '/', 'institution_transfer', t.id,
  (t.leaves_at at time zone 'Asia/Shanghai')::date, d.posting
from institutions_transfer t
cross join (values ('transfer.depart.from', true, '：待出发，逐人确认并告知家属'),
  ('transfer.agree.to', false, '：请确认能否接收'), ('transfer.arrive.to', false, '：已出发，请逐人确认到达'),
  ('transfer.missing.to', false, '：有人未到达，请立即查找'), ('transfer.missing.from', true, '：有人未到达，请立即查找')) as k (kind, here, words)
cross join lateral (select 'county_reviewer' as duty, k.kind, null::bigint as posting union all
  (select 'institution_clerk', k.kind || '#' || p.id, p.id from institutions_institutionclerk c join core_posting p on p.account_id = c.account_id and p.duty = 'institution_clerk'
   where c.institution_id = case when k.here then t.from_institution_id else t.to_institution_id end and c.ended_at is null and starts_with(c.area, p.area)
     and p.starts <= %s and (p.ends is null or p.ends > %s) order by p.id)) d
where case when k.kind = 'transfer.agree.to' then t.state = 'planned' when k.kind = 'transfer.arrive.to' then t.state = 'moving'
  when k.kind = 'transfer.depart.from'
  then t.state in ('planned', 'agreed', 'moving') and exists (select from institutions_transferperson p where p.transfer_id = t.id and p.state = 'listed')
  else t.state = 'moving' and exists (select from institutions_transferperson p where p.transfer_id = t.id and p.state = 'missing') end
  and not exists (select from core_todo o where o.subject = 'institution_transfer' and o.subject_id = t.id and o.kind = d.kind and o.duty = d.duty and o.done_at is null)
"""


# Nobody is missing any more; the end that confirmed it reaches its own to-do alone.
FOUND = """
update core_todo o set done_at = %s from institutions_transfer t
where o.subject = 'institution_transfer' and o.subject_id = t.id and o.done_at is null and starts_with(o.kind, 'transfer.missing.')
  and not exists (select from institutions_transferperson p where p.transfer_id = t.id and p.state = 'missing')
"""


def tell_ends(*, now: datetime) -> int:
    """Tell the far ends of transfers what waits for them, and no longer those who are found; one round of the worker, safe to repeat. Returns the to-dos
    raised."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND, [now])
    return raise_todos(ENDS, [today_of(now)] * 2, for_postings=True, now=now)
