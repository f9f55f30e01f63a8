"""Layouts of one-card files (财政“一卡通”、银行代发文件), declared: fields, order, codes, encoding, separator, control totals, names, limits.

A layout is written and read back by the same declaration (`layout_io`). A further finance bureau or bank is a further declaration
here, with its sample on the page of layouts; which one a county uses, from when and for which lines, is data (`LayoutChoice`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from doudi.payments.services import content

KIND_NAMES = {"regular": "当月", "back": "补发", "reissue": "重新发放", "setoff": "抵扣", "grant": "一次性"}


@dataclass(frozen=True)
class Batch:
    """What a file says of itself: its number, month, lines, amount (yuan), unit (county code), the day it is made.

    `part` of `parts`; `serial`: which file of its layout it is among the county's of that day.
    """

    number: str
    month: date
    lines: int
    amount: Decimal
    unit: str
    made_on: date
    part: int = 1
    parts: int = 1
    serial: int = 1


@dataclass(frozen=True)
class Field:
    """One column: its title, and how its strings come from a table of lines (`content.tables_of`)."""

    title: str
    of: Callable[[pa.Table], pa.Array]
    text: bool = False
    amount: bool = False


@dataclass(frozen=True)
class Totals:
    """Where the control totals stand in the first row: positions of number (None: the file's name says it), lines, amount."""

    number: int | None
    lines: int
    amount: int


@dataclass(frozen=True)
class Layout:
    """One layout. `summary` gives the rows of cells before the lines, `totals` where they are found again.

    `rare`: what becomes of characters that the encoding cannot write: "keep" (the encoding has them all; GBK is written as its superset
    GB18030), or "refuse" (no file is made, the lines are named). Nothing is ever replaced. `most_lines`: lines of one file, 0 without limit.
    `in_fen`: amounts are whole fen. `name`: of a file. `answer`: the forms of the bank's answers (`answers.FORMS`).
    """

    code: str
    label: str | Promise
    suffix: str
    encoding: str
    separator: str
    fields: tuple[Field, ...]
    summary: Callable[[Batch], list[list[str]]]
    totals: Totals
    titles: bool = True
    rare: str = "keep"
    most_lines: int = 0
    in_fen: bool = False
    line_end: str = "\n"
    dated: bool = False
    answers: tuple[str, ...] = ("sheet",)
    note: str | Promise = ""

    def file_name(self, batch: Batch) -> str:
        """Name of a file: date and serial where the bank wants that, else its number and layout."""
        return f"{batch.number}.{self.suffix}" if self.dated else f"{batch.number}-{self.code}.{self.suffix}"

    @property
    def amount_title(self) -> str:
        return next(field.title for field in self.fields if field.amount)

    @property
    def columns(self) -> list[str]:
        return [field.title for field in self.fields]


def _plain(name: str) -> Callable[[pa.Table], pa.Array]:
    return lambda table: pc.fill_null(content._strings(table[name]), "")


def _number(name: str) -> Callable[[pa.Table], pa.Array]:
    return lambda table: pc.fill_null(content.opened(table[name]), "")


def _coded(name: str, codes: dict[str, str]) -> Callable[[pa.Table], pa.Array]:
    def find(table: pa.Table) -> pa.Array:
        column = content._strings(table[name])
        positions = pc.index_in(column, pa.array(list(codes)))
        return pc.coalesce(pa.array(list(codes.values())).take(positions), column)

    return find


def _fixed(value: str) -> Callable[[pa.Table], pa.Array]:
    return lambda table: pa.repeat(pa.scalar(value), table.num_rows)


# Programme codes of the one-card platform differ by finance bureau; these are ours until a bureau gives its own.
PROGRAMME_CODES = {
    "dibao": "101",
    "dibao_single": "102",
    "tekun": "103",
    "orphan": "104",
    "unsupported_child": "105",
    "disability_living": "201",
    "disability_nursing": "202",
    "temporary": "301",
    "price_subsidy": "302",
    "funeral": "303",
}
SHEET_FIELDS = (
    Field("序号", _plain("serial")),
    Field("项目编码", _coded("programme", PROGRAMME_CODES)),
    Field("所属月份", _plain("month")),
    Field("保障对象姓名", _plain("beneficiary_name"), text=True),
    Field("保障对象身份证号", _number("beneficiary"), text=True),
    Field("领款人姓名", _plain("payee_name"), text=True),
    Field("领款人身份证号", _number("payee"), text=True),
    Field("账号", _number("account"), text=True),
    Field("开户行代码", _plain("bank"), text=True),
    Field("金额", lambda table: content.yuan(table["fen"]), amount=True),
    Field("行政区划代码", _plain("area"), text=True),
    Field("乡镇代码", lambda table: pc.utf8_slice_codeunits(content._strings(table["area"]), 0, 9), text=True),
    Field("家庭编号", _plain("household"), text=True),
    Field("备注", _coded("kind", KIND_NAMES), text=True),
    Field("明细编号", _plain("id")),
)


def _sheet_summary(batch: Batch) -> list[list[str]]:
    return [["批次号", batch.number, "发放月份", f"{batch.month:%Y%m}", "总笔数", str(batch.lines), "总金额", f"{batch.amount:.2f}"]]


BATCH_FIELDS = (
    Field("机构号", _plain("bank")),
    Field("户名", _plain("payee_name")),
    Field("金额", lambda table: content.yuan(table["fen"]), amount=True),
    Field("账号", _number("account")),
    Field("单位编号", lambda table: pc.utf8_slice_codeunits(content._strings(table["area"]), 0, 6)),
    Field("证件类型", _fixed("0")),
    Field("证件号码", _number("payee")),
    Field("当日次数", _plain("times")),
)


def _batch_summary(batch: Batch) -> list[list[str]]:
    return [[batch.number, "D", f"{batch.made_on:%Y%m%d}", batch.unit, "CNY", "JZ", str(batch.lines), f"{batch.amount:.2f}"]]


FEN_FIELDS = (
    Field("序号", _plain("serial")),
    Field("流水号", _plain("id")),
    Field("户名", _plain("payee_name")),
    Field("账号", _number("account")),
    Field("金额（分）", _plain("fen"), amount=True),
    Field("摘要", _coded("programme", PROGRAMME_CODES)),
)
SHEET_TOTALS, BATCH_TOTALS = Totals(1, 5, 7), Totals(0, 6, 7)
_BATCH_NOTE = gettext_lazy("第一行为汇总：批次号、借贷、日期、单位编号、币种、业务、笔数、金额")
LAYOUTS: dict[str, Layout] = {
    layout.code: layout
    for layout in (
        Layout(
            "one_card_csv", gettext_lazy("一卡通发放表（CSV）"), "csv", "utf-8-sig", ",", SHEET_FIELDS, _sheet_summary, SHEET_TOTALS,
            line_end="\r\n", note=gettext_lazy("第一行为批次号、月份、笔数、金额，第二行为列名"),
        ),
        Layout(
            "one_card_xlsx", gettext_lazy("一卡通发放表（Excel）"), "xlsx", "utf-8", "", SHEET_FIELDS, _sheet_summary, SHEET_TOTALS,
            note=gettext_lazy("第一行为批次号、月份、笔数、金额，第二行为列名；最多 1,000,000 行"),
        ),
        Layout(
            "bank_batch", gettext_lazy("银行代发文件（竖线分隔）"), "txt", "gb18030", "|", BATCH_FIELDS, _batch_summary, BATCH_TOTALS,
            titles=False, answers=("success", "failure"), note=_BATCH_NOTE,
        ),
        Layout(
            "bank_batch_gbk", gettext_lazy("银行代发文件（竖线分隔，限 GBK 字符）"), "txt", "gbk", "|", BATCH_FIELDS, _batch_summary, BATCH_TOTALS,
            titles=False, rare="refuse", answers=("success", "failure"), note=_BATCH_NOTE,
        ),
        Layout(
            "bank_fen", gettext_lazy("银行代发文件（金额为分，每份 5,000 笔）"), "txt", "utf-8", "|", FEN_FIELDS,
            lambda batch: [[str(batch.lines), str(int(batch.amount * 100))]], Totals(None, 0, 1),
            titles=False, most_lines=5_000, in_fen=True, dated=True, answers=("receipt",),
            note=gettext_lazy("文件名为日期加序号；第一行为笔数、金额（分）"),
        ),
    )
}  # fmt: skip
