"""Assessing safety and guardianship (监护状况评估): the level follows from the answers, and what is owed from the level (5.4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core.services.todos import finish_todos
from doudi.core.settings_overlay import get_setting
from doudi.protection import instrument
from doudi.protection.models import CaseAssessment, ProtectionCase
from doudi.protection.services.base import SUBJECT, locked, moved, writer
from doudi.protection.services.following import ASSESS, owe, remind, visit_days
from doudi.registry.queries import age_on

S = ProtectionCase.State


@transaction.atomic
def record_assessment(
    *, case_id: int, version: int, uuid: UUID, answers: Mapping[str, str], level: str = "", reason: str = "", remarks: str = "", now: datetime,
) -> CaseAssessment:
    """Record an assessment, once. `level` above the computed one needs a `reason`; below it is refused. Raises ValidationError by question.

    The case goes from being assessed to being helped; days to the next assessment and the next contact follow from the level.
    """  # fmt: skip
    acting = writer("assessment")
    known = CaseAssessment.objects.filter(case_id=case_id, uuid=uuid).first()
    if known is not None:
        return known
    row = locked(case_id, version, S.ASSESSING, S.FOLLOWING)
    form, on = instrument.CURRENT, timezone.localdate(now)
    missing = {each.code: _("请选择。") for each in form.questions if each.answer(answers.get(each.code, "")) is None}
    if missing:
        raise ValidationError(missing)
    kept = {each.code: answers[each.code] for each in form.questions}
    age = age_on(row.birth_date, on) if row.birth_date else None
    finding = instrument.find(form, kept, age)
    level = level or finding.level
    if level not in ProtectionCase.Level.values:
        raise ValidationError({"level": _("请重新选择。")})
    if instrument.ORDER[ProtectionCase.Level(level)] < instrument.ORDER[ProtectionCase.Level(finding.level)]:
        raise ValidationError({"level": _("不能低于按评估结果得出的“%(level)s”；情况有变化的，请修改相应的评估项。") % {"level": ProtectionCase.Level(finding.level).label}})
    if level != finding.level and len(reason.strip()) < 4:
        raise ValidationError({"reason": _("调高等级的，请写明原因，至少 4 个字。")})
    due = on + timedelta(days=int(get_setting(f"procedure.protection.review_days.{level}", row.area, on)))
    made = CaseAssessment.objects.create(
        case=row, area=row.area, uuid=uuid, form=form.name, answers=json.dumps(kept | {"_age": "" if age is None else str(age)}), computed=finding.level, level=level,
        reason=reason.strip()[:1000] or None, remarks=remarks.strip()[:4000] or None, assessed_by_id=acting.account_id, assessed_at=now, next_due=due,
    )  # fmt: skip
    row.level, row.review_due, row.state = level, due, S.FOLLOWING
    moved(row, "assessed", str(ProtectionCase.Level(level).label), now, "level", "review_due", "state")
    owe(row, on + timedelta(days=visit_days(row, on)), now)
    for kind in (ASSESS, "protection_assess_late", "protection_danger", "protection_reported"):
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind=kind)
    remind(row, now)
    return made


def explained(made: CaseAssessment) -> tuple[instrument.Form, instrument.Finding]:
    """How the level of a recorded assessment follows, by the form of its time."""
    form, answers = instrument.FORMS[made.form], json.loads(made.answers)
    age = answers.pop("_age", "")
    return form, instrument.find(form, answers, int(age) if age else None)
