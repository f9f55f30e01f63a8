"""Commands of the ground: set up, serve, look after."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from doudi.core.commandline import AsJson, On, environment, ready, show

app = typer.Typer()
STEPS = {
    "keys": "新密钥已写入，尚未启用",
    "locked": "无人使用，数据表已锁定",
    "numbers": "号码已换算",
    "journal": "数据文件已登记",
    "files": "数据文件已另写",
    "before commit": "全部数据表已更新，正在提交",
    "committed": "已提交",
    "files in place": "数据文件已替换",
    "switched": "新密钥已启用",
}
MARKS = {"ok": "[green]正常[/]", "warning": "[yellow]注意[/]", "error": "[red]错误[/]"}


@app.command()
def init(print_sql: Annotated[bool, typer.Option("--print-sql", help="只输出供外部数据库管理员执行的建库脚本")] = False) -> None:
    """初始化：数据目录、密钥、数据库、表结构（可重复执行）"""
    from doudi.core import keys, postgres
    from doudi.core.bootstrap import as_script
    from doudi.core.home import SetupError, home, make_home

    if print_sql:
        typer.echo(as_script())
        return
    environment()
    postgres.refuse_half_restored()
    if postgres.external():
        if "owner" not in postgres.databases():
            raise SetupError(
                "已设置 DATABASE_URL，但缺少 DATABASE_OWNER_URL（角色 doudi_owner 的连接）；"
                "请先由数据库管理员执行 doudi init --print-sql 输出的脚本，再设置该变量重试。"
            )
        make_home(home())
    else:
        postgres.server().prepare()
    if keys.create():
        typer.echo(f"已生成密钥文件 {keys.key_file()}（权限 0600）；请立即另行备份，丢失后加密数据无法恢复。")
    with postgres.running():
        if not postgres.external():
            postgres.server().bootstrap()
        import django

        django.setup()
        from django.core.management import call_command, get_commands
        from django.db import connections

        from doudi.core.doctor import refuse_powerful_role, refuse_unprepared
        from doudi.core.migrate import migrate as run_migrations

        refuse_unprepared()
        run_migrations(verbosity=0)
        refuse_powerful_role()
        if "load_divisions" in get_commands():
            call_command("load_divisions")
        connections.close_all()  # the server may stop with this block; who goes on in the process connects anew
    typer.echo(f"初始化完成，数据目录 {home()}。启动：doudi serve")


@app.command()
def migrate() -> None:
    """升级数据库表结构（使用属主角色）"""
    from doudi.core.migrate import migrate as run_migrations

    with ready(migrated=False):
        run_migrations()


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="监听地址")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="监听端口")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="网页进程数")] = 2,
) -> None:
    """启动网页、后台任务和内置数据库；Ctrl-C 全部停止"""
    from doudi.core.serving import refuse_taken_port
    from doudi.core.serving import serve as run

    refuse_taken_port(host, port)
    with ready():
        from django.conf import settings
        from django.db import connections

        connections.close_all()
        settings.STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns without it; the files come from the package
        shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
        typer.echo(f"兜底系统：http://{shown}:{port}  按 Ctrl-C 停止")
        code = run(host, port, workers, say=lambda text: typer.echo(text, err=True))
    typer.echo("已停止")
    raise typer.Exit(code)


@app.command()
def worker() -> None:
    """运行后台任务，直到被停止"""
    with ready():
        from doudi.core.worker import run_worker

        run_worker()


@app.command()
def daily(
    job: Annotated[str, typer.Option(help="只运行这一项；不填为全部")] = "",
    on: On = None,
    again: Annotated[bool, typer.Option("--again", help="当天已完成的也再运行一次")] = False,
    as_json: AsJson = False,
) -> None:
    """运行每日定时任务（doudi worker 每天自动运行）；每项每天每地区只做一次"""
    with ready():
        from django.utils import timezone

        from doudi.core import faults, periodic

        known = periodic.jobs()
        if job and job not in known:
            typer.echo(f"错误：没有定时任务“{job}”；可选：{'、'.join(known)}。", err=True)
            raise typer.Exit(2)
        now = timezone.now()
        day = on or timezone.localdate(now)
        figures: dict[str, Any] = {}
        failed = False
        for each in known.values():
            if job and each.name != job:
                continue
            for area in periodic.areas_of(each):
                try:
                    found = periodic.run_daily(job=each, area=area, on=day, now=now, again=again)
                except Exception as error:
                    if faults.said(error):
                        raise  # nor could the others run
                    failed = True
                    figures.setdefault(each.name, {})[area] = f"失败：{type(error).__name__}"
                else:
                    figures.setdefault(each.name, {})[area] = "当天已完成或正在运行" if found is None else found
        show(figures, as_json=as_json, title=f"定时任务 {day}")
        if failed:
            raise typer.Exit(1)


@app.command()
def messages(as_json: AsJson = False) -> None:
    """发送排队中的消息（doudi worker 会自动发送）"""
    with ready():
        from django.db.models import Count
        from django.utils import timezone

        from doudi.core import places
        from doudi.core import scope as scopes
        from doudi.core.models import Message
        from doudi.core.services.sending import send_due

        sent = send_due(now=timezone.now())
        with scopes.acting(scopes.Scope(area=places.PROVINCE, page="doudi messages")):
            found = dict(Message.objects.values_list("state").annotate(Count("pk")).order_by())
    figures = {"sent_now": sent, **{str(state): found.get(state, 0) for state in Message.State.values}}
    labels = {"sent_now": "本次发送", **{str(state): str(label) for state, label in Message.State.choices}}
    show(figures if as_json else {labels[name]: value for name, value in figures.items()}, as_json=as_json, title="消息")
    if figures["failed"]:
        raise typer.Exit(1)


@app.command("add-administrator")
def add_administrator(
    username: Annotated[str, typer.Argument(help="账号：3 位以上的字母、数字、点或下划线")],
    name: Annotated[str, typer.Option(help="姓名")],
    area: Annotated[str, typer.Option(help="管理的地区代码：省 41、市 4 位、县 6 位、乡镇 9 位")] = "41",
    as_json: AsJson = False,
) -> None:
    """新建系统管理员账号（安装后的第一个），给出一次性密码；其余账号由管理员在网页上建立"""
    from doudi.core.home import SetupError

    with ready():
        from django.core.exceptions import ValidationError
        from django.utils import timezone

        from doudi.core import scope as scopes
        from doudi.core.models import Duty
        from doudi.core.services import staff

        # Whoever may run this on the server stands for the area; the posting names nobody as its maker.
        acting = scopes.Scope(area=area, duty=Duty.ADMINISTRATOR, page="doudi add-administrator")
        try:
            with scopes.acting(acting):
                _account, password = staff.create_account(
                    username=username, name=name, duty=Duty.ADMINISTRATOR, area=area, starts=timezone.localdate()
                )
        except ValidationError as error:
            raise SetupError(" ".join(error.messages)) from None
    show({"username": username, "password": password} if as_json else {"账号": username, "一次性密码": password}, as_json=as_json)


@app.command("rotate-keys")
def rotate_keys(
    new_keys: Annotated[
        Path | None, typer.Option("--new-keys", help="仅当密钥来自环境变量 DOUDI_KEYS：把下一步应设置的密钥写入此新文件（权限 0600）")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """轮换标记密钥和文本密钥（须先停止 doudi serve；数据量大时需要较长时间）"""
    from doudi.core import keys
    from doudi.core.home import SetupError

    with ready():
        from django.utils import timezone

        from doudi.core import rotation

        if not keys.from_environment():
            if new_keys:
                raise SetupError(f"密钥保存在文件 {keys.key_file()} 中，将直接更新，无须 --new-keys。")
        elif keys.next_token_version() is None:
            if new_keys is None:
                keys.prepare_rotation()  # says what to do
            else:
                keys.write_rotating(new_keys)
                typer.echo(f"已把含新版本的密钥写入 {new_keys}（权限 0600），尚未轮换。请把其内容设为 DOUDI_KEYS，妥善备份，再运行 doudi rotate-keys。")
                return
        elif new_keys and new_keys.exists():
            raise SetupError(f"文件 {new_keys} 已存在，不予覆盖；请换一个文件名。")
        done = rotation.rotate(now=timezone.now(), after=lambda step: None if as_json else typer.echo(f"✓ {STEPS.get(step, step)}", err=True))
        if keys.from_environment() and new_keys:
            keys.write_switched(new_keys, done.version)
    show(
        {"version": done.version, "numbers": done.numbers, "rows": done.rows, "files": done.files, "missing_files": done.missing}
        if as_json
        else {"标记密钥版本": done.version, "号码": done.numbers, "更新行数": done.rows, "数据文件": done.files, "缺失的数据文件": len(done.missing)},
        as_json=as_json,
    )
    if not keys.from_environment():
        typer.echo(f"请立即备份密钥文件 {keys.key_file()}，与数据分开存放；此前的数据备份仍需要旧版本密钥。", err=True)
    elif new_keys:
        typer.echo(f"启动前请把 DOUDI_KEYS 设为 {new_keys} 的内容，随后删除该文件。", err=True)
    else:
        typer.echo(f"启动前请把 DOUDI_KEYS 中 token 的 current 改为 {done.version}，text 的 current 改为其最新版本。", err=True)


@app.command("backup")
def make_backup(
    target: Annotated[Path, typer.Argument(help="备份写入的新文件夹，应在另一块磁盘上；--verify 时为要核对的备份")],
    key_file: Annotated[Path | None, typer.Option("--keys", help="密钥另存为此文件，必须与备份分开存放；不填则不备份密钥")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="不做备份，只核对已有的备份是否完整、未被改动")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="同时导出的表数")] = 2,
    as_json: AsJson = False,
) -> None:
    """备份：数据库、数据文件、附件、设置和校验清单（密钥分开存放）；系统可以继续运行"""
    from doudi.core import backup

    def tell(step: str) -> None:
        if not as_json:
            typer.echo(f"· {step}", err=True)

    if verify:
        manifest = backup.checked(target, tell=tell)
    else:
        with ready():
            from datetime import UTC, datetime

            # when it was really made: a demo's clock is set back
            manifest = backup.make(target.absolute(), now=datetime.now(UTC), key_file=key_file, jobs=jobs, tell=tell)
    size = sum(each.size for each in manifest.files)
    figures = {"made_at": manifest.made_at, "files": len(manifest.files), "bytes": size, "rows": sum(manifest.rows.values())}
    found = backup.manifest_digest(target)
    labels = {"made_at": "制作时间", "files": "文件", "bytes": "字节", "rows": "数据行"}
    show(
        {**figures, "manifest_sha256": found} if as_json else {**{labels[key]: value for key, value in figures.items()}, "清单校验值": found},
        as_json=as_json,
        title=f"{'核对无误' if verify else '备份完成'}：{target}",
    )
    if not verify and not as_json:
        typer.echo("请把清单校验值记在别处，并定期用 doudi backup --verify 核对、用 doudi restore 试恢复。", err=True)
        if key_file is None:
            typer.echo("备份不含密钥；没有密钥就无法恢复，请确认已另行备份（doudi backup --keys 文件）。", err=True)


@app.command("restore")
def restore_backup(
    source: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="备份文件夹")],
    key_file: Annotated[Path | None, typer.Option("--keys", help="备份时另存的密钥文件；也可设置环境变量 DOUDI_KEYS")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="同时导入的表数")] = 2,
    as_json: AsJson = False,
) -> None:
    """恢复：把备份放回空的数据目录，核对行数与资金台账，最后检查一切是否正常"""
    from doudi.core import keys, restoring

    environment()

    def tell(step: str) -> None:
        if not as_json:
            typer.echo(f"· {step}", err=True)

    if key_file is None and not keys.from_environment() and sys.stdin.isatty():
        key_file = Path(typer.prompt("密钥文件"))
    manifest = restoring.restore(source, key_file=key_file, jobs=jobs, tell=tell)
    with ready(migrated=False, restoring=True):
        from django.utils import timezone

        from doudi.core.migrate import migrate as run_migrations
        from doudi.core.migrate import pending

        tell("与备份清单核对")
        wrong = restoring.compared(manifest)
        if not wrong:
            if pending():
                tell("升级表结构")
                run_migrations(verbosity=0)
            restoring.finish()
            tell("检查")
            wrong = [f"{found.name}：{found.message}" for found in restoring.proven(timezone.now()) if found.state == "error"]
    figures = {"made_at": manifest.made_at, "rows": sum(manifest.rows.values()), "files": len(manifest.files), "problems": wrong}
    labels = {"made_at": "备份制作时间", "rows": "数据行", "files": "文件", "problems": "不符之处"}
    show(figures if as_json else {labels[key]: value if key != "problems" else len(wrong) for key, value in figures.items()}, as_json=as_json, title="恢复")
    for line in wrong:
        typer.echo(f"不符　{line}", err=True)
    if wrong:
        raise typer.Exit(1)
    if manifest.settings and not as_json:
        typer.echo("备份时的环境变量（请自行设置）：" + "，".join(f"{name}={value}" for name, value in manifest.settings.items()), err=True)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """检查数据库角色、密钥、磁盘、时钟、任务队列"""
    with ready(migrated=False):
        from django.utils import timezone

        from doudi.core import checks_registry
        from doudi.core import doctor as _checks  # noqa: F401 - registers the checks of the ground

        findings = list(checks_registry.run(timezone.now()))
    bad = any(finding.state == "error" for finding in findings)
    if as_json:
        listed = [{"name": found.name, "state": found.state, "message": found.message} for found in findings]
        show({"ok": not bad, "checks": listed}, as_json=True)
    else:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for heading in ("项目", "状态", "说明"):
            table.add_column(heading, overflow="fold")
        for finding in findings:
            table.add_row(finding.name, MARKS[finding.state], escape(finding.message))
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    raise typer.Exit(1 if bad else 0)
