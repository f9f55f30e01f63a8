"""Daily reports (每日报告): figures and supplies of one day, by page, sheet or interface. Twice the same is one; a correction keeps what was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.institutions.figures import BY_NAME, FIGURES, complete
from doudi.institutions.models import (
    DailyReport,
    Institution,
    IsolationRoom,
    ReportDue,
    ReportSupply,
    Resident,
    StaffMember,
    StockMovement,
    SupplyItem,
    SupplyStock,
)  # fmt: skip
from doudi.institutions.services.base import SUBJECT, locked, note_event, today_of
from doudi.institutions.services.risk import refresh_risk
from doudi.institutions.services.stock import amount
from doudi.relief.models import VagrantCase

BACK_DAYS = 7
Channel = DailyReport.Channel


@dataclass(frozen=True)
class Left:
    """What is left of a supply, and what a day uses."""

    quantity: Decimal
    daily_use: Decimal


class Doubtful(ValidationError):
    """Figures that can be but seldom are: the reporter confirms them."""


def registered_residents(house: Institution) -> int:
    """How many people the house has on its own list; of an aid station those who stay there (流浪乞讨人员在站)."""
    if house.kind == Institution.Kind.AID_STATION:
        return VagrantCase.objects.filter(area=house.area[:6], state=VagrantCase.State.STAYING, station=house.name).count()
    return Resident.objects.filter(institution=house, ends__isnull=True).count()


def latest_report(house: Institution, before: date) -> DailyReport | None:
    return DailyReport.objects.filter(institution=house, superseded_at__isnull=True, on__lt=before).order_by("-on").first()


def prefilled(house: Institution, on: date) -> dict[str, int]:
    """What the form of a day starts with: that day's report, else the one before (without what happened on its day), else the house's own lists."""
    row = DailyReport.objects.filter(institution=house, on=on, superseded_at__isnull=True).first()
    if row is not None:
        return {figure.name: getattr(row, figure.name) for figure in FIGURES}
    row = latest_report(house, on)
    if row is not None:
        return {figure.name: 0 if figure.of_day else getattr(row, figure.name) for figure in FIGURES}
    staff = StaffMember.objects.filter(institution=house, ends__isnull=True).count()
    return {figure.name: 0 for figure in FIGURES} | {"residents": registered_residents(house), "staff": staff, "staff_on_site": staff}


def doubts(house: Institution, on: date, figures: Mapping[str, int], incidents: str) -> list[str]:
    """What is possible but seldom, in words."""
    said = []
    listed, here = registered_residents(house), figures["residents"] + figures["away"]
    if listed and abs(listed - here) > max(3, listed // 20):
        said.append(_("在院和请假共 %(here)s 人，入住名册上有 %(listed)s 人") % {"here": here, "listed": listed})
    before = latest_report(house, on)
    if before is not None and abs(before.residents - figures["residents"]) > max(5, before.residents // 5):
        said.append(_("在院人数比上次（%(day)s，%(before)s 人）变化较大") % {"day": before.on, "before": before.residents})
    if figures["residents"] and not figures["staff_on_site"]:
        said.append(_("有人在院，在岗工作人员为 0"))
    if not incidents and figures["deaths"] + figures["positive_residents"] + figures["positive_staff"]:
        said.append(_("有新增阳性或去世，“突发情况”没有填写"))
    rooms = IsolationRoom.objects.filter(institution=house, closed_at__isnull=True).aggregate(beds=Sum("beds"))["beds"]
    apart = figures["isolated_residents"] + figures["isolated_staff"]
    if rooms is not None and apart > rooms:
        said.append(_("隔离观察 %(apart)s 人，隔离观察室只有 %(rooms)s 个床位") % {"apart": apart, "rooms": rooms})
    return said


def _supplies(given: Mapping[str, Left]) -> dict[str, tuple[SupplyItem, Left]]:
    items = {item.code: item for item in SupplyItem.objects.filter(code__in=list(given), ended_on__isnull=True)}
    found = {}
    for code, left in given.items():
        if code not in items:
            raise ValidationError({"supplies": _("物资目录中没有“%(code)s”。") % {"code": code}})
        try:
            found[code] = items[code], Left(amount(left.quantity), amount(left.daily_use, "daily_use"))
        except ValidationError as error:
            raise ValidationError({"supplies": f"“{items[code].name}”：{error.messages[0]}"}) from None
    return found


def _same(row: DailyReport, figures: Mapping[str, int], incidents: str, supplies: Mapping[str, tuple[SupplyItem, Left]], was: Mapping[int, Left]) -> bool:
    return (
        all(getattr(row, name) == value for name, value in figures.items())
        and (row.incidents or "") == incidents
        and {item.pk: left for item, left in supplies.values()} == was
    )


@transaction.atomic
def report_day(
    *, institution_id: int, on: date, figures: Mapping[str, int], supplies: Mapping[str, Left] | None = None, incidents: str = "", reason: str = "",
    channel: str = Channel.PAGE, seen: int | None = None, confirmed: bool = True, now: datetime,
) -> tuple[DailyReport, bool]:
    """Report a day of a house; (report, whether it is new). The same figures again are the same report; others are a correction, with `reason`.

    `figures`: name (`figures.FIGURES`) -> number; `supplies`: code of the item -> what is left. `seen`: revision that the reporter's page
    showed, 0 for none: where another came in between, the reporter is told. Raises ValidationError by figure, `Doubtful` where figures want
    confirming and `confirmed` is not given.
    """  # fmt: skip
    house = locked(institution_id, "institutions.report")
    today = today_of(now)
    if not today - timedelta(days=BACK_DAYS) <= on <= today:
        raise ValidationError({"on": _("只能上报今天和此前 %(days)s 天的日报。") % {"days": BACK_DAYS}})
    known, listed, incidents = complete(figures), _supplies(supplies or {}), incidents.strip()[:2000]
    current = DailyReport.objects.filter(institution=house, on=on, superseded_at__isnull=True).first()
    was = {each.item_id: Left(each.quantity, each.daily_use) for each in current.supplies.all()} if current else {}
    if current is not None and _same(current, known, incidents, listed, was):
        return current, False
    if current is not None and seen is not None and seen != current.revision:
        raise ValidationError(_("%(day)s 的日报刚由他人上报；您的没有保存，请刷新页面核对后再更正。") % {"day": on}, code="stale")
    if current is not None and len(reason.strip()) < 2:
        raise ValidationError({"reason": _("这一天已经上报过；请写明更正原因。")})
    if not confirmed and (said := doubts(house, on, known, incidents)):
        raise Doubtful(said)
    if current is not None:
        DailyReport.objects.filter(pk=current.pk).update(superseded_at=now)
    row = DailyReport.objects.create(
        institution=house, area=house.area, on=on, revision=current.revision + 1 if current else 1, channel=channel, incident=bool(incidents),
        incidents=incidents or None, reason=reason.strip()[:200] if current else "", made_by_id=scopes.current().account_id or None, made_at=now, **known,
    )  # fmt: skip
    ReportSupply.objects.bulk_create(
        ReportSupply(
            report=row, area=house.area, item=item, quantity=left.quantity, daily_use=left.daily_use,
            days=int(left.quantity // left.daily_use) if left.daily_use else None,
        )
        for item, left in listed.values()
    )  # fmt: skip
    if house.last_report_on is None or on >= house.last_report_on:
        _count_stock(house, on, listed, was, now)
        if house.last_report_on != on:
            house.last_report_on = on
            house.save(update_fields=["last_report_on"])
    ReportDue.objects.filter(institution=house, on=on, reported_at__isnull=True).update(reported_at=now)
    _todos(house, row, today, now)
    if current is not None:
        note_event(house, "corrected", f"{on}：{reason.strip()}", now)
    refresh_risk(on=today, ids=[house.pk])
    scopes.check_constraints()
    return row, True


def _count_stock(house: Institution, on: date, listed: Mapping[str, tuple[SupplyItem, Left]], was: Mapping[int, Left], now: datetime) -> None:
    """The stock follows what was found left (盘点); of a correction only what it corrects, as goods may have come in since."""
    stocks = {stock.item_id: stock for stock in SupplyStock.objects.filter(institution=house, item__in=[item for item, _left in listed.values()])}
    by, moves, uses, fresh = scopes.current().account_id or None, [], [], []
    for item, left in listed.values():
        stock = stocks.get(item.pk)
        before = was.get(item.pk)
        if before is None or before.quantity != left.quantity:
            moved = left.quantity - (stock.balance if stock else Decimal(0))
            if moved:
                moves.append(
                    StockMovement(
                        institution=house, area=house.area, item=item, key=uuid4(), kind=StockMovement.Kind.COUNT, quantity=moved, on=on, note="日报盘点",
                        source="report", made_by_id=by, made_at=now,
                    )
                )  # fmt: skip
        if stock is None:
            fresh.append(SupplyStock(institution=house, area=house.area, item=item, daily_use=left.daily_use))
        elif stock.daily_use != left.daily_use:
            stock.daily_use = left.daily_use
            uses.append(stock)
    SupplyStock.objects.bulk_create(fresh)
    SupplyStock.objects.bulk_update(uses, ["daily_use"])
    StockMovement.objects.bulk_create(moves)


def _todos(house: Institution, row: DailyReport, today: date, now: datetime) -> None:
    """Nobody is reminded of what has come; what is grave goes to the county at once."""
    if row.on == today:
        Todo.objects.filter(
            kind="institutions.report", subject="institution_clerk", subject_id__in=house.clerks.values("pk"), done_at__isnull=True
        ).update(done_at=now, done_by=scopes.current().account_id or None)
        finish_todos(subject=SUBJECT, subject_id=house.pk, now=now, kind="institutions.unreported")
    grave = [str(BY_NAME[name].label) + f" {getattr(row, name)}" for name in ("positive_residents", "positive_staff", "deaths") if getattr(row, name)]
    if grave or row.incident:
        raise_todo(
            kind="institutions.incident", area=house.area, duty=Duty.COUNTY_REVIEWER, title=f"{house.name} {row.on:%m-%d}：" + "，".join(grave or ["报告突发情况"]),
            url=f"/institutions/{house.pk}/", subject=SUBJECT, subject_id=house.pk, due=today, now=now,
        )  # fmt: skip


@transaction.atomic
def deal_with_incident(*, institution_id: int, note: str, now: datetime) -> None:
    """The county says what it did about what a house reported (处置情况); its to-do is done."""
    house = locked(institution_id, "institutions.manage", closed=True)
    if len(note.strip()) < 4:
        raise ValidationError({"note": _("请写明处置情况，至少 4 个字。")})
    if not finish_todos(subject=SUBJECT, subject_id=house.pk, now=now, kind="institutions.incident"):
        raise ValidationError(_("这家机构没有待处置的突发情况；可能已由他人办理。"), code="stale")
    note_event(house, "dealt", note, now)
