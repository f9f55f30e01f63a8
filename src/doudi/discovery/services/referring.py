"""Leads passed on (转办, measures 1.5, 3.1): to a department, or across counties as a frozen copy that is taken there or sent back."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core import duties, freetext, numbers, places
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.numbers import Kind
from doudi.discovery.clocks import deadlines
from doudi.discovery.models import Channel, Department, Lead, LeadReferral
from doudi.discovery.services.leads import STEPS, S, StaleLead, locked, move
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead
from doudi.registry.models import Membership

logger = logging.getLogger(__name__)
TRIED = timedelta(days=1)  # what could not be taken within it is the township's
AT_ONCE = 200  # referrals that one round of the worker takes


def refer_lead(*, lead_id: int, version: int | None, department: str = "", to_area: str = "", note: str, now: datetime) -> Lead:
    """Pass a lead on (转办): to a department of one's own place, or to another county, township or village elsewhere as a frozen copy.

    Its clock ends here. The answer of the department is entered as the result; another county takes the copy and its result comes back, or sends
    it back. A village is where the person stays: the worker takes it there at once, and the village's visitor has it (`take_waiting`).
    """
    scope = duties.require("discovery.refer")
    lead = locked(lead_id=lead_id, version=version)
    if lead.state not in STEPS[S.REFERRED]:
        raise ValidationError(_("该线索目前为“%(state)s”，不能转办。"), params={"state": S(lead.state).label})
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明情况或理由，供以后核查。")})
    freetext.no_numbers(note=note)
    if bool(department) == bool(to_area):
        raise ValidationError({"department": _("请选择转办的部门，或填写转往的地区（二选一）。")})
    if department:
        if department not in Department.values:
            raise ValidationError({"department": _("没有这个部门；请在列表中重新选择。")})
        move([lead], after=S.REFERRED, note=f"转{in_chinese(Department(department).label)}：{note.strip()}", now=now)
    else:
        if to_area[:6] == lead.area[:6]:
            raise ValidationError({"to_area": _("本县范围内请用“分派”，不必转办。")})
        if len(to_area) not in (6, 9, 12) or not Division.objects.filter(code=to_area, ends__isnull=True).exists():
            raise ValidationError({"to_area": _("没有这个区划；请填写县（市、区）、乡镇或村的代码，或在列表中选择。")})
        LeadReferral.objects.create(
            area=to_area, from_area=lead.area, lead=lead, **_frozen(lead), need=lead.need, urgency=lead.urgency, reason=lead.reason,
            detail=lead.detail, note=note.strip()[:400], sent_by_id=scope.account_id, sent_at=now,
        )  # fmt: skip
        move([lead], after=S.REFERRED, note=f"转{''.join(places.path(to_area, above=2))}：{note.strip()}", now=now)
    scopes.check_constraints()
    lead.refresh_from_db()
    return lead


def _frozen(lead: Lead) -> dict[str, object]:
    """Who is concerned, as the receiving side needs it."""
    person = lead.person
    if person is None and lead.household_id:
        head = (
            Membership.objects.filter(household_id=lead.household_id, ends__isnull=True)
            .order_by("relationship", "id")
            .select_related("person")
            .first()
        )
        person = head.person if head else None
    if person is None:
        return {
            "subject_name": lead.subject_name, "subject_phone": lead.subject_phone, "subject_token": lead.subject_token,
            "registered_area": lead.registered_area, "address": lead.address,
        }  # fmt: skip
    return {
        "subject_name": person.name, "subject_phone": person.phone, "subject_token": person.token,
        "registered_area": person.registered_area, "address": lead.address,
    }  # fmt: skip


def take_referral(*, referral_id: int, area: str, now: datetime) -> Lead:
    """Take a lead that another county passed on (签收): a lead of one's own at `area`, with a clock that starts now. Safe to repeat.

    LeadReferral.DoesNotExist for everybody but the receiving side: the sender only reads it.
    """
    scope = duties.require("discovery.refer")
    referral = LeadReferral.objects.select_for_update().get(pk=referral_id)
    if referral.returned_at is not None:
        raise StaleLead(_("这条线索已退回转出地，不能再签收。"))
    phone = numbers.plain(referral.subject_phone) or ""
    kind, number = numbers.token_key().open(referral.subject_token) if referral.subject_token else (Kind.NONE, "")
    lead = raise_lead(
        channel=Channel.REFERRAL,
        source=f"referral:{referral.pk}",
        area=area,
        reason=referral.reason,
        urgency=referral.urgency,
        need=referral.need,
        detail=str(referral.detail or ""),
        subject=Subject(
            name=referral.subject_name,
            phone=phone,
            id_number=number if kind == Kind.CITIZEN_ID else "",
            registered_area=referral.registered_area or "",
            address=str(referral.address or ""),
        ),
        now=now,
        note=f"{''.join(places.path(referral.from_area[:6], above=2))}转来：{referral.note}",
    )
    if referral.taken_at is None:
        LeadReferral.objects.filter(pk=referral.pk).update(taken_by=scope.account_id or None, taken_at=now, lead_there=lead.pk)
    scopes.check_constraints()
    return lead


def return_referral(*, referral_id: int, reason: str, now: datetime) -> LeadReferral:
    """Send a lead that another county passed on back to it (退回), before or after it was taken, while nothing has come of it.

    The sender's own lead is open again with a new clock and a to-do; a lead taken from the copy ends here. Raises ValidationError for a missing
    reason, StaleLead where somebody was quicker, LeadReferral.DoesNotExist for everybody but the receiving side.
    """
    scope = duties.require("discovery.refer")
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明退回的理由，转出地据此重新办理。")})
    freetext.no_numbers(reason=reason)
    referral = LeadReferral.objects.select_for_update().get(pk=referral_id)  # the sender, who only reads it, finds none
    there = Lead.objects.select_for_update().filter(pk=referral.lead_there).first() if referral.lead_there else None
    if there is not None and (there.merged_into_id or there.state not in STEPS[S.REFERRED]):
        raise StaleLead(_("由此生成的线索 %(number)s 已办结或已并入其他线索，不能退回；请在那条线索中办理。"), params={"number": there.number})
    limit = deadlines(referral.urgency, timezone.localdate(now), referral.from_area)
    with connection.cursor() as cursor:
        cursor.execute(
            "select doudi.return_referral(%s, %s, %s, %s, %s, %s)",
            [referral.pk, scope.account_id or None, reason.strip(), limit.contact, limit.verify, now],
        )
        (said,) = cursor.fetchone()
    if said == "gone":
        raise StaleLead(_("这条线索已办结或刚刚退回；请刷新后查看。"))
    if there is not None:
        move([there], after=S.REFERRED, note=f"退回{''.join(places.path(referral.from_area[:6], above=2))}：{reason.strip()}", now=now)
    scopes.check_constraints()
    referral.refresh_from_db()
    return referral


def take_waiting(*, now: datetime) -> int:
    """Take what was passed on to a village by itself, so that the visitor of the place of stay has it at once; the number taken.

    Each in a transaction of its own under the village's scope. One that cannot be taken waits for the township's officers, who have the to-do.
    """
    with scopes.acting(scopes.Scope(area=places.PROVINCE, duty=duties.WORKER, page="worker referrals")):
        waiting = LeadReferral.objects.filter(taken_at__isnull=True, returned_at__isnull=True, area__regex="^[0-9]{12}$", sent_at__gte=now - TRIED)
        found = list(waiting.order_by("-id").values_list("pk", "area")[:AT_ONCE])
    taken = 0
    for pk, area in found:
        scope = scopes.Scope(area=area, duty=duties.WORKER, page="worker referrals", acts=frozenset({"discovery.refer", "discovery.report"}))
        try:
            with scopes.acting(scope):
                take_referral(referral_id=pk, area=area, now=now)
            taken += 1
        except (ValidationError, PermissionDenied, LeadReferral.DoesNotExist, DatabaseError) as error:
            logger.warning("referral %s waits for the township: %s", pk, type(error).__name__)
    return taken


OVERDUE = """
with late as (
  select r.id, case when length(r.area) > 6 then case when r.sent_at::date <= patience.twice then 4 else 6 end else 4 end as level, r.area
  from discovery_leadreferral r
  join lateral (select p.before, p.twice from unnest(%(areas)s::text[], %(befores)s::date[], %(twices)s::date[]) p (area, before, twice)
                where starts_with(r.area, p.area) order by length(p.area) desc limit 1) patience on true
  where r.taken_at is null and r.returned_at is null and r.area >= %(low)s and r.area < %(high)s and r.sent_at::date <= patience.before
)
insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
select left(area, level), case level when 6 then 'county_reviewer' else 'supervisor' end, 'referral_overdue', '督办：外地转来的救助线索超期未签收',
  '/leads/referrals/' || id || '/', 'lead_referral', id, %(on)s, %(now)s
from late where left(area, level) >= %(scope)s and left(area, level) < %(scope)s || ':'
on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
"""


def urge_referrals(*, areas: list[str], befores: list[date], twices: list[date], low: str, on: date, now: datetime) -> int:
    """To-dos of the levels above for what nobody has taken: the county after a place's patience, the city after twice of it; the number raised."""
    values: dict[str, Any] = {
        "areas": areas,
        "befores": befores,
        "twices": twices,
        "low": low,
        "high": low + ":",
        "on": on,
        "now": now,
        "scope": scopes.current().area,
    }
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, values)
        return cursor.rowcount
