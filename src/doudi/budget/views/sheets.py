"""The submission on paper and as a workbook (预算申报表)."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote

import xlsxwriter
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from doudi.budget import queries
from doudi.budget.models import Level, Scenario
from doudi.budget.views.scenarios import found, year_of
from doudi.core import letters, places
from doudi.core import scope as scopes
from doudi.core.lists import safe
from doudi.core.templatetags import ui
from doudi.core.views.access import may

MONTHS = [f"{number}月" for number in range(1, 13)]


def _months(row: Scenario, funds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each month's need by fund, the total last."""
    lines = []
    for at in range(12):
        amounts = [fund["months"][at] for fund in funds]
        lines.append({"label": f"{row.year}-{at + 1:02d}", "amounts": [*amounts, sum(amounts, queries.NOUGHT)]})
    return lines


@require_GET
@may("budget.view")
def printed(request: HttpRequest, pk: int) -> HttpResponse:
    """The submission for printing on A4: need, who pays, months, assumptions, signatures."""
    row = found(pk)
    names, labels = queries.fund_names(), queries.parameter_labels()
    funds = queries.by_fund(row)
    said = [(a.get_kind_display(), queries.said(a, funds=names, labels=labels), a.reason) for a in row.assumptions.order_by("kind", "starts", "id")]
    total, gap = (sum((fund[name] for fund in funds), queries.NOUGHT) for name in ("total", "gap"))
    context = {
        "row": row, "place": places.name(row.area), "funds": funds, "said": said, "total": total, "gap": gap, "months": _months(row, funds), "on": timezone.localdate(),
    }  # fmt: skip
    return render(request, "budget/print.html", context)


def letter_of(row: Scenario) -> dict[str, Any]:
    """The submission as plain data for `typst/submission.typ`."""
    names, labels = queries.fund_names(), queries.parameter_labels()
    funds = queries.by_fund(row)
    needs = []
    for fund in funds:
        needs.append({"label": fund["name"], "first": "", "last": "", "total": ui.money(fund["total"]), "total_row": True})
        for entry in fund["items"]:
            first, last = (ui.count(entry[name]) if entry[name] else "—" for name in ("first", "last"))
            needs.append({"label": entry["label"], "first": first, "last": last, "total": ui.money(entry["total"]), "total_row": False})
    total = sum((fund["total"] for fund in funds), queries.NOUGHT)
    needs.append({"label": _("合计"), "first": "", "last": "", "total": ui.money(total), "total_row": True})
    return {
        "office": places.name(row.area),
        "title": _("%(year)s 年度困难群众救助资金预算申报表") % {"year": row.year},
        "subtitle": f"{row.name}（{row.get_state_display()}）　{row.get_basis_display()}　{row.base_month:%Y-%m}",
        "warning": "" if row.content_hash else _("这份方案尚未经财政复核，只供内部讨论，不能作为申报表上报。"),
        "needs": needs,
        "levels": [str(level.label) for level in Level],
        "sources": [
            {"label": fund["name"], "amounts": [*(ui.money(paid.amount) for paid in fund["levels"]), ui.money(fund["gap"])]} for fund in funds
        ],
        "funds": [*(fund["name"] for fund in funds), _("合计")],
        "months": [{"label": line["label"], "amounts": [ui.money(amount) for amount in line["amounts"]]} for line in _months(row, funds)],
        "assumptions": [
            [str(a.get_kind_display()), queries.said(a, funds=names, labels=labels), a.reason]
            for a in row.assumptions.order_by("kind", "starts", "id")
        ],
        "seal": f"{_('内容校验码')} {row.content_hash or '—'}　{_('法规版本')} {row.law_version}",
        "day": f"{timezone.localdate():%Y-%m-%d}",
    }


@require_GET
@may("budget.view")
def pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The submission as a PDF."""
    row = found(pk)
    try:
        made = letters.pdf("budget/typst/submission.typ", [letter_of(row)])
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("budget:print", pk)
    return letters.answer(made, f"budget-{row.area}-{row.year}.pdf")


def _answer(made: io.BytesIO, name: str) -> HttpResponse:
    response = HttpResponse(made.getvalue(), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "no-store"
    return response


def workbook(row: Scenario) -> io.BytesIO:
    """Three sheets: need by fund, item and month; sources by level; assumptions."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    bold, money, title = (
        book.add_format({"bold": True}),
        book.add_format({"num_format": "#,##0.00"}),
        book.add_format({"bold": True, "font_size": 14}),
    )
    sheet = book.add_worksheet("需求")
    sheet.write(0, 0, f"{places.name(row.area)}{row.year}年度困难群众救助资金预算申报表", title)
    sheet.write(1, 0, safe(f"方案：{row.name}　状态：{row.get_state_display()}　校验码：{row.content_hash[:16] or '未复核'}　单位：元"))
    sheet.write_row(3, 0, ["资金", "项目", "1月人数", "12月人数", *MONTHS, "全年"], bold)
    line = 4
    funds = queries.by_fund(row)
    for fund in funds:
        for entry in fund["items"]:
            sheet.write_row(line, 0, [fund["name"], entry["label"], entry["first"], entry["last"]])
            sheet.write_row(line, 4, [*entry["months"], entry["total"]], money)
            line += 1
        sheet.write_row(line, 0, [fund["name"], "小计"], bold)
        sheet.write_row(line, 4, [*fund["months"], fund["total"]], money)
        line += 1
    bold_money = book.add_format({"bold": True, "num_format": "#,##0.00", "top": 1})
    sheet.write_row(line, 0, ["合计", ""], bold)
    whole = [sum((fund["months"][at] for fund in funds), queries.NOUGHT) for at in range(12)]
    sheet.write_row(line, 4, [*whole, sum(whole, queries.NOUGHT)], bold_money)
    sheet.set_column(0, 1, 26)
    sheet.set_column(2, 16, 13)
    sheet.freeze_panes(4, 2)
    sources = book.add_worksheet("资金来源")
    sources.write_row(0, 0, ["资金", "级次", "金额", "比例（%）", "依据"], bold)
    line = 1
    for fund in funds:
        for paid in fund["levels"]:
            sources.write_row(line, 0, [fund["name"], paid.label])
            sources.write_number(line, 2, paid.amount, money)
            sources.write_number(line, 3, round(paid.share, 4))
            sources.write(line, 4, safe(paid.basis))
            line += 1
        sources.write_row(line, 0, [fund["name"], "缺口"], bold)
        sources.write_number(line, 2, fund["gap"], money)
        line += 1
    sources.set_column(0, 4, 22)
    behind = book.add_worksheet("测算假设")
    behind.write_row(0, 0, ["类别", "内容", "来源或理由"], bold)
    names, labels = queries.fund_names(), queries.parameter_labels()
    for number, a in enumerate(row.assumptions.order_by("kind", "starts", "id"), 1):
        behind.write_row(number, 0, [a.get_kind_display(), safe(queries.said(a, funds=names, labels=labels)), safe(a.reason)])
    behind.set_column(0, 2, 40)
    book.close()
    return made


@require_GET
@may("budget.view")
def xlsx(request: HttpRequest, pk: int) -> HttpResponse:
    """The submission as a workbook."""
    row = found(pk)
    return _answer(workbook(row), f"{row.area}-{row.year}-预算申报表.xlsx")


@require_GET
@may("budget.view")
def counties_xlsx(request: HttpRequest) -> HttpResponse:
    """Every county's submission with totals as a workbook."""
    area = scopes.current().area
    year = year_of(request, area)
    overview = queries.by_county(area=area, year=year)
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
    sheet = book.add_worksheet(f"{year}")
    sheet.write_row(0, 0, ["县（市、区）", "状态", "方案", *overview["funds"], "合计"], bold)
    for number, each in enumerate(sorted(overview["rows"], key=lambda one: one["code"]), 1):
        row = each["scenario"]
        sheet.write_row(number, 0, [each["name"], row.get_state_display() if row else "未编制", safe(row.name) if row else ""])
        if each["sent"]:
            sheet.write_row(number, 3, each["amounts"], money)
    last = len(overview["rows"]) + 1
    sheet.write(last, 0, "合计", bold)
    sheet.write_row(last, 3, overview["totals"], money)
    sheet.set_column(0, 2, 20)
    sheet.set_column(3, 3 + len(overview["funds"]), 20)
    book.close()
    return _answer(made, f"{area}-{year}-预算汇总.xlsx")
