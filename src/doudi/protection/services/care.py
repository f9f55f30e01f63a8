"""Temporary living care begins at once; temporary guardianship is proposed by one officer and decided by another (5.3)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos
from doudi.protection.models import Care, ProtectionCase, Referral
from doudi.protection.services.base import SUBJECT, locked, moved, tell, todo
from doudi.protection.services.care_base import (
    Arranged,
    adult_on,
    attend,
    checked,
    fields_of,
    guarded_elsewhere,
    guardian_of,
    locked_care,
    not_later,
    one_care_of_a_child,
    review_due,
    to_the_minute,
)

S = ProtectionCase.State
OPEN = (S.INTAKE, S.ASSESSING, S.FOLLOWING)
MOVED_HERE = "care_moved"


def moved_here(row: ProtectionCase, now: datetime) -> None:
    """A case came from another place with a child in care: whoever answers for it now is asked to see to the guardian and the carer."""
    care = Care.objects.filter(case=row, state=Care.State.ACTIVE).first()
    if care is None:
        return
    if guarded_elsewhere(care, row):
        words = f"个案 {row.number} 已移交到本地，监护人仍为{care.body}：请提出由本县接任临时监护"
    else:
        words = f"个案 {row.number} 已移交到本地，孩子由{care.body}组织照料：请核实照料人并评估"
    tell(row, MOVED_HERE, words, now, due=now)


def _minor(row: ProtectionCase, on: datetime) -> None:
    if row.birth_date and adult_on(row.birth_date) <= timezone.localdate(on):
        raise ValidationError(_("已满十八周岁，不再适用临时生活照料和临时监护；需要帮助的请登记救助线索。"))


@transaction.atomic
def begin_living_care(*, case_id: int, version: int, uuid: UUID, given: Arranged, starts: datetime, now: datetime) -> Care:
    """Temporary living care (临时生活照料) begins at once; a gap that lasts ends with it. The same form again gives back the first.

    The hand-over sheet may follow within the day. Raises ValidationError by field, and where the child is in a care already, anywhere in the province.
    """
    acting = duties.require("protection.care")
    known = Care.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    row = locked(case_id, version, *OPEN)
    not_later(starts, now, "starts")
    if row.unattended_from and starts < to_the_minute(row.unattended_from):
        raise ValidationError(
            {"starts": _("开始照料的时间不能早于无人照料的开始（%(at)s）。") % {"at": f"{timezone.localtime(row.unattended_from):%Y-%m-%d %H:%M}"}}
        )
    _minor(row, starts)
    latest = checked(given, row, Care.Kind.LIVING, timezone.localdate(starts))
    with one_care_of_a_child(row):
        care = Care.objects.create(
            case=row, area=row.area, uuid=uuid, kind=Care.Kind.LIVING, state=Care.State.ACTIVE, starts=starts, latest_end=latest,
            review_due=review_due(row, Care.Kind.LIVING, timezone.localdate(starts)), proposed_by_id=acting.account_id or None, proposed_at=now, **fields_of(given),
        )  # fmt: skip
    attend(row, at=starts, who=f"{care.body}，{care.carer}")
    moved(row, "care_began", f"{care.body}，{care.carer}", now, "unattended_from")
    todo(row, "care_hand_over", Duty.PROTECTION_WORKER, f"个案 {row.number} 临时生活照料待填交接记录", now, due=now)
    return care


@transaction.atomic
def propose_guardianship(*, case_id: int, version: int, uuid: UUID, given: Arranged, now: datetime) -> Care:
    """Propose that civil affairs take temporary guardianship (临时监护); the child stays where it is until another officer has decided.

    Of a case that was transferred here the county's department takes over from the one that was guardian before.
    """
    acting = duties.require("protection.guardianship_propose")
    known = Care.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    row = locked(case_id, version, S.ASSESSING, S.FOLLOWING)
    _minor(row, now)
    latest = checked(given, row, Care.Kind.GUARDIANSHIP, timezone.localdate(now))
    open_ones = {care.state: care for care in Care.objects.filter(case=row, state__in=[Care.State.PROPOSED, Care.State.ACTIVE])}
    before = open_ones.get(Care.State.ACTIVE)
    if Referral.objects.filter(case=row, kind=Referral.Kind.TRANSFER, state=Referral.State.OFFERED).exists():
        raise ValidationError(_("这件个案已提出移交，待对方接收；请先撤回移交，或由接收地提出临时监护。"))
    if Care.State.PROPOSED in open_ones or (before is not None and before.kind == Care.Kind.GUARDIANSHIP and not guarded_elsewhere(before, row)):
        raise ValidationError(_("这名孩子已在临时监护中，或已有一件临时监护待决定；请刷新页面。"))
    care = Care.objects.create(
        case=row, area=row.area, uuid=uuid, kind=Care.Kind.GUARDIANSHIP, state=Care.State.PROPOSED, starts=now, latest_end=latest, follows=before,
        proposed_by_id=acting.account_id or None, proposed_at=now,
        **fields_of(given) | {"organiser": Care.Organiser.CIVIL_AFFAIRS, "body": guardian_of(row)},
    )  # fmt: skip
    moved(row, "guardian_proposed", "", now)
    todo(row, "care_decide", Duty.COUNTY_APPROVER, f"个案 {row.number} 临时监护待决定", now, area=row.area[:6], due=now)
    return care


@transaction.atomic
def decide_guardianship(*, care_id: int, version: int, agreed: bool, document: str, note: str, now: datetime) -> Care:
    """Decide on a proposal: another officer than who proposed. Agreed, the guardianship begins now, and a gap is over; living care that runs ends with it,
    as does the guardianship of the county that the case came from."""
    acting = duties.require("protection.guardianship_decide")
    care, row = locked_care(care_id, version, Care.State.PROPOSED)
    duties.require_apart("protection.guardianship_decide", done={"protection.guardianship_propose": care.proposed_by_id})
    if row.state not in OPEN:
        raise ValidationError(_("个案已结案，不能再决定临时监护。"))
    care.decided_by_id, care.decided_at, care.decision_note, care.version = acting.account_id, now, note.strip()[:200], care.version + 1
    told = ["decided_by", "decided_at", "decision_note", "version", "state"]
    if not agreed:
        if len(note.strip()) < 2:
            raise ValidationError({"note": _("不同意的，请写明理由。")})
        care.state = Care.State.REFUSED
        care.save(update_fields=told)
        moved(row, "guardian_refused", note, now)
    else:
        if len(document.strip()) < 4:
            raise ValidationError({"document": _("“决定书文号”必须填写。")})
        _minor(row, now)
        latest = checked(_again(care), row, Care.Kind.GUARDIANSHIP, timezone.localdate(now))
        before = Care.objects.select_for_update().filter(case=row, state=Care.State.ACTIVE).first()
        if before is not None:
            outcome = Care.Outcome.GUARDIANSHIP if before.kind == Care.Kind.LIVING else Care.Outcome.MOVED
            before.state, before.ended_at, before.ended_by_id, before.outcome = Care.State.ENDED, now, acting.account_id, outcome
            before.version += 1
            before.save(update_fields=["state", "ended_at", "ended_by", "outcome", "version"])
        care.state, care.document, care.starts, care.latest_end = Care.State.ACTIVE, document.strip()[:80], now, latest
        care.review_due = review_due(row, Care.Kind.GUARDIANSHIP, timezone.localdate(now))
        with one_care_of_a_child(row):
            care.save(update_fields=[*told, "document", "starts", "latest_end", "review_due"])
        for kind in ("care_hand_over", MOVED_HERE):
            finish_todos(subject=SUBJECT, subject_id=row.pk, kind=kind, now=now)
        attend(row, at=now, who=care.carer, guardian=care.body)
        moved(row, "guardian_began", care.document, now, "unattended_from")
        if before is None or before.carer != care.carer or not before.hand_overs.filter(direction="in").exists():
            todo(row, "care_hand_over", Duty.PROTECTION_WORKER, f"个案 {row.number} 临时监护待填交接记录", now, due=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, kind="care_decide", now=now)
    return care


def _again(care: Care) -> Arranged:
    """What was proposed, to be checked on the day of the decision."""
    return Arranged(
        care.basis, care.reason, care.situation, care.organiser, care.body, care.way, care.carer, care.contact, care.consent, care.expected_end, care.relation,
        care.consent_note or "",
    )  # fmt: skip


@transaction.atomic
def withdraw_guardianship(*, care_id: int, version: int, reason: str, now: datetime) -> Care:
    """Take a proposal back, with a reason."""
    duties.require("protection.guardianship_propose")
    care, row = locked_care(care_id, version, Care.State.PROPOSED)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明撤回的原因。")})
    care.state, care.version = Care.State.WITHDRAWN, care.version + 1
    care.save(update_fields=["state", "version"])
    finish_todos(subject=SUBJECT, subject_id=row.pk, kind="care_decide", now=now)
    moved(row, "guardian_withdrawn", reason, now)
    return care
