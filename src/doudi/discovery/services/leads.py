"""Leads from signal to help (measures 1.2, 1.3, 1.5): every step says who, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.discovery.clocks import deadlines
from doudi.discovery.models import Lead, LeadEvent
from doudi.registry.models import Household, Person

S = Lead.State

# From which states a step may be taken. A closed lead is not opened again: the next signal of the same situation shows it.
STEPS: dict[str, tuple[str, ...]] = {
    S.ASSIGNED: (S.NEW,),
    S.CONTACTED: (S.NEW, S.ASSIGNED, S.UNREACHABLE),
    S.VERIFIED: (S.NEW, S.ASSIGNED, S.CONTACTED),
    S.UNREACHABLE: (S.NEW, S.ASSIGNED),
    S.HELPED: (S.VERIFIED, S.CONTACTED),
    S.NOT_IN_NEED: (S.VERIFIED, S.CONTACTED),
    S.REFERRED: (S.CONTACTED, S.VERIFIED),
}
CLOSED = (S.HELPED, S.NOT_IN_NEED, S.REFERRED)
# Steps that say something about the people: the reason is owed.
NOTED = (S.VERIFIED, S.UNREACHABLE, S.HELPED, S.NOT_IN_NEED, S.REFERRED)
TODO = "lead"


class StaleLead(ValidationError):
    """Somebody else moved the lead on since the page was read."""


@dataclass(frozen=True)
class Outcome:
    """What came of a batch of steps: ids that moved, and for each of the others why not."""

    done: list[int]
    refused: dict[int, str]


def _check(lead: Lead, after: str, note: str) -> None:
    if lead.state not in STEPS[after]:
        raise ValidationError(
            _("线索 %(number)s 目前为“%(state)s”，不能转为“%(after)s”；请刷新后查看办理记录。")
            % {"number": lead.number, "state": lead.get_state_display(), "after": S(after).label}
        )
    if after in NOTED and len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明情况或理由，供以后核查。")})


def advance_lead(*, lead_id: int, version: int | None, after: str, note: str, now: datetime) -> Lead:
    """Move one lead to the state `after`. Raises StaleLead where `version` is no longer the lead's, ValidationError where the step is not open.

    Lead.DoesNotExist is raised for a lead outside the scope: the same as for one that does not exist.
    """
    scope = duties.require("discovery.handle")
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if version is not None and lead.version != version:
        raise StaleLead(_("该线索刚刚由其他工作人员办理过，本次操作未保存；请查看最新办理记录后再办理。"))
    _check(lead, after, note)
    before, lead.state, lead.version, lead.handler_id = lead.state, after, lead.version + 1, scope.account_id
    if after == S.CONTACTED:
        lead.contacted_at = lead.contacted_at or now
    if after == S.VERIFIED:
        lead.contacted_at, lead.verified_at = lead.contacted_at or now, now
    if after in CLOSED:
        lead.closed_at = now
    lead.save(update_fields=["state", "version", "handler", "contacted_at", "verified_at", "closed_at"])
    LeadEvent.objects.create(lead=lead, area=lead.area, at=now, account_id=scope.account_id, before=before, after=after, note=note.strip()[:400])
    if after in (*CLOSED, S.VERIFIED):
        todos.finish_todos(subject="lead", subject_id=lead.pk, now=now, kind=TODO)
    scopes.check_constraints()
    return lead


def advance_leads(*, lead_ids: Sequence[int], after: str, note: str, now: datetime) -> Outcome:
    """The same step for many, set-based: what may not take the step is left as it is and named with its reason; the rest goes on."""
    scope = duties.require("discovery.handle")
    if after in NOTED and len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明情况或理由，供以后核查。")})
    found = {lead.pk: lead for lead in Lead.objects.select_for_update().filter(pk__in=lead_ids).order_by("pk")}
    ready = [lead for lead in found.values() if lead.state in STEPS[after]]
    refused = {pk: _("不存在或不在您的辖区") for pk in lead_ids if pk not in found}
    refused |= {pk: _("目前为“%(state)s”") % {"state": lead.get_state_display()} for pk, lead in found.items() if lead not in ready}
    ids = [lead.pk for lead in ready]
    changes: dict[str, object] = {"handler_id": scope.account_id}
    if after in (S.CONTACTED, S.VERIFIED):
        changes["contacted_at"] = now
    if after == S.VERIFIED:
        changes["verified_at"] = now
    if after in CLOSED:
        changes["closed_at"] = now
    LeadEvent.objects.bulk_create(
        [LeadEvent(lead=x, area=x.area, at=now, account_id=scope.account_id, before=x.state, after=after, note=note.strip()[:400]) for x in ready]
    )
    Lead.objects.filter(pk__in=ids).update(state=after, version=F("version") + 1, **changes)
    if after in (*CLOSED, S.VERIFIED):
        with connection.cursor() as cursor:
            cursor.execute(
                "update core_todo set done_at = %s, done_by_id = %s where subject = 'lead' and kind = %s and done_at is null and subject_id = any(%s)",
                [now, scope.account_id, TODO, ids],
            )
    scopes.check_constraints()
    return Outcome(done=ids, refused=refused)


def report_lead(*, person_id: int | None, household_id: int | None, reason: str, urgency: str, programme: str, now: datetime) -> Lead:
    """A lead raised by an officer or visitor about somebody in the registry (measures 1.3, 1.7)."""
    scope = duties.require("discovery.handle")
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("请写明发现的困难情况，至少 4 个字。")})
    person = Person.objects.get(pk=person_id) if person_id else None
    household = Household.objects.get(pk=household_id) if household_id else None
    if household is None and person is not None:
        household = Household.objects.filter(memberships__person=person, memberships__ends__isnull=True).first()
    subject = person or household
    if subject is None:
        raise ValidationError(_("请先选择困难群众或家庭。"))
    day = timezone.localdate(now)
    situation = f"report:{'p' if person else 'h'}{subject.pk}:{day.isoformat()}"
    if Lead.objects.filter(indicator="report", situation=situation).exists():
        raise ValidationError(_("今天已为同一对象登记过线索，请在原线索中补充情况。"))
    limits = deadlines(urgency, day, subject.area)
    lead = Lead.objects.create(
        area=subject.area,
        number=next_number("XS", day, 1)[0],
        person=person,
        household=household,
        indicator="report",
        situation=situation,
        programme=programme,
        reason=reason.strip()[:400],
        urgency=urgency,
        signal_at=now,
        contact_due=limits.contact,
        verify_due=limits.verify,
    )
    LeadEvent.objects.create(lead=lead, area=lead.area, at=now, account_id=scope.account_id, before="", after=S.NEW, note="人工登记")
    todos.raise_todo(
        kind=TODO,
        area=lead.area,
        duty=Duty.TOWNSHIP_OFFICER,
        title=f"救助线索 {lead.number}：首次联系",
        url=reverse("discovery:lead", args=[lead.pk]),
        subject="lead",
        subject_id=lead.pk,
        due=lead.contact_due,
        now=now,
    )
    scopes.check_constraints()
    return lead


def next_number(prefix: str, day: date, count: int) -> list[str]:
    """Numbers for records, from the sequence of leads: XS20221203-000042."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.lead_number') from generate_series(1, %s)", [count])
        return [f"{prefix}{day:%Y%m%d}-{number:06d}" for (number,) in cursor.fetchall()]


HELPED = """
with closing as (
  select distinct l.id, l.area, l.state from discovery_lead l
  join unnest(%(households)s::bigint[], %(programmes)s::text[], %(people)s::bigint[], %(leads)s::bigint[]) d (household_id, programme, person_id, lead_id)
    on l.id = d.lead_id
    or (l.household_id = d.household_id and l.programme = d.programme and (d.person_id is null or l.person_id = d.person_id))
  where l.state in ('new', 'assigned', 'contacted', 'verified')
), closed as (
  update discovery_lead l set state = 'helped', closed_at = %(now)s, verified_at = coalesce(l.verified_at, %(now)s),
    contacted_at = coalesce(l.contacted_at, %(now)s), version = l.version + 1
  from closing c where l.id = c.id
), finished as (
  update core_todo t set done_at = %(now)s, done_by_id = %(account)s from closing c where t.subject = 'lead' and t.subject_id = c.id and t.done_at is null
)
insert into discovery_leadevent (lead_id, area, at, account_id, before, after, note)
select id, area, %(now)s, %(account)s, state, 'helped', %(note)s from closing
"""


def leads_helped(*, grants: Sequence[tuple[int, str, int | None, int | None]], now: datetime) -> int:
    """Close the open leads that approved grants answer: (household, programme, person or None for the household, lead or None). Set-based (measures 1.5).

    Called by the approval, whose own duty it is; the number of leads closed.
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
                "note": _("待遇已审核确认"),
            },
        )
        return cursor.rowcount
