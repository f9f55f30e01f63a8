"""Referral (转介) and transfer (移交): offered, accepted by one, declined, done, revoked, offered again; what the receiver sees is frozen and ends with it (5.3, 5.4)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import audit, duties, freetext, places, workdays
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty, Todo
from doudi.core.settings_overlay import get_setting
from doudi.protection.models import Care, CaseSection, ProtectionCase, Referral, ReferralContent, ReferralStep
from doudi.protection.sections import SECTIONS, may_read
from doudi.protection.services.base import locked, moved
from doudi.protection.services.care import moved_here
from doudi.registry.queries import age_on

# who may be referred to: duty -> length of the code of its place
RECEIVERS: dict[str, int] = {
    Duty.PROTECTION_WORKER: 6, Duty.INSTITUTION_CLERK: 6, Duty.VOLUNTEER_COORDINATOR: 6, Duty.CHILD_SUPERVISOR: 9, Duty.STATION_WORKER: 9, Duty.TOWNSHIP_OFFICER: 9,
}  # fmt: skip
TAKE_OVER = (Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR)
S = Referral.State
REFERRAL = "protection_referral"
SEEN = ("referral_done", "referral_revoked")  # to-dos that tell of an end and ask for nothing more


@dataclass(frozen=True)
class Offer:
    """What is asked of whom, on which ground, and which parts of the file go along."""

    kind: str
    service: str
    to_area: str
    to_duty: str
    ground: str
    ground_note: str
    purpose: str
    sections: Sequence[str] = field(default_factory=tuple)
    to_name: str = ""


def somebody(area: str, duty: str, on: date) -> bool:
    """Whether somebody holds the duty at a place, also outside of the acting scope; not who."""
    with connection.cursor() as cursor:
        cursor.execute("select doudi.protection_receiver_there(%s, %s, %s)", [area, duty, on])
        return bool(cursor.fetchone()[0])


def _checked(given: Offer, row: ProtectionCase, duty: str, on: date) -> None:
    for name, value, allowed in (
        ("kind", given.kind, Referral.Kind.values), ("service", given.service, Referral.Service.values), ("ground", given.ground, Referral.Ground.values),
    ):  # fmt: skip
        if value not in allowed:
            raise ValidationError({name: _("请重新选择。")})
    if (given.service == Referral.Service.CASE) != (given.kind == Referral.Kind.TRANSFER):
        raise ValidationError({"service": _("移交整件个案的选“个案移交”，转介服务的选所需的服务。")})
    freetext.no_numbers(purpose=given.purpose, ground_note=given.ground_note, to_name=given.to_name)
    if len(given.purpose.strip()) < 4:
        raise ValidationError({"purpose": _("请写明需要对方做什么，至少 4 个字。")})
    if given.ground != Referral.Ground.LAW and len(given.ground_note.strip()) < 4:
        raise ValidationError({"ground_note": _("请写明何人何时以何种方式同意，或监护决定的文号。")})
    if not given.to_duty:
        if given.kind == Referral.Kind.TRANSFER:
            raise ValidationError({"to_duty": _("个案只能移交给系统内的未保工作人员或儿童督导员。")})
        if len(given.to_name.strip()) < 2:
            raise ValidationError({"to_name": _("转给系统外单位的，请填写单位名称。")})
    elif given.to_duty not in RECEIVERS or (given.kind == Referral.Kind.TRANSFER and given.to_duty not in TAKE_OVER):
        raise ValidationError({"to_duty": _("请重新选择。")})
    elif len(given.to_area) != RECEIVERS[given.to_duty] or not Division.objects.filter(code=given.to_area, ends__isnull=True).exists():
        level = _("县（市、区）") if RECEIVERS[given.to_duty] == 6 else _("乡镇（街道）")
        raise ValidationError({"to_area": _("“%(duty)s”在%(level)s；请重新选择接收地。") % {"duty": Duty(given.to_duty).label, "level": level}})
    elif not somebody(given.to_area, given.to_duty, on):
        raise ValidationError(
            {
                "to_area": _("%(place)s现在没有在岗的“%(duty)s”，转过去没有人能接收：请改选其他岗位或接收地，或先与当地民政部门联系、落实人员后再转。")
                % {"place": places.name(given.to_area), "duty": Duty(given.to_duty).label}
            }
        )
    if given.kind == Referral.Kind.TRANSFER and (
        given.to_area == row.area or (row.area.startswith(given.to_area) and given.to_duty == Duty.PROTECTION_WORKER)
    ):
        raise ValidationError({"to_area": _("个案已由这个地方负责；在本地换人办理的，请变更责任人。")})
    unreadable = [code for code in given.sections if code not in SECTIONS or not SECTIONS[code].fields or not may_read(code, duty)]
    if unreadable:
        raise ValidationError({"sections": _("只能提供您自己可以查看的内容；请重新选择。")})


def _frozen(given: Offer, row: ProtectionCase, on: datetime) -> str:
    """What the receiver will see, as it stands now: the minor, what is asked, the chosen sections."""
    written = {each.section: json.loads(each.content) for each in CaseSection.objects.filter(case=row, section__in=list(given.sections))}
    born = row.birth_date
    return json.dumps(
        {
            "minor": {
                "name": row.name,
                "sex": row.sex,
                "birth_date": born.isoformat() if born else "",
                "age": age_on(born, timezone.localdate(on)) if born else None,
            },
            "purpose": given.purpose.strip()[:2000],
            "ground_note": given.ground_note.strip()[:500],
            "sections": {code: written.get(code, {}) for code in given.sections},
        },
        ensure_ascii=False,
    )


@transaction.atomic
def offer(*, case_id: int, version: int, uuid: UUID, given: Offer, now: datetime, again: int | None = None) -> Referral:
    """Offer a referral or a transfer; the same form again gives back the first. `again`: one that was declined, revoked or expired, offered once more.

    The receiver has the working days that the giving place has set. Raises ValidationError by field.
    """
    acting = duties.require("protection.refer")
    known = Referral.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    row = locked(case_id, version, ProtectionCase.State.ASSESSING, ProtectionCase.State.FOLLOWING)
    on = timezone.localdate(now)
    _checked(given, row, acting.duty, on)
    if given.kind == Referral.Kind.TRANSFER and Care.objects.filter(case=row, state=Care.State.PROPOSED).exists():
        raise ValidationError(_("这件个案有一件临时监护待决定；请先决定或撤回，再移交。"))
    if given.kind == Referral.Kind.TRANSFER and Referral.objects.filter(case=row, kind=Referral.Kind.TRANSFER, state=S.OFFERED).exists():
        raise ValidationError(_("这件个案已有一件移交待接收；请先撤回，再重新移交。"))
    before = None
    if again is not None:
        before = Referral.objects.select_for_update(of=("self",)).filter(pk=again, case=row).first()
        if before is None or before.state not in (S.DECLINED, S.REVOKED, S.EXPIRED) or Referral.objects.filter(follows=before).exists():
            raise ValidationError(_("这件转介不能重新转介：它还在办理，或已重新转介过；请刷新页面。"))
    made = Referral.objects.create(
        case=row, area=row.area, case_number=row.number, uuid=uuid, kind=given.kind, service=given.service, to_area=given.to_area or row.area,
        to_duty=given.to_duty, to_name=given.to_name.strip()[:80], ground=given.ground, follows=before, offered_by_id=acting.account_id or None, offered_at=now,
        due=workdays.add_working_days(on, int(get_setting("procedure.protection.referral_days", row.area, on))),
    )  # fmt: skip
    ReferralContent.objects.create(referral=made, case=row, area=row.area, content=_frozen(given, row, now))
    _step(made, "offered", given.purpose, now)
    row.version += 1
    row.save(update_fields=["version"])
    scopes.check_constraints()
    return made


def _step(row: Referral, what: str, note: str, now: datetime) -> None:
    freetext.no_numbers(note=note)
    ReferralStep.objects.create(
        referral=row,
        case_id=row.case_id,
        area=row.area,
        at=now,
        account_id=scopes.current().account_id or None,
        what=what,
        note=note.strip()[:2000] or None,
    )


def _locked(referral_id: int, version: int, *states: str) -> Referral:
    row = Referral.objects.select_for_update(of=("self",)).filter(pk=referral_id).first()
    if row is None:
        raise ValidationError(_("没有这件转介，或它不由您办理；可能已由他人接收。"))
    if row.version != version or row.state not in states:
        raise ValidationError(_("这件转介刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    return row


def receives(row: Referral) -> bool:
    """Whether the acting officer stands at the receiving end: by duty and place, and is the one who accepted."""
    acting = scopes.current()
    return (
        bool(row.to_duty) and row.to_duty == acting.duty and row.to_area.startswith(acting.area) and row.accepted_by_id in (None, acting.account_id)
    )


def gives(row: Referral) -> bool:
    """Whether the acting officer stands at the giving end and works on the case."""
    return duties.may("protection.refer") and ProtectionCase.objects.filter(pk=row.case_id).exists()


def _answering(row: Referral) -> None:
    """The receiver answers; for a service outside of the system who referred writes its answer down."""
    if row.to_duty:
        duties.require("protection.receive")
        if not receives(row):
            raise PermissionDenied(_("由接收方办理。"))
    elif not gives(row):
        raise PermissionDenied(_("由转出方登记系统外单位的答复。"))


def _go(row: Referral, state: str, note: str, now: datetime) -> Referral:
    """The step first: with the state the receiver's sight of it may end."""
    acting = scopes.current()
    _step(row, state, note, now)
    row.state, row.version = state, row.version + 1
    fields = ["state", "version"]
    if state == S.ACCEPTED:
        row.accepted_by_id, row.accepted_at = acting.account_id if row.to_duty else None, now
        fields += ["accepted_by", "accepted_at"]
    else:
        row.ended_by_id, row.ended_at = acting.account_id or None, now
        fields += ["ended_by", "ended_at"]
    row.save(update_fields=fields)
    scopes.check_constraints()
    return row


@transaction.atomic
def accept(*, referral_id: int, version: int, note: str, now: datetime) -> Referral:
    """Accept (接收). Of two who accept at once the second is told. A transfer accepted moves the case here, with its history; the officer answers for it."""
    row = _locked(referral_id, version, S.OFFERED)
    _answering(row)
    if row.kind == Referral.Kind.REFERRAL:
        return _go(row, S.ACCEPTED, note, now)
    _step(row, "accepted", note, now)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select doudi.move_protection_case(%s, %s)", [row.pk, now])
            moved_from = cursor.fetchone()[0]
    except ProgrammingError as error:
        if "not offered to this officer" in str(error):
            raise ValidationError(_("这件移交已由他人办理；请刷新页面。")) from None
        raise
    except Exception as error:
        if "not open any more" in str(error):
            raise ValidationError(_("这件个案已结案，不能再接收；请与移交方联系。")) from None
        raise
    case = ProtectionCase.objects.get(pk=row.case_id)
    moved(case, "transferred", moved_from, now)
    moved_here(case, now)
    row.refresh_from_db()
    return row


@transaction.atomic
def decline(*, referral_id: int, version: int, reason: str, now: datetime) -> Referral:
    """Send it back with the reason (退回): before it was accepted or after; access ends."""
    row = _locked(referral_id, version, S.OFFERED, S.ACCEPTED)
    _answering(row)
    if len(reason.strip()) < 4:
        raise ValidationError({"note": _("请写明退回的理由，至少 4 个字。")})
    return _go(row, S.DECLINED, reason, now)


@transaction.atomic
def report_progress(*, referral_id: int, version: int, note: str, now: datetime) -> Referral:
    """What was done so far; the giving side reads it."""
    row = _locked(referral_id, version, S.ACCEPTED)
    _answering(row)
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明进展。")})
    _step(row, "progress", note, now)
    row.version += 1
    row.save(update_fields=["version"])
    scopes.check_constraints()
    return row


@transaction.atomic
def finish(*, referral_id: int, version: int, result: str, now: datetime) -> Referral:
    """Done (完成), with the result; the receiver's access ends."""
    row = _locked(referral_id, version, S.ACCEPTED)
    _answering(row)
    if len(result.strip()) < 4:
        raise ValidationError({"note": _("请写明办理结果，至少 4 个字。")})
    return _go(row, S.DONE, result, now)


@transaction.atomic
def revoke(*, referral_id: int, version: int, reason: str, now: datetime) -> Referral:
    """Take it back (撤回), also after it was accepted: access of the receiver ends at once."""
    duties.require("protection.refer")
    row = _locked(referral_id, version, S.OFFERED, S.ACCEPTED)
    if not gives(row):
        raise PermissionDenied(_("由转出方撤回。"))
    if len(reason.strip()) < 2:
        raise ValidationError({"note": _("请写明撤回的原因。")})
    return _go(row, S.REVOKED, reason, now)


def open_referral(*, referral_id: int, now: datetime) -> tuple[Referral, dict[str, Any] | None, list[ReferralStep]]:
    """A referral with what the acting officer may still see of it: its content and steps, None and none when the access has ended. Recorded before it answers.

    Who was told of its end has read of it now.
    """
    duties.require("protection.referrals")
    row = Referral.objects.select_related("offered_by", "accepted_by").filter(pk=referral_id).first()
    if row is None:
        raise ValidationError(_("没有这件转介，或它不由您办理。"))
    content = ReferralContent.objects.filter(referral=row).first()
    if content is not None:
        audit.record_access(what="open", subject=REFERRAL, subject_id=row.pk, area=row.area)
    if row.ended_at is not None:
        me = scopes.current()
        told = Todo.objects.filter(subject=REFERRAL, subject_id=row.pk, kind__in=SEEN, posting_id=me.posting_id, done_at__isnull=True)
        told.update(done_at=now, done_by=me.account_id or None)
    steps = list(ReferralStep.objects.filter(referral=row).select_related("account").order_by("-id"))
    return row, json.loads(content.content) if content else None, steps
