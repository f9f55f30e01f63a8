"""Files that a bank sends back (发放结果), read into one form. Nothing is written here and nothing is looked up.

One-card results: a CSV with 批次号, 总笔数, 总金额, 退票笔数, 退票金额 (a line each, or in one line) and a table 明细编号, 金额, 代码, 原因 of what
came back. Rural banks' batch: two `|`-separated GBK files, success and failure, each with a summary line; a failure row has
the eight fields of the batch and then code and reason (domain.md, "Money"). Both name their lines and totals.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LARGEST = 1 << 30
MOST_ERRORS = 20
SHEET = ("明细编号", "金额", "代码", "原因")
DETAIL = ("机构号", "户名", "金额", "账号", "单位编号", "证件类型", "证件号码", "当日次数")


@dataclass(frozen=True)
class Answer:
    """One file: `kind` sheet, success or failure; what it says of the whole batch (sheet) or of itself (`|`); its rows.

    `rows`: columns `row` (number in the file), `fen`, `code`, `reason` and `line` (sheet) or `account`, `times` (`|`).
    `lines` and `amount` are those of the summary, `returned` and `returned_amount` too (sheet).
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
    digest = hashlib.sha256(data).hexdigest()
    first = text.split("\n", 1)[0]
    if "批次号" in first:
        return _sheet(name, digest, text)
    if first.count("|") >= 7:
        return _batch(name, digest, text)
    raise _refuse(name, [_("第 1 行认不出是哪种结果文件：应以“批次号”开头，或为竖线分隔的汇总行。")])


def _integer(name: str, where: str, cell: str) -> int:
    if not re.fullmatch(r"\d{1,9}", cell):
        raise _refuse(name, [_("%(where)s不是整数：“%(cell)s”。") % {"where": where, "cell": cell[:20]}])
    return int(cell)


def _yuan(name: str, where: str, cell: str) -> Decimal:
    if not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", cell):
        raise _refuse(name, [_("%(where)s不是金额：“%(cell)s”。") % {"where": where, "cell": cell[:20]}])
    return Decimal(cell).quantize(Decimal("0.01"))


def _sheet(name: str, digest: str, text: str) -> Answer:
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
    rows = pa.table(
        {
            "row": table["row"],
            "line": line.cast(pa.int64()),
            "fen": _fen(name, table),
            "code": pc.utf8_slice_codeunits(table["代码"], 0, 20),
            "reason": pc.utf8_slice_codeunits(table["原因"], 0, 120),
        }
    )
    return Answer(
        name,
        digest,
        "sheet",
        said["批次号"],
        _integer(name, "总笔数", said["总笔数"]),
        _yuan(name, "总金额", said["总金额"]),
        _integer(name, "退票笔数", said["退票笔数"]),
        _yuan(name, "退票金额", said["退票金额"]),
        rows,
    )


def _batch(name: str, digest: str, text: str) -> Answer:
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
    blank = pa.repeat(pa.scalar(""), table.num_rows)
    rows = pa.table(
        {
            "row": table["row"],
            "account": account,
            "times": times.cast(pa.int64()),
            "fen": _fen(name, table),
            "code": pc.utf8_slice_codeunits(table["代码"], 0, 20) if kind == "failure" else blank,
            "reason": pc.utf8_slice_codeunits(table["原因"], 0, 120) if kind == "failure" else blank,
        }
    )
    lines, amount = _integer(name, _("第 1 行第 7 项“笔数”"), summary[6]), _yuan(name, _("第 1 行第 8 项“金额”"), summary[7])
    total = Decimal(pc.sum(rows["fen"]).as_py() or 0) / 100
    if (rows.num_rows, total) != (lines, amount):
        raise _refuse(
            name,
            [
                _("汇总行写明 %(lines)s 笔 %(amount)s 元，明细实有 %(found)s 笔 %(total)s 元；文件可能不完整，请重新索取。")
                % {"lines": f"{lines:,}", "amount": f"{amount:,.2f}", "found": f"{rows.num_rows:,}", "total": f"{total:,.2f}"}
            ],
        )
    return Answer(
        name, digest, kind, summary[0], lines, amount, lines if kind == "failure" else 0, amount if kind == "failure" else Decimal("0.00"), rows
    )


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
