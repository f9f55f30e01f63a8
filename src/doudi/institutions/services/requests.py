"""Requests of institutions (协调事项): raised, changed, given to departments, taken by one, declined, withdrawn, passed up (6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos
from doudi.institutions.models import DailyReport, GroupMember, Institution, Request, RequestDelivery, RequestOffer, SupplyItem
from doudi.institutions.models.requests import shown
from doudi.institutions.services.base import needed, one_of, refused, today_of
from doudi.institutions.services.group import posting_of
from doudi.institutions.services.request_base import SUBJECT, S, clock, coordinator, due_of, locked, moved, note_event, todo
from doudi.institutions.services.stock import amount

O = RequestOffer.State
UNITS = {"testing": "人次", "isolation": "个床位", "transfer": "人", "medical": "人"}
AHEAD = timedelta(days=366)


def _quantity(value: Decimal) -> Decimal:
    if not amount(value):
        raise ValidationError({"quantity": _("数量应大于 0。")})
    return value


def _wanted(wanted_by: datetime | None, now: datetime) -> datetime | None:
    if wanted_by is not None and not now < wanted_by <= now + AHEAD:
        raise ValidationError({"wanted_by": _("需要的时间应晚于现在。")})
    return wanted_by


@transaction.atomic
def raise_request(
    *, key: UUID, institution_id: int, kind: str, what: str, quantity: Decimal, urgency: str, now: datetime, item: str = "", wanted_by: datetime | None = None,
    report_id: int | None = None,
) -> Request:
    """Ask for what an institution lacks (提出协调事项); the same form (`key`) again gives back the first.

    `item`: code of the supply, for supplies. `report_id`: the daily report that showed it. One open request for a supply of a house:
    a second one is told the number of the first. Raises ValidationError by field.
    """  # fmt: skip
    acting = duties.require("requests.raise")
    before = Request.objects.filter(key=key).first()
    if before is not None:
        return before
    house = Institution.objects.filter(pk=institution_id).exclude(state=Institution.State.CLOSED).first()
    if house is None:
        raise ValidationError({"institution": _("没有这家机构，或它不在您的管辖范围内。")})
    one_of("kind", kind, Request.Kind.values)
    one_of("urgency", urgency, Request.Urgency.values)
    needed(what=what)
    listed = SupplyItem.objects.filter(code=item, ended_on__isnull=True).first() if kind == Request.Kind.SUPPLIES else None
    if kind == Request.Kind.SUPPLIES and listed is None:
        raise ValidationError({"item": _("请选择物资目录中的物资。")})
    if _quantity(quantity) != quantity.to_integral_value() and listed is None:
        raise ValidationError({"quantity": _("人数、床位数应为整数。")})
    if report_id is not None and not DailyReport.objects.filter(pk=report_id, institution=house).exists():
        raise ValidationError(_("没有这份每日报告，或它不是这家机构的。"))
    accept_due, finish = clock(urgency=urgency, area=house.area, now=now)
    source = Request.Source.REPORT if report_id else Request.Source.CLERK if acting.duty == Duty.INSTITUTION_CLERK else Request.Source.OFFICER
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.request_number')")
        serial = cursor.fetchone()[0]
    try:
        with transaction.atomic():
            row = Request.objects.create(
                number=f"XT{today_of(now):%Y%m%d}{serial:05d}", key=key, institution=house, area=house.area, kind=kind, item=listed, what=what.strip()[:200],
                quantity=quantity, unit=listed.unit if listed else UNITS[kind], urgency=urgency, wanted_by=_wanted(wanted_by, now), source=source, source_id=report_id,
                held_by=house.area[:6], accept_due=min(accept_due, due_of(finish, wanted_by)), due=due_of(finish, wanted_by),
                raised_by_id=acting.account_id or None, raised_at=now,
            )  # fmt: skip
    except IntegrityError:
        again = Request.objects.filter(key=key).first()
        if again is not None:
            return again
        first = Request.objects.filter(institution=house, item=listed, state__in=Request.OPEN).first()
        if first is None:
            raise
        raise ValidationError({"item": _("这种物资已有未办结的协调事项 %(number)s；数量不够的请在其中调整。") % {"number": first.number}}) from None
    note_event(row, "raised", what, now)
    todo(row, "request.assign", Duty.COUNTY_REVIEWER, f"协调事项 {row.number} 待交办：{house.name}，{row.what}"[:200], now, due=row.accept_due)
    scopes.check_constraints()
    return row


@transaction.atomic
def amend(*, request_id: int, version: int, quantity: Decimal, urgency: str, what: str, wanted_by: datetime | None, reason: str, now: datetime) -> Request:
    """Change what is asked for, with the reason: not below what was sent. Another urgency starts its clock from when the request was raised."""
    duties.require("requests.raise")
    row = locked(request_id, version, *Request.OPEN)
    one_of("urgency", urgency, Request.Urgency.values)
    needed(what=what, reason=reason)
    if _quantity(quantity) < sent_of(row):
        raise ValidationError({"quantity": _("已发出 %(n)s%(unit)s，不能改得更少。") % {"n": shown(sent_of(row)), "unit": row.unit}})
    if row.item_id is None and quantity != quantity.to_integral_value():
        raise ValidationError({"quantity": _("人数、床位数应为整数。")})
    wanted = wanted_by if wanted_by == row.wanted_by else _wanted(wanted_by, now)
    accept_due, finish = clock(urgency=urgency, area=row.area, now=row.raised_at)
    if urgency != row.urgency:
        row.accept_due = accept_due
    note = f"{reason.strip()}（{shown(row.quantity)} → {shown(quantity)}{row.unit}）" if quantity != row.quantity else reason
    row.quantity, row.urgency, row.what, row.wanted_by, row.due = quantity, urgency, what.strip()[:200], wanted, due_of(finish, wanted)
    return moved(row, "amended", note, now, "quantity", "urgency", "what", "wanted_by", "due", "accept_due")


def sent_of(row: Request) -> Decimal:
    """What was sent and has come or is on its way."""
    rows = RequestDelivery.objects.filter(request=row)
    came = rows.filter(state=RequestDelivery.State.RECEIVED).aggregate(n=Sum("received"))["n"] or Decimal(0)
    return came + (rows.filter(state=RequestDelivery.State.SENT).aggregate(n=Sum("quantity"))["n"] or Decimal(0))


def candidates(row: Request) -> list[GroupMember]:
    """Members whom the acting officer may give it to: of running groups of the own area that the institution lies in."""
    acting = scopes.current()
    members = GroupMember.objects.filter(ended_at__isnull=True, group__ended_at__isnull=True, area__gte=acting.low, area__lt=acting.high)
    return [each for each in members.select_related("group").order_by("-area", "department", "role", "pk")[:400] if row.area.startswith(each.area)]


@transaction.atomic
def assign(*, request_id: int, version: int, member_ids: Sequence[int], now: datetime, note: str = "") -> Request:
    """Give it to one or more departments of a group (交办): who takes it first has it. Given again, what was offered or taken before lapses."""
    acting = duties.require("requests.assign")
    row = locked(request_id, version, *Request.OPEN)
    able = {member.pk: member for member in candidates(row)}
    chosen = [able[pk] for pk in dict.fromkeys(member_ids) if pk in able]
    if not chosen or len(chosen) != len(set(member_ids)) or len(chosen) > 6:
        raise ValidationError({"members": _("请选择专项工作组现任成员，最多六个；没有专项工作组的请先成立。")})
    if row.state == S.WORKING and not note.strip():
        raise ValidationError({"note": _("已有单位在办理，请写明改派的原因。")})
    row.offers.filter(state__in=[O.OFFERED, O.ACCEPTED]).update(state=O.LAPSED, answered_at=now)
    RequestOffer.objects.bulk_create(
        [
            RequestOffer(
                request=row, area=row.area, group_id=member.group_id, member=member, department=member.department, unit=member.unit, contact=member.name,
                made_by_id=acting.account_id or None, made_at=now,
            )
            for member in chosen
        ]
    )  # fmt: skip
    row.state, row.department, row.unit_name, row.accepted_by_id, row.accepted_at = S.ASSIGNED, "", "", None, None
    row.accept_due = min(clock(urgency=row.urgency, area=row.area, now=now)[0], max(row.due, now + timedelta(minutes=1)))
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    for member in chosen:
        posting = posting_of(member.account_id, member.area, today_of(now))
        duty, place = (posting.duty, posting.area) if posting else (coordinator(row), row.held_by if acting.covers(row.held_by) else acting.area)
        what = f"协调事项 {row.number} 待{member.unit}签收：{row.institution.name}，{row.what}"
        todo(row, f"request.accept.{member.pk}", duty, what[:200], now, area=place, due=row.accept_due, posting_id=posting.pk if posting else None)
    said = "、".join(f"{member.unit} {member.name}" for member in chosen)
    return moved(row, "assigned", f"{said}。{note}" if note.strip() else said, now, "state", "department", "unit_name", "accepted_by", "accepted_at", "accept_due")


def _offer(row: Request, offer_id: int) -> RequestOffer:
    """The offer, if it waits and the acting officer answers for that member: the member's account, or who assigns where there is none."""
    acting = scopes.current()
    found = row.offers.select_related("member").filter(pk=offer_id, state=O.OFFERED).first()
    if found is None:
        raise ValidationError(_("这次交办已被签收、退回或改派；请刷新页面。"), code="stale")
    if not may_answer(found, acting):
        raise ValidationError(_("由“%(unit)s”的成员本人签收；没有账号的，由交办人员代为登记。") % {"unit": found.unit})
    return found


def may_answer(offer: RequestOffer, acting: scopes.Scope) -> bool:
    """Whether the acting officer may take or return what was offered. A member whom they do not see is of a group further up."""
    member = GroupMember.objects.filter(pk=offer.member_id).first()
    if member is None or not duties.may("requests.handle", scope=acting):
        return False
    if member.account_id is not None and member.account_id == acting.account_id:
        return True
    return duties.may("requests.assign", scope=acting) and acting.covers(member.area) and member.account_id is None


@transaction.atomic
def accept(*, request_id: int, offer_id: int, version: int, now: datetime) -> Request:
    """A department takes it (签收): it works on it from now on, the other offers lapse. Of two who take it at once the second is told."""
    acting = duties.require("requests.handle")
    row = locked(request_id, version, S.ASSIGNED)
    found = _offer(row, offer_id)
    row.offers.filter(state=O.OFFERED).exclude(pk=found.pk).update(state=O.LAPSED, answered_at=now)
    found.state, found.answered_by_id, found.answered_at = O.ACCEPTED, acting.account_id or None, now
    with refused({"request_one_department": ValidationError(_("另一单位刚已签收；请刷新页面。"), code="stale")}):
        found.save(update_fields=["state", "answered_by", "answered_at"])
    row.state, row.department, row.unit_name, row.accepted_by_id, row.accepted_at = S.WORKING, found.department, found.unit, acting.account_id or None, now
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    posting = posting_of(found.member.account_id, found.member.area, today_of(now))
    duty, place = (posting.duty, posting.area) if posting else (coordinator(row), row.held_by if acting.covers(row.held_by) else acting.area)
    todo(
        row, "request.finish", duty, f"办理协调事项 {row.number}：{row.institution.name}，{row.what}"[:200], now, area=place, due=row.due,
        posting_id=posting.pk if posting else None,
    )  # fmt: skip
    return moved(row, "accepted", found.unit, now, "state", "department", "unit_name", "accepted_by", "accepted_at")


@transaction.atomic
def return_offer(*, request_id: int, offer_id: int, version: int, reason: str, now: datetime) -> Request:
    """A department cannot (退回), with the reason. When nobody is left who was asked, the request waits for another assignment."""
    acting = duties.require("requests.handle")
    row = locked(request_id, version, S.ASSIGNED)
    found = _offer(row, offer_id)
    needed(reason=reason)
    found.state, found.answered_by_id, found.answered_at, found.reason = O.DECLINED, acting.account_id or None, now, reason.strip()[:200]
    found.save(update_fields=["state", "answered_by", "answered_at", "reason"])
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind=f"request.accept.{found.member_id}")
    if not row.offers.filter(state=O.OFFERED).exists():
        row.state = S.RAISED
        _ask_again(row, f"协调事项 {row.number} 被退回，待改派：{row.institution.name}，{row.what}", now)
    return moved(row, "returned", f"{found.unit}：{reason}", now, "state")


def _ask_again(row: Request, title: str, now: datetime) -> None:
    acting = scopes.current()
    todo(row, "request.assign", coordinator(row), title[:200], now, area=row.held_by if acting.covers(row.held_by) else acting.area, due=row.due)


@transaction.atomic
def give_back(*, request_id: int, version: int, reason: str, now: datetime) -> Request:
    """The department that works on it cannot go on, with the reason; what it delivered stays delivered."""
    duties.require("requests.handle")
    row = locked(request_id, version, S.WORKING)
    require_worker(row)
    needed(reason=reason)
    offer = row.offers.get(state=O.ACCEPTED)
    offer.state, offer.reason = O.DECLINED, reason.strip()[:200]
    offer.save(update_fields=["state", "reason"])
    unit, row.state, row.department, row.unit_name, row.accepted_by_id, row.accepted_at = row.unit_name, S.RAISED, "", "", None, None
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    _ask_again(row, f"协调事项 {row.number} 被退回，待改派：{row.institution.name}，{row.what}", now)
    return moved(row, "returned", f"{unit}：{reason}", now, "state", "department", "unit_name", "accepted_by", "accepted_at")


def is_worker(row: Request) -> bool:
    """Whether the acting officer works on it: the member's account, or who assigns within reach of its group."""
    acting = scopes.current()
    if not duties.may("requests.handle"):
        return False
    offer = row.offers.filter(state=O.ACCEPTED).first()
    if offer is None:
        return False
    if duties.may("requests.assign"):
        return True
    return GroupMember.objects.filter(pk=offer.member_id, account_id=acting.account_id, ended_at__isnull=True).exists()


def require_worker(row: Request) -> None:
    if not is_worker(row):
        raise ValidationError(_("这件协调事项由“%(unit)s”办理；请由该单位成员或交办人员登记。") % {"unit": row.unit_name})


def _close(row: Request, state: str, what: str, reason: str, now: datetime) -> Request:
    row.state, row.closed_by_id, row.closed_at, row.close_reason = state, scopes.current().account_id or None, now, reason.strip()[:200]
    row.offers.filter(state=O.OFFERED).update(state=O.LAPSED, answered_at=now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return moved(row, what, reason, now, "state", "closed_by", "closed_at", "close_reason")


def close_done(row: Request, reason: str, now: datetime) -> Request:
    """The request is fulfilled (办结); called with the row locked."""
    return _close(row, S.DONE, "done", reason, now)


@transaction.atomic
def decline(*, request_id: int, version: int, reason: str, now: datetime) -> Request:
    """Not to be fulfilled (不予办理), with the reason that the institution reads. What is on its way is waited for first."""
    duties.require("requests.assign")
    row = locked(request_id, version, *Request.OPEN)
    needed(reason=reason)
    _nothing_under_way(row)
    return _close(row, S.DECLINED, "declined", reason, now)


@transaction.atomic
def withdraw(*, request_id: int, version: int, reason: str, now: datetime) -> Request:
    """The institution needs it no longer (撤回), with the reason."""
    duties.require("requests.raise")
    row = locked(request_id, version, *Request.OPEN)
    needed(reason=reason)
    _nothing_under_way(row)
    return _close(row, S.WITHDRAWN, "withdrawn", reason, now)


def _nothing_under_way(row: Request) -> None:
    if row.deliveries.filter(state=RequestDelivery.State.SENT).exists():
        raise ValidationError(_("还有已发出、机构未确认的物资或人员；请先确认收到或登记未送达。"))
    if row.transfers.filter(state__in=["planned", "agreed", "moving"]).exists():
        raise ValidationError(_("还有没完成的转移安置；请先完成或取消。"))


@transaction.atomic
def pass_up(*, request_id: int, version: int, reason: str, now: datetime) -> Request:
    """Ask the level above to coordinate (上报), with the reason: county to city, city to province."""
    acting = duties.require("requests.escalate")
    row = locked(request_id, version, *Request.OPEN)
    needed(reason=reason)
    if len(row.held_by) == 2:
        raise ValidationError(_("已由省级协调，不能再上报。"))
    if not acting.covers(row.held_by):
        raise ValidationError(_("已由上级协调；请与上级专项工作组联系。"))
    up(row, now)
    return moved(row, "passed_up", reason, now, "held_by", "escalated_at")


def up(row: Request, now: datetime) -> None:
    """One level up, with a to-do there."""
    row.held_by, row.escalated_at = row.held_by[:-2], now
    todo(
        row, f"request.up{len(row.held_by)}", Duty.SUPERVISOR, f"协调事项 {row.number} 请上级协调：{row.institution.name}，{row.what}"[:200], now,
        area=row.area[: max(len(row.held_by), len(scopes.current().area))], due=row.due,
    )  # fmt: skip


def late(now: datetime) -> Q:
    """Condition of a request that is past its time: not taken by then, or not fulfilled by then."""
    return Q(state__in=Request.OPEN) & (Q(due__lt=now) | Q(state__in=[S.RAISED, S.ASSIGNED], accept_due__lt=now))

