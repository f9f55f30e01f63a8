"""Reads of back pay: documents that raise something, what a calculation came to, one award month by month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from doudi.core import places
from doudi.core.models import Setting
from doudi.core.models.divisions import ancestors
from doudi.core.parameters import shown_value
from doudi.payments.models import BackPay, BackPayItem, PayrollLine, paid_label

COLOURS = {"proposed": "orange", "approved": "green", "sent_back": "gray", "withdrawn": "gray"}
REASON_COLOURS = {"": "green", "overpaid": "red", "differs": "orange", "gradual": "gray", "unpaid": "gray"}
RAISES = ("dibao.standard", "dibao.payment", "dibao.single_person", "dibao.uplift", "tekun.", "children.", "disability.", "minimum_wage")


def recent_documents(area: str, on: date) -> list[dict[str, Any]]:
    """Documents of the last two years that changed a standard of the place: document, first month, whether it was calculated before."""
    which = Q()
    for prefix in RAISES:
        which |= Q(parameter__startswith=prefix)
    rows = Setting.objects.filter(which, area__in=ancestors(area), state=Setting.State.CONFIRMED, starts__gte=on.replace(year=on.year - 2, day=1), starts__lte=on)
    found: dict[str, dict[str, Any]] = {}
    for row in rows.order_by("-starts", "id").values("document", "starts"):
        one = found.setdefault(row["document"], {"document": row["document"], "first": row["starts"]})
        one["first"] = min(one["first"], row["starts"])
    made = dict(BackPay.objects.filter(area=area, document__in=list(found)).order_by("id").values_list("document", "pk"))
    return [one | {"made": made.get(one["document"])} for one in list(found.values())[:8]]


def summary_of(row: BackPay) -> dict[str, Any]:
    """The stored summary with the names of places, programmes and reasons."""
    given = row.summary or {}
    places.preload(each["area"] for each in given.get("places", []))
    money = lambda each: each | {"amount": Decimal(str(each["amount"]))}  # noqa: E731
    return {
        "places": [money(each) | {"name": places.name(each["area"])} for each in given.get("places", [])],
        "programmes": [money(each) | {"name": paid_label(each["programme"])} for each in given.get("programmes", [])],
        "by_month": [money(each) | {"month": date.fromisoformat(each["month"])} for each in given.get("by_month", [])],
        "left_out": [
            money(each) | {"name": BackPayItem.Reason(each["reason"]).label, "colour": REASON_COLOURS[each["reason"]], "negative": each["reason"] == "overpaid"}
            for each in given.get("left_out", [])
        ],
    }  # fmt: skip


def basis_of(row: BackPay) -> list[dict[str, Any]]:
    """The rules that changed, with values as pages show them."""
    places.preload(each["area"] for each in row.basis)
    return [
        each | {
            "was_said": shown_value(each["was"], each["unit"]) if each["was"] is not None else "—", "said": shown_value(each["value"], each["unit"]),
            "place": places.name(each["area"]),
        }
        for each in row.basis
    ]  # fmt: skip


def award_months(row: BackPay, entitlement_id: int) -> list[BackPayItem]:
    """One award month by month; `line` is the payroll line that pays it, with its payroll, once there is one."""
    items = list(BackPayItem.objects.filter(back_pay=row, entitlement_id=entitlement_id).order_by("month"))
    lines = {
        line.month_entitled: line
        for line in PayrollLine.objects.filter(
            entitlement_id=entitlement_id, kind=PayrollLine.Kind.BACK, cause=row.cause, month_entitled__in=[item.month for item in items]
        ).select_related("payroll")
    }
    for item in items:
        item.line = lines.get(item.month)  # type: ignore[attr-defined]
        item.colour = REASON_COLOURS[item.reason]  # type: ignore[attr-defined]
    return items


def how(item: BackPayItem, source: str) -> str:
    """One month in a sentence that a recipient understands."""
    values = {
        "month": f"{item.month:%Y年%-m月}", "owed": f"{item.owed or 0:,.2f}", "paid": f"{item.paid:,.2f}", "amount": f"{abs(item.amount):,.2f}",
        "was": f"{item.standard_was or 0:,.2f}", "standard": f"{item.standard or 0:,.2f}", "living": item.living, "members": item.members,
    }  # fmt: skip
    if item.reason:
        return str(item.get_reason_display())
    said = _("%(month)s应发 %(owed)s 元，已发 %(paid)s 元，补发 %(amount)s 元。") % values
    if source == BackPay.Source.DECISION:
        return said
    if item.standard is not None and item.standard != item.standard_was:
        said = _("保障标准由 %(was)s 元提高到 %(standard)s 元；") % values + said
    if item.living < item.members:
        said += _("当月 %(members)s 人中在世 %(living)s 人，按在世成员计算。") % values
    return said
