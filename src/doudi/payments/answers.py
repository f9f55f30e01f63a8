"""Files that a bank sends back (发放结果), declared as its layouts are, and read into one form. Nothing is written here, nothing is looked up.

`FORMS` names them: how the first line tells one, how its lines are matched (our line id, or the bank's own keys where a file has none), and
how it is read. One-card results: a CSV with 批次号, 总笔数, 总金额, 退票笔数, 退票金额 (a line each, or in one line) and a table 明细编号, 金额, 代码, 原因
of what came back. Rural banks' batch: two `|`-separated GBK files, success and failure, each with a summary line; a failure row has the eight
fields of the batch and then code and reason (domain.md, "Money"). Receipt: a summary in fen and every line with its status. Refusal: one line
that sends a whole batch back. All name their lines and totals.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LARGEST = 1 << 30
RECEIPT = ("序号", "流水号", "户名", "账号", "金额（分）", "状态", "代码", "原因")
MOST_ERRORS = 20
SHEET = ("明细编号", "金额", "代码", "原因")
DETAIL = ("机构号", "户名", "金额", "账号", "单位编号", "证件类型", "证件号码", "当日次数")


@dataclass(frozen=True)
class Answer:
    """One file: `kind` is the code of its form; what it says of the whole batch (sheet) or of itself; its rows.

    `rows`: columns `row` (number in the file), `fen`, `code`, `reason`, `line` (null where the file has no ids), `account`, `times` (null
    where it has) and `back` (false: paid). `lines` and `amount` are those of the summary, `returned` and `returned_amount` what came back.
    """

    name: str
    sha256: str
    kind: str
    number: str
    lines: int
    amount: Decimal
    returned: int
    returned_amount: Decimal
    rows: pa.Table
    said: str = ""


def _refuse(name: str, problems: list[str]) -> ValidationError:
    shown = problems[:MOST_ERRORS]
    if len(problems) > MOST_ERRORS:
        shown.append(_("另有 %(n)s 处错误。") % {"n": len(problems) - MOST_ERRORS})
    return ValidationError([f"{name}：{problem}" for problem in shown])


def _text(name: str, data: bytes) -> str:
    if len(data) > LARGEST:
        raise _refuse(name, [_("文件过大，请核对是否选错文件。")])
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _refuse(name, [_("不是文本文件（应为 UTF-8 或 GBK 编码）；请向银行索取原始结果文件。")])


def parse(name: str, data: bytes) -> Answer:
    """Read one file. Raises ValidationError with every place, field and reason found in it."""
    text = _text(name, data)
    first = text.split("\n", 1)[0].rstrip("\r")
    for form in FORMS.values():
        if form.recognised(first):
            return replace(form.read(name, text), sha256=hashlib.sha256(data).hexdigest())
    raise _refuse(name, [_("第 1 行认不出是哪种结果文件：应以“批次号”开头，或为竖线分隔的汇总行。")])


def _integer(name: str, where: str, cell: str, *, digits: int = 9) -> int:
    if not re.fullmatch(rf"[0-9]{{1,{digits}}}", cell):
        raise _refuse(name, [_("%(where)s不是整数：“%(cell)s”。") % {"where": where, "cell": cell[:20]}])
    return int(cell)


def _yuan(name: str, where: str, cell: str) -> Decimal:
    if not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", cell):
        raise _refuse(name, [_("%(where)s不是金额：“%(cell)s”。") % {"where": where, "cell": cell[:20]}])
    return Decimal(cell).quantize(Decimal("0.01"))


def _sheet(name: str, text: str) -> Answer:
    lines = text.splitlines()
    said: dict[str, str] = {}
    at = 0
    while at < min(len(lines), 12) and not lines[at].lstrip('"').startswith("明细编号"):
        cells = [cell.strip().strip('"') for cell in lines[at].split(",")]
        said.update(zip(cells[0::2], cells[1::2], strict=False))
        at += 1
    missing = [title for title in ("批次号", "总笔数", "总金额", "退票笔数", "退票金额") if not said.get(title)]
    if missing or at >= len(lines) or not lines[at].lstrip('"').startswith("明细编号"):
        raise _refuse(name, [_("文件开头缺少“%(titles)s”。") % {"titles": "”“".join(missing or ["明细编号"])}])
    titles = [cell.strip().strip('"') for cell in lines[at].split(",")]
    lacking = [title for title in SHEET if title not in titles]
    if lacking:
        raise _refuse(name, [_("第 %(row)s 行缺少列“%(titles)s”。") % {"row": at + 1, "titles": "”“".join(lacking)}])
    table = _table(name, "\n".join(lines[at + 1 :]), titles, ",", at + 2)
    line = _checked(name, table, "明细编号", r"^\d{1,18}$")
    rows = _rows(table, line=line.cast(pa.int64()), fen=_fen(name, table), back=True)
    return Answer(
        name,
        "",
        "sheet",
        said["批次号"],
        _integer(name, "总笔数", said["总笔数"]),
        _yuan(name, "总金额", said["总金额"]),
        _integer(name, "退票笔数", said["退票笔数"]),
        _yuan(name, "退票金额", said["退票金额"]),
        rows,
    )


def _batch(name: str, text: str) -> Answer:
    head, _newline, body = text.partition("\n")
    summary = head.rstrip("\r").split("|")
    first = body.split("\n", 1)[0]
    width = first.count("|") + 1 if body.strip() else len(DETAIL)
    if width not in (len(DETAIL), len(DETAIL) + 2):
        raise _refuse(name, [_("第 2 行有 %(n)s 个字段，应为 8 个（成功）或 10 个（失败）。") % {"n": width}])
    kind = "success" if width == len(DETAIL) else "failure"
    table = _table(name, body, [*DETAIL, *(["代码", "原因"] if kind == "failure" else [])], "|", 2)
    account = _checked(name, table, "账号", r"^[0-9A-Za-z]{1,32}$")
    times = _checked(name, table, "当日次数", r"^\d{1,5}$")
    rows = _rows(table, account=account, times=times.cast(pa.int64()), fen=_fen(name, table), back=kind == "failure")
    lines, amount = _integer(name, _("第 1 行第 7 项“笔数”"), summary[6]), _yuan(name, _("第 1 行第 8 项“金额”"), summary[7])
    _holds(name, rows, lines, amount)
    return Answer(
        name, "", kind, summary[0], lines, amount, lines if kind == "failure" else 0, amount if kind == "failure" else Decimal("0.00"), rows
    )


def _holds(name: str, rows: pa.Table, lines: int, amount: Decimal) -> None:
    """The rows are what the summary says."""
    total = Decimal(pc.sum(rows["fen"]).as_py() or 0) / 100
    if (rows.num_rows, total) != (lines, amount):
        raise _refuse(
            name,
            [
                _("汇总行写明 %(lines)s 笔 %(amount)s 元，明细实有 %(found)s 笔 %(total)s 元；文件可能不完整，请重新索取。")
                % {"lines": f"{lines:,}", "amount": f"{amount:,.2f}", "found": f"{rows.num_rows:,}", "total": f"{total:,.2f}"}
            ],
        )


def _rows(
    table: pa.Table,
    *,
    fen: pa.Array,
    back: pa.Array | bool,
    line: pa.Array | None = None,
    account: pa.Array | None = None,
    times: pa.Array | None = None,
) -> pa.Table:
    n = table.num_rows
    blank = pa.repeat(pa.scalar(""), n)
    return pa.table(
        {
            "row": table["row"],
            "line": pa.nulls(n, pa.int64()) if line is None else line,
            "account": pa.nulls(n, pa.string()) if account is None else account,
            "times": pa.nulls(n, pa.int64()) if times is None else times,
            "fen": fen,
            "back": pa.repeat(pa.scalar(back), n) if isinstance(back, bool) else back,
            "code": pc.utf8_slice_codeunits(table["代码"], 0, 20) if "代码" in table.column_names else blank,
            "reason": pc.utf8_slice_codeunits(table["原因"], 0, 120) if "原因" in table.column_names else blank,
        }
    )


def _receipt(name: str, text: str) -> Answer:
    head, _newline, body = text.partition("\n")
    summary = head.rstrip("\r").split("|")
    table = _table(name, body, list(RECEIPT), "|", 2)
    line = _checked(name, table, "流水号", r"^\d{1,18}$").cast(pa.int64())
    fen = _checked(name, table, "金额（分）", r"^\d{1,14}$").cast(pa.int64())
    back = pc.not_equal(_checked(name, table, "状态", r"^[01]$"), "0")
    rows = _rows(table, line=line, fen=fen, back=back)
    lines, amount = _integer(name, _("第 1 行第 3 项“笔数”"), summary[2]), Decimal(_integer(name, _("第 1 行第 4 项“金额（分）”"), summary[3], digits=14)) / 100
    _holds(name, rows, lines, amount)
    returned = rows.filter(back)
    came_back = Decimal(pc.sum(returned["fen"]).as_py() or 0) / 100
    return Answer(name, "", "receipt", summary[1], lines, amount, returned.num_rows, came_back.quantize(Decimal("0.01")), rows)


def _refusal(name: str, text: str) -> Answer:
    cells = text.strip().split("|")
    if len(cells) != 4 or not all(cell.strip() for cell in cells[1:3]):
        raise _refuse(name, [_("整批拒绝的回执应为一行：整批拒绝|批次号|代码|原因。")])
    none = pa.table({"row": pa.array([], pa.int64()), "代码": pa.array([], pa.string()), "原因": pa.array([], pa.string())})
    rows = _rows(none, fen=pa.array([], pa.int64()), back=True)
    return Answer(name, "", "refusal", cells[1].strip(), 0, Decimal(0), 0, Decimal(0), rows, said=f"{cells[2].strip()[:20]} {cells[3].strip()[:90]}".strip())


def _table(name: str, body: str, titles: list[str], separator: str, start: int) -> pa.Table:
    """The rows as columns of text with their numbers in the file; refuses rows of another width."""
    bad: list[str] = []

    def odd(row: pcsv.InvalidRow) -> str:
        at = f"第 {start + row.number - 1} 行" if row.number else _("某一行")
        bad.append(_("%(at)s有 %(has)s 个字段，应为 %(wants)s 个。") % {"at": at, "has": row.actual_columns, "wants": row.expected_columns})
        return "skip"

    if not body.strip():
        table = pa.table({title: pa.array([], pa.string()) for title in titles})
    else:
        try:
            table = pcsv.read_csv(
                pa.BufferReader(body.encode()),
                read_options=pcsv.ReadOptions(column_names=titles, use_threads=False),
                parse_options=pcsv.ParseOptions(delimiter=separator, quote_char='"' if separator == "," else False, invalid_row_handler=odd),
                convert_options=pcsv.ConvertOptions(column_types=dict.fromkeys(titles, pa.string()), strings_can_be_null=False),
            ).combine_chunks()
        except pa.ArrowInvalid:
            raise _refuse(name, [_("文件内容无法按行列读取；请向银行索取原始结果文件。")]) from None
    if bad:
        raise _refuse(name, bad)
    return table.append_column("row", pa.array(np.arange(start, start + table.num_rows)))


def _checked(name: str, table: pa.Table, title: str, pattern: str) -> pa.ChunkedArray:
    """A column without blanks around, if every cell has the form."""
    column = pc.utf8_trim_whitespace(table[title])
    wrong = pc.filter(table["row"], pc.invert(pc.match_substring_regex(column, pattern)))
    if len(wrong):
        raise _refuse(name, [_("第 %(row)s 行“%(title)s”格式不正确；请核对。") % {"row": row, "title": title} for row in wrong.to_pylist()])
    return column


def _fen(name: str, table: pa.Table) -> pa.Array:
    column = _checked(name, table, "金额", r"^\d{1,12}(\.\d{1,2})?$")
    parts = pc.split_pattern(pc.binary_join_element_wise(column, ".00", ""), ".")
    whole = pc.list_element(parts, 0).cast(pa.int64())
    return pc.add(pc.multiply(whole, 100), pc.utf8_rpad(pc.list_element(parts, 1), 2, "0").cast(pa.int64()))


def one_card_results(*, number: str, lines: int, amount: Decimal, returned: list[tuple[int, Decimal, str, str]]) -> bytes:
    """A one-card result file: what a bank would send (demo, tests, a bank's own system). `returned`: (line id, yuan, code, reason)."""
    total = sum((row[1] for row in returned), Decimal("0.00"))
    rows = [f"批次号,{number},总笔数,{lines},总金额,{amount:.2f}", f"退票笔数,{len(returned)},退票金额,{total:.2f}", ",".join(SHEET)]
    rows += [f"{line},{yuan:.2f},{code},{reason}" for line, yuan, code, reason in returned]
    return ("\r\n".join(rows) + "\r\n").encode("utf-8-sig")


@dataclass(frozen=True)
class Form:
    """One form of answer. `recognised` looks at the first line; `key` says by what lines are matched; `columns` stand in each row."""

    code: str
    label: str | Promise
    columns: tuple[str, ...]
    key: str
    recognised: Callable[[str], bool]
    read: Callable[[str, str], Answer]
    example: str


_FAILURE = (*DETAIL, "代码", "原因")
FORMS: dict[str, Form] = {
    form.code: form
    for form in (
        Form("refusal", gettext_lazy("整批拒绝回执"), (), "", lambda line: line.startswith("整批拒绝|"), _refusal, "整批拒绝|410122-202212-1|B02|批次号已使用"),
        Form(
            "sheet", gettext_lazy("一卡通发放结果表"), SHEET, "明细编号", lambda line: "批次号" in line, _sheet,
            "批次号,410122-202212-1,总笔数,2,总金额,600.00\n退票笔数,1,退票金额,300.00\n明细编号,金额,代码,原因\n1001,300.00,R01,户名不符",
        ),
        Form(
            "receipt", gettext_lazy("逐笔回单（金额为分）"), RECEIPT, "流水号", lambda line: line.startswith("HD|") and line.count("|") == 3, _receipt,
            "HD|2022120600001|2|60000\n1|1001|张三|6217000000000001|30000|0||\n2|1002|李四|6217000000000002|30000|1|R03|已销户",
        ),
        Form(
            "success", gettext_lazy("成功文件（竖线分隔）"), DETAIL, "账号、当日次数", lambda line: line.count("|") >= 7, _batch,
            "410122-202212-1|D|20221206|410122|CNY|JZ|1|300.00\nC10302|张三|300.00|6217000000000001|410122|0|410122196001010011|1",
        ),
        Form(
            "failure", gettext_lazy("失败文件（竖线分隔）"), _FAILURE, "账号、当日次数", lambda line: line.count("|") >= 7, _batch,
            "410122-202212-1|D|20221206|410122|CNY|JZ|1|300.00\nC10302|李四|300.00|6217000000000002|410122|0|410122196001010028|1|R03|已销户",
        ),
    )
}  # fmt: skip


def receipt(*, number: str, rows: list[tuple[int, str, str, int, str, str]]) -> bytes:
    """A receipt as a bank would send it (demo, tests, a bank's own system). `rows`: line id, name, account, fen, code (empty: paid), reason."""
    lines = [f"HD|{number}|{len(rows)}|{sum(row[3] for row in rows)}"]
    lines += [
        f"{at}|{line}|{who}|{account}|{fen}|{1 if code else 0}|{code}|{reason}" for at, (line, who, account, fen, code, reason) in enumerate(rows, 1)
    ]
    return ("\n".join(lines) + "\n").encode()
