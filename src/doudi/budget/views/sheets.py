"""The submission on paper and as a workbook (预算申报表)."""

from __future__ import annotations

import io
from urllib.parse import quote

import xlsxwriter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from doudi.budget import queries
from doudi.budget.models import Scenario
from doudi.budget.views.scenarios import found, year_of
from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.lists import safe
from doudi.core.views.access import may

MONTHS = [f"{number}月" for number in range(1, 13)]


@require_GET
@may("budget.view")
def printed(request: HttpRequest, pk: int) -> HttpResponse:
    """The submission for printing on A4: need, who pays, months, assumptions, signatures."""
    row = found(pk)
    names, labels = queries.fund_names(), queries.parameter_labels()
    funds = queries.by_fund(row)
    said = [(a.get_kind_display(), queries.said(a, funds=names, labels=labels), a.reason) for a in row.assumptions.order_by("kind", "starts", "id")]
    total, gap = (sum((fund[name] for fund in funds), queries.NOUGHT) for name in ("total", "gap"))
    months = []
    for at in range(12):
        amounts = [fund["months"][at] for fund in funds]
        months.append({"label": f"{row.year}-{at + 1:02d}", "amounts": [*amounts, sum(amounts, queries.NOUGHT)]})
    context = {
        "row": row, "place": places.name(row.area), "funds": funds, "said": said, "total": total, "gap": gap, "months": months, "on": timezone.localdate(),
    }  # fmt: skip
    return render(request, "budget/print.html", context)


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
