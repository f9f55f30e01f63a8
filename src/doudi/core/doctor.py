"""The checks of the ground: roles, keys, disk, clock, queue, migrations."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connections

from doudi.core import clock as demo_clock
from doudi.core import keys, keystate, postgres, workdays
from doudi.core.checks_registry import Finding, add, add_running
from doudi.core.home import SetupError, home
from doudi.core.migrate import pending

LEAST_FREE_SHARE, LEAST_FREE_BYTES = 0.05, 2 * 2**30
CLOCK_SECONDS = 30
NEWEST_FILES = 1000
STUCK_AFTER = timedelta(hours=6)
WAITING_AFTER = timedelta(minutes=15)
POWERS = "select current_user, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"


def powers(alias: str) -> tuple[str, list[str]]:
    """Role of a connection, and what it may do that the application must not."""
    with connections[alias].cursor() as cursor:
        cursor.execute(POWERS)
        role, *held = cursor.fetchone()
    return role, [name for name, has in zip(("superuser", "bypassrls", "createrole", "createdb"), held, strict=True) if has]


def refuse_powerful_role() -> None:
    """Raise SetupError when the application's role could see past row-level security; web and worker start with this."""
    role, held = powers("default")
    if {"superuser", "bypassrls"} & set(held) or owns_tables("default"):
        raise SetupError(
            f"应用连接使用的数据库角色“{role}”权限过大（{'、'.join(held) or '表的属主'}），可绕过行级安全，拒绝启动；"
            "请让 DATABASE_URL 使用角色 doudi_app。"
        )


def refuse_unprepared() -> None:
    """Raise SetupError when an administrator has not made roles and schema yet."""
    from doudi.core.bootstrap import APP, LOOKUP, MOVE, OWNER

    with connections["owner"].cursor() as cursor:
        cursor.execute("select array_agg(rolname::text) from pg_roles where rolname = any(%s)", [[OWNER, APP, LOOKUP, MOVE]])
        missing = {OWNER, APP, LOOKUP, MOVE} - set(cursor.fetchone()[0] or [])
        cursor.execute("select to_regnamespace('doudi') is not null, current_user, current_setting('search_path')")
        schema, user, path = cursor.fetchone()
        cursor.execute("select exists(select 1 from pg_extension where extname = 'btree_gist')")
        extension = cursor.fetchone()[0]
    if missing or not schema or not extension or not path.startswith("doudi"):
        raise SetupError(
            "数据库尚未准备好（缺少角色、模式 doudi、扩展 btree_gist 或 search_path）；"
            "请由数据库管理员执行 doudi init --print-sql 输出的脚本。"
        )
    if user != OWNER:
        raise SetupError(f"DATABASE_OWNER_URL 使用的角色是“{user}”，应为 {OWNER}；请更正后重试。")


def owns_tables(alias: str) -> bool:
    """Whether the role owns tables: row-level security does not bind a table's owner."""
    with connections[alias].cursor() as cursor:
        cursor.execute("select exists(select 1 from pg_class where relnamespace = 'doudi'::regnamespace and pg_has_role(relowner, 'usage'))")
        return bool(cursor.fetchone()[0])


@add
def database(now: datetime) -> Iterator[Finding]:
    role, held = powers("default")
    owner = owns_tables("default")
    if held or owner:
        yield Finding("数据库应用角色", "error", f"角色 {role} 权限过大：{'、'.join([*held, *(['表的属主'] if owner else [])])}；请改用 doudi_app。")
    else:
        yield Finding("数据库应用角色", "ok", f"{role}，受行级安全约束")
    if "owner" not in connections.settings:
        yield Finding("数据库属主角色", "ok", "未配置（仅 init、migrate 需要）")
    else:
        role, held = powers("owner")
        yield Finding("数据库属主角色", "error" if held else "ok", f"{role}" + (f" 权限过大：{'、'.join(held)}" if held else ""))
        connections["owner"].close()
    with connections["default"].cursor() as cursor:
        cursor.execute("select current_setting('server_version'), current_setting('log_min_error_statement')")
        version, logged = cursor.fetchone()
    yield Finding("数据库版本", "ok", f"PostgreSQL {version}")
    quiet = logged in ("panic", "fatal")
    advice = f"log_min_error_statement = {logged}，日志可能含个人数据；请设为 panic"
    yield Finding("数据库日志", "ok" if quiet else "error", "不含语句" if quiet else advice)
    missing = pending()
    yield Finding("数据库结构", "error" if missing else "ok", f"尚有 {len(missing)} 个迁移未执行；请运行 doudi migrate" if missing else "最新")


@add
def key_file(now: datetime) -> Iterator[Finding]:
    try:
        keys.load()
    except SetupError as error:
        yield Finding("密钥", "error", str(error))
    else:
        where = "环境变量 DOUDI_KEYS" if os.environ.get("DOUDI_KEYS") else f"{keys.key_file()}（权限 0600）"
        yield Finding("密钥", "ok", where)
        yield _key_in_use()


def _key_in_use() -> Finding:
    """The connection itself was refused if the keys were not the database's (core.keystate)."""
    with connections["default"].cursor() as cursor:
        state = keystate.read(cursor)
    version = keys.load()["token"].current
    if state is None or state.version != version:
        return Finding("密钥版本", "error", "数据库未记录所用的标记密钥版本；请运行 doudi migrate")
    newer = keys.next_token_version()
    return Finding("密钥版本", "ok", f"标记密钥第 {version} 版" + (f"；第 {newer} 版已备好，尚未启用" if newer else ""))


@add
def disk(now: datetime) -> Iterator[Finding]:
    found = shutil.disk_usage(home())
    low = found.free < LEAST_FREE_BYTES or found.free < LEAST_FREE_SHARE * found.total
    room = f"{home()} 剩余 {found.free / 2**30:.1f} GB，共 {found.total / 2**30:.1f} GB"
    yield Finding("磁盘", "error" if low else "ok", room + ("；请清理或扩容" if low else ""))


@add
def clock(now: datetime) -> Iterator[Finding]:
    with connections["default"].cursor() as cursor:
        # a demo's clock is set back on purpose
        cursor.execute("select extract(epoch from clock_timestamp() - %s)", [now - (demo_clock.shift() or timedelta())])
        apart = abs(float(cursor.fetchone()[0]))
    wrong = apart > CLOCK_SECONDS
    yield Finding("时钟", "error" if wrong else "ok", f"与数据库相差 {apart:.1f} 秒" + ("；请校准系统时间" if wrong else ""))
    known = workdays.known(now.year)
    yield Finding(
        "工作日历", "ok" if known else "warning", f"{now.year} 年法定节假日{'已知' if known else '未知，暂按周末计；请升级 chinesecalendar'}"
    )


@add_running
def queue(now: datetime) -> Iterator[Finding]:
    from django_tasks_db.models import DBTaskResult

    rows = DBTaskResult.objects.using("default")
    stuck = rows.filter(status="RUNNING", started_at__lt=now - STUCK_AFTER).count()
    waiting = rows.ready().filter(enqueued_at__lt=now - WAITING_AFTER).count()
    failed = rows.filter(status="FAILED", finished_at__gte=now - timedelta(days=1)).count()
    yield Finding("任务队列：卡住", "error" if stuck else "ok", f"{stuck} 个任务运行超过 6 小时" if stuck else "无")
    advice = f"{waiting} 个任务等待超过 15 分钟；请确认 doudi worker 在运行"
    yield Finding("任务队列：积压", "error" if waiting else "ok", advice if waiting else "无")
    yield Finding("任务队列：失败", "warning" if failed else "ok", f"最近一天有 {failed} 个任务失败；请查看任务页" if failed else "无")


@add_running
def daily_jobs(now: datetime) -> Iterator[Finding]:
    """Whether today's and yesterday's daily jobs were done."""
    from django.utils import timezone

    from doudi.core import places
    from doudi.core import scope as scopes
    from doudi.core.models import DailyRun

    since = timezone.localdate(now) - timedelta(days=1)
    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="doctor")):
        failed = sorted(set(DailyRun.objects.filter(on__gte=since, done_at__isnull=True).values_list("name", flat=True)))
    advice = f"{'、'.join(failed)} 未完成；请查看“定时任务”页和日志，排除后用 doudi daily 补做"
    yield Finding("定时任务", "warning" if failed else "ok", advice if failed else "无失败")


@add
def access_records(now: datetime) -> Iterator[Finding]:
    """The chain of seals over the access records."""
    from doudi.core import audit, places
    from doudi.core import scope as scopes

    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="doctor")):
        verdict = audit.verify_seals()
    told = f"{verdict.seals} 段、{verdict.records} 条，未见改动；末段摘要 {verdict.last_digest[:16]}，请与上次核对"
    yield Finding("查阅记录封存", "error" if verdict.problems else "ok", "；".join(verdict.problems[:5]) or told)


@add
def attached_files(now: datetime) -> Iterator[Finding]:
    """The newest attachments have their files: of a recovery to a moment those are the ones that may be missing."""
    from doudi.core import places
    from doudi.core import scope as scopes
    from doudi.core.services import attachments

    with scopes.acting(scopes.Scope(area=places.PROVINCE, page="doctor")):
        missing, looked = attachments.without_file(NEWEST_FILES)
    advice = f"最近 {looked} 个附件中有 {missing} 个缺少文件；请从备份中补回 attachments/ 目录下较新的文件"
    yield Finding("附件文件", "error" if missing else "ok", advice if missing else f"最近 {looked} 个附件的文件都在")


@add
def embedded(now: datetime) -> Iterator[Finding]:
    if postgres.external():
        yield Finding("数据库服务", "ok", "外部（DATABASE_URL）")
    else:
        yield Finding("数据库服务", "ok", f"内置，{postgres.server().data}")


@add
def short_messages(now: datetime) -> Iterator[Finding]:
    """Whether the gateway's description can be used; until it can, messages to phones wait."""
    from doudi.core import channels, sms

    if channels.name_in_use("phone") != "sms":
        return
    try:
        sms.gateway()
    except sms.Unset as error:
        yield Finding("短信网关", "error", f"{sms.file()} 不能使用（{error}），短信都在等待发送；请按管理员手册更正")
    else:
        yield Finding("短信网关", "ok", str(sms.file()))
