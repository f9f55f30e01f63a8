"""Gradual exit (渐退期, 2.5): proposed when income passed the standard through work, ends by itself, with notice before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.facts import EXIT_SUSPENSION, month_after
from doudi.assessment.models import Assessment
from doudi.assessment.services import gradual_exit
from doudi.core import duties
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.enrolment.drafts import Draft, Granted, People, fen, members_of
from doudi.enrolment.models import Award, Decision
from doudi.enrolment.services.proposing import one_decision, running_award
from doudi.registry.models import Programme


@transaction.atomic
def propose_gradual_exit(*, award_id: int, assessment: Assessment, reason: str, now: datetime, from_month: date | None = None) -> Decision:
    """Propose a gradual exit (渐退期): income passed the standard through work; the law says for how many months and how much is still paid.

    The award then ends by itself. Raises ValidationError where it is no dibao award, is in one already, or the law gives none.
    """
    duties.require("enrolment.propose")
    award: Award = running_award(award_id)
    on = timezone.localdate(now)
    start = from_month or month_after(on)
    if award.programme != Programme.DIBAO or award.gradual_exit_start is not None or award.ends is not None:
        raise ValidationError(_("渐退期只用于在享且未进入渐退期的低保家庭。"))
    if start.day != 1 or start <= award.starts:
        raise ValidationError(_("起始月应为该待遇起始月之后某月的 1 日。"))
    if assessment.household_id != award.household_id:
        raise ValidationError(_("测算与待遇不属于同一家庭。"))
    months, amount = gradual_exit(assessment=assessment, start=start)
    if months < 1 or amount <= 0:
        raise ValidationError(_("测算结果不符合渐退期的条件：须因就业收入超过标准，且财产符合规定。"))
    members = [person for person, ends in award.members.filter(void=False).order_by("id").values_list("person_id", "ends") if ends is None or ends > start]
    people = People(members, [award.household_id], on)
    draft = Draft(
        household_id=award.household_id, area=award.area, programme=award.programme, kind="change", person_id=None,
        members=members_of(Granted(None, tuple(members), fen(amount)), people), amounts=[(start, fen(amount))], starts=start, award_id=award.pk,
        assessment_id=assessment.pk, law_amount=fen(amount), reason=reason.strip(),
    )  # fmt: skip
    ends = start
    for _month in range(months):
        ends = month_after(ends)
    return one_decision(replace(draft, gradual_exit={"starts": start.isoformat(), "months": months, "ends": ends.isoformat()}), now=now)


ENDING = """
select a.area, %s::text, 'award.gradual', '渐退期将于 ' || to_char(a.ends - 1, 'YYYY-MM-DD') || ' 届满：' || d.number,
  '/enrolment/awards/' || a.id || '/', 'award', a.id, a.ends - 1
from enrolment_award a join enrolment_decision d on d.id = a.decision_id
where a.area >= %s and a.area < %s and not a.void and a.gradual_exit_start is not null and a.ends > %s and a.ends <= %s
"""


@transaction.atomic
def notice_of_end(*, area: str, on: date, days: int, now: datetime) -> int:
    """Tell the township that a gradual exit is about to end, so that it tells the family, once; the number of new to-dos."""
    duties.require("enrolment.monitor")
    until = on + timedelta(days=days)
    return todos.raise_todos(ENDING, [Duty.TOWNSHIP_OFFICER, area, area + ":", on, until], now=now)


EXTEND = """
with due as (
  select a.id, a.area, a.ends, (a.ends + interval '1 month')::date later from enrolment_award a
  where a.area >= %(low)s and a.area < %(high)s and not a.void and a.gradual_exit_start is not null and a.ends > %(on)s and a.ends <= %(until)s
    and exists (select from doudi.switched_areas(%(measure)s, a.ends, a.ends) s where starts_with(a.area, s)) for update of a
), moved as (
  update enrolment_awardmember m set ends = d.later from due d where m.award_id = d.id and m.ends = d.ends returning m.award_id
), awards as (
  update enrolment_award a set ends = d.later from due d where a.id = d.id returning a.id
)
insert into enrolment_awardevent (area, award_id, kind, reason, made_by_id, made_at)
select d.area, d.id, 'extended', '暂停退出期间，渐退期顺延至 ' || to_char(d.later - 1, 'YYYY-MM-DD'), null, %(now)s from due d
"""


@transaction.atomic
def extend_while_suspended(*, area: str, on: date, now: datetime) -> int:
    """While exits are suspended (2.6) a gradual exit that would end runs on month by month; the number extended."""
    duties.require("enrolment.monitor")
    values: dict[str, Any] = {"low": area, "high": area + ":", "on": on, "until": on + timedelta(days=31), "measure": EXIT_SUSPENSION, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(EXTEND, values)
        return cursor.rowcount
