"""A plan put to work (启动预案, 7.2): lists of the people of the village frozen by priority, visits as dense as the plan says, for a time; then reviewed.

A handful of statements for any number of villages and people.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.community.models import Activation, ActivationCheck, ActivationPerson, ActivationStep, PlanItem, PlanVersion
from doudi.community.models.groups import CareGroup
from doudi.core import duties, emergencies, places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Emergency
from doudi.core.services.todos import finish_todos, raise_todos
from doudi.discovery.models.visits import Group, Unit, VisitPlan
from doudi.discovery.services.visit_plans import end_plans, make_due

SUBJECT = "plan_activation"
S = Activation.State
LONGEST, MOST_VILLAGES = 90, 400
# Which of the visits' groups a care group's priority makes denser.
VISITED: dict[str, tuple[str, ...]] = {
    CareGroup.OLD_ALONE: (Group.ALONE, Group.TEKUN), CareGroup.ORPHAN: (Group.ORPHAN,), CareGroup.UNSUPPORTED: (Group.UNSUPPORTED,),
    CareGroup.LEFT_BEHIND: (Group.LEFT_BEHIND,), CareGroup.DISABLED: (Group.DISABLED,),
}  # fmt: skip
STEPS = """
insert into community_activationstep (area, activation_id, position, text, note)
select a.area, a.id, row_number() over (partition by a.id order by i.position, i.id), i.name, ''
from community_activation a join community_planitem i on i.plan_id = a.plan_id and i.section = 'step' where a.id = any(%(ids)s)
"""
# The first of a person's groups that the plan names decides, else what it says of all others.
BEST = """
join lateral (select i.priority, i.kind, i.every from community_planitem i where i.plan_id = {plan} and i.section = 'priority' and (i.name = '*' or i.name = any(c.groups))
              order by i.name = '*', i.priority, i.every limit 1) best on true
"""
# The grid is that of a person's care contact, else by household.
PEOPLE = f"""
with grids as (
  select plan_id, array_agg(id order by position, id) as ids from community_planitem
  where section = 'grid' and plan_id in (select plan_id from community_activation where id = any(%(ids)s)) group by 1
)
insert into community_activationperson (area, activation_id, person_id, household_id, care_id, name, groups, priority, how, every, grid_id, due, last_outcome)
select c.area, a.id, c.person_id, c.household_id, c.id, p.name, c.groups, best.priority, best.kind, best.every,
  coalesce(own.id, g.ids[1 + c.household_id %% cardinality(g.ids)]), a.starts, ''
from community_activation a join community_careperson c on c.area = a.area and c.ends is null join registry_person p on p.id = c.person_id
{BEST.format(plan="a.plan_id")}
left join grids g on g.plan_id = a.plan_id
left join community_carecontact k on k.id = c.contact_id
left join lateral (select i.id from community_planitem i where i.plan_id = a.plan_id and i.section = 'grid' and i.account_id = k.account_id order by i.id limit 1) own on true
where a.id = any(%(ids)s) order by c.id
"""
TODOS = """
select a.area, d.duty, 'plan.active', '预案已启动：今日名单和启动清单（至 ' || to_char(a.ends - 1, 'YYYY-MM-DD') || '）',
  '/plans/activations/' || a.id || '/', 'plan_activation', a.id, a.starts
from community_activation a cross join unnest(%s::text[]) d (duty) where a.id = any(%s)
"""
REVIEW = """
select a.area, 'township_officer', 'plan.review', '预案启动已结束，请总结', '/plans/activations/' || a.id || '/', 'plan_activation', a.id, a.ends + 10
from community_activation a where a.id = any(%s)
"""


def _locked(activation_id: int, version: int, *states: str) -> Activation:
    row = Activation.objects.select_for_update(of=("self",)).filter(pk=activation_id).first()
    if row is None:
        raise ValidationError(_("没有这次启动，或它不在您的管辖范围内。"))
    if row.version != version or row.state not in states:
        raise ValidationError(_("这次启动刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    return row


@transaction.atomic
def activate(
    *, areas: Sequence[str], reason: str, document: str, until: date, now: datetime, emergency_id: int | None = None
) -> list[Activation]:
    """Put the approved plans of villages to work from today, `until` included. For a declared emergency that holds there, or on its own with its reason.

    All or none: ValidationError names the villages without an approved plan or with one that is active already.
    """
    acting = duties.require("plans.activate")
    on, wanted = timezone.localdate(now), sorted(set(areas))
    problems: dict[str, str] = {}
    if not wanted or len(wanted) > MOST_VILLAGES or not all(len(area) == 12 and acting.covers(area) for area in wanted):
        problems["areas"] = _("请选择您辖区内的村（社区）。")
    if len(reason.strip()) < 4:
        problems["reason"] = _("请写明启动的原因。")
    if len(document.strip()) < 2:
        problems["document"] = _("请填写启动依据的文号；没有文号的，写明通知和日期。")
    if not on <= until < on + timedelta(days=LONGEST):
        problems["until"] = _("结束日期应在今天之后 %(days)d 天以内；到期前可以再次启动。") % {"days": LONGEST}
    if problems:
        raise ValidationError(problems)
    if emergency_id is not None:
        emergency = Emergency.objects.filter(pk=emergency_id).first()
        if emergency is None or not all(emergency in emergencies.in_force(area, on) for area in {area[:9] for area in wanted}):
            raise ValidationError({"emergency": _("所选的应急状态今天在这些地区没有生效；请重新选择。")})
    plans = {row.area: row for row in PlanVersion.objects.select_for_update().filter(area__in=wanted, state=PlanVersion.State.APPROVED).order_by("area")}
    _refuse([area for area in wanted if area not in plans], _("没有现行预案"))
    running = set(Activation.objects.filter(area__in=wanted, state=S.ACTIVE).values_list("area", flat=True))
    _refuse(sorted(running), _("预案已在启动中"))
    try:
        with transaction.atomic():
            made = Activation.objects.bulk_create([
                Activation(
                    area=area, plan=plans[area], emergency_id=emergency_id, reason=reason.strip()[:200], document=document.strip()[:200], starts=on,
                    ends=until + timedelta(days=1), started_by_id=acting.account_id, started_at=now,
                )
                for area in wanted
            ])  # fmt: skip
    except IntegrityError:
        raise ValidationError(_("其中的预案刚由他人启动；请刷新页面。")) from None
    ids = [row.pk for row in made]
    with connection.cursor() as cursor:
        cursor.execute(STEPS, {"ids": ids})
        cursor.execute(PEOPLE, {"ids": ids})
        cursor.execute(
            "update community_activation a set people = (select count(*) from community_activationperson p where p.activation_id = a.id) where a.id = any(%s)", [ids]
        )
    _denser(made, document, now)
    raise_todos(TODOS, [[Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.TOWNSHIP_OFFICER], ids], now=now)
    _visits_now(wanted, on, now)
    scopes.check_constraints()
    return list(Activation.objects.filter(pk__in=ids).order_by("area"))


def _refuse(areas: Sequence[str], why: str) -> None:
    if areas:
        names = "、".join(places.name(area) for area in areas[:5]) + (_("等 %(count)d 个村（社区）") % {"count": len(areas)} if len(areas) > 5 else "")
        raise ValidationError({"areas": _("%(names)s：%(why)s。") % {"names": names, "why": why}})


def _denser(made: Sequence[Activation], document: str, now: datetime) -> None:
    """Visit plans for the time of the activation: what held before counts again by itself after it."""
    acting = scopes.current()
    lines: dict[int, list[PlanItem]] = {}
    for item in PlanItem.objects.filter(plan__in=[row.plan_id for row in made], section=PlanItem.Section.PRIORITY, kind=PlanItem.Kind.VISIT).order_by("id"):
        lines.setdefault(item.plan_id, []).append(item)
    wanted = []
    for row in made:
        for item in lines.get(row.plan_id, ()):
            every = item.every or 1
            wanted += [
                (row, VisitPlan(
                    area=row.area, group=group, starts=row.starts, ends=row.ends, every=every, unit=Unit.DAY, emergency_every=every, emergency_unit=Unit.DAY,
                    document=document.strip()[:200], made_by_id=acting.account_id, made_at=now,
                ))
                for group in VISITED.get(item.name, ())
            ]  # fmt: skip
    plans = VisitPlan.objects.bulk_create([plan for _row, plan in wanted])
    for (row, _plan), plan in zip(wanted, plans, strict=True):
        row.visit_plans.append(plan.pk)
    Activation.objects.bulk_update(made, ["visit_plans"])


def _visits_now(areas: Sequence[str], on: date, now: datetime) -> None:
    """The day's visits at once, not tomorrow: as the worker does each night, over the place that holds the villages."""
    place = areas[0]
    while not all(area.startswith(place) for area in areas):
        place = place[: {12: 9, 9: 6}[len(place)]]
    # under the county: what was missed there may go up to the township or the county in the same round
    with scopes.acting(scopes.Scope(area=place[:6], duty=WORKER, page="plan activation", acts=frozenset({"visits.due"}))):
        make_due(area=place, on=on, now=now)


@transaction.atomic
def tick_step(*, step_id: int, note: str = "", now: datetime) -> ActivationStep:
    """Tick a step of the start; one that is ticked stays as it was, with who did it first."""
    acting = duties.require("plans.work")
    row = ActivationStep.objects.select_for_update(of=("self",)).filter(pk=step_id).first()
    if row is None:
        raise ValidationError(_("没有这一步，或它不在您的管辖范围内。"))
    if row.done_at is None:
        if row.activation.state != S.ACTIVE:
            raise ValidationError(_("这次启动已经结束；请刷新页面。"))
        row.done_at, row.done_by_id, row.note = now, acting.account_id or None, note.strip()[:200]
        row.save(update_fields=["done_at", "done_by", "note"])
    return row


@transaction.atomic
def record_check(*, entry_id: int, outcome: str, note: str = "", now: datetime) -> ActivationCheck:
    """Record today's visit or call of somebody on the list; the second of a day gives back the first, unless nobody was reached then."""
    acting = duties.require("plans.work")
    entry = ActivationPerson.objects.select_for_update(of=("self",)).filter(pk=entry_id).select_related("activation").first()
    if entry is None:
        raise ValidationError(_("名单上没有此人，或不在您的管辖范围内。"))
    if entry.activation.state != S.ACTIVE:
        raise ValidationError(_("这次启动已经结束；请刷新页面。"))
    if outcome not in ActivationCheck.Outcome.values:
        raise ValidationError({"outcome": _("请选择情况。")})
    on = timezone.localdate(now)
    row, fresh = ActivationCheck.objects.get_or_create(
        entry=entry, on=on,
        defaults={"area": entry.area, "outcome": outcome, "note": note.strip()[:1000] or None, "made_by_id": acting.account_id or None, "made_at": now},
    )  # fmt: skip
    if fresh:
        entry.last_on, entry.last_outcome = on, outcome
        entry.due = on + timedelta(days=1 if outcome == ActivationCheck.Outcome.UNREACHABLE else entry.every)
        entry.save(update_fields=["last_on", "last_outcome", "due"])
    return row


@transaction.atomic
def deactivate(*, activation_id: int, version: int, reason: str, now: datetime) -> Activation:
    """End an activation before its day; visits go back to what held before."""
    acting = duties.require("plans.activate")
    row = _locked(activation_id, version, S.ACTIVE)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明结束的原因。")})
    on = timezone.localdate(now)
    end_plans(plan_ids=row.visit_plans, on=on)
    row.state, row.ends, row.ended_by_id, row.ended_at, row.end_reason = S.ENDED, max(min(row.ends, on), row.starts), acting.account_id, now, reason.strip()[:200]
    row.version += 1
    row.save(update_fields=["state", "ends", "ended_by", "ended_at", "end_reason", "version"])
    _over([row.pk], now)
    return row


def _over(ids: list[int], now: datetime) -> None:
    for pk in ids:
        finish_todos(subject=SUBJECT, subject_id=pk, now=now, kind="plan.active")
    raise_todos(REVIEW, [ids], now=now)


@transaction.atomic
def end_over(*, area: str, on: date, now: datetime) -> int:
    """Daily: activations whose time is over end by themselves. Safe to repeat."""
    duties.require("plans.clocks")
    rows = Activation.objects.select_for_update().filter(area__gte=area, area__lt=area + ":", state=S.ACTIVE, ends__lte=on)
    ids = list(rows.order_by("id").values_list("pk", flat=True))
    for row in Activation.objects.filter(pk__in=ids):
        row.state, row.ended_at, row.version = S.ENDED, now, row.version + 1
        row.save(update_fields=["state", "ended_at", "version"])
    _over(ids, now)
    return len(ids)


@transaction.atomic
def review(*, activation_id: int, version: int, text: str, now: datetime) -> Activation:
    """What went well, what was missing, what the plan should change (总结评估)."""
    acting = duties.require("plans.activate")
    row = _locked(activation_id, version, S.ENDED)
    if len(text.strip()) < 10:
        raise ValidationError({"text": _("请写明做得好的、缺少的和预案要修改的，至少 10 个字。")})
    row.state, row.review, row.reviewed_by_id, row.reviewed_at, row.version = S.REVIEWED, text.strip()[:4000], acting.account_id, now, row.version + 1
    row.save(update_fields=["state", "review", "reviewed_by", "reviewed_at", "version"])
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


def figures(activation_ids: Sequence[int], on: date) -> dict[int, dict[str, Any]]:
    """By activation: people, due today and not done, done today, in need, not reached. One query."""
    rows = ActivationPerson.objects.filter(activation__in=activation_ids).values("activation").annotate(
        all=Count("pk"), owed=Count("pk", filter=Q(due__lte=on)), done=Count("pk", filter=Q(last_on=on)),
        need=Count("pk", filter=Q(last_on=on, last_outcome="need")), lost=Count("pk", filter=Q(last_outcome="unreachable")),
    )  # fmt: skip
    return {row["activation"]: dict(row) for row in rows}
