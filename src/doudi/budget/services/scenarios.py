"""Scenarios of a county's budget (预算方案): made, copied, their assumptions and sources, calculated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.services import snapshot
from doudi.batch import law
from doudi.budget.models import COVERED, Assumption, Event, Figure, Level, Scenario, Source
from doudi.budget.procedures import FUNDS, share_of
from doudi.budget.services import needs
from doudi.budget.services.population import award_sums, law_sums, months_of
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.settings_overlay import overlay, settings_at
from doudi.payments.models import Fund

Kind, Way = Assumption.Kind, Assumption.Way
Progress = Callable[[int, int], None]
MOST_ASSUMPTIONS = 60
MOST_SCENARIOS = 30
# kind -> the ways in which it may be stated
WAYS: dict[str, tuple[str, ...]] = {
    Kind.STANDARD: (Way.VALUE, Way.PERCENT),
    Kind.RECIPIENTS: (Way.PERCENT,),
    Kind.PRICE_MONTHS: (Way.EACH,),
    Kind.PRICE_INDEX: (Way.VALUE,),
    Kind.ONE_OFF: (Way.EACH,),
    Kind.TEMPORARY: (Way.LAST_YEAR, Way.PER_CAPITA, Way.YEAR),
    Kind.INSTITUTION: (Way.EACH, Way.MONTH),
    Kind.FIXED: (Way.MONTH,),
}
INDICES = ("prices.cpi", "prices.food", "prices.scpi")
WITH_FUND = (Kind.ONE_OFF, Kind.INSTITUTION, Kind.FIXED)
WITH_MONTHS = (Kind.PRICE_MONTHS, Kind.INSTITUTION, Kind.FIXED)
WITH_PROGRAMMES = (Kind.RECIPIENTS, Kind.PRICE_MONTHS, Kind.ONE_OFF)


def record(scenario: Scenario, kind: str, *, now: datetime, note: str = "") -> Event:
    """Write down what happened to a scenario and who did it."""
    return Event.objects.create(
        area=scenario.area, scenario=scenario, kind=kind, note=note.strip()[:400], content_hash=scenario.content_hash, amount=scenario.amount,
        by_id=scopes.current().account_id, at=now,
    )  # fmt: skip


def own_county() -> str:
    """The acting officer's county. Raises ValidationError for an officer of another level."""
    area = scopes.current().area
    if len(area) != 6:
        raise ValidationError(_("预算由县（市、区）编制；您的岗位在另一级。"))
    return area


def locked(scenario_id: int, version: int | None = None) -> Scenario:
    """The scenario, locked. Raises ValidationError where it is not there, out of scope, or was changed since `version`."""
    row = Scenario.objects.select_for_update().filter(pk=scenario_id).first()
    if row is None:
        raise ValidationError(_("没有这个预算方案，或它不在您的管辖范围内。"))
    if version is not None and row.version != version:
        raise ValidationError(_("这个方案刚刚由他人办理过；请刷新页面，核对后再办理。"))
    return row


def _open(scenario_id: int, version: int | None = None) -> Scenario:
    row = locked(scenario_id, version)
    if row.area != scopes.current().area:
        raise ValidationError(_("只能编制本县的预算。"))
    if not row.open:
        raise ValidationError(
            _("方案“%(name)s”%(state)s，内容不能再改；需要修改的，请先退回，或复制为新方案。") % {"name": row.name, "state": row.get_state_display()}
        )
    return row


@transaction.atomic
def create_scenario(*, year: int, name: str, basis: str, base_month: date, now: datetime, note: str = "", temporary: bool = True) -> Scenario:
    """A new scenario of the own county, with temporary assistance as in the last twelve months (unless `temporary` is false).

    `base_month`: first day of the month whose people and awards count, not in the future. Twice with the same name is one scenario.
    """
    duties.require("budget.prepare")
    county, today = own_county(), timezone.localdate(now)
    name = name.strip()
    if not name or len(name) > 60:
        raise ValidationError({"name": _("请填写方案名称（不超过 60 字）。")})
    if not 2016 <= year <= today.year + 5:
        raise ValidationError({"year": _("预算年度应在 2016 至 %(most)s 之间。") % {"most": today.year + 5}})
    if basis not in Scenario.Basis.values:
        raise ValidationError({"basis": _("请选择测算对象。")})
    if base_month.day != 1 or base_month > today:
        raise ValidationError({"base_month": _("基准月份应为本月或以前的月份。")})
    if Scenario.objects.filter(area=county, year=year).count() >= MOST_SCENARIOS:
        raise ValidationError(_("一个年度最多 %(most)s 个方案。") % {"most": MOST_SCENARIOS})
    known = Scenario.objects.filter(area=county, year=year, name=name).first()
    if known is not None:
        if (known.made_by_id, known.basis, known.base_month) == (scopes.current().account_id, basis, base_month):
            return known
        raise ValidationError({"name": _("%(year)s年度已有同名方案；请换一个名称。") % {"year": year}})
    try:
        with transaction.atomic():
            row = Scenario.objects.create(
                area=county,
                year=year,
                name=name,
                basis=basis,
                base_month=base_month,
                note=note.strip()[:400],
                made_by_id=scopes.current().account_id,
                made_at=now,
            )
    except IntegrityError:  # the same name at the same moment
        raise ValidationError({"name": _("%(year)s年度已有同名方案；请换一个名称。") % {"year": year}}) from None
    if temporary:
        Assumption.objects.create(
            area=county, scenario=row, kind=Kind.TEMPORARY, way=Way.LAST_YEAR, value=Decimal(0), reason="按近十二个月实际支出安排（新建方案时默认，可删除后另行填写）",
            made_by_id=scopes.current().account_id, made_at=now,
        )  # fmt: skip
    record(row, Event.Kind.MADE, now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def copy_scenario(*, scenario_id: int, name: str, now: datetime) -> Scenario:
    """A draft with the same assumptions and the sources that an officer entered, under another name, to be calculated anew."""
    duties.require("budget.prepare")
    source = locked(scenario_id)
    if source.area != own_county():
        raise ValidationError(_("只能复制本县的方案。"))
    if Scenario.objects.filter(area=source.area, year=source.year, name=name.strip()).exists():
        raise ValidationError({"name": _("%(year)s年度已有同名方案；请换一个名称。") % {"year": source.year}})
    row = create_scenario(year=source.year, name=name, basis=source.basis, base_month=source.base_month, note=source.note, now=now, temporary=False)
    account = scopes.current().account_id
    Assumption.objects.bulk_create([
        Assumption(
            area=row.area, scenario=row, kind=a.kind, way=a.way, parameter=a.parameter, programmes=a.programmes, fund_id=a.fund_id, starts=a.starts, ends=a.ends,
            value=a.value, label=a.label, reason=a.reason, made_by_id=account, made_at=now,
        )
        for a in source.assumptions.order_by("id")
    ])  # fmt: skip
    Source.objects.bulk_create([
        Source(area=row.area, scenario=row, fund_id=s.fund_id, level=s.level, share=s.share, amount=s.amount, basis=s.basis, entered=True)
        for s in source.sources.filter(entered=True).order_by("id")
    ])  # fmt: skip
    scopes.check_constraints()
    return row


def _number(value: Decimal, least: str, most: str, said: str) -> None:
    try:
        good = value.is_finite() and Decimal(least) <= value <= Decimal(most)
    except InvalidOperation:
        good = False
    if not good:
        raise ValidationError({"value": said})


def _checked(a: Assumption, scenario: Scenario) -> None:
    """What an assumption must say, by kind. Raises ValidationError by field."""
    first, last = date(scenario.year, 1, 1), date(scenario.year, 12, 1)
    if a.kind not in Kind.values or a.way not in WAYS[a.kind]:
        raise ValidationError({"way": _("请选择计算方式。")})
    if not a.reason.strip():
        raise ValidationError({"reason": _("请写明来源或理由（文号、统计数据、会议纪要等）。")})
    if a.way == Way.PERCENT:
        _number(a.value, "-90", "300", _("增减应在 −90% 至 300% 之间。"))
    elif a.way == Way.LAST_YEAR:
        _number(a.value, "-100", "300", _("增减应在 −100% 至 300% 之间。"))
    elif a.kind == Kind.PRICE_INDEX:
        _number(a.value, "-50", "200", _("指数填同比涨幅（%），例如 3.2。"))
    else:
        _number(a.value, "0.0001" if a.kind == Kind.STANDARD else "0.01", "9999999999", _("“数值”应为正数。"))
        if a.kind != Kind.STANDARD and a.value != needs.fen(a.value):
            raise ValidationError({"value": _("“金额”应精确到分。")})
    if a.kind in WITH_PROGRAMMES:
        allowed = {str(programme) for programme in (needs.RECIPIENT_PROGRAMMES if a.kind == Kind.RECIPIENTS else COVERED)}
        if not a.programmes or not set(a.programmes) <= allowed or len(a.programmes) != len(set(a.programmes)):
            raise ValidationError({"programmes": _("请选择对象类别。")})
    if a.kind in WITH_FUND and a.fund_id is None:
        raise ValidationError({"fund": _("请选择资金。")})
    if a.kind == Kind.FIXED and not a.label.strip():
        raise ValidationError({"label": _("请写明支出名称。")})
    if a.kind in (Kind.STANDARD, Kind.PRICE_INDEX, Kind.ONE_OFF) and a.starts is None:
        raise ValidationError({"starts": _("请选择月份。")})
    if a.kind == Kind.PRICE_MONTHS and (a.starts is None or a.ends is None):
        raise ValidationError({"starts": _("请选择起止月份。")})
    if (a.starts and a.starts.day != 1) or (a.ends and a.ends.day != 1):
        raise ValidationError({"starts": _("按整月填写。")})
    if a.kind in (*WITH_MONTHS, Kind.ONE_OFF):
        if (a.starts and not first <= a.starts <= last) or (a.ends and not first <= a.ends <= last):
            raise ValidationError({"starts": _("月份应在 %(year)s 年内。") % {"year": scenario.year}})
        if a.starts and a.ends and a.ends < a.starts:
            raise ValidationError({"ends": _("结束月份早于开始月份。")})
    if a.kind in (Kind.STANDARD, Kind.PRICE_INDEX) and a.starts is not None and not date(scenario.year - 1, 1, 1) <= a.starts <= last:
        raise ValidationError({"starts": _("月份应在上年 1 月至 %(year)s 年 12 月之间。") % {"year": scenario.year}})


@transaction.atomic
def add_assumption(
    *,
    scenario_id: int,
    kind: str,
    way: str,
    value: Decimal,
    reason: str,
    now: datetime,
    parameter: str = "",
    programmes: Sequence[str] = (),
    fund_id: int | None = None,
    starts: date | None = None,
    ends: date | None = None,
    label: str = "",
) -> Assumption:
    """State an assumption of an open scenario; the figures must be calculated again. Twice the same is one.

    `value`: yuan, per cent or the parameter's own unit, as `way` says; `starts`, `ends`: first days of months. Raises ValidationError by field.
    """
    duties.require("budget.prepare")
    row = _open(scenario_id)
    made = Assumption(
        area=row.area, scenario=row, kind=kind, way=way, parameter=parameter if kind in (Kind.STANDARD, Kind.PRICE_INDEX) else "",
        programmes=list(programmes) if kind in WITH_PROGRAMMES else [], fund_id=fund_id if kind in WITH_FUND else None, starts=starts,
        ends=starts if kind == Kind.ONE_OFF else ends if kind in WITH_MONTHS else None, value=value, label=label.strip()[:60], reason=reason.strip()[:400],
        made_by_id=scopes.current().account_id, made_at=now,
    )  # fmt: skip
    _checked(made, row)
    others = list(row.assumptions.all())
    if len(others) >= MOST_ASSUMPTIONS:
        raise ValidationError(_("一个方案最多 %(most)s 条假设。") % {"most": MOST_ASSUMPTIONS})
    for other in others:
        if all(
            getattr(other, name) == getattr(made, name)
            for name in ("kind", "way", "parameter", "programmes", "fund_id", "starts", "ends", "value", "label")
        ):
            return other
    _together(made, others)
    if kind in (Kind.STANDARD, Kind.PRICE_INDEX):
        if kind == Kind.PRICE_INDEX and parameter not in INDICES:
            raise ValidationError({"parameter": _("请选择指数。")})
        needs.settings_with(county=row.area, over=overlay(date(row.year, 12, 31)), assumptions=[*others, made])
    made.save()
    _changed(row)
    scopes.check_constraints()
    return made


def _together(made: Assumption, others: Sequence[Assumption]) -> None:
    """Assumptions that contradict each other are refused."""
    same = [other for other in others if other.kind == made.kind]
    if made.kind == Kind.TEMPORARY and same:
        raise ValidationError(_("已有一条临时救助假设；请先删除它。"))
    if made.kind == Kind.RECIPIENTS and any(set(other.programmes) & set(made.programmes) for other in same):
        raise ValidationError({"programmes": _("同一类对象已有增减假设；请先删除它。")})
    if made.kind in (Kind.STANDARD, Kind.PRICE_INDEX) and any((o.parameter, o.starts) == (made.parameter, made.starts) for o in same):
        raise ValidationError({"starts": _("这一项在同一月份已有假设；请先删除它。")})
    if made.kind == Kind.PRICE_MONTHS:
        assert made.starts and made.ends
        if any(o.starts and o.ends and o.starts <= made.ends and made.starts <= o.ends and set(o.programmes) & set(made.programmes) for o in same):
            raise ValidationError({"starts": _("这些月份已有价格临时补贴假设；请先删除它。")})


@transaction.atomic
def drop_assumption(*, assumption_id: int, now: datetime) -> None:
    """Take an assumption out of an open scenario; the figures must be calculated again. Twice is once."""
    duties.require("budget.prepare")
    found = Assumption.objects.filter(pk=assumption_id).first()
    if found is None:
        return
    row = _open(found.scenario_id)
    _changed(row)
    Assumption.objects.filter(pk=assumption_id).delete()
    scopes.check_constraints()


def _changed(row: Scenario) -> None:
    """What was calculated no longer holds."""
    Figure.objects.filter(scenario=row).delete()
    row.calculated_at, row.amount, row.covered, row.content_hash = None, Decimal(0), {}, ""
    row.version += 1
    row.save(update_fields=["calculated_at", "amount", "covered", "content_hash", "version"])


@transaction.atomic
def set_source(
    *, scenario_id: int, fund_id: int, level: str, now: datetime, share: Decimal | None = None, amount: Decimal | None = None, basis: str = ""
) -> Source | None:
    """What a level pays of a fund: a share in per cent or an amount in yuan; neither takes it out. Raises ValidationError by field."""
    duties.require("budget.prepare")
    row = _open(scenario_id)
    if level not in Level.values or not Fund.objects.filter(pk=fund_id).exists():
        raise ValidationError(_("请选择资金和级次。"))
    if share is not None and amount is not None:
        raise ValidationError({"share": _("比例和金额只填一项。")})
    if share is not None and not (share.is_finite() and 0 <= share <= 100):
        raise ValidationError({"share": _("比例应在 0 至 100 之间。")})
    if amount is not None and not (amount.is_finite() and 0 <= amount < Decimal("1e12") and amount == needs.fen(amount)):
        raise ValidationError({"amount": _("“金额”应为不小于 0 的数，精确到分。")})
    row.version += 1
    row.save(update_fields=["version"])
    if share is None and amount is None:
        Source.objects.filter(scenario=row, fund_id=fund_id, level=level).delete()
        return None
    if not basis.strip():
        raise ValidationError({"basis": _("请写明依据（分担办法、提前下达文件等）。")})
    made, _new = Source.objects.update_or_create(
        scenario=row, fund_id=fund_id, level=level,
        defaults={"area": row.area, "share": share, "amount": amount, "basis": basis.strip()[:200], "entered": True},
    )  # fmt: skip
    total = sum((s.share for s in Source.objects.filter(scenario=row, fund_id=fund_id) if s.share is not None), Decimal(0))
    if total > 100:
        raise ValidationError({"share": _("各级比例合计 %(total)s%%，超过 100%%。") % {"total": f"{total.normalize():f}"}})
    scopes.check_constraints()
    return made


@transaction.atomic
def calculate(*, scenario_id: int, now: datetime, progress: Progress | None = None) -> Scenario:
    """Make the figures of an open scenario anew: the law over the registered people, then the assumptions. Again with nothing changed: the same.

    Sources that nobody entered come from the settings (标准与参数) of the first day of the year.
    """
    scope = duties.require("budget.prepare")
    row = _open(scenario_id)
    assumptions = list(row.assumptions.order_by("id"))
    base = overlay(date(row.year, 12, 31))
    settings = needs.settings_with(county=row.area, over=base, assumptions=assumptions)
    sums = law_sums(
        area=row.area, basis=row.basis, base_month=row.base_month, months=months_of(row.year), settings=settings, now=now, progress=progress
    )
    drawn = needs.draw(scenario=row, sums=sums, assumptions=assumptions, today=timezone.localdate(now))
    Figure.objects.filter(scenario=row).delete()
    Figure.objects.bulk_create(drawn.figures, batch_size=1000)
    _sources_from_settings(row, {figure.fund_id for figure in drawn.figures})
    drawn_covered = drawn.covered | {"awards": award_sums(area=row.area, month=row.base_month)}
    row.households, row.left_out, row.covered, row.amount = sums.households, sums.left_out, drawn_covered, drawn.amount
    row.law_version, row.settings, row.calculated_at, row.content_hash = law.law_version(), snapshot(settings, now=now), now, ""
    row.version += 1
    row.save(update_fields=["households", "left_out", "covered", "amount", "law_version", "settings", "calculated_at", "content_hash", "version"])
    record(row, Event.Kind.CALCULATED, now=now)
    scopes.check_constraints()
    assert scope.account_id
    return row


def _sources_from_settings(row: Scenario, fund_ids: set[int]) -> None:
    Source.objects.filter(scenario=row, entered=False).delete()
    entered = set(Source.objects.filter(scenario=row).values_list("fund_id", flat=True))
    get = settings_at("procedure.budget.share", row.area, date(row.year, 1, 1))
    made = []
    for fund in Fund.objects.filter(pk__in=fund_ids - entered, code__in=FUNDS).order_by("pk"):
        shares = {level: get(share_of(fund.code, level)) for level in Level.values}
        if sum(shares.values()) > 100:
            raise ValidationError(_("“标准与参数”中%(fund)s各级负担比例合计超过 100%%；请先更正，或在本方案中逐级填写。") % {"fund": fund.name})
        made += [
            Source(area=row.area, scenario=row, fund=fund, level=level, share=share, basis="标准与参数") for level, share in shares.items() if share
        ]
    Source.objects.bulk_create(made)
