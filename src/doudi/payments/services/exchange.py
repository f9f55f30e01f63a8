"""Choosing layouts (dated, two officers), and the bank's answers on their way: received, looked at, booked or set aside; a batch refused whole."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.payments import answers, layouts
from doudi.payments.models import BankAnswer, BankFile, Fund, LayoutChoice, Payroll, paid_choices
from doudi.payments.services import envelopes, files, results
from doudi.payments.services.payrolls import locked

SUBJECT = "layout_choice"
Choice = LayoutChoice.State

# --- choices of layouts ----------------------------------------------------------------------------------------------


def propose_choice(
    *,
    area: str,
    layout: str,
    starts: date,
    document: str,
    on: date,
    now: datetime,
    fund: Fund | None = None,
    programme: str = "",
    bank: str = "",
    encrypted: bool = False,
    signed: bool = False,
    certificate: str = "",
) -> LayoutChoice:
    """Propose a layout for the county's lines from a date; another officer confirms. Raises ValidationError by field."""
    acting = duties.require("payments.layouts_propose")
    if len(area) != 6 or not acting.covers(area):
        raise ValidationError(_("版式按县（市、区）选定；所选地区不是您管辖的县。"))
    if layout not in layouts.LAYOUTS:
        raise ValidationError({"layout": _("没有这种文件格式。")})
    if programme and programme not in dict(paid_choices()):
        raise ValidationError({"programme": _("没有这种待遇。")})
    if starts < on:
        raise ValidationError({"starts": _("启用日期不能早于今天：已生成的文件不会改变。")})
    if not document.strip():
        raise ValidationError({"document": _("请填写与财政或银行约定的文件名称、文号。")})
    if encrypted or signed:
        if not certificate.strip():
            raise ValidationError({"certificate": _("加密或签名须有银行证书。")})
        try:
            envelopes.check_certificate(certificate, on=starts, encrypted=encrypted)
        except ValidationError as error:
            raise ValidationError({"certificate": error.messages}) from None
        if signed and not envelopes.keys_of(area):
            raise ValidationError({"signed": _("本县还没有签名密钥；请先生成，并把证书交给银行。")})
    same = LayoutChoice.objects.filter(area=area, fund=fund, programme=programme, bank=bank.strip(), starts=starts)
    if same.filter(state__in=[Choice.PROPOSED, Choice.CONFIRMED]).exists():
        raise ValidationError({"starts": _("同一范围同一日期已有一条待确认或已确认的选择；请先办理或撤回它。")})
    row = LayoutChoice.objects.create(
        area=area,
        layout=layout,
        fund=fund,
        programme=programme,
        bank=bank.strip(),
        starts=starts,
        encrypted=encrypted,
        signed=signed,
        certificate=certificate.strip(),
        document=document.strip()[:200],
        proposed_by_id=acting.account_id,
        proposed_at=now,
    )
    raise_todo(
        kind="payments.layout",
        area=area,
        duty=Duty.COUNTY_APPROVER,
        title="确认代发文件版式",
        url="/payments/layouts/",
        subject=SUBJECT,
        subject_id=row.pk,
        now=now,
    )
    scopes.check_constraints()
    return row


@transaction.atomic
def decide_choice(*, choice_id: int, decision: str, note: str, now: datetime) -> LayoutChoice:
    """Confirm, refuse or withdraw a choice. `decision`: confirmed, refused or withdrawn. Who proposed does not confirm; a reason unless confirmed."""
    acting = scopes.current()
    row = LayoutChoice.objects.select_for_update(of=("self",)).filter(pk=choice_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这一条，或它不在您的管辖范围内。"))
    own = row.state == Choice.PROPOSED and row.proposed_by_id == acting.account_id and decision == Choice.WITHDRAWN
    duties.require("payments.layouts_propose" if own else "payments.layouts_confirm")
    if decision == row.state and row.decided_by_id == acting.account_id:
        return row
    steps = {
        Choice.CONFIRMED: [Choice.PROPOSED],
        Choice.REFUSED: [Choice.PROPOSED],
        Choice.WITHDRAWN: [Choice.CONFIRMED, *([Choice.PROPOSED] if own else [])],
    }
    if row.state not in steps[Choice(decision)]:
        raise ValidationError(_("这一条已经由他人办理；请刷新页面。"))
    if decision != Choice.CONFIRMED and not note.strip():
        raise ValidationError(_("请写明原因。"))
    if decision in (Choice.CONFIRMED, Choice.REFUSED):
        duties.require_apart("payments.layouts_confirm", done={"payments.layouts_propose": row.proposed_by_id})
    row.state, row.decided_by_id, row.decided_at, row.decision_note = decision, acting.account_id, now, note.strip()[:400]
    try:
        with transaction.atomic():
            row.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
    except IntegrityError:
        raise ValidationError(_("同一范围同一日期已有另一条确认的选择；请先撤回它。")) from None
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    scopes.check_constraints()
    return row


# --- answers of the bank ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Received:
    """What reading in came to: how many files are new, were there before, or send a whole batch back."""

    new: int
    known: int
    refused: list[BankFile]


@transaction.atomic
def receive(*, payroll_id: int, data: list[tuple[str, bytes]], now: datetime) -> Received:
    """Take in files of the bank's answer to a payroll; nothing is booked yet. All of them, or with a ValidationError none.

    Parts come in any order and on any day; the same file again has no effect. A refusal of a whole batch marks its file, which can then be made anew.
    """
    payroll = locked(payroll_id, "payments.book")
    given = results.paired(data)
    if not given:
        raise ValidationError(_("请选择银行发放结果文件。"))
    if payroll.state not in (Payroll.State.RELEASED, Payroll.State.BOOKED):
        raise ValidationError(
            _("批次 %(number)s 现为“%(state)s”，不能读入发放结果。") % {"number": payroll.number, "state": payroll.get_state_display()}
        )
    new = known = 0
    refused: list[BankFile] = []
    for one in given:
        digest = hashlib.sha256(one.data).hexdigest()
        if BankAnswer.objects.filter(payroll=payroll, sha256=digest).exclude(state=BankAnswer.State.SET_ASIDE).exists():
            known += 1
            continue
        answer = results.parsed(one, payroll_id=payroll_id)
        if answer.kind == "refusal":
            refused += _refused(payroll, answer, now)
            continue
        file = results.file_of(answer, payroll_id=payroll_id)
        if file is None and answer.number != payroll.number:
            values = {"name": one.name, "number": answer.number[:40], "payroll": payroll.number}
            raise ValidationError(_("%(name)s：批次号“%(number)s”不是批次 %(payroll)s 的文件；请在它自己的批次页面上传。") % values)
        if file is not None and file.refused_at:
            raise ValidationError(_("文件 %(number)s 已被银行整批拒绝，不能再读入它的结果；请核对。") % {"number": file.number})
        if payroll.state == Payroll.State.BOOKED:
            if payroll.results.filter(sha256=digest).exists():
                known += 1
                continue
            raise ValidationError(
                _("批次 %(number)s 已全部记账；%(name)s 是另一份文件，没有读入，请向银行核实。") % {"number": payroll.number, "name": one.name}
            )
        BankAnswer.objects.create(
            area=payroll.area,
            payroll=payroll,
            name=one.name[:120],
            path=files.keep(io.BytesIO(one.data), f"{payroll.pk}-answer-{digest[:16]}.sealed"),
            sha256=digest,
            signature=one.signature,
            number=answer.number[:40],
            kind=answer.kind,
            lines=answer.lines,
            amount=answer.amount,
            returned=answer.returned,
            returned_amount=answer.returned_amount,
            received_by_id=scopes.current().account_id,
            received_at=now,
        )
        new += 1
    scopes.check_constraints()
    return Received(new, known, refused)


def _refused(payroll: Payroll, answer: answers.Answer, now: datetime) -> list[BankFile]:
    """The bank sent a whole file back: nobody was paid by it. The same answer again has no effect."""
    file = results.file_of(answer, payroll_id=payroll.pk)
    if file is None:
        values = {"name": answer.name, "payroll": payroll.number, "number": answer.number[:40]}
        raise ValidationError(_("%(name)s：批次 %(payroll)s 没有编号为“%(number)s”的代发文件；请核对。") % values)
    if file.refused_at:
        return []
    if payroll.state != Payroll.State.RELEASED:
        raise ValidationError(_("批次 %(number)s 已记账，不能再登记整批拒绝；请向银行核实。") % {"number": payroll.number})
    if BankAnswer.objects.filter(payroll=payroll, number=answer.number, state=BankAnswer.State.WAITING).exists():
        raise ValidationError(_("文件 %(number)s 已有读入的结果，又收到整批拒绝；请向银行核实，并先作废不对的一份。") % {"number": answer.number})
    file.refused_at, file.refused_reason, file.refused_by_id = now, answer.said[:120], scopes.current().account_id
    file.save(update_fields=["refused_at", "refused_reason", "refused_by"])
    raise_todo(
        kind="payments.refused",
        area=payroll.area,
        duty=Duty.FINANCE_OFFICER,
        title=f"银行整批拒绝 {file.number}，须重新生成代发文件",
        url=f"/payments/{payroll.pk}/?tab=results",
        subject="payroll",
        subject_id=payroll.pk,
        now=now,
    )
    return [file]


def waiting(payroll: Payroll) -> list[BankAnswer]:
    return list(BankAnswer.objects.filter(payroll=payroll, state=BankAnswer.State.WAITING).select_related("received_by").order_by("pk"))


def _given(rows: list[BankAnswer]) -> list[results.Given]:
    return [results.Given(row.name, b"".join(files.stored(row.path)), bytes(row.signature) if row.signature else None) for row in rows]


@dataclass(frozen=True)
class Preview:
    """What booking would do: totals in yuan, reasons of what came back, and why it would be refused."""

    rows: list[BankAnswer]
    lines: int
    amount: Decimal
    returned: int
    returned_amount: Decimal
    missing_lines: int
    missing_amount: Decimal
    reasons: list[dict[str, Any]]
    problems: list[str]

    @property
    def ready(self) -> bool:
        return bool(self.rows) and not self.problems and not self.missing_lines and not self.missing_amount


def preview(*, payroll_id: int) -> Preview:
    """Hold what has come against the payroll, as booking will; nothing is written. A problem names file, row, field and reason."""
    payroll = locked(payroll_id, "payments.book")
    rows = waiting(payroll)
    problems: list[str] = []
    found: dict[tuple[str, str], list[int]] = {}
    if rows:
        try:
            examined = results.examine(_given(rows), payroll_id=payroll.pk)
            problems = examined.problems
            for answer in examined.answers:
                back = answer.rows.filter(answer.rows["back"])
                for code, reason, fen in zip(back["code"].to_pylist(), back["reason"].to_pylist(), back["fen"].to_pylist(), strict=True):
                    pair = found.setdefault((code, reason), [0, 0])
                    pair[0], pair[1] = pair[0] + 1, pair[1] + fen
        except ValidationError as error:
            problems = error.messages
    lines, amount = sum(row.lines for row in rows), sum((row.amount for row in rows), Decimal("0.00"))
    return Preview(
        rows,
        lines,
        amount,
        sum(row.returned for row in rows),
        sum((row.returned_amount for row in rows), Decimal("0.00")),
        payroll.lines - lines,
        payroll.amount - amount,
        [
            {"code": code, "reason": reason, "lines": n, "amount": Decimal(fen) / 100}
            for (code, reason), (n, fen) in sorted(found.items(), key=lambda one: -one[1][0])
        ],
        problems,
    )


@transaction.atomic
def book_received(*, payroll_id: int, on: date, now: datetime) -> results.Booked:
    """Book what has come, when it is everything and everything fits; else ValidationError with nothing booked. Twice has no effect."""
    payroll = locked(payroll_id, "payments.book")
    rows = waiting(payroll)
    if not rows and payroll.state == Payroll.State.BOOKED:
        return results.summary(payroll, changed=False)
    booked = results.book_given(given=_given(rows), on=on, now=now, payroll_id=payroll.pk)
    BankAnswer.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=BankAnswer.State.BOOKED, decided_by_id=scopes.current().account_id, decided_at=now
    )
    scopes.check_constraints()
    return booked


@transaction.atomic
def set_aside(*, answer_id: int, reason: str, now: datetime) -> BankAnswer:
    """Set a file that came aside (a wrong one): it counts no more, and its record stays with who did it and why."""
    acting = duties.require("payments.book")
    row = BankAnswer.objects.select_for_update(of=("self",)).select_related("payroll").filter(pk=answer_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("文件不存在，或不在您的管辖范围内。"))
    if row.state == BankAnswer.State.SET_ASIDE:
        return row
    if row.state != BankAnswer.State.WAITING:
        raise ValidationError(_("这份文件已记账，不能作废。"))
    if not reason.strip():
        raise ValidationError(_("请写明作废的原因。"))
    row.state, row.decided_by_id, row.decided_at, row.reason = BankAnswer.State.SET_ASIDE, acting.account_id, now, reason.strip()[:200]
    row.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    return row
