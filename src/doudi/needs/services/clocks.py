"""The clocks of needs: who does not reply lapses, what nobody takes goes up, what is not needed any more expires. Safe to repeat."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from doudi.core import duties
from doudi.core.models import Duty
from doudi.core.services.todos import ends_by_hand, finish_todos
from doudi.core.workdays import is_working_day
from doudi.needs import answerers
from doudi.needs.models import Need, NeedAnswer
from doudi.needs.services.base import SUBJECT, A, S, ask_for_answers, days, deadline, locked_answer, moved, note_event, todo

ends_by_hand("need.expired")

AT_ONCE = 500


def run_clocks(*, now: datetime) -> dict[str, int]:
    """Every few minutes: lapse replies, escalate. Urgent ones go up at any hour; the others on working days only."""
    duties.require("needs.clocks")
    return {"lapsed": _lapse(now), "escalated": _escalate(now)}


def _lapse(now: datetime) -> int:
    done = 0
    for answer_id in list(NeedAnswer.objects.filter(state=A.OFFERED, reply_due__lt=now).order_by("id").values_list("pk", flat=True)[:AT_ONCE]):
        need, row = locked_answer(answer_id, None)
        if row.state != A.OFFERED:
            continue  # answered a moment ago
        row.state, row.ended_at, row.version = A.LAPSED, now, row.version + 1
        row.save(update_fields=["state", "ended_at", "version"])
        answerers.changed(need, row, now)
        note_event(need, "逾期未接受", row.name, now)
        finish_todos(subject=SUBJECT, subject_id=need.pk, now=now, kind="need.asked" if row.asked else "need.offer")
        if need.state == S.OPEN:
            ask_for_answers(need, now)
        done += 1
    return done


def _escalate(now: datetime) -> int:
    """Nobody took it in time: to the township, then, after the place's patience, to the county."""
    late = Need.objects.select_for_update(of=("self",), skip_locked=True).filter(state=S.OPEN, answer_due__lt=now, escalated__lt=2)
    if not is_working_day(timezone.localdate(now)):
        late = late.filter(urgency=Need.Urgency.RED)
    done = 0
    for row in list(late.filter(Q(escalated=0) | Q(escalated_at__lt=now - timedelta(hours=1))).order_by("id")[:AT_ONCE]):
        if row.escalated and row.escalated_at and deadline("county", row.urgency, row.area, row.escalated_at) > now:
            continue
        duty = Duty.TOWNSHIP_OFFICER if row.escalated == 0 else Duty.COUNTY_REVIEWER
        row.escalated, row.escalated_at = row.escalated + 1, now
        moved(row, "乡镇督办" if row.escalated == 1 else "县级督办", "逾期无人响应", now, "escalated", "escalated_at")
        todo(row, "need.late", duty, "逾期无人响应", now, due=row.due)
        done += 1
    return done


def expire(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Daily: needs past their last day expire, to the township's knowledge; those that will soon are brought up again."""
    duties.require("needs.clocks")
    live = Need.objects.filter(area__gte=area, area__lt=area + ":", state=S.OPEN)
    over = list(live.select_for_update(of=("self",)).filter(expires_on__lte=on, taken=F("met")).order_by("id")[:5000])
    for row in over:
        NeedAnswer.objects.filter(need=row, state=A.OFFERED).update(state=A.LAPSED, ended_at=now, version=F("version") + 1)
        row.state, row.closed_at = S.EXPIRED, now
        moved(row, "过期", "", now, "state", "closed_at")
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
        todo(row, "need.expired", Duty.TOWNSHIP_OFFICER, "已过期未满足，请核实是否仍需要", now, due=now)
    soon = [
        row for row in live.filter(expires_on__gt=on, expires_on__lte=on + timedelta(days=30), reminded_on__isnull=True, fixed=False).order_by("id")[:5000]
        if row.expires_on <= on + timedelta(days=days("remind_days", row.area, on))
    ]  # fmt: skip
    for row in soon:
        row.reminded_on = on
        moved(row, "过期前提醒", "", now, "reminded_on")
        todo(row, "need.expiring", Duty.TOWNSHIP_OFFICER, f"将于 {row.expires_on} 过期，请核实", now, due=now)
    return {"expired": len(over), "reminded": len(soon)}


__all__ = ["expire", "run_clocks"]
