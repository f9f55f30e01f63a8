"""Commands of payments: `doudi payroll`, `doudi bank-results`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from doudi.core.commandline import AsJson, acting_as, month_given, ready, show

app = typer.Typer()
As = Annotated[str, typer.Option("--as", help="以哪个账号办理（须有相应岗位）")]


class Step(StrEnum):
    prepare = "prepare"
    sign = "sign"
    approve = "approve"
    release = "release"


ACTS = {Step.prepare: "payments.prepare", Step.sign: "payments.prepare", Step.approve: "payments.approve", Step.release: "payments.release"}


@contextmanager
def _told() -> Iterator[None]:
    """Refusals are one sentence and exit code 1."""
    from django.core.exceptions import PermissionDenied, ValidationError

    try:
        yield
    except ValidationError as error:
        typer.echo("错误：" + "\n".join(error.messages), err=True)
        raise typer.Exit(1) from None
    except PermissionDenied as error:
        typer.echo(f"错误：{error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def payroll(
    month: Annotated[date | None, typer.Option("--month", parser=month_given, metavar="YYYY-MM", help="发放月份，如 2022-12；--check 不填为全部月份")] = None,
    username: Annotated[str, typer.Option("--as", help="以哪个账号办理（须有相应岗位）；--check 可不填")] = "",
    area: Annotated[str, typer.Option(help="县（市、区）代码；不填为该岗位所在地区")] = "",
    step: Annotated[Step, typer.Option("--step", help="办理环节：编制、复核、审批、报送")] = Step.prepare,
    check: Annotated[bool, typer.Option("--check", help="只对账：发放明细 = 代发文件 = 发放结果 = 资金台账，按县、资金、年度；不符时以 1 结束")] = False,
    export: Annotated[str, typer.Option(help="导出代发文件：chosen 为本县选定的版式，或 one_card_csv、one_card_xlsx、bank_batch、bank_batch_gbk、bank_fen")] = "",
    out: Annotated[Path, typer.Option(file_okay=False, help="导出到哪个文件夹")] = Path(),
    as_json: AsJson = False,
) -> None:
    """发放批次：编制、复核、审批、报送（各由不同人员），导出代发文件；--check 核对资金台账。"""
    if check:
        _check(month=month, username=username, area=area, as_json=as_json)
        return
    if month is None or not username:
        typer.echo("错误：请用 --month 给出发放月份、--as 给出办理账号。", err=True)
        raise typer.Exit(2)
    with ready():
        from django.utils import timezone

        from doudi.payments import queries
        from doudi.payments.services import files, payrolls

        act = "payments.release" if export else ACTS[step]
        figures: dict[str, Any]
        with _told(), acting_as(username, act=act, page="doudi payroll") as (acting, now):
            place = area or acting.area
            if export or step is not Step.prepare:
                row = queries.regular_payroll(area=place, month=month)
                if row is None:
                    typer.echo("错误：这个月还没有编制发放批次；请先用 --step prepare 编制。", err=True)
                    raise typer.Exit(1)
                if export:
                    made = (
                        files.export_chosen(payroll_id=row.pk, now=now)
                        if export == "chosen"
                        else files.export_whole(payroll_id=row.pk, layout=export, now=now)
                    )
                    out.mkdir(parents=True, exist_ok=True)
                    for one in made:
                        with open(out / one.file.name, "wb") as plain:
                            plain.writelines(files.download(file_id=one.file.pk)[1])
                        if one.file.signature:
                            (out / f"{one.file.name}.sig").write_bytes(bytes(one.file.signature))
                    figures = {
                        "file": str(out / made[0].file.name),
                        "files": len(made),
                        "lines": sum(one.file.lines for one in made),
                        "amount": str(sum((one.file.amount for one in made), Decimal("0.00"))),
                        "sha256": made[0].file.sha256,
                    }
                else:
                    if step is Step.sign:
                        payrolls.check_payroll(payroll_id=row.pk, now=now)
                    elif step is Step.approve:
                        payrolls.approve_payroll(payroll_id=row.pk, now=now)
                    else:
                        payrolls.release_payroll(payroll_id=row.pk, on=timezone.localdate(now), now=now)
                    figures = queries.figures(row.pk)
            else:
                prepared = payrolls.prepare_payroll(area=place, month=month, now=now)
                figures = {**queries.figures(prepared.payroll.pk), "excluded": prepared.excluded, "changed": prepared.changed}
        show(figures, as_json=as_json, title=f"{place} {month:%Y-%m}")


def _check(*, month: date | None, username: str, area: str, as_json: bool) -> None:
    """Prove ledger = payrolls = bank results; a table by county, fund and year, every difference with its place; 1 where one does not agree."""
    with ready():
        from django.utils import timezone

        from doudi.core import places
        from doudi.core import scope as scopes
        from doudi.core.duties import WORKER
        from doudi.core.postings import scope_of
        from doudi.payments.services import proof

        if username:
            acting = scope_of(username=username, act="payments.view", on=timezone.localdate(), page="doudi payroll --check")
        else:
            acting = scopes.Scope(area=area or places.PROVINCE, duty=WORKER, page="doudi payroll --check", acts=frozenset({"payments.view"}))
        with _told(), scopes.acting(acting):
            found = proof.prove(area=area or acting.area, first=month, last=month)
            places.preload(row.area for row in found.rows)
            said = proof.said(found)
            rows = [(places.name(row.area), row) for row in found.rows]
    if as_json:
        fields = ("payrolls", "ledger_out", "bank_paid", "ledger_paid", "bank_returned", "ledger_returned")
        answer = {
            "holds": found.holds,
            "payrolls": found.payrolls,
            "rows": [
                {"area": row.area, "fund": row.fund, "year": row.year, **{name: str(getattr(row, name)) for name in fields}, "holds": row.holds}
                for _name, row in rows
            ],
            "differences": said,
        }
        show(answer, as_json=True)
    else:
        _table(rows, said, found.payrolls)
    if not found.holds:
        raise typer.Exit(1)


def _table(rows: list[tuple[str, Any]], said: list[str], payrolls: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"对账：{payrolls} 个批次")
    for head in ("地区", "资金", "年度", "已报送批次", "台账支出", "银行成功", "台账已发放", "银行退票", "台账退票", "结果"):
        table.add_column(head, justify="left" if head in ("地区", "资金", "结果") else "right")
    for name, row in rows:
        sums = (row.payrolls, row.ledger_out, row.bank_paid, row.ledger_paid, row.bank_returned, row.ledger_returned)
        table.add_row(name, row.fund, str(row.year), *(f"{amount:,.2f}" for amount in sums), "相符" if row.holds else "不符")
    Console().print(table)
    for line in said:
        typer.echo(f"不符　{line}")
    typer.echo("各项相符，分毫不差。" if not said else f"共 {len(said)} 处不符。")


@app.command("bank-results")
def bank_results(
    paths: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="银行发放结果文件；一个批次的各份一并给出，签名文件（.sig）也是")],
    username: As,
    as_json: AsJson = False,
) -> None:
    """读入银行发放结果：整份核对无误才记账；同一文件再次读入不起作用。"""
    with ready():
        from django.utils import timezone

        from doudi.payments.services import results

        with _told(), acting_as(username, act="payments.book", page="doudi bank-results") as (_acting, now):
            booked = results.book_results(data=[(path.name, path.read_bytes()) for path in paths], on=timezone.localdate(now), now=now)
        figures = {
            "payroll": booked.payroll.number,
            "paid": booked.paid,
            "paid_amount": str(booked.paid_amount),
            "returned": booked.returned,
            "returned_amount": str(booked.returned_amount),
            "changed": booked.changed,
        }
        show(figures, as_json=as_json, title="发放结果")
