"""Which files a county makes of a payroll's lines: its confirmed choices of layouts (代发文件版式), by fund, programme and bank.

The choice that says most of a line counts: bank before programme before fund, of equals the later. Lines that none names go into the
sheet of the house. The days of a choice are those of the payroll's release, so that a file made later is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.payments import layout_io, layouts
from doudi.payments.models import LayoutChoice, Payroll
from doudi.payments.services.content import Covers

DEFAULT = "one_card_csv"


@dataclass
class Channel:
    """Lines that go out in one layout to one recipient; without `choice` those that no choice names."""

    layout: layouts.Layout
    choice: LayoutChoice | None
    covers: Covers = field(default_factory=list)
    lines: int = 0
    amount: Decimal = Decimal("0.00")


def choices_on(area: str, on: date) -> list[LayoutChoice]:
    """Confirmed choices of a county that hold on a day: of each combination of fund, programme and bank the newest."""
    found: dict[tuple[object, ...], LayoutChoice] = {}
    rows = LayoutChoice.objects.filter(area=area, state=LayoutChoice.State.CONFIRMED, starts__lte=on)
    for row in rows.select_related("fund").order_by("starts", "pk"):
        found[row.fund_id, row.programme, row.bank] = row
    return list(found.values())


def day_of(payroll: Payroll) -> date:
    """The day whose choices count: the release; before it, the day the payroll was prepared."""
    return timezone.localdate(payroll.released_at or payroll.prepared_at)


def best(choices: list[LayoutChoice], *, fund_id: int, programme: str, bank: str) -> LayoutChoice | None:
    """The choice that says most of such lines."""
    fitting = [one for one in choices if one.fund_id in (None, fund_id) and one.programme in ("", programme) and bank.startswith(one.bank)]
    return max(fitting, key=lambda one: (len(one.bank), one.programme != "", one.fund_id is not None, one.starts, one.pk), default=None)


def channels_of(payroll: Payroll, made_by: list[LayoutChoice] | None = None) -> list[Channel]:
    """The files to be made of a payroll, every line in exactly one of them; empty where the county has chosen nothing.

    `made_by`: choices by which its files were made, where they were: what was chosen since changes nothing for them.
    """
    choices = choices_on(payroll.area, day_of(payroll)) if made_by is None else made_by
    if not choices and made_by is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "select fund_id, programme, bank, count(*) filter (where amount > 0), sum(amount) from payments_payrollline"
            " where payroll_id = %s and month_entitled <= %s group by 1, 2, 3 order by 1, 2, 3",
            [payroll.pk, payroll.latest],
        )
        rows = cursor.fetchall()
    found: dict[int, Channel] = {}
    for fund_id, programme, bank, lines, amount in rows:
        choice = best(choices, fund_id=fund_id, programme=programme, bank=bank)
        channel = found.setdefault(choice.pk if choice else 0, Channel(layouts.LAYOUTS[choice.layout if choice else DEFAULT], choice))
        channel.covers.append((fund_id, programme, bank))
        channel.lines += lines
        channel.amount += amount
    return [found[key] for key in sorted(found)]


def check_names(payroll: Payroll) -> None:
    """Refuse before anything is signed what the chosen layouts could not write (a rare name, a separator). Raises ValidationError with the names."""
    for channel in channels_of(payroll):
        if channel.layout.rare == "keep" and channel.layout.separator != "|":
            continue
        wrong: list[tuple[str, str]] = []
        with connection.cursor() as cursor:
            cursor.execute(
                "select distinct l.payee_name from payments_payrollline l join unnest(%s::bigint[], %s::text[], %s::text[]) c(fund_id, programme, bank)"
                " on c.fund_id = l.fund_id and c.programme = l.programme and c.bank = l.bank"
                " where l.payroll_id = %s and l.payee_name ~ %s order by 1 limit 1000",
                [*(list(part) for part in zip(*channel.covers, strict=True)), payroll.pk, r"[^\x20-\x7b\x7d\x7e·一-龥]"],
            )
            for (name,) in cursor.fetchall():
                wrong += [(name, sign) for sign in _bad(channel.layout, name)]
        if wrong:
            raise layout_io.cannot_write(channel.layout, wrong)


def _bad(layout: layouts.Layout, name: str) -> str:
    """The first character of a name that a layout cannot write, or nothing."""
    if layout.separator and layout.separator in name and layout.separator == "|":
        return layout.separator
    try:
        name.encode(layout.encoding)
    except UnicodeEncodeError as error:
        return name[error.start]
    return ""


def need_choice(payroll: Payroll, layout: str) -> None:
    """A county that has chosen makes the files that it chose and no other: two files for the same lines could be paid twice."""
    if choices_on(payroll.area, day_of(payroll)):
        label = layouts.LAYOUTS[layout].label
        raise ValidationError(_("本县已选定代发文件版式，不能另行生成“%(label)s”；请按选定版式生成。") % {"label": label})
