"""What visitors bring back from a sweep (集中排查, measure 1.6): answers, households that nobody knew, changes to be registered.

An answer is also the household's visit (`services.visits.record_visit`), which raises the lead for what is missing. Only where the
household is not the recorder's to visit (it is managed by another village and stays here) the record stays with the entry alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.core.workdays import add_working_days
from doudi.discovery.models import Channel, Lead
from doudi.discovery.models.sweeps import Sweep, SweepAnswer, SweepConflict, SweepEntry, SweepEvent, SweepQuestion
from doudi.discovery.models.visits import Met, VisitConflict
from doudi.discovery.services import visits
from doudi.discovery.services.leads import StaleLead
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead
from doudi.discovery.services.sweep_lists import caught_up, lock
from doudi.discovery.services.sweeps import event
from doudi.discovery.services.visits import Result
from doudi.discovery.sweep_catalogue import CATALOGUE, LONGEST_TEXT, NO, YES, Kind
from doudi.registry.models import Household, Membership

E = SweepEntry.State
C = SweepConflict.State
Given = Mapping[int, Any]
"""Question id -> answer: yes or no, an option's code (its number from 1 for a question of the campaign's own), a number, a text."""


@dataclass(frozen=True)
class Answered:
    """`outcome`: recorded, known (this UUID came before), conflict (kept beside the first answer for the township to decide)."""

    outcome: str
    entry: SweepEntry
    lead: Lead | None = None


@dataclass(frozen=True)
class _Cleaned:
    """One answer that fits its question, and what follows from it."""

    question: SweepQuestion
    choice: str = ""
    number: Decimal | None = None
    text: str | None = None
    need: str = ""
    change: str = ""


def _clean(question: SweepQuestion, given: Any) -> _Cleaned | None:
    """The answer as its question wants it; None for none. Raises ValidationError."""
    item = CATALOGUE.get(question.field)
    text = "" if given is None else str(given).strip()
    if not text:
        if question.required:
            raise ValidationError(_("请填写“%(label)s”。") % {"label": question.label})
        return None
    if question.kind == Kind.NUMBER:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or number != number.to_integral_value() or not (question.least or 0) <= number <= (question.most or 0):
            raise ValidationError(
                _("“%(label)s”应为 %(least)s 至 %(most)s 的整数。") % {"label": question.label, "least": question.least or 0, "most": question.most}
            )
        return _Cleaned(question, number=number, need=(item.need_of("", number) or "") if item else "")
    if question.kind == Kind.TEXT:
        if len(text) > LONGEST_TEXT or any(ord(sign) < 32 for sign in text):
            raise ValidationError(_("“%(label)s”不能超过 %(most)d 字，也不能换行。") % {"label": question.label, "most": LONGEST_TEXT})
        return _Cleaned(question, text=text)
    allowed = {YES, NO} if question.kind == Kind.YESNO else {code for code, _label in options_of(question)}
    if text not in allowed:
        raise ValidationError(_("“%(label)s”的选项不正确；请刷新页面后重新选择。") % {"label": question.label})
    if item is not None:
        return _Cleaned(question, choice=text, need=item.need_of(text, None) or "", change=in_chinese(item.changes.get(text, "")))
    return _Cleaned(question, choice=text, need=question.need if text == question.alarm else "")


def options_of(question: SweepQuestion) -> list[tuple[str, str]]:
    """(code, words) of a choice."""
    if item := CATALOGUE.get(question.field):
        return [(code, str(label)) for code, label in item.options]
    return [(str(number), label) for number, label in enumerate(question.options, 1)]


def _checked(sweep: Sweep, result: Result, given: Given) -> tuple[Result, list[_Cleaned]]:
    """The visit's record with the needs that answers show, and the answers. Raises ValidationError: `q<id>` for a question."""
    if not result.in_person:
        return result, []
    problems: dict[str, Any] = {}
    found = []
    for question in sweep.questions.exclude(kind=Kind.VISIT):
        try:
            cleaned = _clean(question, given.get(question.pk))
        except ValidationError as error:
            problems[f"q{question.pk}"] = error.messages
        else:
            found += [cleaned] if cleaned else []
    if problems:
        raise ValidationError(problems)
    needs = dict.fromkeys([*result.needs, *(each.need for each in found if each.need)])
    return replace(result, needs=tuple(needs)), found


@transaction.atomic
def answer_sweep(
    *, entry_id: int, uuid: UUID, done_at: datetime, result: Result, answers: Given, now: datetime, paper: bool = False, lead_id: int | None = None
) -> Answered:  # fmt: skip
    """Record what a visitor found at one household of a sweep, once; it is the household's visit as well.

    `done_at` is the device's time, `now` the arrival; `lead_id`: the household's lead of which this is the contact.
    A household that was answered meanwhile keeps its first answer; this one is kept beside it. Raises ValidationError by field (also when
    the sweep is over), SweepEntry.DoesNotExist outside the scope.
    """
    scope = duties.require("sweeps.answer")
    sweep_id = SweepEntry.objects.values_list("sweep", flat=True).get(pk=entry_id)
    lock(sweep_id, shared=True)
    entry = SweepEntry.objects.select_for_update().get(pk=entry_id)
    known = SweepEvent.objects.filter(uuid=uuid).first()
    if known is not None:
        return Answered("known", entry, entry.lead)
    sweep = Sweep.objects.get(pk=sweep_id)
    _running(sweep, timezone.localdate(done_at))
    result, cleaned = _checked(sweep, result, answers)
    fresh = entry.state in SweepEntry.ANSWERABLE
    here = Household.objects.filter(pk=entry.household_id).first() if entry.household_id else None
    made = lead = None
    if here is not None:
        before = None if fresh else entry.visit_id
        made = visits.record_visit(
            uuid=uuid, done_at=done_at, result=result, now=now, household_id=None if before else here.pk, visit_id=before, paper=paper,
            channel=Channel.SWEEP, lead_id=lead_id,
        )  # fmt: skip
        if made.outcome == "known":
            return Answered("known", entry, made.lead)
        lead = made.lead
    else:
        result = visits.checked(result, done_at=done_at, now=now)
        lead = _lead_of(entry, uuid, result, now=now)
    if not fresh:
        return _beside(sweep, entry, uuid, result, cleaned, made=made, lead=lead, done_at=done_at, now=now)
    entry.state = {"absent": E.ABSENT, "refused": E.REFUSED}.get(result.state, E.DONE)
    entry.met, entry.attempts, entry.version = result.met, entry.attempts + 1, entry.version + 1
    entry.done_at, entry.received_at, entry.recorder_id = done_at, now, scope.account_id or None
    entry.visit, entry.lead = made.visit if made else None, lead or entry.lead
    entry.result = None if made else result.as_json()
    entry.save(update_fields=["state", "met", "attempts", "version", "done_at", "received_at", "recorder", "visit", "lead", "result"])
    _write(entry, cleaned)
    event(sweep, SweepEvent.What.ANSWERED, now=now, entry=entry, uuid=uuid, note=in_chinese(Met(result.met).label))
    _propose(sweep, entry, cleaned, now=now)
    village = entry.residence_area or entry.area
    if scope.covers(village):
        caught_up(sweep.pk, low=village, now=now)
    scopes.check_constraints()
    return Answered("recorded", entry, lead)


def _running(sweep: Sweep, day: Any) -> None:
    """Raises ValidationError where a sweep does not take answers."""
    if sweep.state == Sweep.State.CLOSED:
        raise ValidationError(_("这次集中排查已办结，不再登记；情况请在家庭页面“登记走访”，不会遗漏。"))
    if sweep.state == Sweep.State.CANCELLED:
        raise ValidationError(_("这次集中排查已取消，不再登记；情况请在家庭页面“登记走访”，不会遗漏。"))
    if day < sweep.starts:
        raise ValidationError(_("这次集中排查自 %(day)s 开始；请到时登记。") % {"day": sweep.starts})


def _lead_of(entry: SweepEntry, uuid: UUID, result: Result, *, now: datetime) -> Lead | None:
    """The lead for what a household lacks that another village manages: its own village and the one of stay both see it."""
    wanting = [need for need in visits.AS_LEAD if need in result.needs]
    if not wanting and result.living != visits.Living.VERY_HARD:
        return None
    return raise_lead(
        channel=Channel.SWEEP, source=f"visit:{uuid}", area=entry.residence_area or entry.area, subject=Subject(name=entry.name),
        need=visits.AS_LEAD[wanting[0]] if wanting else visits.Need.LIVING, urgency=visits.URGENCY[result.living], detail=result.note,
        reason="集中排查发现需要：" + "、".join(in_chinese(visits.VisitNeed(need).label) for need in wanting) if wanting else "集中排查发现生活很困难",
        now=now,
    )  # fmt: skip


def _write(entry: SweepEntry, cleaned: list[_Cleaned]) -> None:
    SweepAnswer.objects.filter(entry=entry).delete()
    SweepAnswer.objects.bulk_create(
        [
            SweepAnswer(
                entry=entry, question=each.question, area=entry.area, residence_area=entry.residence_area, choice=each.choice, number=each.number,
                text=each.text,
            )
            for each in cleaned
        ]
    )  # fmt: skip


def _propose(sweep: Sweep, entry: SweepEntry, cleaned: list[_Cleaned], *, now: datetime) -> None:
    """A to-do of the township for what the registry should know."""
    words = [each.change for each in cleaned if each.change]
    told = next((each.number for each in cleaned if each.question.field == "members"), None)
    if told is not None and entry.household_id:
        registered = Membership.objects.filter(household=entry.household_id, ends__isnull=True, person__died_on__isnull=True).count()
        if registered and registered != told:
            words.append(f"家里 {told} 口人，登记为 {registered} 口人")
    if words:
        today = timezone.localdate(now)
        todos.raise_todo(
            kind="sweep.change", area=entry.area, duty=Duty.TOWNSHIP_OFFICER, title=f"集中排查反映：{'、'.join(words)}，请核实后登记：{places.name(entry.area)}",
            url=f"/sweeps/entries/{entry.pk}/", subject="sweep_entry", subject_id=entry.pk, due=add_working_days(today, 3), now=now,
        )  # fmt: skip


def settle_change(*, entry_id: int, note: str, now: datetime) -> SweepEntry:
    """The township registered what a sweep told, or found that nothing changed; says so in a sentence. Raises ValidationError."""
    duties.require("visits.manage")
    entry = SweepEntry.objects.select_related("sweep").get(pk=entry_id)
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明核实结果，至少 2 个字。")})
    if not todos.finish_todos(subject="sweep_entry", subject_id=entry.pk, kind="sweep.change", now=now):
        raise StaleLead(_("这项变化刚刚已由其他工作人员核实；请刷新后查看。"))
    event(entry.sweep, SweepEvent.What.SETTLED, now=now, entry=entry, note=note.strip())
    return entry


def _beside(
    sweep: Sweep, entry: SweepEntry, uuid: UUID, result: Result, cleaned: list[_Cleaned], *, made: Any, lead: Lead | None, done_at: datetime,
    now: datetime,
) -> Answered:  # fmt: skip
    """Keep a second answer whole beside the first."""
    conflict = SweepConflict.objects.create(
        entry=entry, area=entry.area, residence_area=entry.residence_area, visit_conflict=made.conflict if made else None, done_at=done_at,
        received_at=now, recorder_id=scopes.current().account_id or None, content=_as_json(result, cleaned),
    )  # fmt: skip
    event(sweep, SweepEvent.What.SECOND, now=now, entry=entry, uuid=uuid, note="已有答案，另存待选定")
    if conflict.visit_conflict is None:
        todos.raise_todo(
            kind="sweep.conflict", area=entry.area, duty=Duty.TOWNSHIP_OFFICER, title=f"同一户有两份排查登记，请选择保留哪一份：{places.name(entry.area)}",
            url=f"/sweeps/entries/{entry.pk}/", subject="sweep_conflict", subject_id=conflict.pk, due=timezone.localdate(now), now=now,
        )  # fmt: skip
    scopes.check_constraints()
    return Answered("conflict", entry, lead)


def _as_json(result: Result, cleaned: list[_Cleaned]) -> str:
    answers = {str(each.question.pk): each.choice or (str(each.number) if each.number is not None else each.text) for each in cleaned}
    return json.dumps({"result": result.as_json(), "answers": answers}, ensure_ascii=False)


def read_conflict(text: str) -> tuple[Result, dict[int, str]]:
    """The record and the answers that a `SweepConflict` keeps."""
    found = json.loads(text)
    return Result.from_json(found["result"]), {int(key): value for key, value in found["answers"].items()}


def decide_conflict(*, conflict_id: int, choice: str, now: datetime) -> SweepConflict:
    """Keep the first answer or take the second. Where both are visits, the decision is taken between the visits, not here."""
    duties.require("visits.manage")
    found = SweepConflict.objects.select_for_update().get(pk=conflict_id)
    if found.visit_conflict_id is not None:
        raise ValidationError(_("请在“走访记录冲突”中选择保留哪一份；这里随之变更。"))
    if found.state != C.OPEN:
        raise StaleLead(_("这处冲突刚刚已由其他工作人员处理；请刷新后查看结果。"))
    return _decide(found, choice, now=now)


def follow_visit_conflict(conflict: VisitConflict, *, now: datetime) -> None:
    """What was decided between two records of one visit holds for the answers that came with them; after the end nothing changes."""
    found = SweepConflict.objects.select_for_update().filter(visit_conflict=conflict, state=C.OPEN).first()
    if found is not None:
        _decide(found, C.SECOND if conflict.state == VisitConflict.State.SECOND else C.FIRST, now=now)


def _decide(found: SweepConflict, choice: str, *, now: datetime) -> SweepConflict:
    if choice not in (C.FIRST, C.SECOND):
        raise ValidationError({"choice": _("请选择保留哪一份记录。")})
    entry = SweepEntry.objects.select_related("sweep").get(pk=found.entry_id)
    lock(entry.sweep_id, shared=True)
    replaced = None
    if choice == C.SECOND and entry.sweep.state == Sweep.State.OPEN:
        result, given = read_conflict(str(found.content))
        stood = [_Cleaned(each.question, each.choice, each.number, str(each.text) if each.text else None) for each in _answers(entry)]
        replaced = _as_json(Result.from_json(str(entry.result)) if entry.result else Result(met=entry.met), stood)
        entry.state = {"absent": E.ABSENT, "refused": E.REFUSED}.get(result.state, E.DONE)
        entry.met, entry.done_at, entry.recorder_id, entry.version = result.met, found.done_at, found.recorder_id, entry.version + 1
        entry.result = result.as_json() if entry.result else None
        entry.save(update_fields=["state", "met", "done_at", "recorder", "version", "result"])
        _write(entry, _checked(entry.sweep, result, given)[1])
    SweepConflict.objects.filter(pk=found.pk).update(state=choice, replaced=replaced, resolver=scopes.current().account_id or None, resolved_at=now)
    todos.finish_todos(subject="sweep_conflict", subject_id=found.pk, now=now)
    event(entry.sweep, SweepEvent.What.DECIDED, now=now, entry=entry, note=in_chinese(C(choice).label))
    scopes.check_constraints()
    found.refresh_from_db()
    return found


def _answers(entry: SweepEntry) -> list[SweepAnswer]:
    return list(SweepAnswer.objects.filter(entry=entry).select_related("question"))


@transaction.atomic
def add_found(
    *, sweep_id: int, uuid: UUID, area: str, name: str, need: str, urgency: str, now: datetime, phone: str = "", address: str = "",
    registered_area: str = "", detail: str = "",
) -> SweepEntry:  # fmt: skip
    """A household that nobody knew, found on the way: it becomes a lead and stands on the sweep's list as found. Once for each `uuid`.

    Raises ValidationError by field, Sweep.DoesNotExist.
    """
    scope = duties.require("sweeps.answer")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('sweep found ' || %s, 0))", [str(uuid)])
    known = SweepEvent.objects.filter(uuid=uuid).select_related("entry").first()
    if known is not None and known.entry is not None:
        return known.entry
    lock(sweep_id, shared=True)
    sweep = Sweep.objects.get(pk=sweep_id)
    _running(sweep, timezone.localdate(now))
    if len(area) != 12 or not scope.covers(area) or not area.startswith(sweep.area):
        raise ValidationError({"area": _("“所在村（社区）”不在这次排查的范围内；请重新选择。")})
    if not name.strip():
        raise ValidationError({"name": _("请填写户主姓名。")})
    lead = raise_lead(
        channel=Channel.SWEEP, source=f"sweep:{uuid}", area=area, need=need, urgency=urgency, reason=f"集中排查“{sweep.title}”新发现的家庭",
        subject=Subject(name=name, phone=phone, address=address, registered_area=registered_area), detail=detail, now=now,
    )  # fmt: skip
    entry = SweepEntry.objects.create(
        sweep=sweep, area=area, name=lead.subject_name, origin=SweepEntry.Origin.FOUND, state=E.DONE, made_at=now, done_at=now, received_at=now,
        recorder_id=scope.account_id or None, posting_id=scope.posting_id if scope.duty in (Duty.VISITOR, Duty.CHILD_DIRECTOR) else None,
        attempts=1, met=Met.SELF, lead=lead,
    )  # fmt: skip
    event(sweep, SweepEvent.What.FOUND, now=now, entry=entry, uuid=uuid, note=lead.number)
    scopes.check_constraints()
    return entry
