"""The board (数据看板): for each duty and level the figures that it acts on; sums that were counted, and what waits.

    level            what waits                     by place            trends
    village          its own lists, live            -                   -
    township         live                           -                   its own figures
    county           live                           townships           the county's sums
    city, province   as counted last night          counties, cities    sums of counties
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import charts, duties, places
from doudi.core import scope as scopes
from doudi.core.lists import COUNT_CEILING
from doudi.core.models import Duty, Setting
from doudi.core.parameters import Procedure, declare
from doudi.reports import queries, standing
from doudi.reports.queries import Sums
from doudi.reports.statistics import IN_TIME, LINES, SLOWEST, WAYS, YUAN

POPULATION = "procedure.statistics.population"
declare(Procedure(POPULATION, gettext_lazy("常住人口（统计用，各地分别填写）"), "people", Decimal(0), "系统默认", False, 0, 200_000_000))

# What a duty looks at first; the other groups it may open follow.
FIRST: dict[str, tuple[str, ...]] = {
    Duty.HOTLINE_OPERATOR: ("hotline",), Duty.FINANCE_OFFICER: ("money",), Duty.FUND_SUPERVISOR: ("money",), Duty.COUNTY_DIRECTOR: ("money",),
    Duty.COUNTY_APPROVER: ("deciding", "money"), Duty.COUNTY_REVIEWER: ("deciding", "finding"), Duty.DATA_CHECKER: ("deciding",),
    Duty.CHILD_SUPERVISOR: ("minors",), Duty.CHILD_DIRECTOR: ("minors",), Duty.PROTECTION_WORKER: ("minors",), Duty.INSTITUTION_CLERK: ("institutions",),
    Duty.GROUP_MEMBER: ("institutions",), Duty.VOLUNTEER_COORDINATOR: ("social",), Duty.STATION_WORKER: ("community", "social"),
}  # fmt: skip

# (what is measured by its limit, its words, the act that shows it)
SHARES: tuple[tuple[str, str | Promise, str], ...] = (
    ("leads", gettext_lazy("首次联系"), "discovery.view"), ("cases", gettext_lazy("申请办结"), "enrolment.view"),
    ("payments", gettext_lazy("10日前到账"), "reports.view"), ("relief", gettext_lazy("急难救助"), "relief.view"),
    ("needs", gettext_lazy("需求满足"), "needs.view"), ("daily", gettext_lazy("机构每日报告"), "institutions.oversee"),
)  # fmt: skip

# How each of them is counted: the clause, and what of what.
EXPLAINED: dict[str, tuple[str, str | Promise]] = {
    "leads": ("1.5", gettext_lazy("当月作了首次联系的线索中，在联系期限当天或以前联系的占比；期限按预警级别从发现之日起算。")),
    "cases": ("2.2", gettext_lazy("当月办结（批准或不予批准）的申请中，决定在办结期限当天或以前作出的占比；送达另计。")),
    "payments": ("4.3", gettext_lazy(
        "当月常规发放批次的应发放金额中，银行在本县到账期限当天或以前确认到账的金额占比；到账期限为每月10日，遇休息日提前，以各县发放日历为准。"
        "退回的不算到账，补发批次不计；当月10日以前不计算。")),
    "relief": ("3.1", gettext_lazy("当月批准的急难型临时救助中，在申请当天或次日决定的占比。")),
    "needs": ("7.5", gettext_lazy("当月满足的需求中，在办理期限以前满足的占比。")),
    "daily": ("6.1", gettext_lazy("当月应报的机构每日报告中，已报的占比；还没到时限的不算应报。")),
}  # fmt: skip

SHORT: dict[str, str | Promise] = {"payments": gettext_lazy("10日前到账"), "daily": gettext_lazy("机构日报")}  # as heads of the table of places

LABELS: dict[str, tuple[str | Promise, str | Promise]] = {
    **{line.key: (line.label, line.unit) for line in LINES if line.key},
    **{f"now.{figure.key}": (figure.label, figure.unit) for figure in standing.FIGURES.values()},
    "in_time.yuan": (gettext_lazy("10日前到账"), YUAN),
    "leads.contacted": (gettext_lazy("首次联系的线索"), gettext_lazy("条")), "leads.contacted_in_time": (gettext_lazy("按期首次联系"), gettext_lazy("条")),
    "cases.decided": (gettext_lazy("办结的申请"), gettext_lazy("件")), "cases.in_time": (gettext_lazy("按期办结的申请"), gettext_lazy("件")),
    "relief.decided": (gettext_lazy("急难型临时救助"), gettext_lazy("件")), "relief.in_time": (gettext_lazy("次日前决定的急难救助"), gettext_lazy("件")),
    "needs.met": (gettext_lazy("满足的需求"), gettext_lazy("项")), "needs.in_time": (gettext_lazy("按期满足的需求"), gettext_lazy("项")),
    "daily.owed": (gettext_lazy("应报的每日报告"), gettext_lazy("份")), "daily.reported": (gettext_lazy("已报的每日报告"), gettext_lazy("份")),
    "reviews.made": (gettext_lazy("动态监测发现的差异"), gettext_lazy("件")), "reviews.done": (gettext_lazy("办结的差异"), gettext_lazy("件")),
    "calls.rang": (gettext_lazy("来电"), gettext_lazy("通")), "calls.missed": (gettext_lazy("未接来电"), gettext_lazy("通")),
    "complaints.opened": (gettext_lazy("新增异议投诉"), gettext_lazy("件")), "complaints.closed": (gettext_lazy("办结异议投诉"), gettext_lazy("件")),
}  # fmt: skip


def label(key: str) -> tuple[str | Promise, str | Promise]:
    """Words and unit of a key."""
    for step, keys in WAYS.items():
        if key in keys:
            days = keys.index(key)
            words = (_("第 %(n)d 天首次联系"), _("第 %(n)d 天救助"))[step == "help"] % {"n": days}
            return words + (_("及以后") if days == SLOWEST else ""), _("条")
    return LABELS[key]


def said(key: str, value: Decimal | int | None) -> str:
    """A value as it is shown."""
    return "—" if value is None else f"{value:,.2f}" if label(key)[1] is YUAN else f"{value:,.0f}"


def share(given: Sums, what: str, month: date) -> Decimal | None:
    """Part of a month's work done in time, 0 to 1; None where nothing was owed. What is to come by the 10th is not late before."""
    if what == "payments" and timezone.localdate() <= month.replace(day=10):
        return None
    done, owed = (given.get(key, Decimal(0)) for key in IN_TIME[what])
    return done / owed if owed else None


def explained(shown: Iterable[str]) -> list[tuple[str | Promise, str, str | Promise]]:
    """(words, clause, how it is counted) of what is measured by its limit."""
    words = {what: label for what, label, _act in SHARES}
    return [(words[what], EXPLAINED[what][0], EXPLAINED[what][1]) for what in shown]


def median(given: Iterable[Sums], step: str) -> int | None:
    """Half of the leads took at most so many days from the signal to contact or help; None where none took the step."""
    counts = [sum((each.get(key, Decimal(0)) for each in given), Decimal(0)) for key in WAYS[step]]
    whole, passed = sum(counts), Decimal(0)
    for days, number in enumerate(counts):
        passed += number
        if whole and passed * 2 >= whole:
            return days
    return None


def days_said(days: int | None) -> str:
    return "—" if days is None else _("%(n)d 天以上") % {"n": SLOWEST} if days == SLOWEST else _("%(n)d 天") % {"n": days}


def percent(value: Decimal | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def populations(codes: Sequence[str], on: date) -> dict[str, int]:
    """Residents of places that have entered their own number; one query. Another place's number stands in for nobody."""
    rows = Setting.objects.filter(parameter=POPULATION, area__in=codes, state=Setting.State.CONFIRMED, starts__lte=on).order_by("starts")
    return {area: int(Decimal(value)) for area, value in rows.values_list("area", "value") if Decimal(value) > 0}


def waited(kept: Sums) -> bool:
    """Whether it was counted what waited: months that were counted later than they ran have none of it."""
    return any(key.startswith("now.") for key in kept)


def waiting(area: str, kept: Sums, month: date | None) -> list[dict[str, Any]]:
    """Groups of figures of what waits, in the order of the duty; live for a county and below, above as counted in the last night of the month (what is not
    counted: live, up to a list's ceiling)."""
    first = FIRST.get(scopes.current().duty, ())
    counted = waited(kept)
    found = standing.visible()
    found.sort(key=lambda each: first.index(each[0].key) if each[0].key in first else len(first))
    shown = []
    for group, figures in found:
        items = []
        for figure in figures:
            if len(area) < 6 and figure.kept:
                number, url = int(kept.get(f"now.{figure.key}", 0)), number_url(f"now.{figure.key}", area, month)
                if not counted:
                    items.append({"label": figure.label, "value": "—", "unit": figure.unit, "url": "", "bad": False})
                    continue
            else:
                number, url = standing.live(figure, area), figure.url(area)
            more = len(area) < 6 and not figure.kept and number > COUNT_CEILING
            items.append({"label": figure.label, "value": f"{COUNT_CEILING:,}+" if more else f"{number:,}", "unit": figure.unit, "url": url, "bad": figure.bad and number > 0})
        if items:
            shown.append({"title": group.title, "items": items})
    return shown


def number_url(key: str, area: str, month: date | None = None) -> str:
    """A number place by place."""
    given = {"key": key, "area": area, **({"month": f"{month:%Y-%m}"} if month else {})}
    return reverse("reports:number") + "?" + urlencode(given)


def compared(area: str, month: date) -> dict[str, Any]:
    """The places below side by side, those that pay late first; three queries whatever their number."""
    found = queries.sums_below(area, month)
    places.preload(found)
    known = populations(list(found), month)
    heads: list[tuple[str | Promise, str | Promise]] = [(gettext_lazy("低保和特困"), gettext_lazy("人")), *([(gettext_lazy("每千人"), gettext_lazy("人"))] if known else [])]
    shares = [(what, words) for what, words, act in SHARES if duties.may(act) and any(share(given, what, month) is not None for given in found.values())]
    lists = duties.may("discovery.view")
    rows = []
    for code, given in found.items():
        people = queries.total(given, queries.ASSISTED)
        cells = [(f"{people:,.0f}", _here(code, month))]
        if known:
            cells.append((f"{1000 * people / known[code]:,.1f}" if code in known else "—", ""))
        cells += [(percent(share(given, what, month)), number_url(IN_TIME[what][1], code, month)) for what, _words in shares]
        if lists:
            cells += [(days_said(median([given], step)), "") for step in WAYS]
            cells.append((f"{given.get('now.leads.late', 0):,.0f}" if waited(given) else "—", number_url("now.leads.late", code, month)))
        paid = share(given, "payments", month)
        rows.append((paid is None, paid or Decimal(0), code, places.name(code), cells))
    rows.sort()
    heads += [(SHORT.get(what, words), "" if what in ("payments", "daily") else gettext_lazy("按期")) for what, words in shares]
    if lists:
        heads += [(gettext_lazy("到联系"), gettext_lazy("中位天数")), (gettext_lazy("到救助"), gettext_lazy("中位天数")), (gettext_lazy("超期线索"), gettext_lazy("条"))]
    shown = [(at, code, name, list(zip(heads, cells, strict=True))) for at, (_none, _share, code, name, cells) in enumerate(rows, 1)]
    return {"heads": heads, "rows": shown, "deeper": len(area) < 6}


def _here(code: str, month: date) -> str:
    return reverse("reports:statistics") + "?" + urlencode({"area": code, "month": f"{month:%Y-%m}"})


@dataclass(frozen=True)
class Chart:
    title: str
    unit: str
    svg: Any
    legend: list[str]


def trends(found: dict[date, Sums], labels: list[str]) -> list[Chart]:
    """Lines over the months for what the duty answers for; of months that were not counted none is drawn."""
    wanted = list(found)

    def keyed(*keys: str) -> list[Any]:
        return [queries.total(found[each], keys) if found[each] else None for each in wanted]

    def drawn(title: str, unit: str, series: list[tuple[str, list[Any]]]) -> Chart | None:
        kept = [(name, line) for name, line in series if any(value is not None for value in line)]
        if not kept:
            return None
        return Chart(title, unit, charts.line_chart(labels, kept, title=title, zero=True), [name for name, _line in kept])

    made: list[Chart | None] = []
    shares = [(words, [None if (part := share(found[each], what, each)) is None else 100 * part for each in wanted]) for what, words, act in SHARES if duties.may(act)]
    # three lines a chart: more cannot be told apart in print
    for at in range(0, len(shares), 3):
        made.append(drawn(_("按期办理（续）") if at else _("按期办理"), "%", [(str(words), line) for words, line in shares[at : at + 3]]))
    if duties.may("discovery.view"):
        medians = [(words, [median([found[each]], step) for each in wanted]) for step, words in (("contact", _("首次联系")), ("help", _("救助")))]
        made.append(drawn(_("从信号到救助"), _("天，中位数"), medians))
        made.append(drawn(_("月末超期"), _("件"), [(_("线索"), _late(found, "leads.late")), (_("申请"), _late(found, "cases.late")), (_("需求"), _late(found, "needs.late"))]))
    if duties.may("enrolment.view"):
        made.append(drawn(_("动态监测差异"), _("件"), [(_("新发现"), keyed("reviews.made")), (_("已办结"), keyed("reviews.done"))]))
    if duties.may("hotline.view"):
        made.append(drawn(_("救助服务热线"), _("通"), [(_("来电"), keyed("calls.rang")), (_("未接来电"), keyed("calls.missed"))]))
    if duties.may("reports.view"):
        made.append(drawn(_("保障对象"), _("人，每月1日"), [
            (_("城市低保"), keyed("dibao.urban.people")), (_("农村低保"), keyed("dibao.rural.people")), (_("特困"), keyed("tekun.urban.people", "tekun.rural.people")),
        ]))  # fmt: skip
        made.append(drawn(_("临时救助和价格临时补贴"), _("元"), [(_("临时救助"), keyed("temporary.yuan")), (_("价格临时补贴"), keyed("price_subsidy.yuan"))]))
    return [chart for chart in made if chart]


def _late(found: dict[date, Sums], key: str) -> list[Any]:
    """What was late at each month's end; None for months before it was counted."""
    return [given.get(f"now.{key}", Decimal(0)) if waited(given) else None for given in found.values()]


def coverage(area: str, month: date) -> tuple[Any, str]:
    """Where the recipients are: per thousand residents where every place has entered its number, else people. Tiles for the province, else bars."""
    below = {code: queries.total(given, queries.ASSISTED) for code, given in queries.sums_below(area, month).items()}
    if not below:
        return "", ""
    places.preload(below)
    known = populations(list(below), month)
    each_known = known.keys() == below.keys()
    values: dict[str, Any] = {code: round(1000 * value / known[code], 1) for code, value in below.items()} if each_known else dict(below)
    unit = _("人／千人") if each_known else _("人")
    title = _("各地低保和特困对象")
    if len(area) == 2:
        return charts.tile_map(values, title=title, unit=unit), unit
    return charts.bar_chart([(places.name(code), value) for code, value in values.items()], title=title, unit=""), unit
