"""Offers (邀请): by an officer or by the machine to the next of the ranked list; red needs at once to organisations on call; no-shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.needs import services as needs
from doudi.needs.models import Need, NeedAnswer
from doudi.needs.services.base import locked, locked_answer, note_event
from doudi.volunteering import board_procedures as P
from doudi.volunteering.models import Notice, Offer
from doudi.volunteering.services.board.base import ASKING, HOLDING, A, in_county, reason_of, setting
from doudi.volunteering.services.board.matching import Match, organisations_for, suggestions, volunteers_for

AGAIN = timedelta(minutes=30)  # where nobody suits, the list is looked through again after this
MOST_AT_ONCE = 20


def _ask(need: Need, match: Match, by: str, *, uuid: UUID | None = None, now: datetime) -> NeedAnswer:
    """One offer, as an answer of the need (`needs.assign`); raises ValidationError where the register's rules stand against it."""
    answer = needs.assign(
        uuid=uuid or uuid4(), need_id=need.pk, version=need.version, kind=match.kind, name=match.name, phone_token_=match.phone, external_id=match.id, now=now
    )
    Offer.objects.filter(answer=answer).update(by=by, place=match.place, reasons=match.reasons)
    return answer


@transaction.atomic
def offer_to(*, uuid: UUID, need_id: int, kind: str, external_id: int, now: datetime) -> NeedAnswer:
    """Ask one of those suggested; ValidationError for somebody who is not (or no longer) on the list. The same form again gives back the first."""
    duties.require("board.offer")
    need = locked(need_id, None)
    known = NeedAnswer.objects.filter(uuid=uuid, need=need).first()
    if known is not None:
        return known
    times = Notice.objects.filter(need=need).values_list("times", flat=True).first() or []
    match = next((each for each in suggestions(need, times=times, now=now, most=100) if (each.kind, each.id) == (kind, external_id)), None)
    if match is None:
        raise ValidationError(_("此人不在匹配名单中，或刚被邀请过；请刷新页面后重新选择。"))
    with in_county(need.area, ASKING):
        return _ask(need, match, Offer.By.OFFICER, uuid=uuid, now=now)


def offer_next(*, notice_id: int, now: datetime) -> int:
    """Ask the next ones for one need on the board, as many as its open places and the county's setting ask for; the number asked."""
    duties.require("board.ask")
    row = Notice.objects.filter(pk=notice_id, shown=True, offering=True).first()
    if row is None:
        return 0
    with transaction.atomic():
        need = locked(row.need_id, None)
        Notice.objects.filter(pk=row.pk).update(asked_at=now)
        if need.state != Need.State.OPEN:
            return 0
        value = setting(need.area, timezone.localdate(now))
        asked = _on_call(need, now) if need.urgency == Need.Urgency.RED else 0
        if not value(P.OFFER):
            return asked
        waiting = need.answers.filter(state=A.OFFERED, asked=True, kind="volunteer").aggregate(n=Sum("quantity"))["n"] or 0
        wanted = min(need.left * int(value(P.AT_ONCE)) - waiting, MOST_AT_ONCE)
        if wanted > 0:
            asked += _each(need, volunteers_for(need, times=row.times, now=now, most=wanted), now)
        return asked


def _on_call(need: Need, now: datetime) -> int:
    """Urgent: every organisation on call for this place and kind that was not asked yet."""
    return _each(need, organisations_for(need, on_call=True), now)


def _each(need: Need, matches: Iterable[Match], now: datetime) -> int:
    asked = 0
    for match in matches:
        try:
            with transaction.atomic():
                _ask(need, match, Offer.By.RULE, now=now)
                asked += 1
        except ValidationError:
            pass  # barred or busy since the list was made; the next one is asked
        need.refresh_from_db()
    return asked


def run_offers(*, now: datetime, most: int = 50) -> dict[str, int]:
    """Every round: needs on the board whose turn it is, those never looked at first. What fails for one does not stop the others."""
    duties.require("board.ask")
    due = Notice.objects.filter(Q(asked_at__isnull=True) | Q(asked_at__lt=now - AGAIN), shown=True, offering=True, need__state=Need.State.OPEN)
    ids = list(due.order_by(F("asked_at").asc(nulls_first=True), "id").values_list("pk", flat=True)[:most])
    return {"looked": len(ids), "asked": sum(offer_next(notice_id=pk, now=now) for pk in ids)}


@transaction.atomic
def no_show(*, answer_id: int, version: int, reason: str, now: datetime) -> Offer:
    """Who took it did not come (未到): counted for the volunteer, the place is free again and the next ones are asked."""
    acting = duties.require("board.offer")
    need, answer = locked_answer(answer_id, version, *HOLDING)
    row = Offer.objects.select_for_update(of=("self",)).filter(answer=answer).first()
    if row is None:
        raise ValidationError(_("这条响应不是志愿者或社会组织的。"))
    if row.came_at is not None:
        raise ValidationError(_("对方已签到，不能记为未到；请登记办理结果。"))
    words = reason_of(reason)
    row.no_show_at, row.no_show_by_id = now, acting.account_id or None
    row.save(update_fields=["no_show_at", "no_show_by"])
    note_event(need, "未到", answer.name, now)
    with in_county(need.area, ASKING):
        needs.withdraw(answer_id=answer.pk, version=answer.version, reason=f"未到：{words}", now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def answer_for(*, answer_id: int, version: int, yes: bool, reason: str = "", now: datetime) -> NeedAnswer:
    """Note what somebody said on the phone to an offer, or agree to one who came forward (by the coordinator, whom the need's own page does not let)."""
    duties.require("board.offer")
    answer = NeedAnswer.objects.filter(pk=answer_id, offer__isnull=False).first()
    if answer is None:
        raise PermissionDenied(_("没有这条响应，或它不是志愿者或社会组织的。"))
    with in_county(answer.area, ASKING):
        if yes:
            return needs.accept(answer_id=answer_id, version=version, now=now)
        return needs.decline(answer_id=answer_id, version=version, reason=reason, now=now)
