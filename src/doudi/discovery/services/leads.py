"""Leads from signal to help (measures 1.2, 1.3, 1.5): every step says who, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.messages import send_message
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.discovery.models import Channel, Lead, LeadEvent, Need
from doudi.discovery.services.raising import in_chinese, raise_lead

S = Lead.State

# From which states a step may be taken. A closed lead is not opened again: the next signal of the same situation shows it.
# What was passed on to another department is finished by its answer.
STEPS: dict[str, tuple[str, ...]] = {
    S.ASSIGNED: (S.NEW,),
    S.CONTACTED: (S.NEW, S.ASSIGNED, S.UNREACHABLE),
    S.VERIFIED: (S.NEW, S.ASSIGNED, S.CONTACTED, S.UNREACHABLE),
    S.UNREACHABLE: (S.NEW, S.ASSIGNED, S.UNREACHABLE),
    S.HELPED: (S.VERIFIED, S.CONTACTED, S.REFERRED),
    S.NOT_IN_NEED: (S.VERIFIED, S.CONTACTED, S.REFERRED),
    S.REFERRED: (S.NEW, S.ASSIGNED, S.CONTACTED, S.VERIFIED),
}
CLOSED = (S.HELPED, S.NOT_IN_NEED, S.REFERRED)
# Steps that say something about the people: the reason is owed.
NOTED = (S.VERIFIED, S.UNREACHABLE, S.HELPED, S.NOT_IN_NEED, S.REFERRED)


class StaleLead(ValidationError):
    """Somebody else moved the lead on since the page was read."""


@dataclass(frozen=True)
class Outcome:
    """What came of a batch of steps: ids that moved, and for each of the others why not."""

    done: list[int]
    refused: dict[int, str]


def locked(*, lead_id: int, version: int | None) -> Lead:
    """The lead, locked until the transaction ends. Raises StaleLead, ValidationError for one that is merged into another, Lead.DoesNotExist."""
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if lead.merged_into_id:
        raise ValidationError(_("该线索已并入同一家庭的另一条线索，请在那条线索中办理。"))
    if version is not None and lead.version != version:
        raise StaleLead(_("该线索刚刚由其他工作人员办理过，本次操作未保存；请查看最新办理记录后再办理。"))
    return lead


def _need_note(after: str, note: str) -> None:
    if after in NOTED and len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明情况或理由，供以后核查。")})


def advance_lead(*, lead_id: int, version: int | None, after: str, note: str, now: datetime) -> Lead:
    """Move one lead to the state `after`. Raises StaleLead where `version` is no longer the lead's, ValidationError where the step is not open.

    Lead.DoesNotExist is raised for a lead outside the scope: the same as for one that does not exist.
    """
    duties.require("discovery.handle")
    lead = locked(lead_id=lead_id, version=version)
    if lead.state not in STEPS[after]:
        raise ValidationError(
            _("线索 %(number)s 目前为“%(state)s”，不能转为“%(after)s”；请刷新后查看办理记录。"),
            params={"number": lead.number, "state": S(lead.state).label, "after": S(after).label},
        )
    _need_note(after, note)
    move([lead], after=after, note=note, now=now)
    scopes.check_constraints()
    lead.refresh_from_db()
    return lead


def advance_leads(*, lead_ids: Sequence[int], after: str, note: str, now: datetime) -> Outcome:
    """The same step for many, set-based: what may not take the step is left as it is and named with its reason; the rest goes on."""
    duties.require("discovery.handle")
    _need_note(after, note)
    found = {lead.pk: lead for lead in Lead.objects.select_for_update().filter(pk__in=lead_ids).order_by("pk")}
    ready = [lead for lead in found.values() if lead.state in STEPS[after] and not lead.merged_into_id]
    refused = {pk: gettext("不存在或不在您的辖区") for pk in lead_ids if pk not in found}
    for pk, lead in found.items():
        if lead not in ready:
            refused[pk] = gettext("已并入同一家庭的另一条线索") if lead.merged_into_id else gettext("目前为“%(state)s”") % {"state": lead.get_state_display()}
    move(ready, after=after, note=note, now=now)
    scopes.check_constraints()
    return Outcome(done=[lead.pk for lead in ready], refused=refused)


NEXT_TODO = """
insert into core_todo (area, duty, posting_id, kind, title, url, subject, subject_id, due, made_at)
select case when p.id is not null then p.area when starts_with(l.area, %(scope)s) then l.area else l.residence_area end,
  coalesce(p.duty, %(township)s), p.id, 'lead',
  '救助线索 ' || l.number || case when l.contacted_at is not null then '：核实' when l.state = 'unreachable' then '：再次联系' else '：首次联系' end,
  '/leads/' || l.id || '/', 'lead', l.id,
  case when l.contacted_at is not null then l.verify_due else coalesce(l.retry_due, l.contact_due) end, %(now)s
from discovery_lead l left join core_posting p on p.id = l.posting_id where l.id = any(%(ids)s)
on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
"""


def next_todos(ids: Sequence[int], *, now: datetime) -> None:
    """The to-do of the step that is next, for whoever has the lead now, in place of the one before."""
    with connection.cursor() as cursor:
        finish(ids, now=now, kind="lead")
        cursor.execute(NEXT_TODO, {"ids": list(ids), "now": now, "scope": scopes.current().area, "township": Duty.TOWNSHIP_OFFICER.value})


def finish(ids: Sequence[int], *, now: datetime, kind: str = "") -> None:
    """Finish the open to-dos of these leads, whoever has them: all, or those of one kind."""
    with connection.cursor() as cursor:
        cursor.execute("select doudi.end_lead_todos(%s, %s, %s)", [list(ids), kind, now])


def move(leads: Sequence[Lead], *, after: str, note: str, now: datetime) -> None:
    """Move locked leads whose step is open; what is merged into them follows. The to-do of the next step stands afterwards."""
    scope = scopes.current()
    ids = [lead.pk for lead in leads]
    changes: dict[str, Any] = {"state": after}
    if after in (S.CONTACTED, S.VERIFIED, S.HELPED, S.NOT_IN_NEED):
        changes |= {"contacted_at": Coalesce("contacted_at", Value(now)), "escalated": 0, "escalated_on": None, "retry_due": None}
    if after in (S.VERIFIED, S.HELPED, S.NOT_IN_NEED):
        changes["verified_at"] = Coalesce("verified_at", Value(now))
    if after == S.HELPED:
        changes["helped_at"] = Coalesce("helped_at", Value(now))
    if after in CLOSED:
        changes |= {"closed_at": now, "escalated": 0, "escalated_on": None}
    Lead.objects.filter(merged_into__in=ids, state__in=(*Lead.OPEN, S.REFERRED)).update(**changes)
    if after == S.UNREACHABLE:
        today = timezone.localdate(now)
        retry = add_working_days(today, int(get_setting("procedure.lead.retry_days", scope.area, today)))
        changes |= {"attempts": F("attempts") + 1, "retry_due": retry}
    LeadEvent.objects.bulk_create(
        LeadEvent(
            lead=each, area=each.area, residence_area=each.residence_area, at=now, account_id=scope.account_id or None,
            before=each.state, after=after, note=note.strip()[:400],
        )
        for each in leads
    )  # fmt: skip
    Lead.objects.filter(pk__in=ids).update(**changes, version=F("version") + 1, handler_id=scope.account_id or None)
    if after in (*CLOSED, S.VERIFIED, S.CONTACTED):
        finish(ids, now=now)
    if after in (S.CONTACTED, S.UNREACHABLE):
        next_todos(ids, now=now)
    if after in CLOSED:
        feed_back(now=now)
        tell_reporters(ids, now=now)


REPORTED = """
select l.id, case when starts_with(l.area, %(scope)s) then l.area else l.residence_area end, l.number, l.state, l.signal_at,
  case when m.id is null then l.reporter_id else m.account_id end, m.phone
from discovery_lead l left join discovery_teammember m on m.id = l.member_id
where (l.id = any(%(ids)s) or l.merged_into_id = any(%(ids)s)) and l.closed_at = %(now)s
  and (m.id is not null and (m.ends is null or m.ends > %(on)s) or m.id is null and l.channel = 'team' and l.reporter_id is not null)
order by l.id
"""


def tell_reporters(ids: Sequence[int], *, now: datetime) -> None:
    """Tell the discovery team what became of their reports that ended now: in the system who has an account, else by phone."""
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(REPORTED, {"ids": list(ids), "now": now, "on": timezone.localdate(now), "scope": scopes.current().area})
        found = cursor.fetchall()
    for lead_id, area, number, state, signal_at, account_id, phone in found:
        values = {"number": number, "day": timezone.localdate(signal_at)}
        if account_id:
            values["outcome"] = in_chinese(S(state).label)
            send_message(
                template="report.ended", area=area, key=f"{lead_id}:{state}", values=values, account_id=account_id, url="/team/reports/", now=now
            )
        else:
            send_message(template="report.answered", area=area, key=f"{lead_id}:{state}", values=values, phone=phone, now=now)


def feed_back(*, now: datetime) -> None:
    """Tell the counties that passed leads on what became of them: results of the leads that stand for their referrals, within the scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update discovery_leadreferral r set result = l.state, result_at = %s from discovery_lead l where l.id = r.lead_there and r.result = '' and r.returned_at is null"
            " and l.state in ('helped', 'not_in_need', 'referred')",
            [now],
        )


def report_lead(
    *, person_id: int | None, household_id: int | None, reason: str, urgency: str, programme: str, now: datetime, need: str = Need.OTHER
) -> Lead:
    """A lead raised by an officer or visitor about somebody in the registry (measures 1.3, 1.7); the same subject once a day by one officer."""
    scope = duties.require("discovery.report")
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("请写明发现的困难情况，至少 4 个字。")})
    if not person_id and not household_id:
        raise ValidationError(_("请先选择困难群众或家庭。"))
    subject = f"p{person_id}" if person_id else f"h{household_id}"
    source = f"report:{subject}:{timezone.localdate(now).isoformat()}:{scope.account_id}"
    channel = Channel.VISITOR if scope.duty in (Duty.VISITOR, Duty.CHILD_DIRECTOR) else Channel.OFFICER
    if Lead.objects.filter(indicator=channel, situation=source).exists():
        raise ValidationError(_("今天已为同一对象登记过线索，请在原线索中补充情况。"))
    return raise_lead(
        channel=channel, source=source, area="", person_id=person_id, household_id=household_id, reason=in_chinese(Need(need).label),
        need=need, detail=reason, urgency=urgency, programme=programme, now=now, note="人工登记",
    )  # fmt: skip


# A grant answers the signals of its household and programme (or person, or the lead that the decision names). An open lead is closed when
# it and all that is merged into it are answered; before that its first help is noted.
HELPED = """
with answered as (
  select distinct l.id, l.area, l.residence_area, l.state, coalesce(l.merged_into_id, l.id) as root, l.merged_into_id is not null as merged
  from discovery_lead l
  join unnest(%(households)s::bigint[], %(programmes)s::text[], %(people)s::bigint[], %(leads)s::bigint[]) d (household_id, programme, person_id, lead_id)
    on l.id = d.lead_id
    or (l.household_id = d.household_id and l.programme = d.programme and (d.person_id is null or l.person_id = d.person_id))
  where l.state in ('new', 'assigned', 'contacted', 'verified', 'unreachable')
), roots as (
  select r.id, r.area, r.residence_area, r.state,
    (r.helped_at is not null or exists (select from answered a where a.id = r.id))
      and not exists (select from discovery_lead c where c.merged_into_id = r.id and c.state in ('new', 'assigned', 'contacted', 'verified', 'unreachable')
                      and c.id not in (select id from answered)) as whole
  from discovery_lead r where r.id in (select root from answered)
), closed as (
  update discovery_lead l set
    state = case when a.merged or r.whole then 'helped' else l.state end,
    closed_at = case when a.merged or r.whole then %(now)s else l.closed_at end,
    helped_at = coalesce(l.helped_at, %(now)s),
    verified_at = case when a.merged or r.whole then coalesce(l.verified_at, %(now)s) else l.verified_at end,
    contacted_at = case when a.merged or r.whole then coalesce(l.contacted_at, %(now)s) else l.contacted_at end,
    escalated = case when r.whole then 0 else l.escalated end, version = l.version + 1
  from (select id, root, merged from answered union select root, root, false from answered) a join roots r on r.id = a.root where l.id = a.id
)
insert into discovery_leadevent (lead_id, area, residence_area, at, account_id, before, after, what, note)
select id, area, residence_area, %(now)s, %(account)s, state, case when whole then 'helped' else state end, case when whole then '' else 'answered' end, %(note)s
from roots
"""


def leads_helped(*, grants: Sequence[tuple[int, str, int | None, int | None]], now: datetime) -> int:
    """Close the open leads that approved grants answer: (household, programme, person or None for the household, lead or None). Set-based (measures 1.5).

    Called by the approval, whose own duty it is; the number of leads that a grant answered, whole or in part.
    """
    if not grants:
        return 0
    households, programmes, people, leads = (list(column) for column in zip(*grants, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            HELPED,
            {
                "households": households,
                "programmes": programmes,
                "people": people,
                "leads": leads,
                "now": now,
                "account": scopes.current().account_id or None,
                "note": "待遇已审核确认",
            },
        )
        answered = cursor.rowcount
    if answered:
        feed_back(now=now)
        with connection.cursor() as cursor:
            cursor.execute(
                "select distinct coalesce(merged_into_id, id) from discovery_lead where closed_at = %s and (household_id = any(%s) or id = any(%s))",
                [now, households, [lead for lead in leads if lead]],
            )
            ids = [pk for (pk,) in cursor.fetchall()]
        finish(list(Lead.objects.filter(pk__in=ids, closed_at=now).values_list("pk", flat=True)), now=now)
        tell_reporters(ids, now=now)
    return answered
