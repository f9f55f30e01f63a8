"""Reads of overpayment pages: a bounded number of queries each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.utils.translation import gettext as _

from doudi.core.templatetags import ui
from doudi.payments.models import Instalment, Overpayment, OverpaymentLine, RecoveryDecision


def figures(on: date) -> list[dict[str, Any]]:
    """Overpayments of the scope: found, owed, late."""
    rows = Overpayment.objects.aggregate(
        found=Count("id", filter=_state("found")), open=Count("id", filter=_state("recovering")), all=Sum("amount", filter=_state("recovering")),
        back=Sum("recovered"), spared=Sum("waived"), let=Sum("waived", filter=_state("recovering")), got=Sum("recovered", filter=_state("recovering")),
    )  # fmt: skip
    owed = (rows["all"] or Decimal(0)) - (rows["let"] or Decimal(0)) - (rows["got"] or Decimal(0))
    late = Instalment.objects.filter(due__lt=on, decision__ended_at=None, overpayment__state="recovering", received__lt=F("amount")).count()
    return [
        {"label": _("待核实"), "value": ui.count(rows["found"]), "unit": _("起"), "url": "?state=found"},
        {"label": _("追缴中"), "value": ui.count(rows["open"]), "unit": _("起"), "url": "?state=recovering", "note": _("尚欠 %(sum)s 元") % {"sum": ui.money(owed)}},
        {"label": _("逾期未退"), "value": ui.count(late), "unit": _("期")},
        {"label": _("已收回"), "value": ui.money(rows["back"] or 0), "unit": _("元")},
        {"label": _("已减免"), "value": ui.money(rows["spared"] or 0), "unit": _("元")},
    ]


def _state(value: str) -> Q:
    return Q(state=value)


def months_of(row: Overpayment) -> list[dict[str, Any]]:
    """The months of a case with the difference in words."""
    found = []
    for month in OverpaymentLine.objects.filter(overpayment=row).select_related("fund").order_by("month_entitled"):
        if row.kind == "death" and month.living:
            why = _("当月 %(members)s 人中在世 %(living)s 人，应发 %(due)s 元") % {"members": month.members, "living": month.living, "due": ui.money(month.due)}
        elif row.kind == "death":
            why = _("保障对象已死亡，死亡次月起不再发放")
        elif row.kind == "double":
            why = _("当月已享受特困人员救助供养，不同时享受该补贴")
        elif month.due:
            why = _("当月应发 %(due)s 元") % {"due": ui.money(month.due)}
        else:
            why = _("当月不应发放")
        found.append({"row": month, "why": why})
    return found


def parts_of(row: Overpayment, on: date) -> list[dict[str, Any]]:
    """Instalments of the plan in force."""
    rows = Instalment.objects.filter(overpayment=row, decision__ended_at=None).order_by("serial")
    if row.state == "closed":
        rows = Instalment.objects.filter(overpayment=row).order_by("decision", "serial")
    return [
        {"row": part, "state": _("已退") if part.received == part.amount else _("逾期") if part.due < on else _("部分退款") if part.received else _("未到期"),
         "colour": "green" if part.received == part.amount else "red" if part.due < on else "orange" if part.received else ""}
        for part in rows
    ]  # fmt: skip


def said(decision: RecoveryDecision) -> str:
    """A decision in one line."""
    words = {"amount": ui.money(decision.amount), "n": decision.instalments, "day": decision.first_due, "each": ui.money(decision.per_month), "who": decision.debtor_name}
    if decision.way == "plan":
        return str(_("由%(who)s分 %(n)s 期退款 %(amount)s 元，首期 %(day)s") % words)
    if decision.way == "setoff":
        return str(_("从以后待遇中每月抵扣不超过 %(each)s 元，共 %(amount)s 元") % words)
    if decision.way == "waive":
        return str(_("减免 %(amount)s 元") % words)
    return str(_("不予追缴，核实不属多发"))


def events_of(row: Overpayment, decisions: list[RecoveryDecision]) -> list[dict[str, Any]]:
    """The history of a case, newest first."""
    who = row.found_by.name if row.found_by else _("系统比对")
    made = [{"at": row.found_at, "title": _("发现多发 %(amount)s 元") % {"amount": ui.money(row.amount)}, "who": who, "note": row.reason}]
    for each in decisions:
        made.append({"at": each.proposed_at, "title": _("提出：%(what)s") % {"what": said(each)}, "who": each.proposed_by.name, "note": each.reason})
        if each.decided_at is not None and each.decided_by is not None:
            made.append({"at": each.decided_at, "title": each.get_state_display(), "who": each.decided_by.name, "note": each.note})  # type: ignore[attr-defined]
    for back in row.repayments.select_related("made_by"):
        title = _("%(way)s %(amount)s 元") % {"way": back.get_way_display(), "amount": ui.money(back.amount)}
        made.append({"at": back.made_at, "title": title, "who": back.made_by.name if back.made_by else "", "note": back.document})
    if row.closed_at is not None:
        made.append({"at": row.closed_at, "title": row.get_state_display(), "who": "", "note": ""})  # type: ignore[attr-defined]
    return sorted(made, key=lambda item: item["at"], reverse=True)
