"""Commands of payments: `doudi payroll`, `doudi bank-results`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from doudi.core.commandline import AsJson, ready, show

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
    month: Annotated[str, typer.Option(help="发放月份，如 2022-12")],
    username: As,
    area: Annotated[str, typer.Option(help="县（市、区）代码；不填为该岗位所在地区")] = "",
    step: Annotated[Step, typer.Option("--step", help="办理环节：编制、复核、审批、报送")] = Step.prepare,
    check: Annotated[bool, typer.Option("--check", help="只核对：发放明细 = 代发文件 = 发放结果 = 资金台账")] = False,
    export: Annotated[str, typer.Option(help="导出代发文件：chosen 为本县选定的版式，或 one_card_csv、one_card_xlsx、bank_batch、bank_batch_gbk、bank_fen")] = "",
    out: Annotated[Path, typer.Option(file_okay=False, help="导出到哪个文件夹")] = Path(),
    as_json: AsJson = False,
) -> None:
    """发放批次：编制、复核、审批、报送（各由不同人员），导出代发文件；--check 核对资金台账。"""
    from datetime import date

    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        typer.echo("错误：--month 应为年月，如 2022-12。", err=True)
        raise typer.Exit(2) from None
    with ready():
        from django.utils import timezone

        from doudi.core import scope as scopes
        from doudi.core.postings import scope_of
        from doudi.payments import queries
        from doudi.payments.services import files, ledger, payrolls

        now = timezone.now()
        today = timezone.localdate(now)
        act = "payments.view" if check else "payments.release" if export else ACTS[step]
        acting = scope_of(username=username, act=act, on=today, page="doudi payroll")
        place = area or acting.area
        figures: dict[str, Any]
        with _told(), scopes.acting(acting):
            if check:
                proof = ledger.check_ledger(area=place, month=first)
                figures = {
                    "holds": proof["holds"],
                    "balance": f"{proof['balance']:.2f}",
                    "proofs": [
                        {
                            "payroll": one.payroll,
                            "name": one.name,
                            "left": str(one.left),
                            "right": str(one.right),
                            "holds": one.holds,
                            "waits": one.waits,
                        }
                        for one in proof["proofs"]
                    ],
                }
            elif export or step is not Step.prepare:
                row = queries.regular_payroll(area=place, month=first)
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
                        payrolls.release_payroll(payroll_id=row.pk, on=today, now=now)
                    figures = queries.figures(row.pk)
            else:
                prepared = payrolls.prepare_payroll(area=place, month=first, now=now)
                figures = {**queries.figures(prepared.payroll.pk), "excluded": prepared.excluded, "changed": prepared.changed}
        if check and not as_json:
            figures["proofs"] = {
                f"{one['payroll']} {one['name']}": "待" if one["waits"] else "相符" if one["holds"] else "不符" for one in figures["proofs"]
            }
        show(figures, as_json=as_json, title=f"{place} {month}")
    if check and not figures["holds"]:
        raise typer.Exit(1)


@app.command("bank-results")
def bank_results(
    paths: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="银行发放结果文件；一个批次的各份一并给出，签名文件（.sig）也是")],
    username: As,
    as_json: AsJson = False,
) -> None:
    """读入银行发放结果：整份核对无误才记账；同一文件再次读入不起作用。"""
    with ready():
        from django.utils import timezone

        from doudi.core import scope as scopes
        from doudi.core.postings import scope_of
        from doudi.payments.services import results

        now = timezone.now()
        acting = scope_of(username=username, act="payments.book", on=timezone.localdate(now), page="doudi bank-results")
        with _told(), scopes.acting(acting):
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
