"""Who works on a lead (measures 1.5): given to a visitor, passed on to a department or another county, taken from there."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, numbers, places
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty, Posting
from doudi.core.numbers import Kind
from doudi.core.services import todos
from doudi.discovery.models import Channel, Department, Lead, LeadEvent, LeadReferral
from doudi.discovery.services.leads import STEPS, S, locked, move, next_todos
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead, tell_assigned
from doudi.registry.models import Membership

# Duties that a lead can be given to.
WORKERS = (Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.DISCOVERY_MEMBER, Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR)


def assign_lead(*, lead_id: int, version: int | None, posting_id: int | None, note: str, now: datetime) -> Lead:
    """Give an open lead to the holder of a posting within the scope, or back to the township (None); reassigning is the same.

    Somebody posted in another village of the same county than the lead's gets it as the staff of the place of stay.
    Raises StaleLead, ValidationError, Lead.DoesNotExist, Posting.DoesNotExist.
    """
    scope = duties.require("discovery.assign")
    lead = locked(lead_id=lead_id, version=version)
    if lead.state not in (*Lead.UNCONTACTED, S.CONTACTED):
        raise ValidationError(_("该线索已核实或办结，不能再分派；请查看办理记录。"))
    posting = Posting.objects.select_related("account").get(pk=posting_id) if posting_id else None
    if posting is not None:
        if posting.duty not in WORKERS or not posting.holds_on(timezone.localdate(now)) or not scope.covers(posting.area):
            raise ValidationError({"posting": _("该工作人员目前没有可办理线索的在任岗位；请重新选择。")})
        if not lead.area.startswith(posting.area) and not (lead.residence_area or "").startswith(posting.area):
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


def refer_lead(*, lead_id: int, version: int | None, department: str = "", to_area: str = "", note: str, now: datetime) -> Lead:
    """Pass a lead on (转办): to a department of one's own place, or to another county, township or village elsewhere as a frozen copy.

    Its clock ends here. The answer of the department is entered as the result; another county takes the copy and its result comes back.
    """
    scope = duties.require("discovery.refer")
    lead = locked(lead_id=lead_id, version=version)
    if lead.state not in STEPS[S.REFERRED]:
        raise ValidationError(_("该线索目前为“%(state)s”，不能转办。") % {"state": lead.get_state_display()})
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明情况或理由，供以后核查。")})
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
        LeadReferral.objects.filter(pk=referral.pk).update(taken_by=scope.account_id, taken_at=now, lead_there=lead.pk)
    todos.finish_todos(subject="lead_referral", subject_id=referral.pk, now=now)
    scopes.check_constraints()
    return lead


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
