"""Bank results (发放结果): the whole file is held against the payroll before anything is written; then all of it is booked.

One row per file (unique by SHA-256) and rows for what came back; the rest is paid by the file (integrity.md). The same
file again has no effect; half an answer, an unknown line, one fen off: nothing is booked, and every place is named.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from doudi.batch.tokens import Kind, matrix_from_tokens
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.plans import at_once
from doudi.core.services.todos import finish_todos, raise_todos
from doudi.payments import answers, layouts
from doudi.payments.models import BankFile, BankResult, LedgerAccount, Payroll
from doudi.payments.services import content, envelopes, files, ledger, repairs, setoffs
from doudi.payments.services.payrolls import locked


@dataclass(frozen=True)
class Booked:
    """What booking came to, yuan. `changed` is false where these files had been booked before."""

    payroll: Payroll
    paid: int
    paid_amount: Decimal
    returned: int
    returned_amount: Decimal
    changed: bool


@dataclass(frozen=True)
class Given:
    """One file as it came: its name, its bytes, the bank's signature over them where one came with it."""

    name: str
    data: bytes
    signature: bytes | None = None


@dataclass(frozen=True)
class Examined:
    """Answers held against their payroll. `complete`: they speak for every line; `problems`: why nothing is booked."""

    answers: list[answers.Answer]
    payroll: Payroll
    complete: bool
    problems: list[str]


def paired(data: list[tuple[str, bytes]]) -> list[Given]:
    """Files with their signatures (`NAME.sig` beside `NAME`). Raises ValidationError for a signature without its file."""
    signatures = {name.removesuffix(".sig"): content_ for name, content_ in data if name.endswith(".sig")}
    found = [Given(name, content_, signatures.pop(name, None)) for name, content_ in data if not name.endswith(".sig")]
    if signatures:
        raise ValidationError(_("签名文件 %(name)s.sig 没有对应的结果文件；请一并选择。") % {"name": next(iter(signatures))})
    return found


@transaction.atomic
def book_results(*, data: list[tuple[str, bytes]], on: date, now: datetime, payroll_id: int | None = None) -> Booked:
    """Book the bank's answer to one payroll: one results sheet, the success and failure files of a `|` batch together, or the answers of all its parts.

    `data`: (file name, bytes), signatures beside their files; `payroll_id`: the payroll that the officer has before them, if any.
    Raises ValidationError, naming file, row, field and reason, with nothing booked.
    """
    return book_given(given=paired(data), on=on, now=now, payroll_id=payroll_id)


@transaction.atomic
def book_given(*, given: list[Given], on: date, now: datetime, payroll_id: int | None = None) -> Booked:
    """`book_results` for files whose signatures came apart."""
    duties.require("payments.book")
    if not given:
        raise ValidationError(_("请选择银行发放结果文件。"))
    read = [parsed(one, payroll_id=payroll_id) for one in given]
    payroll = _one_payroll(read, payroll_id)
    known = set(BankResult.objects.filter(sha256__in=[answer.sha256 for answer in read]).values_list("sha256", flat=True))
    if known:
        if known != {answer.sha256 for answer in read}:
            raise ValidationError(_("部分文件已读入过，另一部分没有；请核对后一并上传同一批次的结果文件。"))
        return summary(payroll, changed=False)
    if payroll.state != Payroll.State.RELEASED:
        state = payroll.get_state_display()
        raise ValidationError(_("批次 %(number)s 现为“%(state)s”，不能读入发放结果。") % {"number": payroll.number, "state": state})
    totals_fit(read, payroll)
    with connection.cursor() as cursor, at_once(cursor):
        _load(cursor, read, payroll)
        problems = _line_problems(cursor, read, payroll)
        if problems:
            raise ValidationError([*problems[: answers.MOST_ERRORS], _("未记账。")])
        holders = repairs.take_holders(cursor)
        for number, (answer, one) in enumerate(zip(read, given, strict=True)):
            path = files.keep(io.BytesIO(one.data), f"{payroll.pk}-result-{answer.sha256[:16]}.sealed")
            paid_lines, paid_amount = answer.lines - answer.returned, answer.amount - answer.returned_amount
            result = BankResult.objects.create(
                area=payroll.area,
                payroll=payroll,
                name=answer.name[:120],
                path=path,
                sha256=answer.sha256,
                paid_lines=paid_lines,
                paid_amount=paid_amount,
                returned_lines=answer.returned,
                returned_amount=answer.returned_amount,
                booked_on=on,
                booked_by_id=scopes.current().account_id,
                booked_at=now,
            )
            if answer.returned:
                cursor.execute(
                    "insert into payments_bankreturn (area, line_id, month_entitled, entitlement_id, amount, payroll_id, programme, household_id,"
                    " payee_name, account, result_id, code, reason, state, new_name, new_bank, correction_note)"
                    " select l.area, l.id, l.month_entitled, l.entitlement_id, l.amount, l.payroll_id, l.programme, l.household_id, l.payee_name,"
                    " l.account, %s, b.code, b.reason, 'open', '', '', ''"
                    " from pg_temp.bank_answer b join payments_payrollline l on coalesce(l.carrier, l.id) = b.line_id and l.payroll_id = %s"
                    " and l.month_entitled <= %s where b.file = %s and b.back order by l.id",
                    [result.pk, payroll.pk, payroll.latest, number],
                )
        repairs.open_repairs(cursor, payroll, holders, on=on)
        if _into_the_ledger(cursor, payroll, on, now):
            setoffs.settle(cursor, payroll, on=on, now=now)
        payroll.state, payroll.booked_at = Payroll.State.BOOKED, now
        payroll.save(update_fields=["state", "booked_at"])
    finish_todos(subject="payroll", subject_id=payroll.pk, now=now)
    raise_todos(
        "select left(area, 9), %s, 'payments.returns', %s || '：' || count(*) || %s, '/payments/returns/', 'area', left(area, 9)::bigint, %s"
        " from payments_bankreturn where payroll_id = %s and state = 'open' and amount > 0 group by left(area, 9)",
        [Duty.TOWNSHIP_OFFICER, "支付退票待更正", " 笔", repairs.due_of(payroll.area, on), payroll.pk],
        now=now,
    )
    with connection.cursor() as cursor:
        cursor.execute("drop table pg_temp.bank_answer")
    scopes.check_constraints()
    return summary(payroll, changed=True)


def examine(given: list[Given], *, payroll_id: int) -> Examined:
    """Hold answers against their payroll as booking would, and say what it would say; nothing is written. Some parts may be missing yet."""
    read = [parsed(one, payroll_id=payroll_id) for one in given]
    payroll = _one_payroll(read, payroll_id)
    lines, amount = sum(answer.lines for answer in read), sum((answer.amount for answer in read), Decimal("0.00"))
    problems: list[str] = []
    complete = (lines, amount) == (payroll.lines, payroll.amount)
    if complete or lines >= payroll.lines:
        try:
            totals_fit(read, payroll)
        except ValidationError as error:
            problems += error.messages
    with transaction.atomic(), connection.cursor() as cursor, at_once(cursor):
        _load(cursor, read, payroll)
        problems += _line_problems(cursor, read, payroll)
        cursor.execute("drop table pg_temp.bank_answer")
    return Examined(read, payroll, complete, problems)


def parsed(one: Given, *, payroll_id: int | None = None) -> answers.Answer:
    """An answer, opened where the bank encrypted it, its signature proved where the county's choice demands one. Raises ValidationError."""
    data = envelopes.opened(scopes.current().area[:6], one.name, one.data)
    answer = replace(answers.parse(one.name, data), sha256=hashlib.sha256(one.data).hexdigest())
    file = file_of(answer, payroll_id=payroll_id)
    if file is not None and file.choice is not None and file.choice.signed:
        envelopes.verify(file.choice, one.name, one.data, one.signature)
    return answer


def file_of(answer: answers.Answer, *, payroll_id: int | None = None) -> BankFile | None:
    """The file that an answer speaks of, where one of that number was made; of layouts that get such answers before others."""
    rows = BankFile.objects.filter(number=answer.number).select_related("choice", "payroll").order_by("-attempt", "pk")
    found = list(rows.filter(payroll_id=payroll_id) if payroll_id else rows)
    fitting = [row for row in found if answer.kind == "refusal" or answer.kind in layouts.LAYOUTS[row.layout].answers]
    return next(iter(fitting or found), None)


def _one_payroll(read: list[answers.Answer], payroll_id: int | None) -> Payroll:
    """The one payroll that all answers speak of, locked; each file answered once, in one form or in the two halves of it."""
    if any(answer.kind == "refusal" for answer in read):
        raise ValidationError(_("整批拒绝的回执没有可记账的明细；请在批次页上传登记。"))
    if len({answer.sha256 for answer in read}) < len(read):
        raise ValidationError(_("同一文件选择了两次；请核对。"))
    files_ = {answer.number: file_of(answer, payroll_id=payroll_id) for answer in read}
    for number, file in files_.items():
        kinds = sorted(answer.kind for answer in read if answer.number == number)
        if kinds not in (["sheet"], ["receipt"], ["failure", "success"], ["success"], ["failure"]):
            raise ValidationError(_("一次上传一个批次的结果：一个发放结果表，或成功、失败两个文件。"))
        if file is not None and file.refused_at:
            raise ValidationError(_("文件 %(number)s 已被银行整批拒绝，不能再读入它的结果；请核对。") % {"number": number})
    payrolls = {file.payroll_id if file else _numbered(answer) for answer in read for file in [files_[answer.number]]}
    if len(payrolls) > 1:
        raise ValidationError(_("这些文件属于不同批次；请按批次分别上传。"))
    payroll = locked(payrolls.pop(), "payments.book")
    if payroll_id is not None and payroll.pk != payroll_id:
        raise ValidationError(_("文件属于批次 %(number)s，不是当前批次；请在该批次页面上传。") % {"number": payroll.number})
    parts = [file for file in files_.values() if file is not None]
    if (
        len({(file.layout, file.choice_id, file.part) for file in parts}) < len(parts)
        or len({file.layout for file in parts if file.choice_id is None}) > 1
    ):
        raise ValidationError(_("这些结果对应同一批明细的不同文件；请核对后只上传一套。"))
    return payroll


def _numbered(answer: answers.Answer) -> int:
    row = Payroll.objects.filter(number=answer.number).values_list("pk", flat=True).first()
    if row is None:
        raise ValidationError(_("%(name)s：批次号“%(number)s”不存在，或不在您的管辖范围内。") % {"name": answer.name, "number": answer.number[:24]})
    return row


def totals_fit(read: list[answers.Answer], payroll: Payroll) -> None:
    """What the files say of the batch is what was released, file by file and together. Raises ValidationError."""
    lines, amount = sum(answer.lines for answer in read), sum((answer.amount for answer in read), Decimal("0.00"))
    if (lines, amount) != (payroll.lines, payroll.amount):
        halves = any(answer.kind in ("success", "failure") for answer in read)
        hint = _("请将成功、失败两个文件一并上传。") if len(read) == 1 and halves else _("请向银行核实。")
        raise ValidationError(
            _("结果合计 %(lines)s 笔 %(amount)s 元，批次 %(number)s 为 %(want)s 笔 %(wanted)s 元，不相符，未记账；%(hint)s")
            % {
                "lines": f"{lines:,}",
                "amount": f"{amount:,.2f}",
                "number": payroll.number,
                "want": f"{payroll.lines:,}",
                "wanted": f"{payroll.amount:,.2f}",
                "hint": hint,
            }
        )
    for answer in read:
        file = file_of(answer, payroll_id=payroll.pk)
        both = [one for one in read if one.number == answer.number]
        said = sum(one.lines for one in both), sum((one.amount for one in both), Decimal("0.00"))
        if file is not None and said != (file.lines, file.amount):
            raise ValidationError(
                _("%(name)s：结果为 %(lines)s 笔 %(amount)s 元，代发文件 %(number)s 为 %(want)s 笔 %(wanted)s 元，不相符，未记账；请向银行核实。")
                % {
                    "name": answer.name,
                    "lines": f"{said[0]:,}",
                    "amount": f"{said[1]:,.2f}",
                    "number": answer.number,
                    "want": f"{file.lines:,}",
                    "wanted": f"{file.amount:,.2f}",
                }
            )
        total = Decimal(pc.sum(answer.rows["fen"]).as_py() or 0) / 100
        if answer.kind == "sheet" and (answer.rows.num_rows, total) != (answer.returned, answer.returned_amount):
            raise ValidationError(
                _("%(name)s：表头写明退票 %(lines)s 笔 %(amount)s 元，明细实有 %(found)s 笔 %(total)s 元；文件可能不完整，未记账。")
                % {
                    "name": answer.name,
                    "lines": f"{answer.returned:,}",
                    "amount": f"{answer.returned_amount:,.2f}",
                    "found": f"{answer.rows.num_rows:,}",
                    "total": f"{total:,.2f}",
                }
            )


def _load(cursor: Any, read: list[answers.Answer], payroll: Payroll) -> None:
    """The rows of all files into `pg_temp.bank_answer`; those without ids are found by the bank's keys: account and turn."""
    cursor.execute(
        "create temporary table bank_answer (file int, row_no int, line_id bigint, account uuid, times int, fen bigint, back bool, code text, reason text)"
        " on commit drop"
    )
    for number, answer in enumerate(read):
        with cursor.copy("copy pg_temp.bank_answer from stdin") as copy:
            copy.write(_copied(number, answer))
    cursor.execute("analyze pg_temp.bank_answer")
    if any(answers.FORMS[answer.kind].key == "账号、当日次数" for answer in read):
        cursor.execute(
            "update pg_temp.bank_answer b set line_id = l.id from (select id, account, row_number() over (partition by account"
            " order by entitlement_id, month_entitled, kind, cause) as times from payments_payrollline where payroll_id = %s and month_entitled <= %s and amount > 0) l"
            " where b.line_id is null and l.account = b.account and l.times = b.times",
            [payroll.pk, payroll.latest],
        )


def _copied(number: int, answer: answers.Answer) -> bytes:
    """The rows of one file as COPY takes them."""
    rows = answer.rows
    if answers.FORMS[answer.kind].key == "账号、当日次数":
        matrix, _valid = matrix_from_tokens(numbers.token_key().seal_many(Kind.ACCOUNT, rows["account"]))
        digits = np.frombuffer(b"0123456789abcdef", np.uint8)
        text = np.stack([digits[matrix >> 4], digits[matrix & 15]], axis=2).reshape(len(matrix), 32)
        offsets = np.arange(len(matrix) + 1, dtype=np.int32) * 32
        account = pa.StringArray.from_buffers(len(matrix), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text)))
    else:
        account = pa.nulls(rows.num_rows, pa.string())
    clean = [pc.replace_substring_regex(content._strings(rows[name]), r"[\t\r\n\\]", " ") for name in ("code", "reason")]
    joined = pc.binary_join_element_wise(
        pa.repeat(pa.scalar(str(number)), rows.num_rows),
        content._strings(rows["row"]),
        pc.fill_null(content._strings(rows["line"]), "\\N"),
        pc.fill_null(account, "\\N"),
        pc.fill_null(content._strings(rows["times"]), "\\N"),
        content._strings(rows["fen"]),
        content._strings(rows["back"]),
        *clean,
        "\t",
    )
    return content._joined(joined)


def _line_problems(cursor: Any, read: list[answers.Answer], payroll: Payroll) -> list[str]:
    """Rows that are no line of the payroll, that come twice, or whose amount differs, each with its file and row."""
    cursor.execute(
        "select b.file, b.row_no, l.id is null, b.fen, ((l.amount + coalesce(s.less, 0)) * 100)::bigint, b.first, b.first_file from"
        " (select *, first_value(row_no) over w as first, first_value(file) over w as first_file,"
        "  row_number() over (partition by line_id order by file, row_no) as turn from pg_temp.bank_answer"
        "  window w as (partition by line_id order by file, row_no)) b"
        " left join payments_payrollline l on l.id = b.line_id and l.payroll_id = %(payroll)s and l.month_entitled <= %(latest)s and l.amount > 0"
        " left join (select carrier, sum(amount) as less from payments_payrollline where payroll_id = %(payroll)s and month_entitled <= %(latest)s"
        "  and amount < 0 group by 1) s on s.carrier = l.id where l.id is null or b.fen <> (l.amount + coalesce(s.less, 0)) * 100 or b.turn > 1 order by 1, 2 limit 200",
        {"payroll": payroll.pk, "latest": payroll.latest},
    )
    problems = []
    for file, row, unknown, fen, wanted, first, first_file in cursor.fetchall():
        where = f"{read[file].name}：" + _("第 %(row)s 行") % {"row": row}
        key = answers.FORMS[read[file].kind].key
        if unknown:
            problems.append(_("%(where)s“%(key)s”不在批次 %(number)s 中；请核对。") % {"where": where, "key": key, "number": payroll.number})
        elif fen != wanted:
            has, wants = f"{Decimal(fen) / 100:,.2f}", f"{Decimal(wanted) / 100:,.2f}"
            problems.append(_("%(where)s“金额”为 %(has)s，发放明细为 %(wants)s；请向银行核实。") % {"where": where, "has": has, "wants": wants})
        elif first_file != file:
            values = {"where": where, "file": read[first_file].name, "first": first}
            problems.append(_("%(where)s与 %(file)s 第 %(first)s 行是同一笔明细；请核对。") % values)
        else:
            problems.append(_("%(where)s与第 %(first)s 行是同一笔明细；请核对。") % {"where": where, "first": first})
    return problems


def _into_the_ledger(cursor: Any, payroll: Payroll, on: date, now: datetime) -> bool:
    """Move the payroll's money to where the bank's answers say it went; whether something of it was set off."""
    ledger.lock(payroll.area)
    cursor.execute(
        "select l.fund_id, l.fund_year, sum(l.amount) - coalesce(sum(r.amount), 0), coalesce(sum(r.amount), 0), bool_or(l.amount < 0)"
        " from payments_payrollline l"
        " left join payments_bankreturn r on r.line_id = l.id and r.month_entitled = l.month_entitled and r.payroll_id = %(payroll)s"
        " where l.payroll_id = %(payroll)s and l.month_entitled <= %(latest)s group by 1, 2 order by 1, 2",
        {"payroll": payroll.pk, "latest": payroll.latest},
    )
    rows = cursor.fetchall()
    for fund, year, paid, returned, _less in rows:
        for amount, target, what in (
            (paid, LedgerAccount.PAID, f"已到账 {payroll.number}"),
            (returned, LedgerAccount.RETURNED, f"退票 {payroll.number}"),
        ):
            if amount:
                ledger.move(
                    area=payroll.area,
                    fund_id=fund,
                    year=year,
                    amount=amount,
                    source=LedgerAccount.IN_PAYMENT,
                    target=target,
                    what=what,
                    payroll=payroll,
                    on=on,
                    now=now,
                )
    return any(less for *_sums, less in rows)


def summary(payroll: Payroll, *, changed: bool) -> Booked:
    rows = list(BankResult.objects.filter(payroll=payroll))
    return Booked(
        payroll,
        sum(row.paid_lines for row in rows),
        sum((row.paid_amount for row in rows), Decimal("0.00")),
        sum(row.returned_lines for row in rows),
        sum((row.returned_amount for row in rows), Decimal("0.00")),
        changed,
    )
