"""Who works on a lead (measures 1.5): given to a visitor, passed on to a department or another county, taken from there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting
from doudi.discovery.models import Lead, LeadEvent
from doudi.discovery.services.leads import Outcome, S, locked, next_todos
from doudi.discovery.services.raising import tell_assigned

# Duties that a lead can be given to.
WORKERS = (Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.DISCOVERY_MEMBER, Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR)

ASSIGNABLE = (*Lead.UNCONTACTED, S.CONTACTED)


def assign_lead(*, lead_id: int, version: int | None, posting_id: int | None, note: str, now: datetime) -> Lead:
    """Give an open lead to the holder of a posting within the scope, or back to the township (None); reassigning is the same.

    Somebody posted in another village of the same county than the lead's gets it as the staff of the place of stay.
    Raises StaleLead, ValidationError, Lead.DoesNotExist, Posting.DoesNotExist.
    """
    scope = duties.require("discovery.assign")
    lead = locked(lead_id=lead_id, version=version)
    if lead.state not in ASSIGNABLE:
        raise ValidationError(_("该线索已核实或办结，不能再分派；请查看办理记录。"))
    posting = _holder(posting_id, scope, now) if posting_id else None
    if posting is not None and not lead.area.startswith(posting.area) and not (lead.residence_area or "").startswith(posting.area):
        if posting.area[:6] != lead.area[:6]:
            raise ValidationError({"posting": _("不能直接分派到外县；请用“转办”转到外地。")})
        lead.residence_area = posting.area
    if posting_id == lead.posting_id:
        raise ValidationError({"posting": _("该线索已由此人办理；请选择其他人。")})
    before = lead.state
    if lead.state in (S.NEW, S.ASSIGNED):
        lead.state = S.ASSIGNED if posting else S.NEW
    lead.posting, lead.version = posting, lead.version + 1
    lead.save(update_fields=["posting", "residence_area", "state", "version"])
    Lead.objects.filter(merged_into=lead, state=before).update(state=lead.state)
    to = f"分派给{posting.account.name}（{places.name(posting.area)}）" if posting else "交乡镇经办人办理"
    LeadEvent.objects.create(
        lead=lead, area=lead.area, residence_area=lead.residence_area, at=now, account_id=scope.account_id or None, before=before,
        after=lead.state, what="assigned", note="；".join(filter(None, [to, note.strip()]))[:400],
    )  # fmt: skip
    next_todos([lead.pk], now=now)
    if posting is not None:
        tell_assigned([lead.pk], now=now)
    scopes.check_constraints()
    return lead


def _holder(posting_id: int, scope: scopes.Scope, now: datetime) -> Posting:
    """The posting, if its holder can work on leads today. Raises ValidationError, Posting.DoesNotExist."""
    posting = Posting.objects.select_related("account").get(pk=posting_id)
    if posting.duty not in WORKERS or not posting.holds_on(timezone.localdate(now)) or not scope.covers(posting.area):
        raise ValidationError({"posting": _("该工作人员目前没有可办理线索的在任岗位；请重新选择。")})
    return posting


ASSIGN_MANY = """
with given as (
  select l.id, l.state as before from discovery_lead l where l.id = any(%(ids)s)
), moved as (
  update discovery_lead l set posting_id = %(posting)s, version = l.version + 1,
    state = case when l.state in ('new', 'assigned') then case when %(posting)s::bigint is null then 'new' else 'assigned' end else l.state end
  from given g where g.id = l.id returning l.id, l.area, l.residence_area, g.before, l.state
), followers as (
  update discovery_lead f set state = m.state from moved m where f.merged_into_id = m.id and f.state = m.before and m.before <> m.state
)
insert into discovery_leadevent (lead_id, area, residence_area, at, account_id, before, after, what, note)
select id, area, residence_area, %(now)s, %(account)s, before, state, 'assigned', %(note)s from moved order by id
"""


def assign_leads(*, lead_ids: Sequence[int], posting_id: int | None, note: str, now: datetime) -> Outcome:
    """Give many open leads to the holder of a posting of their place, or back to the township (None), set-based.

    What cannot be given is left as it is and named with its reason: not visible, merged, verified or closed already, another place than the
    posting's, already that one's. Raises ValidationError for a posting that works on no leads, Posting.DoesNotExist.
    """
    scope = duties.require("discovery.assign")
    posting = _holder(posting_id, scope, now) if posting_id else None
    found = {lead.pk: lead for lead in Lead.objects.select_for_update().filter(pk__in=lead_ids).order_by("pk")}
    refused = {pk: gettext("不存在或不在您的辖区") for pk in lead_ids if pk not in found}
    for pk, lead in found.items():
        if lead.merged_into_id:
            refused[pk] = gettext("已并入同一家庭的另一条线索")
        elif lead.state not in ASSIGNABLE:
            refused[pk] = gettext("目前为“%(state)s”，不能再分派") % {"state": lead.get_state_display()}
        elif lead.posting_id == posting_id:
            refused[pk] = gettext("已由此人办理") if posting_id else gettext("已由乡镇办理")
        elif posting is not None and not any((place or "").startswith(posting.area) for place in (lead.area, lead.residence_area)):
            refused[pk] = gettext("不在此人负责的地方；请打开线索单独分派")
    ready = [pk for pk in found if pk not in refused]
    if ready:
        to = f"分派给{posting.account.name}（{places.name(posting.area)}）" if posting else "交乡镇经办人办理"
        words = "；".join(filter(None, [to, note.strip()]))[:400]
        values = {"ids": ready, "posting": posting_id, "now": now, "account": scope.account_id or None, "note": words}
        with connection.cursor() as cursor:
            cursor.execute(ASSIGN_MANY, values)
        next_todos(ready, now=now)
        if posting is not None:
            tell_assigned(ready, now=now)
    scopes.check_constraints()
    return Outcome(done=ready, refused=refused)


RELEASE = """
with held as (
  select area, array_agg(id order by starts, id) as postings from core_posting
  where duty = 'visitor' and starts <= %(on)s and (ends is null or ends > %(on)s) group by area
), ended as (
  select l.id, l.state as before, h.postings[1 + l.id %% cardinality(h.postings)] as posting_id
  from discovery_lead l join core_posting p on p.id = l.posting_id and (p.ends <= %(on)s or p.starts > %(on)s)
  left join held h on h.area = coalesce(l.residence_area, l.area)
  where l.merged_into_id is null and l.state in ('new', 'assigned', 'contacted', 'unreachable') and l.area >= %(low)s and l.area < %(high)s
  order by l.id for no key update of l
), freed as (
  update discovery_lead l set posting_id = e.posting_id, version = l.version + 1,
    state = case when l.state <> 'assigned' or e.posting_id is not null then l.state else 'new' end
  from ended e where e.id = l.id returning l.id, l.area, l.residence_area, e.before, l.state, e.posting_id
), told as (
  insert into discovery_leadevent (lead_id, area, residence_area, at, account_id, before, after, what, note)
  select id, area, residence_area, %(now)s, null, before, state, 'released',
    case when posting_id is null then '原办理人已离任，交乡镇经办人办理' else '原办理人已离任，交接任走访员办理' end from freed
)
select id from freed order by id
"""


def release_ended(*, on: date, now: datetime, area: str) -> int:
    """Leads whose visitor's posting has ended go to the successor in the village, else to the township; the number. Run daily."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"on": on, "now": now, "low": area, "high": area + ":"})
        ids = [pk for (pk,) in cursor.fetchall()]
    Lead.objects.filter(merged_into__in=ids, state=S.ASSIGNED).update(state=S.NEW)
    next_todos(ids, now=now)
    tell_assigned(ids, now=now)
    return len(ids)
