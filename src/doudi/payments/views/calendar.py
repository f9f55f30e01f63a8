"""The calendar of payrolls: all counties (who is on time), and one county's month."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.lists import Page
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.payments import calendar, queries, watch_queries
from doudi.payments.forms import MonthForm
from doudi.payments.watch_queries import County

PER_PAGE = 30
STANDINGS = {
    "paid": (gettext_lazy("按期到账"), "green"),
    "paid_late": (gettext_lazy("逾期到账"), "red"),
    "late": (gettext_lazy("逾期"), "red"),
    "waits": (gettext_lazy("进行中"), ""),
    "ahead": (gettext_lazy("未到时间"), "gray"),
    "unused": (gettext_lazy("未启用"), "gray"),
}
# (mark, what it says) of a month in the history
MARKS = {"paid": "✓", "paid_late": "!", "late": "!", "waits": "…", "ahead": "·", "unused": "—"}


class OverviewForm(MonthForm):
    """Which month, whose counties, in what standing."""

    city = forms.ChoiceField(label=gettext_lazy("市"), required=False)
    standing = forms.ChoiceField(
        label=gettext_lazy("状态"), required=False, choices=[("", gettext_lazy("全部")), *((name, label) for name, (label, _colour) in STANDINGS.items())]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["month"].required = False
        area = scopes.current().area
        if len(area) == 2:
            self.fields["city"].choices = [("", _("全部")), *places.children(area)]  # type: ignore[attr-defined]
        else:
            del self.fields["city"]


def _row(one: County, today: date) -> dict[str, Any]:
    now, left = one.now, one.now.left(today)
    following, reached = now.next, now.reached
    label, colour = STANDINGS[one.standing]
    late = one.standing in ("late", "paid_late")
    if now.over:
        told = ""
    elif left < 0:
        told = _("已超过 %(n)s 天") % {"n": -left}
    else:
        told = _("还有 %(n)s 天") % {"n": left}
    return {
        "area": one.area,
        "url": f"{reverse('payments:county_calendar', args=[one.area])}?month={now.month:%Y-%m}",
        "standing": label,
        "colour": colour,
        "late": late,
        "reached": reached.step.label if reached and one.standing != "unused" else ui.NOTHING,
        "next": following.step.label if following and one.standing != "unused" else ui.NOTHING,
        "next_day": following.day if following and one.standing != "unused" else None,
        "next_late": bool(following and following.late(today)) and one.standing != "unused",
        "due": now.days.due,
        "left": told if one.standing != "unused" else "",
        "amount": now.amount if now.payroll_id else None,
        "share": now.share,
        "history": [
            {"month": month, "mark": MARKS[state], "said": STANDINGS[state][0], "bad": state in ("late", "paid_late"), "share": share}
            for month, state, share in one.history
        ],
        "on_time": f"{one.in_time} / {one.counted}" if one.counted else ui.NOTHING,
    }


@require_GET
@may("payments.view")
def overview(request: HttpRequest) -> HttpResponse:
    """All counties of the reader's area in a month: step reached, days, money paid by the pay day, the twelve months before."""
    area, today = scopes.current().area, timezone.localdate()
    if len(area) >= 6:
        return redirect("payments:county_calendar", area[:6])
    form = OverviewForm(request.GET or None, initial={"month": today})
    given = form.cleaned_data if form.is_bound and form.is_valid() else {}
    month = (given.get("month") or today).replace(day=1)
    rows = watch_queries.overview(area=given.get("city") or area, month=month, today=today)
    total = watch_queries.totals(rows)
    # counties that do not use the system yet are shown when asked for
    unused = sum(row.standing == "unused" for row in rows)
    wanted = given.get("standing")
    rows = [row for row in rows if (row.standing == wanted if wanted else row.standing != "unused")]
    number = request.GET.get("page", "1")
    at = max(1, min(int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1, -(-len(rows) // PER_PAGE) or 1))
    shown = rows[(at - 1) * PER_PAGE : at * PER_PAGE]
    places.preload(row.area for row in shown)
    figures = [
        {"label": _("已启用的县（市、区）"), "value": ui.count(total.counties), "unit": _("个")},
        {"label": _("按期到账"), "value": ui.count(total.paid), "unit": _("个")},
        {"label": _("进行中"), "value": ui.count(total.waits), "unit": _("个")},
        {"label": _("逾期"), "value": ui.count(total.late), "unit": _("个"), "url": f"?month={month:%Y-%m}&standing=late" if total.late else ""},
        {
            "label": _("按期到账金额占比"),
            "value": ui.percent(total.share),
            "note": _("%(paid)s / %(all)s 元") % {"paid": ui.money(total.in_time), "all": ui.money(total.amount)},
        },
    ]
    context = {
        "form": form,
        "month": month,
        "figures": figures,
        "rows": [_row(row, today) for row in shown],
        "months": [calendar.month_before(month, count) for count in range(watch_queries.MONTHS, 0, -1)],
        "page": Page(rows=shown, number=at, size=PER_PAGE, count=len(rows), more=False),
        "due": calendar.days_of(month, area).due,
        "unused": unused if not wanted else 0,
    }
    return render(request, "payments/calendar.html", context)


def _step_rows(found: calendar.Progress, today: date) -> list[dict[str, Any]]:
    rows = []
    following = found.next
    for one in found.steps:
        late = one.late(today)
        if one.done:
            state, colour = (_("逾期完成"), "red") if late else (_("已完成"), "green")
        elif late:
            state, colour = _("逾期 %(n)s 个工作日") % {"n": one.late_days(today)}, "red"
        else:
            state, colour = (_("进行中"), "orange") if one is following and today >= one.day else (_("待办"), "gray")
        done_at = one.at if one.done else None
        rows.append({"label": one.step.label, "said": queries.said(one.day), "duty": one.step.duty.label, "at": done_at, "state": state, "colour": colour})
    return rows


def _county_figures(found: calendar.Progress, own: County, today: date) -> list[dict[str, Any]]:
    left = found.left(today)
    amount = {"label": _("本批金额"), "value": ui.NOTHING, "note": _("还没有批次")}
    if found.payroll_id:
        amount |= {"value": ui.money(found.amount), "unit": _("元"), "note": _("%(n)s 笔") % {"n": ui.count(found.lines)}}
    to_go = {"label": _("距到账期限"), "value": str(max(left, 0)), "unit": _("天")}
    if found.over:
        to_go = {"label": _("到账日期"), "value": f"{found.booked_on:%m-%d}"}
    elif left < 0:
        to_go = {"label": _("已超过到账期限"), "value": str(-left), "unit": _("天")}
    return [
        {"label": _("到账期限"), "value": f"{found.days.due:%m-%d}", "note": queries.WEEKDAYS[found.days.due.weekday()]},
        to_go,
        amount,
        {"label": _("按期到账金额占比"), "value": ui.percent(found.share), "note": _("%(paid)s 元") % {"paid": ui.money(found.in_time)}},
        {"label": _("近 12 个月按期"), "value": f"{own.in_time} / {own.counted}" if own.counted else ui.NOTHING, "unit": _("个月") if own.counted else ""},
    ]


@require_GET
@may("payments.view")
def county(request: HttpRequest, area: str) -> HttpResponse:
    """One county's month: the steps with their days and what was done, the weeks as a sheet, the twelve months before."""
    acting, today = scopes.current(), timezone.localdate()
    if len(area) != 6 or not area.isascii() or not area.isdigit() or not acting.covers(area):
        raise Http404
    form = MonthForm(request.GET or None)
    month = (form.cleaned_data["month"] if form.is_bound and form.is_valid() else today).replace(day=1)
    found = watch_queries.progress_of(area=area, month=month, today=today)
    (own,) = watch_queries.overview(area=area, month=month, today=today)
    here = reverse("payments:county_calendar", args=[area])
    standing, colour = STANDINGS[found.standing(today)]
    context = {
        "figures": _county_figures(found, own, today),
        "area": area,
        "found": found,
        "standing": standing,
        "colour": colour,
        "steps": _step_rows(found, today),
        "weeks": watch_queries.sheet(found.days, found, today=today),
        "weekdays": queries.WEEKDAYS,
        "history": [
            {"month": when, "said": STANDINGS[state][0], "colour": STANDINGS[state][1], "share": share, "url": f"{here}?month={when:%Y-%m}"}
            for when, state, share in reversed(own.history)
        ],
        "before": f"{here}?month={calendar.month_before(month):%Y-%m}",
        "after": f"{here}?month={calendar.month_before(month, -1):%Y-%m}",
        "provisional": not all(calendar.workdays.known(year) for year in {month.year, found.days.steps[0][1].year}),
    }
    return render(request, "payments/county_calendar.html", context)
