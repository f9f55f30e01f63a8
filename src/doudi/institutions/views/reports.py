"""Pages of daily reports: the day of all houses, the form by phone, a day with its corrections, the upload of a sheet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, numbers, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.middleware import takes
from doudi.core.sheets import on_disk
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions import queries, services
from doudi.institutions.figures import COLOURS, reason_words
from doudi.institutions.forms import ReportForm, SheetForm
from doudi.institutions.models import DailyReport, SupplyItem
from doudi.institutions.services import Doubtful, sheet
from doudi.institutions.services.reports import BACK_DAYS, latest_report
from doudi.institutions.views.shared import do, found, page_number, workbook


def day_of(text: str | None, today: date) -> date:
    """The day that an address names, today where it names none; Http404 for one that is none or has not come."""
    if not text:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Http404 from None
    if day > today or day.year < 2000:
        raise Http404
    return day


@require_GET
@may("institutions.oversee")
def reports(request: HttpRequest) -> HttpResponse:
    """The day of all houses of the scope: who has not reported, with phone and days in a row; who is at risk; figures by kind."""
    today = timezone.localdate()
    day = day_of(request.GET.get("on"), today)
    page = page_of(queries.open_dues(day), page_number(request))
    lines, total = queries.by_kind(day)
    risky = queries.at_risk()
    places.preload([due.area for due in page.rows] + [house.area for house in risky])
    full = len(scopes.current().area) >= 9
    rows = [
        {"due": due, "house": due.institution, "phone": ui.mask_phone(numbers.plain(due.reporter_phone)) if due.reporter_phone else None,
         "name": due.reporter_name if full else ui.mask_name(due.reporter_name)}
        for due in page.rows
    ]  # fmt: skip
    share = total["reported"] / total["owed"] if total["owed"] else None
    figures = [
        {"label": _("已上报"), "value": f"{total['reported']:,}", "unit": _("/ %(owed)s 家") % {"owed": f"{total['owed']:,}"},
         "note": ui.percent(share) if share is not None else _("这一天不需上报")},
        {"label": _("未上报"), "value": f"{total['owed'] - total['reported']:,}", "unit": _("家")},
        {"label": _("在院人数"), "value": f"{total['residents']:,}" if total["told"] else "—", "unit": _("人"),
         "note": _("已上报的 %(count)s 家机构") % {"count": f"{total['told']:,}"} if total["told"] else _("这一天没有上报")},
        {"label": _("新增阳性"), "value": total["positive"], "unit": _("人"), "note": _("涉 %(houses)s 家") % {"houses": total["infected"]}},
        {"label": _("有风险"), "value": total["at_risk"], "unit": _("家"), "note": _("封闭管理 %(closed)s 家") % {"closed": total["closed"]}},
    ]  # fmt: skip
    context = {
        "day": day, "today": today, "before": day - timedelta(days=1), "after": day + timedelta(days=1) if day < today else None, "figures": figures,
        "lines": lines, "total": total, "page": page, "rows": rows, "risky": [(house, reason_words(house), COLOURS[house.risk]) for house in risky],
        "rhythm": queries.rhythm_words(scopes.current().area, day), "may_remind": day == today and duties.may("institutions.remind"),
    }  # fmt: skip
    return render(request, "institutions/reports.html", context)


@require_POST
@may("institutions.remind")
def remind(request: HttpRequest) -> HttpResponse:
    """Remind the clerk of one house, or of all that have not reported."""
    one = request.POST.get("due", "")
    ids = [int(one)] if one.isascii() and one.isdigit() and len(one) < 19 else []
    if request.POST.get("all"):
        ids = list(queries.open_dues(timezone.localdate()).values_list("pk", flat=True))
    return do(request, lambda: services.remind(due_ids=ids, now=timezone.now()), _("已提醒填报员：发出消息，并列入其待办。"), "institutions:reports")


@require_GET
@may("institutions.mine")
def mine(request: HttpRequest) -> HttpResponse:
    """The clerk's own house: straight to today's report."""
    houses = queries.my_houses()
    if len(houses) == 1:
        return redirect("institutions:report", houses[0].pk)
    if houses:
        return redirect("institutions:institutions")
    return render(request, "institutions/none.html")


@may("institutions.report")
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """The report of a day, with yesterday's values in it."""
    row, today = found(pk), timezone.localdate()
    day = day_of(request.GET.get("on"), today)
    if day < today - timedelta(days=BACK_DAYS):
        messages.error(request, _("只能上报今天和此前 %(days)s 天的日报。") % {"days": BACK_DAYS})
        return redirect("institutions:institution", pk)
    current = DailyReport.objects.filter(institution=row, on=day, superseded_at__isnull=True).prefetch_related("supplies").first()
    form = ReportForm(
        request.POST or None, values=services.prefilled(row, day), before=latest_report(row, day), current=current, stocks=queries.stocks_of(row),
        items=list(SupplyItem.objects.filter(ended_on__isnull=True).order_by("order")),
    )  # fmt: skip
    doubts: list[str] = []
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made, fresh = services.report_day(
                institution_id=pk, on=day, figures=form.figures, supplies=form.supplies, incidents=given["incidents"], reason=given["reason"],
                seen=given["seen"], confirmed=given["confirmed"], now=timezone.now(),
            )  # fmt: skip
        except Doubtful as error:
            doubts = error.messages
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已上报 %(day)s。") % {"day": made.on} if fresh else _("内容没有变化，没有重复上报。"))
            return redirect("institutions:day", pk, day.isoformat())
    context = {"row": row, "form": form, "day": day, "today": today, "current": current, "doubts": doubts, "rhythm": queries.rhythm_words(row.area, day)}
    return render(request, "institutions/report.html", context, status=422 if form.errors or doubts else 200)


@require_GET
@may("institutions.view")
def day(request: HttpRequest, pk: int, on: str) -> HttpResponse:
    """What a house reported of a day, and what was corrected."""
    row, today = found(pk), timezone.localdate()
    shown = day_of(on, today)
    rows = queries.revisions(row, shown)
    context = {
        "row": row, "day": shown, "rows": rows, "current": rows[0] if rows else None, "lines": queries.compared(rows), "today": today,
        "may_report": duties.may("institutions.report") and shown >= today - timedelta(days=BACK_DAYS),
    }  # fmt: skip
    return render(request, "institutions/day.html", context)


@require_GET
@may("institutions.report")
def template(request: HttpRequest) -> HttpResponse:
    audit.record_access(what="export", subject="institution", reason="report sheet")
    return workbook(sheet.template(on=timezone.localdate()), "机构日报表.xlsx")


@takes(5)
@may("institutions.report")
def upload(request: HttpRequest) -> HttpResponse:
    """Reports of many houses from a sheet: good rows go on, bad ones are named with row, field and reason."""
    form = SheetForm(request.POST or None, request.FILES or None)
    done: Any = None
    if request.method == "POST" and form.is_valid():
        try:
            with on_disk(form.cleaned_data["file"], sheet.layout()) as path:
                done = sheet.upload(path=path, now=timezone.now())
        except ValidationError as error:
            form.add_error("file", error)
    return render(request, "institutions/upload.html", {"form": form, "done": done}, status=422 if form.errors else 200)
