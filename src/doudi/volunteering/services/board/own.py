"""What a volunteer or an organisation's contact does by themselves with needs, after their phone was proved: answer, take, come, report, say how it was.

Each call names who does it; the page's session says so (`views.own_needs`). Nothing here is reached by an officer's posting.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import audit, duties
from doudi.core import scope as scopes
from doudi.needs import services as needs
from doudi.needs.models import Need, NeedAnswer
from doudi.needs.services.base import locked_answer, note_event
from doudi.volunteering import board_procedures as P
from doudi.volunteering.models import Feedback, Notice, Offer, Organisation, Volunteer
from doudi.volunteering.services.board.base import HOLDING, A, in_county, setting
from doudi.volunteering.services.session import Who

EARLIEST = timedelta(hours=18)  # a check-out longer after the check-in was forgotten


def mine(who: Who) -> dict[str, int]:
    """Whose offers are theirs, as a filter."""
    return {who.kind: who.pk}


def _offer_of(who: Who, answer_id: int) -> Offer:
    row = Offer.objects.filter(answer=answer_id, **mine(who)).select_related("answer", "need").first()
    if row is None:
        raise ValidationError(_("没有这项邀请，或它不是给您的。"))
    return row


@transaction.atomic
def accept_offer(*, who: Who, answer_id: int, version: int, now: datetime) -> NeedAnswer:
    """Take what one was asked for. ValidationError where it lapsed, or somebody else took the last place a moment ago."""
    duties.require("board.self")
    row = _offer_of(who, answer_id)
    if row.answer.state == A.OFFERED and not row.answer.asked:
        raise ValidationError(_("您的报名还在等待工作人员确认。"))
    if row.answer.state == A.OFFERED and row.answer.reply_due < now:
        raise ValidationError(_("这项邀请已过答复期限，正在邀请他人。"))
    return needs.accept(answer_id=answer_id, version=version, now=now)


@transaction.atomic
def decline_offer(*, who: Who, answer_id: int, version: int, reason: str, now: datetime) -> NeedAnswer:
    """Say no: the next one is asked. A reason helps, and is not asked for."""
    duties.require("board.self")
    _offer_of(who, answer_id)
    return needs.decline(answer_id=answer_id, version=version, reason=reason.strip() or "没有时间", now=now)


@transaction.atomic
def withdraw_offer(*, who: Who, answer_id: int, version: int, reason: str, now: datetime) -> NeedAnswer:
    """Give back what one took, with a reason, before coming."""
    duties.require("board.self")
    row = _offer_of(who, answer_id)
    if row.came_at is not None and row.left_at is None:
        raise ValidationError(_("您已签到；请先签退并登记做了什么。"))
    return needs.withdraw(answer_id=answer_id, version=version, reason=reason, now=now)


@transaction.atomic
def take(*, who: Who, uuid: UUID, number: str, now: datetime) -> NeedAnswer:
    """Come forward for a need on the board: taken at once, or waiting for an officer where the county wants that.

    The same form again gives back the first; who was asked for it already accepts that offer. ValidationError where the register's rules stand against it.
    """
    duties.require("board.self")
    if who.kind != "volunteer":
        raise ValidationError(_("社会组织请联系志愿服务协调员接单。"))
    notice = Notice.objects.filter(number=number, shown=True).select_related("need").first()
    volunteer = Volunteer.objects.filter(pk=who.pk).first()
    if notice is None or volunteer is None:
        raise ValidationError(_("这项需求已不在需求信息中；请看看其他需求。"))
    before = NeedAnswer.objects.filter(need=notice.need, kind="volunteer", external_id=who.pk, state__in=(A.OFFERED, *HOLDING)).first()
    if before is not None and before.state == A.OFFERED and before.asked:
        return accept_offer(who=who, answer_id=before.pk, version=before.version, now=now)
    if before is not None:
        return before
    if NeedAnswer.objects.filter(need=notice.need, kind="volunteer", external_id=who.pk, offer__no_show_at__isnull=False).exists():
        raise ValidationError(_("您接下这项需求后没有到场，不能再接；请联系志愿服务协调员。"))
    at_once = bool(setting(notice.area, timezone.localdate(now))(P.SELF))
    acts = {"board.self", "needs.answer", "needs.view"} | ({"needs.manage"} if at_once else set())
    with in_county(notice.area, acts):
        return needs.offer(
            uuid=uuid, need_id=notice.need_id, kind="volunteer", name=volunteer.name, phone_token_=volunteer.phone, external_id=volunteer.pk, now=now
        )


def open_contact(*, who: Who, answer_id: int) -> tuple[str, str, str]:
    """(name, phone, address) for whoever has accepted, while it lasts and while they are in good standing; each opening is recorded before it is answered."""
    duties.require("board.self")
    row = _offer_of(who, answer_id)
    if row.answer.state not in HOLDING or row.need.state not in Need.LIVE:
        raise PermissionDenied(_("联系方式只在办理期间显示。"))
    register = Volunteer if who.kind == "volunteer" else Organisation
    found = register.objects.filter(pk=who.pk).values_list("state", "number").first()
    if found is None or found[0] != "active":
        raise PermissionDenied(_("您的登记已暂停，联系方式不再显示；请联系志愿服务协调员。"))
    audit.record_access(what="reveal", subject="need", subject_id=row.need_id, area=row.area, field="contact", reason=f"{found[1]} 办理 {row.need.number}")
    with transaction.atomic():
        Offer.objects.filter(pk=row.pk).update(opened=row.opened + 1)
        note_event(row.need, "查看联系方式", row.answer.name, timezone.now())
        return needs.contact_of(row.need)


def _working(who: Who, answer_id: int, *states: str) -> tuple[Need, NeedAnswer, Offer]:
    need, answer = locked_answer(answer_id, None, *states)
    row = Offer.objects.select_for_update(of=("self",)).filter(answer=answer, **mine(who)).first()
    if row is None:
        raise ValidationError(_("没有这项邀请，或它不是给您的。"))
    return need, answer, row


@transaction.atomic
def check_in(*, who: Who, answer_id: int, now: datetime) -> Offer:
    """Say that one has arrived (签到). Safe to repeat."""
    duties.require("board.self")
    need, answer, row = _working(who, answer_id, A.ACCEPTED)
    if row.came_at is None:
        row.came_at = now
        row.save(update_fields=["came_at"])
        note_event(need, "签到", answer.name, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def check_out(*, who: Who, answer_id: int, note: str, now: datetime) -> Offer:
    """Say that one is leaving and what was done (签退): the recipient or the care contact is asked to confirm it.

    Medicines are booked by their papers, which an officer keeps; there the check-out alone is noted.
    """
    duties.require("board.self")
    need, answer, row = _working(who, answer_id, A.ACCEPTED)
    if row.came_at is None:
        raise ValidationError(_("请先签到。"))
    if row.left_at is None:
        if len(note.strip()) < 2:
            raise ValidationError({"note": _("请写明做了什么。")})
        row.left_at = max(row.came_at, min(now, row.came_at + EARLIEST))
        row.save(update_fields=["left_at"])
        note_event(need, "签退", answer.name, now)
        if not need.delivery:
            needs.report_done(answer_id=answer.pk, version=answer.version, note=note, now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def say(*, who: Who, answer_id: int, rating: int, words: str = "", now: datetime) -> Feedback:
    """The volunteer's own words when it is done (评价), once."""
    duties.require("board.self")
    _need, _answer, row = _working(who, answer_id, A.REPORTED, A.DONE)
    return keep_feedback(row, Feedback.Side.VOLUNTEER, rating, words, now)


def keep_feedback(row: Offer, side: str, rating: int, words: str, now: datetime) -> Feedback:
    """One side's feedback, once. ValidationError for a rating outside 1 to 5."""
    if not 1 <= rating <= 5:
        raise ValidationError({"rating": _("请选择 1 至 5 分。")})
    try:
        with transaction.atomic():
            return Feedback.objects.create(
                offer=row, area=row.area, side=side, rating=rating, words=words.strip()[:500] or None, made_by_id=scopes.current().account_id or None, made_at=now
            )
    except IntegrityError:
        raise ValidationError(_("已经评价过，不能重复评价。")) from None
