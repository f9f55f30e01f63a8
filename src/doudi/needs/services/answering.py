"""Who answers a need: offered or assigned, accepted, declined, withdrawn, reported done, confirmed (7.5, 8.3).

An acceptance locks the need and counts: of two who accept the last place at once the second is told. The database counts too
(trigger `need_counts`, constraint `need_not_over_wanted`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import audit, duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Account, Posting
from doudi.core.services.todos import finish_todos
from doudi.needs import answerers
from doudi.needs.models import Need, NeedAnswer, NeedPrivate
from doudi.needs.posted import Posted, posted_above
from doudi.needs.services.base import A, S, ask_for_answers, deadline, locked, locked_answer, moved, phone_token, settle, todo
from doudi.registry.models import Membership


def full(need: Need) -> ValidationError:
    return ValidationError(
        _("这项需求的名额刚由他人接满（需要 %(wanted)d，已有 %(taken)d）；请刷新页面，看看其他需求。") % {"wanted": need.wanted, "taken": need.taken}
    )


def _room_for(need: Need, quantity: int) -> None:
    if need.state not in Need.LIVE:
        raise ValidationError(_("这项需求现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": need.get_state_display()})
    if quantity > need.left:
        raise full(need)


def _posting(account_id: int, area: str, now: datetime) -> Posted | None:
    """A posting of today of an account that covers a place, the nearest; of the county's, those who go out to people."""
    on = timezone.localdate(now)
    rows = Posting.objects.filter(account_id=account_id, starts__lte=on, account__is_active=True).select_related("account").order_by("-area")
    near = next((Posted(row.pk, account_id, row.duty, row.account.name) for row in rows if row.holds_on(on) and area.startswith(row.area)), None)
    return near or next((row for row in posted_above(area, on) if row.account_id == account_id), None)


def _save(need: Need, row: NeedAnswer, state: str, now: datetime, *fields: str) -> None:
    row.state, row.version = state, row.version + 1
    row.save(update_fields=["state", "version", *fields])
    answerers.changed(need, row, now)


def _make(need: Need, uuid: UUID, now: datetime, **values: Any) -> NeedAnswer:
    row = NeedAnswer(
        uuid=uuid, need=need, area=need.area, made_by_id=scopes.current().account_id or None, made_at=now,
        reply_due=deadline("reply", need.urgency, need.area, now), **values,
    )  # fmt: skip
    answerers.check(need, row, now)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise ValidationError(_("此人已在响应这项需求，不能重复登记。")) from None
    answerers.changed(need, row, now)
    return row


def _known(uuid: UUID, need_id: int) -> NeedAnswer | None:
    return NeedAnswer.objects.filter(uuid=uuid, need=need_id).first()


@transaction.atomic
def offer(
    *, uuid: UUID, need_id: int, kind: str, now: datetime, quantity: int = 1, name: str = "", phone_token_: UUID | None = None, external_id: int | None = None
) -> NeedAnswer:
    """Come forward for a need. An officer of the place takes it at once (`needs.manage`); others wait until one accepts them.

    `external_id` (with `name` and phone): somebody of a room's register who comes forward without an account. The same form (`uuid`) again gives back the first.
    """
    acting = duties.require("needs.answer")
    need = locked(need_id, None)
    before = _known(uuid, need_id)
    if before is not None:
        return before
    if kind not in NeedAnswer.Kind.values or quantity < 1:
        raise ValidationError(_("请重新选择响应方式和数量。"))
    _room_for(need, quantity)
    at_once = duties.may("needs.manage")
    row = _make(
        need, uuid, now, kind=kind, account_id=None if external_id else acting.account_id or None, name=name.strip()[:60] or _own_name(acting),
        phone=phone_token_, external_id=external_id, quantity=quantity, state=A.ACCEPTED if at_once else A.OFFERED, accepted_at=now if at_once else None,
    )  # fmt: skip
    if at_once:
        moved(need, "接下", row.name, now, *settle(need, now))
    else:
        moved(need, "报名", row.name, now)
        for duty in ("visitor", "township_officer"):
            todo(need, "need.offer", duty, "有人报名，请确认", now, due=row.reply_due)
    return row


def _own_name(acting: scopes.Scope) -> str:
    return Account.objects.filter(pk=acting.account_id).values_list("name", flat=True).first() or "—"


@transaction.atomic
def assign(
    *, uuid: UUID, need_id: int, version: int, kind: str, now: datetime, account_id: int | None = None, name: str = "", phone: str = "",
    phone_token_: UUID | None = None, external_id: int | None = None, quantity: int = 1,
) -> NeedAnswer:
    """Ask somebody to answer a need (交办): an account posted at the place, or by name and phone a shop, department or family member without one.

    It holds no place until accepted; who does not reply in time lapses.
    """  # fmt: skip
    duties.require("needs.manage")
    before = _known(uuid, need_id)
    if before is not None:
        return before
    need = locked(need_id, version, *Need.LIVE)
    if kind not in NeedAnswer.Kind.values:
        raise ValidationError({"kind": _("请重新选择。")})
    if not 1 <= quantity <= need.left:
        raise ValidationError({"quantity": _("还差 %(left)d，请填写 1 至 %(left)d。") % {"left": need.left}}) if need.left else full(need)
    posting = None
    if account_id is not None:
        posting = _posting(account_id, need.area, now)
        if posting is None:
            raise ValidationError({"account": _("该账号在需求所在地没有在任岗位；请重新选择。")})
        name = posting.name
    elif len(name.strip()) < 2:
        raise ValidationError({"name": _("请选择响应人，或填写名称。")})
    row = _make(
        need, uuid, now, kind=kind, account_id=account_id, name=name.strip()[:60], phone=phone_token_ or phone_token(phone), external_id=external_id,
        quantity=quantity, asked=True, state=A.OFFERED,
    )  # fmt: skip
    moved(need, "交办", row.name, now)
    finish_todos(subject="need", subject_id=need.pk, now=now, kind="need.answer")
    if posting is not None:
        todo(need, "need.asked", posting.duty, "交办给您，请答复", now, due=row.reply_due, posting_id=posting.posting_id)
    return row


def _replies(row: NeedAnswer) -> None:
    """Who may accept or decline: the one who was asked (the place's officers for somebody without an account); for an offer the officers."""
    acting = scopes.current()
    if row.asked and row.account_id == acting.account_id and duties.may("needs.answer"):
        return
    if not duties.may("needs.manage") or (row.asked and row.account_id is not None):
        raise PermissionDenied(_("只有被交办的人或负责这项需求的工作人员可以答复。"))


@transaction.atomic
def accept(*, answer_id: int, version: int, now: datetime) -> NeedAnswer:
    """Accept an answer: its places are taken now. ValidationError where somebody else took the last one a moment ago."""
    duties.require("needs.answer")
    need, row = locked_answer(answer_id, version, A.OFFERED)
    _replies(row)
    _room_for(need, row.quantity)
    answerers.check(need, row, now)
    row.accepted_at = now
    _save(need, row, A.ACCEPTED, now, "accepted_at")
    moved(need, "接受", row.name, now, *settle(need, now))
    finish_todos(subject="need", subject_id=need.pk, now=now, kind="need.asked" if row.asked else "need.offer")
    return row


@transaction.atomic
def decline(*, answer_id: int, version: int, reason: str, now: datetime) -> NeedAnswer:
    """Say no, with a reason; the need waits for somebody else."""
    duties.require("needs.answer")
    need, row = locked_answer(answer_id, version, A.OFFERED)
    _replies(row)
    _end(need, row, A.DECLINED, reason, now)
    moved(need, "不接受", f"{row.name}：{reason.strip()}", now)
    finish_todos(subject="need", subject_id=need.pk, now=now, kind="need.asked" if row.asked else "need.offer")
    _look_again(need, now)
    return row


def _end(need: Need, row: NeedAnswer, state: str, reason: str, now: datetime) -> None:
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明原因。")})
    row.ended_at, row.reason = now, reason.strip()[:200]
    _save(need, row, state, now, "ended_at", "reason")


def _look_again(need: Need, now: datetime) -> None:
    """Nobody else has been asked: the place's officers look for somebody."""
    if need.state == S.OPEN and not NeedAnswer.objects.filter(need=need, state=A.OFFERED).exists():
        ask_for_answers(need, now)


def _own_or_manage(row: NeedAnswer) -> None:
    if row.account_id != scopes.current().account_id and not duties.may("needs.manage"):
        raise PermissionDenied(_("只有响应人本人或负责这项需求的工作人员可以这样办理。"))


@transaction.atomic
def withdraw(*, answer_id: int, version: int, reason: str, now: datetime) -> NeedAnswer:
    """Give an accepted answer back, with a reason: its places are free again and the need is looked for anew. What was handed over stays."""
    duties.require("needs.answer")
    need, row = locked_answer(answer_id, version, A.OFFERED, *NeedAnswer.HOLDING)
    _own_or_manage(row)
    _end(need, row, A.WITHDRAWN, reason, now)
    moved(need, "退出", f"{row.name}：{reason.strip()}", now, *settle(need, now))
    return row


@transaction.atomic
def report_done(*, answer_id: int, version: int, note: str, now: datetime) -> NeedAnswer:
    """Say that it is done (by the answerer, or for one without an account by an officer); the recipient or the care contact confirms.

    Medicines are not reported but handed over (`deliveries.hand_over`).
    """
    acting = duties.require("needs.answer")
    need, row = locked_answer(answer_id, version, A.ACCEPTED)
    _own_or_manage(row)
    if need.delivery:
        raise ValidationError(_("药品配送请登记取药和送达，不能直接办结。"))
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明做了什么。")})
    row.note, row.reported_at, row.reported_by_id = note.strip()[:2000], now, acting.account_id or None
    _save(need, row, A.REPORTED, now, "note", "reported_at", "reported_by")
    moved(need, "已办，待确认", f"{row.name}：{note.strip()}", now)
    todo(need, "need.confirm", "visitor" if len(need.area) == 12 else "township_officer", "已办，请向本人核实确认", now, due=need.due)
    return row


@transaction.atomic
def confirm(*, answer_id: int, version: int, confirmed: str, now: datetime, note: str = "") -> NeedAnswer:
    """Confirm what was reported: by the recipient (asked by an officer who is not the answerer) or by the care contact."""
    acting = duties.require("needs.manage")
    need, row = locked_answer(answer_id, version, A.REPORTED)
    if confirmed not in (NeedAnswer.Confirmed.RECIPIENT, NeedAnswer.Confirmed.CONTACT):
        raise ValidationError({"confirmed": _("请选择由谁确认。")})
    if acting.account_id in (row.account_id, row.reported_by_id):
        raise PermissionDenied(_("响应人和登记办理结果的人不能自己确认；请由其他工作人员向本人核实。"))
    finish(need, row, confirmed, now, note)
    return row


def finish(need: Need, row: NeedAnswer, confirmed: str, now: datetime, note: str = "") -> None:
    """The answer is done; so is the need with its last one. Both are locked by the caller."""
    row.confirmed, row.confirmed_by_id, row.ended_at = confirmed, scopes.current().account_id or None, now
    _save(need, row, A.DONE, now, "confirmed", "confirmed_by", "ended_at")
    moved(need, "确认完成", f"{row.name}（{row.get_confirmed_display()}）{note.strip()}", now, *settle(need, now))
    if not NeedAnswer.objects.filter(need=need, state=A.REPORTED).exists():
        finish_todos(subject="need", subject_id=need.pk, now=now, kind="need.confirm")


@transaction.atomic
def not_done(*, answer_id: int, version: int, reason: str, now: datetime) -> NeedAnswer:
    """The recipient says that it did not come: back to whoever answers it."""
    duties.require("needs.manage")
    need, row = locked_answer(answer_id, version, A.REPORTED)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明原因。")})
    row.reason, row.reported_at = reason.strip()[:200], None
    _save(need, row, A.ACCEPTED, now, "reason", "reported_at")
    moved(need, "未确认，继续办理", f"{row.name}：{reason.strip()}", now)
    return row


def may_see_contact(need: Need, answers: list[NeedAnswer]) -> bool:
    """The place's officers while the need is live; an answerer while accepted, and no longer."""
    acting = scopes.current()
    if need.state not in Need.LIVE:
        return False
    return duties.may("needs.contact") or any(row.account_id == acting.account_id and row.state in NeedAnswer.HOLDING for row in answers)


def reveal_contact(*, need_id: int) -> tuple[str, str, str]:
    """(name, phone, address) to whoever answers it, while it lasts; recorded before it is answered."""
    duties.require("needs.view")
    need = Need.objects.filter(pk=need_id).select_related("person", "household").first()
    if need is None:
        raise ValidationError(_("没有这项需求，或它不在您的管辖范围内。"))
    if not may_see_contact(need, list(need.answers.all())):
        raise PermissionDenied(_("联系方式只在办理期间向响应人和负责的工作人员显示。"))
    audit.record_access(what="reveal", subject="need", subject_id=need.pk, area=need.area, field="contact", reason=f"办理 {need.number}")
    return contact_of(need)


def contact_of(need: Need) -> tuple[str, str, str]:
    """(name, phone, address) of whoever needs it, to be shown only after the access was recorded."""
    private, person = NeedPrivate.objects.get(need=need), need.person
    if person is None and need.household is not None:
        members = Membership.objects.filter(household=need.household, ends__isnull=True, person__died_on__isnull=True, person__phone__isnull=False)
        member = members.select_related("person").order_by("relationship", "id").first()
        person = member.person if member and not private.phone else None
    name = private.name or (person.name if person else need.household.name if need.household else "")
    phone = private.phone or (person.phone if person else None)
    address = private.address or (need.household.address if need.household else None)
    return name, numbers.plain(phone) or "", str(address or "")
