"""Signals become leads (measures 1.2, 1.3, 1.5): one way for every channel, set-based, safe to repeat.

    stage signals in a temporary table -> those that stand already fall away -> of each household, person or subject the most urgent
    becomes the open lead, unless there is one; the others are merged into it -> the visitor of the place (or of the place of stay) gets it

Two at once: the open lead is locked before anything is merged into it, and `lead_one_open` lets one of two new ones through;
the other then finds it and is merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from psycopg.types.json import Jsonb

from doudi.batch import idnumber
from doudi.core import duties, keys, numbers
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty, Setting
from doudi.core.numbers import Kind
from doudi.core.services.messages import send_messages
from doudi.discovery.clocks import deadlines
from doudi.discovery.models import Channel, Lead, Need
from doudi.registry.models import Household, Membership, Person
from doudi.registry.names import BadName, clean_name

COLUMNS = {
    "indicator": "text", "situation": "text", "channel": "text", "area": "text", "residence_area": "text", "registered_area": "text",
    "person_id": "bigint", "household_id": "bigint", "merge_key": "text", "subject_name": "text", "subject_phone": "uuid",
    "subject_token": "uuid", "member_id": "bigint", "address": "bytea", "need": "text", "detail": "bytea", "programme": "text", "reason": "text",
    "evidence": "jsonb", "urgency": "text",
}  # fmt: skip
SAME = [name for name in COLUMNS if name != "reason"]
OPEN = "l.merged_into_id is null and l.state in ('new', 'assigned', 'contacted', 'verified', 'unreachable')"
LEVEL = "array_position(array['red', 'orange', 'yellow'], {}.urgency)"
PASSES = 5


@dataclass(frozen=True)
class Subject:
    """Who is concerned, where not in the registry of the place: everything optional, kept with the lead alone.

    `phone` is the number of the person or family concerned (not of whoever reports); `registered_area` the registered residence of
    a person from elsewhere; `address` and `detail` are stored encrypted.
    """

    name: str = ""
    phone: str = ""
    id_number: str = ""
    registered_area: str = ""
    address: str = ""


@dataclass(frozen=True)
class Settled:
    """What became of staged signals: new open leads, signals merged into open leads."""

    opened: list[int]
    merged: int


def phone_or_none(text: str, wrong: str | Promise) -> str:
    """A phone's number, empty where none is given. `wrong` says what to do about one that is none: %(problem)s."""
    if not text.strip():
        return ""
    try:
        return idnumber.check_phone(text)
    except ValueError as error:
        raise ValidationError({"phone": str(wrong) % {"problem": error}}) from None


def _id_number(text: str, day: date) -> str:
    if not text.strip():
        return ""
    try:
        return idnumber.parse(text, on=day).number18
    except idnumber.IdNumberError as error:
        raise ValidationError({"id_number": _("%(problem)s；请核对，不清楚可不填。") % {"problem": error}}) from None


def in_chinese(label: Any) -> str:
    """A label as it is stored: Chinese, whoever writes it."""
    with translation.override("zh-hans"):
        return str(label)


def _merge_key(*, area: str, person: Person | None, household: Household | None, subject: Subject, day: date, source: str) -> str:
    if household is not None:
        return f"h{household.pk}"
    if person is not None:
        return f"p{person.pk}"
    if subject.id_number:
        return f"i{area}:{keys.sealing_digest(subject.id_number)[:16].hex()}"
    if subject.phone:
        return f"t{area}:{keys.sealing_digest(subject.phone)[:16].hex()}"
    if subject.name:
        return f"n{area}:{day:%Y%m%d}:{keys.sealing_digest(subject.name)[:16].hex()}"
    return "u" + keys.sealing_digest(source)[:16].hex()


def raise_lead(
    *,
    channel: str,
    source: str,
    area: str,
    reason: str,
    urgency: str,
    now: datetime,
    person_id: int | None = None,
    household_id: int | None = None,
    subject: Subject | None = None,
    residence_area: str = "",
    need: str = "",
    detail: str = "",
    programme: str = "",
    evidence: Mapping[str, Any] | None = None,
    member_id: int | None = None,
    note: str = "",
) -> Lead:
    """Raise a lead from any channel, or give back the one that this source raised before. The caller's own duty may report.

    `source` names the signal for good (`call:4711`, `visit:UUID`): the same channel and source are one lead, ever. `area` is the village
    (or township, where the village is not known) of the case; for somebody in the registry the one that manages them counts.
    `residence_area` is the village of stay where that is another one. `reason` is short and without illness or family matters, which
    belong into `detail` (encrypted), as does what was told in free words.
    The lead may be merged into the open one of the same household (`lead.merged_into_id`). Raises ValidationError by field;
    Person.DoesNotExist and Household.DoesNotExist outside the scope.
    """
    scope = duties.require("discovery.report")
    subject = subject or Subject()
    if channel not in Channel.values or channel == Channel.COMPARISON or urgency not in Lead.Urgency.values or (need and need not in Need.values):
        raise ValidationError(_("线索来源、紧急程度或需求类别不正确；请刷新页面后重试。"))
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明困难情况，至少 2 个字。")})
    if not source or len(source) > 100:
        raise ValueError("source")
    known = Lead.objects.filter(indicator=channel, situation=source).first()
    if known is not None:
        return known
    person, household = _subject_in_registry(person_id, household_id)
    place = household or person
    area = place.area if place else _place(area)
    name, phone = _name(subject.name), phone_or_none(subject.phone, _("“联系电话”：%(problem)s；请核对，没有电话可不填。"))
    subject = replace(subject, name=name, phone=phone, id_number=_id_number(subject.id_number, timezone.localdate(now)))
    stay = residence_area if residence_area != area and len(residence_area) == 12 and scope.covers(residence_area) else ""
    day = timezone.localdate(now)
    row = {
        "indicator": channel, "situation": source, "channel": channel, "area": area, "residence_area": stay or None,
        "registered_area": subject.registered_area or None, "person_id": person.pk if person else None,
        "household_id": household.pk if household else None, "member_id": member_id,
        "merge_key": _merge_key(area=area, person=person, household=household, subject=subject, day=day, source=f"{channel}:{source}"),
        "subject_name": name, "subject_phone": numbers.token_of(Kind.PHONE, phone) if phone else None,
        "subject_token": numbers.id_token(subject.id_number) if subject.id_number else None,
        "address": keys.seal_text(subject.address.strip()) if subject.address.strip() else None,
        "need": need, "detail": keys.seal_text(detail.strip()) if detail.strip() else None, "programme": programme,
        "reason": reason.strip()[:400], "evidence": Jsonb(dict(evidence or {})), "urgency": urgency,
    }  # fmt: skip
    with staged() as cursor:
        cursor.execute(f"insert into lead_signals ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})", list(row.values()))
        settle(cursor, area=area, on=day, now=now, run_id=None, note=note or in_chinese(Channel(channel).label))
    lead = Lead.objects.select_related("person", "household").get(indicator=channel, situation=source)
    scopes.check_constraints()
    return lead


def _subject_in_registry(person_id: int | None, household_id: int | None) -> tuple[Person | None, Household | None]:
    person = Person.objects.get(pk=person_id) if person_id else None
    if household_id:
        return person, Household.objects.get(pk=household_id)
    if person is None:
        return None, None
    membership = Membership.objects.filter(person=person, ends__isnull=True).select_related("household").first()
    return person, membership.household if membership else None


def _place(area: str) -> str:
    if len(area) not in (6, 9, 12) or not scopes.current().covers(area) or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("“所在地”不在您的管辖范围内，或没有这个区划；请在列表中重新选择。")})
    return area


def _name(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return clean_name(text)
    except BadName as error:
        raise ValidationError({"name": str(error)}) from None


class staged:
    """`with staged() as cursor:` an empty temporary table `lead_signals` with the columns above."""

    def __enter__(self) -> Any:
        self.context = connection.cursor()
        cursor = self.context.__enter__()
        cursor.execute("drop table if exists pg_temp.lead_signals, pg_temp.lead_limits")
        cursor.execute(f"create temporary table lead_signals ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())}) on commit drop")
        cursor.execute("create temporary table lead_limits (area text, urgency text, contact_due date, verify_due date) on commit drop")
        return cursor

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            self.context.execute("drop table if exists pg_temp.lead_signals, pg_temp.lead_limits")  # type: ignore[attr-defined]
        self.context.__exit__(*error)


def _limits(cursor: Any, area: str, on: date) -> None:
    """The clock of every place below `area` that has one of its own, and of `area`."""
    own = Setting.objects.filter(parameter__startswith="procedure.lead.", state=Setting.State.CONFIRMED, area__gte=area, area__lt=area + ":")
    for place in {area, *own.values_list("area", flat=True).distinct()}:
        for urgency in Lead.Urgency.values:
            limit = deadlines(urgency, on, place)
            cursor.execute("insert into lead_limits values (%s, %s, %s, %s)", [place, urgency, limit.contact, limit.verify])


DEDUPE = """
delete from lead_signals s using discovery_lead l where l.indicator = s.indicator and l.situation = s.situation
"""
# A signal named twice in one stage counts once.
ONCE = """
delete from lead_signals s using (select ctid, row_number() over (partition by indicator, situation order by person_id, ctid) as n from lead_signals) d
where d.ctid = s.ctid and d.n > 1
"""
LOCK = f"""
select l.id from discovery_lead l where {OPEN} and l.merge_key in (select merge_key from lead_signals) order by l.id for no key update
"""
WITH_LIMIT = """
  select s.*, l.contact_due, l.verify_due from lead_signals s
  join lateral (select contact_due, verify_due from lead_limits l where l.urgency = s.urgency and starts_with(s.area, l.area)
                order by length(l.area) desc limit 1) l on true
"""
INTO = f"""
insert into discovery_lead (number, {", ".join(SAME)}, reason, state, merged_into_id, run_id, signal_at, reporter_id, contact_due, verify_due, attempts,
                            escalated, version, contacted_at, verified_at)
select 'XS' || to_char(%(on)s::date, 'YYYYMMDD') || '-' || lpad(nextval('doudi.lead_number')::text, 6, '0'), {", ".join("f." + name for name in SAME)},
  left(f.reason, 400)"""
ROOTS = f"""
with signal as ({WITH_LIMIT}), opened as (
{INTO}, 'new', null::bigint, %(run)s::bigint, %(now)s, %(reporter)s::bigint, f.contact_due, f.verify_due, 0, 0, 1, null::timestamptz, null::timestamptz
  from (select distinct on (merge_key) * from signal order by merge_key, {LEVEL.format("signal")}, contact_due, situation) f
  where not exists (select from discovery_lead l where {OPEN} and l.merge_key = f.merge_key)
  order by f.area, f.merge_key
  on conflict do nothing returning id, indicator, situation
)
select array_agg(id) from opened
"""
MERGE = f"""
with signal as ({WITH_LIMIT}), merged as (
{INTO}, l.state, l.id, %(run)s::bigint, %(now)s, %(reporter)s::bigint, f.contact_due, f.verify_due, 0, 0, 1, l.contacted_at, l.verified_at
  from signal f join discovery_lead l on {OPEN} and l.merge_key = f.merge_key
  where not exists (select from discovery_lead d where d.indicator = f.indicator and d.situation = f.situation)
  order by f.area, f.merge_key
  on conflict do nothing returning id, merged_into_id, number, urgency, contact_due, verify_due
), most as (
  select merged_into_id as id, min({LEVEL.format("merged")}) as level, min(contact_due) as contact_due, min(verify_due) as verify_due,
    count(*) as signals from merged group by 1
), urged as (
  update discovery_lead l set urgency = (array['red', 'orange', 'yellow'])[least(m.level, {LEVEL.format("l")})],
    contact_due = case when l.contacted_at is null then least(l.contact_due, m.contact_due) else l.contact_due end,
    verify_due = case when l.verified_at is null then least(l.verify_due, m.verify_due) else l.verify_due end,
    version = l.version + 1
  from most m where m.id = l.id returning l.id, l.area, l.residence_area, l.state, l.contacted_at, l.contact_due, l.verify_due
), todos as (
  update core_todo t set due = case when u.contacted_at is null then u.contact_due else u.verify_due end from urged u
  where t.subject = 'lead' and t.subject_id = u.id and t.kind = 'lead' and t.done_at is null
), told as (
  insert into discovery_leadevent (lead_id, area, residence_area, at, account_id, before, after, what, note)
  select u.id, u.area, u.residence_area, %(now)s, %(account)s, u.state, u.state, 'merged', %(merged)s || m.signals from urged u join most m using (id)
  where not u.id = any(%(opened)s)
)
select count(*) from merged
"""
# The visitors of a village take turns by the number of the lead; where there is none, the township has it.
ASSIGN = """
with held as (
  select area, array_agg(id order by starts, id) as postings from core_posting
  where duty = %(visitor)s and starts <= %(on)s and (ends is null or ends > %(on)s) group by area
), chosen as (
  select l.id, h.postings[1 + l.id %% cardinality(h.postings)] as posting_id, h.area as village
  from discovery_lead l left join held h on h.area = coalesce(l.residence_area, l.area) where l.id = any(%(ids)s)
), taken as (
  update discovery_lead l set posting_id = c.posting_id, state = 'assigned' from chosen c where c.id = l.id and c.posting_id is not null
), raised as (
  insert into discovery_leadevent (lead_id, area, residence_area, at, account_id, before, after, what, note)
  select l.id, l.area, l.residence_area, %(now)s, %(account)s, e.before, e.after, '', e.note
  from discovery_lead l join chosen c using (id)
  cross join lateral (values (1, '', 'new', %(note)s), (2, 'new', 'assigned', %(assigned)s)) e (ord, before, after, note)
  where e.ord = 1 or c.posting_id is not null order by l.id, e.ord
)
insert into core_todo (area, duty, posting_id, kind, title, url, subject, subject_id, due, made_at)
select coalesce(c.village, l.area), case when c.village is null then %(township)s else %(visitor)s end, c.posting_id, 'lead',
  '救助线索 ' || l.number || '：首次联系', '/leads/' || l.id || '/', 'lead', l.id, l.contact_due, %(now)s
from discovery_lead l join chosen c using (id)
on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
"""


def settle(cursor: Any, *, area: str, on: date, now: datetime, run_id: int | None, note: str) -> Settled:
    """Make leads of the staged signals, within `area` and the scope. The caller's service has checked the duty."""
    cursor.execute(ONCE)
    cursor.execute(DEDUPE)
    _limits(cursor, area, on)
    cursor.execute("analyze lead_signals")
    opened: list[int] = []
    merged = 0
    values = {
        "on": on,
        "now": now,
        "run": run_id,
        "reporter": None if run_id else scopes.current().account_id or None,
        "account": scopes.current().account_id or None,
        "merged": "并入新的信号，条数：",
    }
    for _pass in range(PASSES):
        cursor.execute(ROOTS, values)
        opened += cursor.fetchone()[0] or []
        cursor.execute(DEDUPE)
        cursor.execute(LOCK)
        cursor.execute(MERGE, values | {"opened": opened})
        merged += cursor.fetchone()[0]
        cursor.execute(DEDUPE)
        cursor.execute("select exists (select from lead_signals)")
        if not cursor.fetchone()[0]:
            break
    assign_new(cursor, ids=opened, on=on, now=now, note=note)
    return Settled(opened=opened, merged=merged)


# One message to each visitor for all leads of one step, keyed by the events: given again later, a lead is told again.
TOLD = """
select p.area, p.account_id, max(e.id)::text,
  jsonb_build_object('count', count(distinct l.id), 'number', min(l.number),
                     'due', coalesce(to_char(min(coalesce(l.retry_due, l.contact_due)), 'YYYY-MM-DD'), '—')),
  case when count(distinct l.id) = 1 then '/leads/' || min(l.id) || '/' else '/leads/mine/' end
from discovery_lead l join core_posting p on p.id = l.posting_id join discovery_leadevent e on e.lead_id = l.id and e.at = %(now)s
where l.id = any(%(ids)s) group by p.area, p.account_id
"""


def tell_assigned(ids: Sequence[int], *, now: datetime) -> None:
    """Tell the visitors of leads that they have them, once the events of the assignment at `now` stand."""
    if ids:
        send_messages(TOLD, {"ids": list(ids), "now": now}, template="lead.assigned", now=now)


def assign_new(cursor: Any, *, ids: Sequence[int], on: date, now: datetime, note: str) -> None:
    """First event, first visitor and first to-do of new leads."""
    cursor.execute(
        ASSIGN,
        {
            "ids": list(ids),
            "on": on,
            "now": now,
            "account": scopes.current().account_id or None,
            "note": note,
            "assigned": "自动分派给所在村（社区）走访员",
            "visitor": Duty.VISITOR.value,
            "township": Duty.TOWNSHIP_OFFICER.value,
        },
    )
    tell_assigned(ids, now=now)
