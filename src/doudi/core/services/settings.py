"""Settings (标准与参数): proposed by one officer, confirmed or sent back by another of the same place."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.batch.law.settings import Settings, SettingsError
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting
from doudi.core.parameters import PROCEDURES
from doudi.core.services.todos import finish_todos, raise_todo

SUBJECT = "setting"
State = Setting.State


def check_value(*, parameter: str, area: str, starts: date, value: str, document: str = "") -> str:
    """The value as it is stored. Raises ValidationError where parameter, place or value cannot stand, with the reason."""
    text = value.strip()
    if parameter in PROCEDURES:
        problem = PROCEDURES[parameter].problem(text)
        if problem:
            raise ValidationError({"value": problem})
        return text
    try:
        Settings.of([{"parameter": parameter, "area": area, "start": starts, "value": text, "document": document}])
    except SettingsError as error:
        raise ValidationError({"value": [problem.removeprefix("第 1 行") for problem in error.problems]}) from None
    return text


def propose_setting(*, parameter: str, area: str, starts: date, value: str, document: str, note: str = "", now: datetime) -> Setting:
    """Propose a value for one's own place from a date. Raises ValidationError by field; a second open proposal for the same date is refused."""
    acting = duties.require("settings.propose")
    if area != acting.area:
        raise ValidationError(_("只能为本级提出：您的岗位在另一级。"))
    if not document.strip():
        raise ValidationError({"document": _("请填写来源文件的文号；没有文号的，写明文件名称和日期。")})
    checked = check_value(parameter=parameter, area=area, starts=starts, value=value, document=document.strip())
    if Setting.objects.filter(parameter=parameter, area=area, starts=starts, state=State.PROPOSED).exists():
        raise ValidationError({"starts": _("同一日期已有一个待确认的值；请先确认、退回或撤回它。")})
    if Setting.objects.filter(parameter=parameter, area=area, starts=starts, state=State.CONFIRMED).exists():
        raise ValidationError({"starts": _("这一日期已有确认的值；有误的，请先撤回原值，再提出新值。")})
    row = Setting.objects.create(
        parameter=parameter, area=area, starts=starts, value=checked, document=document.strip(), note=note.strip(),
        proposed_by_id=acting.account_id, proposed_at=now,
    )  # fmt: skip
    duty = Duty.SUPERVISOR if acting.duty == Duty.SUPERVISOR else Duty.COUNTY_APPROVER
    raise_todo(
        kind="setting.confirm",
        area=area,
        duty=duty,
        title="确认参数新值",
        url=f"/settings/?parameter={parameter}",
        subject=SUBJECT,
        subject_id=row.pk,
        now=now,
    )
    return row


def _decide(*, setting_id: int, act: str, state: str, note: str, now: datetime) -> Setting:
    acting = duties.require(act)
    with transaction.atomic():
        row = Setting.objects.select_for_update().filter(pk=setting_id, area=acting.area).first()
        if row is None:
            raise ValidationError(_("没有这一条，或它属于另一级。"))
        if row.state != State.PROPOSED:
            raise ValidationError(_("这一条已经由他人办理；请刷新页面。"))
        duties.require_apart(act, done={"settings.propose": row.proposed_by_id})
        if state == State.CONFIRMED:
            check_value(parameter=row.parameter, area=row.area, starts=row.starts, value=row.value, document=row.document)
        row.state, row.decided_by_id, row.decided_at, row.decision_note = state, acting.account_id, now, note.strip()[:400]
        try:
            with transaction.atomic():
                row.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
        except IntegrityError:
            raise ValidationError(_("这一日期已有另一个确认的值；请先撤回它。")) from None
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


def confirm_setting(*, setting_id: int, now: datetime) -> Setting:
    """Confirm a proposal of one's own place; never one's own proposal (PermissionDenied)."""
    return _decide(setting_id=setting_id, act="settings.confirm", state=State.CONFIRMED, note="", now=now)


def refuse_setting(*, setting_id: int, note: str, now: datetime) -> Setting:
    """Send a proposal back with the reason."""
    if not note.strip():
        raise ValidationError({"note": _("请写明退回的原因。")})
    return _decide(setting_id=setting_id, act="settings.confirm", state=State.REFUSED, note=note, now=now)


def withdraw_setting(*, setting_id: int, note: str, now: datetime) -> Setting:
    """Take back one's own proposal, or (who may confirm) a confirmed value that has proved wrong; the row stays in the history."""
    acting = scopes.current()
    if not note.strip():
        raise ValidationError({"note": _("请写明撤回的原因。")})
    with transaction.atomic():
        row = Setting.objects.select_for_update().filter(pk=setting_id, area=acting.area).first()
        if row is None:
            raise ValidationError(_("没有这一条，或它属于另一级。"))
        if row.state == State.PROPOSED:
            duties.require("settings.propose")
            if row.proposed_by_id != acting.account_id:
                raise ValidationError(_("只有提出人可以撤回；其他人请退回。"))
        elif row.state == State.CONFIRMED:
            duties.require("settings.confirm")
        else:
            raise ValidationError(_("这一条已经由他人办理；请刷新页面。"))
        row.state, row.decided_by_id, row.decided_at, row.decision_note = State.WITHDRAWN, acting.account_id, now, note.strip()[:400]
        row.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


def put_confirmed(
    *, parameter: str, area: str, starts: date, value: str | None, document: str, note: str, proposed_by: int, proposed_at: datetime, now: datetime
) -> Setting | None:
    """What a room's own two officers agreed on becomes the value of a date; the one that held before is withdrawn and stays in the history.

    `value` None: there is none any more. The acting officer is the second. Raises ValidationError, and PermissionDenied for the first officer.
    """
    acting = scopes.current()
    duties.require_apart("settings.confirm", done={"settings.propose": proposed_by})
    checked = None if value is None else check_value(parameter=parameter, area=area, starts=starts, value=value, document=document)
    with transaction.atomic():
        before = list(Setting.objects.select_for_update().filter(parameter=parameter, area=area, starts=starts, state=State.CONFIRMED))
        if before and before[0].value == checked and before[0].document == document:
            return before[0]
        for row in before:
            row.state, row.decided_by_id, row.decided_at, row.decision_note = State.WITHDRAWN, acting.account_id, now, note[:400]
            row.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
        if checked is None:
            return None
        try:
            with transaction.atomic():
                return Setting.objects.create(
                    parameter=parameter, area=area, starts=starts, value=checked, document=document, note=note[:400], state=State.CONFIRMED,
                    proposed_by_id=proposed_by, proposed_at=proposed_at, decided_by_id=acting.account_id, decided_at=now,
                )  # fmt: skip
        except IntegrityError:
            raise ValidationError(_("这一日期已有另一个确认的值；请先撤回它。")) from None
