"""Price indices (clause 3.3): entered monthly by one officer of the city or the province, confirmed by another; then the law counts with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.messages import send_to_staff
from doudi.core.services.settings import put_confirmed
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.core.settings_overlay import get_setting, overlay
from doudi.core.workdays import add_working_days
from doudi.relief.linkage import INDICES, county_areas, deadline_of, is_index_area, linkage_of, month_after, month_before, prefecture_of
from doudi.relief.models import PriceEntry, PriceNotice
from doudi.relief.services.price_raises import ask_after_raise

SUBJECT = "price_entry"
State = PriceEntry.State
OLDEST_MONTHS = 36
LIMIT = Decimal(60)


@dataclass(frozen=True)
class Indices:
    """Per cent year on year; None: not published for this place."""

    cpi: Decimal | None
    food: Decimal | None
    scpi: Decimal | None


def month_number(month: date) -> int:
    return month.year * 12 + month.month


def matter(area: str, month: date) -> int:
    """The id of "this place's month" as a to-do's subject."""
    return int(area) * 1_000_000 + month.year * 100 + month.month


def check_month(month: date, on: date) -> None:
    """Refuse what cannot be an index month: not the first of a month, not over yet, or long past."""
    if month.day != 1:
        raise ValidationError({"month": _("请按月填写指数所属月份。")})
    if month_number(month) >= month_number(on):
        raise ValidationError({
            "month": _("%(month)s的指数要到 %(next)s才公布，现在不能录入；请核对所属月份（不是发放月份）。")
            % {"month": f"{month:%Y-%m}", "next": f"{month_after(month):%Y-%m}"}
        })  # fmt: skip
    if month_number(on) - month_number(month) > OLDEST_MONTHS:
        raise ValidationError({"month": _("%(month)s已超过 %(most)s 个月；请核对所属月份。") % {"month": f"{month:%Y-%m}", "most": OLDEST_MONTHS}})


def _check(indices: Indices) -> None:
    if all(getattr(indices, name) is None for name in INDICES):
        raise ValidationError(_("请至少填写一项指数；没有公布的留空，不要填 0。"))
    for name in INDICES:
        value = getattr(indices, name)
        if value is None:
            continue
        if not value.is_finite() or value.copy_abs() > LIMIT:
            raise ValidationError({name: _("同比涨幅应在 -%(limit)s 至 %(limit)s 之间；填涨幅（如 2.1），不填指数（102.1）。") % {"limit": LIMIT}})
        if value != value.quantize(Decimal("0.01")):
            raise ValidationError({name: _("最多两位小数。")})


@transaction.atomic
def enter_indices(
    *, area: str, month: date, indices: Indices, source: str, document: str, reason: str = "", on: date, now: datetime
) -> PriceEntry:
    """Enter the indices of an index month for one's own city or the province; the province may enter for a city.

    Where the month has confirmed ones it is a correction and needs a reason, as does an entry after the month of payment.
    The same entry twice is one. Raises ValidationError by field.
    """
    acting = duties.require("prices.enter")
    if not is_index_area(area) or not acting.covers(area):
        raise ValidationError({"area": _("价格指数以省、市为单位，由本级录入；所选地区不在您的管辖范围内。")})
    check_month(month, on)
    _check(indices)
    if not source.strip() or not document.strip():
        raise ValidationError({"document" if source.strip() else "source": _("请填写发布单位和文件（公报）名称或文号。")})
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('price entry ' || %s, 0))", [f"{area} {month}"])
    holds = PriceEntry.objects.filter(area=area, month=month, state=State.CONFIRMED).first()
    given = {"cpi": indices.cpi, "food": indices.food, "scpi": indices.scpi, "source": source.strip()[:120], "document": document.strip()[:120]}
    waiting = PriceEntry.objects.filter(area=area, month=month, state=State.PROPOSED).first()
    if waiting is not None:
        if waiting.entered_by_id == acting.account_id and all(getattr(waiting, name) == value for name, value in given.items()):
            return waiting
        raise ValidationError(_("%(month)s的指数已有一份待确认；请先确认、退回或撤回它。") % {"month": f"{month:%Y-%m}"})
    if holds is not None and all(getattr(holds, name) == value for name, value in given.items()):
        raise ValidationError(_("与已确认的 %(month)s指数相同，不必再录。") % {"month": f"{month:%Y-%m}"})
    late = month_number(month) < month_number(on) - 1
    if (holds is not None or late) and not reason.strip():
        why = _("%(month)s的指数已确认；更正请写明原因。") if holds is not None else _("%(month)s的补贴应在 %(next)s发放完毕，现已逾期；请写明补录的原因。")
        raise ValidationError({"reason": why % {"month": f"{month:%Y-%m}", "next": f"{month_after(month):%Y-%m}"}})
    row = PriceEntry.objects.create(
        area=area, month=month, **given, corrects=holds, reason=reason.strip()[:200], entered_by_id=acting.account_id, entered_at=now
    )
    finish_todos(subject="price_month", subject_id=matter(area, month), kind="prices.enter", now=now)
    raise_todo(
        kind="prices.confirm", area=area, duty=Duty.SUPERVISOR, title=f"确认 {month:%Y-%m} 价格指数（{places.name(area)}）", url=f"/prices/entries/{row.pk}/",
        subject=SUBJECT, subject_id=row.pk, due=add_working_days(on, 1), now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return row


def _locked(entry_id: int) -> PriceEntry:
    row = PriceEntry.objects.select_for_update(of=("self",)).filter(pk=entry_id).first()
    if row is None or not scopes.current().covers(row.area):
        raise ValidationError(_("没有这一份指数，或它不在您的管辖范围内。"))
    if row.state != State.PROPOSED:
        raise ValidationError(_("这份指数已经是“%(state)s”：可能已由他人办理，请刷新页面。") % {"state": row.get_state_display()})
    return row


def _decide(row: PriceEntry, state: str, note: str, now: datetime) -> None:
    row.state, row.decided_by_id, row.decided_at, row.decision_note = state, scopes.current().account_id, now, note.strip()[:200]
    row.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    scopes.check_constraints()


@transaction.atomic
def confirm_indices(*, entry_id: int, now: datetime) -> PriceEntry:
    """Confirm another officer's entry: from now on the law counts with it; start, stop and the counties' to-dos follow."""
    duties.require("prices.confirm")
    row = _locked(entry_id)
    duties.require_apart("prices.confirm", done={"prices.enter": row.entered_by_id})
    before = PriceEntry.objects.select_for_update(of=("self",)).filter(area=row.area, month=row.month, state=State.CONFIRMED).first()
    if before is not None:
        before.state = State.SUPERSEDED
        before.save(update_fields=["state"])
    for name in INDICES:
        value = getattr(row, name)
        put_confirmed(
            parameter=f"prices.{name}", area=row.area, starts=row.month, value=None if value is None else f"{value.normalize():f}",
            document=f"{row.source}，{row.document}"[:200], note=row.reason, proposed_by=row.entered_by_id, proposed_at=row.entered_at, now=now,
        )  # fmt: skip
    _decide(row, State.CONFIRMED, "", now)
    finish_todos(subject="price_month", subject_id=matter(row.area, row.month), now=now)
    units = {prefecture_of(county) for county in county_areas(row.area)}
    month = month_after(row.month)
    publish(units=units, month=month, now=now)
    ask_counties(area=row.area, month=month, now=now)
    if before is not None:
        ask_counties(area=row.area, month=month, corrected=True, now=now)
    return row


@transaction.atomic
def refuse_indices(*, entry_id: int, note: str, now: datetime) -> None:
    """Send an entry back with the reason."""
    duties.require("prices.confirm")
    row = _locked(entry_id)
    duties.require_apart("prices.confirm", done={"prices.enter": row.entered_by_id})
    if not note.strip():
        raise ValidationError({"note": _("请写明退回的原因。")})
    _decide(row, State.REFUSED, note, now)
    _ask_again(row, now)


@transaction.atomic
def withdraw_indices(*, entry_id: int, note: str, now: datetime) -> None:
    """Take one's own entry back while nobody has decided."""
    acting = duties.require("prices.enter")
    row = _locked(entry_id)
    if row.entered_by_id != acting.account_id:
        raise ValidationError(_("只有录入人可以撤回；其他人请退回。"))
    _decide(row, State.WITHDRAWN, note or "撤回", now)
    _ask_again(row, now)


def _ask_again(row: PriceEntry, now: datetime) -> None:
    if row.corrects_id is None:
        _raise_entry_todos([row.area], row.month, now)


def _raise_entry_todos(areas: Collection[str], month: date, now: datetime) -> int:
    day = int(get_setting("procedure.prices.enter_day", places.PROVINCE, month))
    due = month_after(month).replace(day=day)
    return raise_todos(
        "select a.area, %s, 'prices.enter', %s, '/prices/enter/?month=' || %s || '&area=' || a.area, 'price_month', a.area::bigint * 1000000 + %s, %s::date"
        " from unnest(%s::text[]) a (area)",
        [Duty.SUPERVISOR, f"录入 {month:%Y-%m} 价格指数", f"{month:%Y-%m}", month.year * 100 + month.month, due, sorted(areas)],
        now=now,
    )


# --- start and stop, and who has to act -----------------------------------------------------------------------------


@transaction.atomic
def publish(*, units: Collection[str], month: date, now: datetime) -> int:
    """Publish starts and stops (启动、终止) for these cities as the law answers for a month of payment now; how many changed.

    Nothing is published while an index is not known, nor twice. Staff of the place get a message; the notice stands on the page.
    """
    settings, changed = overlay(month), 0
    for unit in sorted(units):
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('price notice ' || %s, 0))", [unit])
        found = linkage_of(area=unit, month=month, settings=settings)
        last = PriceNotice.objects.filter(area=unit, month__lte=month).order_by("-month", "-id").first()
        if not found.known or found.started == (last.started if last else False):
            continue
        with translation.override("zh-hans"):  # a record does not change with who reads it
            why = "；".join(found.reasons)[:400]
        notice = PriceNotice.objects.create(area=unit, month=month, started=found.started, why=why, published_at=now)
        values = {"place": places.name(unit), "month": f"{month:%Y-%m}", "why": why, "deadline": f"{found.deadline:%Y-%m-%d}"}
        if not found.started:
            del values["deadline"]
        send_to_staff(
            template="prices.started" if found.started else "prices.stopped", areas=[unit], key=f"{unit}:{month:%Y%m}:{notice.pk}", values=values,
            url=f"/prices/{month:%Y-%m}/", duties_wanted=sorted(duties.MAY["prices.view"]), now=now,
        )  # fmt: skip
        changed += 1
    return changed


def ask_counties(*, area: str, month: date, corrected: bool = False, now: datetime) -> int:
    """To-dos of counties where linkage has started: propose the month's subsidies, or look at the difference that a correction makes."""
    settings = overlay(month)
    started = [county for county in county_areas(area) if (found := linkage_of(area=county, month=month, settings=settings)).started and not found.waits]
    due = add_working_days(deadline_of(month), -int(get_setting("procedure.prices.propose_days", places.PROVINCE, month)))
    kind = "prices.corrected" if corrected else "prices.propose"
    words = f"{month:%Y-%m} 价格指数已更正：核对并补发价格临时补贴差额" if corrected else f"物价联动已启动：提出 {month:%Y-%m} 价格临时补贴发放"
    wanted = "exists" if corrected else "not exists"
    sql = (
        f"select c.area, %s, %s, %s, '/prices/' || %s || '/', 'price_month', c.area::bigint * 1000000 + %s, %s::date from unnest(%s::text[]) c (area)"
        f" where {wanted} (select from relief_priceproposal p where p.area = c.area and p.month = %s and p.state in ('proposed', 'approved'))"
    )
    counties = county_areas(area) if corrected else started  # a correction also concerns counties where linkage has not started any more
    params = [Duty.COUNTY_REVIEWER, kind, words, f"{month:%Y-%m}", month.year * 100 + month.month, due, counties, month]
    return raise_todos(sql, params, now=now)


@transaction.atomic
def daily(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Each day: indices of the last month that are missing, starts and stops (a decision of the province begins by its date), proposals owed,
    differences owed since a standard was raised."""
    month = on.replace(day=1)
    index_month = month_before(month)
    units = sorted({prefecture_of(county) for county in county_areas(area)})
    staffed = _staffed(units)
    settings = overlay(month)
    missing = [unit for unit in staffed if linkage_of(area=unit, month=month, settings=settings).cpi.value is None]
    there = set(PriceEntry.objects.filter(month=index_month, state__in=[State.PROPOSED, State.CONFIRMED]).values_list("area", flat=True))
    return {
        "asked": _raise_entry_todos([unit for unit in missing if unit not in there], index_month, now),
        "published": publish(units=units, month=month, now=now),
        "owed": ask_counties(area=area, month=month, now=now),
        "raised": ask_after_raise(on=on, now=now),
    }


def _staffed(units: list[str]) -> list[str]:
    """Places that have officers of their own who enter indices."""
    with connection.cursor() as cursor:
        cursor.execute("select distinct area from core_posting where duty = %s and area = any(%s)", [Duty.SUPERVISOR, units])
        return [row[0] for row in cursor.fetchall()]
