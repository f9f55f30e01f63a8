"""Done (办结): the recipient or the care contact says so to an officer, with what they think of it; the hours are booked with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.needs import services as needs
from doudi.needs.models import NeedAnswer
from doudi.needs.services.base import locked_answer
from doudi.volunteering.models import Feedback, Offer
from doudi.volunteering.services.board.base import A
from doudi.volunteering.services.board.own import keep_feedback

SIDES = {"recipient": Feedback.Side.RECIPIENT, "contact": Feedback.Side.CONTACT}


@transaction.atomic
def confirm_done(
    *, answer_id: int, version: int, confirmed: str, rating: int | None = None, words: str = "", minutes: int | None = None, now: datetime
) -> NeedAnswer:
    """Confirm what a volunteer reported, with the recipient's or the contact's feedback; the hours go into their service record.

    `minutes`: how long it took, asked of the recipient where the volunteer did not check in. Who may confirm, `needs.confirm` says.
    """
    duties.require("needs.manage")
    _need, answer = locked_answer(answer_id, version, A.REPORTED)
    row = Offer.objects.select_for_update(of=("self",)).filter(answer=answer).first()
    if row is None:
        raise ValidationError(_("这条响应不是志愿者或社会组织的。"))
    if confirmed not in SIDES:
        raise ValidationError({"confirmed": _("请选择由谁确认。")})
    if minutes is not None:
        if not 0 < minutes <= 720:
            raise ValidationError({"minutes": _("服务时长应为 1 至 720 分钟。")})
        if row.came_at is None and answer.reported_at is not None:
            row.came_at, row.left_at = answer.reported_at - timedelta(minutes=minutes), answer.reported_at
            row.save(update_fields=["came_at", "left_at"])
    if rating is not None:
        keep_feedback(row, SIDES[confirmed], rating, words, now)
    return needs.confirm(answer_id=answer_id, version=version, confirmed=confirmed, now=now)
