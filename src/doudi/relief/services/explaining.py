"""Relief first (先行救助, 3.2): the explanation afterwards, its reminders, and what happens when it does not come."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.messages import send_messages
from doudi.core.services.todos import finish_todos, raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.relief import rules
from doudi.relief.models import ReliefCase
from doudi.relief.services.base import locked, step

OWED = " from relief_reliefcase c where c.area >= {low} and c.area < {high} and c.relief_first and c.state = 'granted' and c.explained_at is null"
SOON = (
    "select c.area, c.decided_by_id, 'relief:' || c.id || ':' || c.explanation_due, jsonb_build_object('number', c.number, 'due', c.explanation_due),"
    " '/relief/' || c.id || '/'" + OWED.format(low="%(low)s", high="%(high)s") + " and c.explanation_due <= %(soon)s and c.decided_by_id is not null"
)
LATE = (
    "select c.area, %s::text, %s::text, %s::text || c.number, '/relief/' || c.id || '/', 'relief', c.id, c.explanation_due"
    + OWED.format(low="%s", high="%s")
    + " and c.explanation_due < %s"
)


@transaction.atomic
def explain(*, case_id: int, version: int, text: str, now: datetime) -> ReliefCase:
    """Add the explanation (事后补充说明) of a relief first, once; papers are files of the case. It stays as it was given."""
    case = locked(case_id=case_id, act="relief.grant", version=version, states=(ReliefCase.State.GRANTED,))
    if not case.relief_first:
        raise ValidationError(_("这件救助不是先行救助，不需要补充说明。"))
    if case.explained_at:
        raise ValidationError(_("补充说明已于此前提交，不能再改。"), code="stale")
    if len(text.strip()) < 10:
        raise ValidationError({"text": _("请写明困难的经过、核实情况和救助理由，不少于 10 个字。")})
    case.explanation, case.explained_by_id, case.explained_at, case.version = text.strip()[:4000], scopes.current().account_id, now, case.version + 1
    case.save(update_fields=["explanation", "explained_by", "explained_at", "version"])
    step(case, before=case.state, what="explained", note="", now=now)
    for kind in ("relief.explain", "relief.explain_late", "relief.explain_city"):
        finish_todos(subject="relief", subject_id=case.pk, kind=kind, now=now)
    scopes.check_constraints()
    return case


@transaction.atomic
def remind(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Remind of explanations that are due soon; missing ones go to the county, and some working days later to the city. Set-based."""
    duties.require("relief.remind")
    here = scopes.Scope(area=area)
    days, again = int(get_setting(rules.REMIND_DAYS, area, on)), int(get_setting(rules.ESCALATE_DAYS, area, on))
    soon = workdays.add_working_days(on, days)
    reminded = send_messages(SOON, {"low": here.low, "high": here.high, "soon": soon}, template="relief.explain", now=now)
    raised = 0
    for duty, kind, title, before in (
        (Duty.COUNTY_REVIEWER, "relief.explain_late", "先行救助逾期未补充说明：", on),
        (Duty.SUPERVISOR, "relief.explain_city", "先行救助逾期未补充说明，请督办：", workdays.add_working_days(on, -again)),
    ):
        raised += raise_todos(LATE, [duty, kind, title, here.low, here.high, before], now=now)
    return {"reminded": reminded, "escalated": raised}
