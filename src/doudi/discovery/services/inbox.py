"""The watched folder (接收文件夹): a department's system puts a file there, the worker takes it in (measures 1.1).

    <inbox>/<area>/<dataset>/file.xlsx          put here
                             done/file.xlsx     taken in, with file.xlsx.txt that says what came of it
                             refused/file.xlsx  not taken, with file.xlsx.txt that says why and what to do

`<inbox>` is the folder `inbox` of the data folder, or DOUDI_INBOX. A file is taken when nobody has touched it for a while. One scan at a time; a
crash between taking in and moving leaves the file where it was, and the next scan finds it known.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.batch.datasets import CONTRACTS
from doudi.core import duties, faults, postgres
from doudi.core import scope as scopes
from doudi.core.models import Division, TaskProgress
from doudi.core.parameters import Procedure, declare
from doudi.core.scratch import scratch
from doudi.core.settings_overlay import get_setting
from doudi.discovery.models import Delivery
from doudi.discovery.services.deliveries import deliver, lake

logger = logging.getLogger(__name__)

SETTLED = 10.0  # seconds without a change until a file counts as complete
AT_ONCE = 100  # files of one scan
LONGEST_NAME = 200  # bytes; a note's ending and a number still fit behind
DONE, REFUSED = "done", "refused"
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", ".lock")
MONTH = re.compile(r"(?<!\d)(20\d\d)(?:[-_.年]?)(0[1-9]|1[0-2]|[1-9](?=月))(?!\d)")
KEEP = "procedure.inbox_keep_days"
LOCK = "hashtextextended('inbox', 0)"

declare(Procedure(KEEP, _("接收文件夹中已处理文件的保留天数"), "days", Decimal(7), "系统默认", True, 0, 90))


@dataclass(frozen=True)
class Taken:
    """What came of one file; `path` is its place below the inbox when it was found."""

    path: str
    state: str
    message: str


def inbox() -> Path:
    """The watched folder of this deployment."""
    return Path(os.environ.get("DOUDI_INBOX") or postgres.home() / "inbox")


def prepare(area: str) -> Path:
    """Make the folders of a place, one for each dataset; its folder. Raises ValidationError for a place that is none."""
    if not _is_place(area):
        raise ValidationError(_("没有这一行政区划，或它已撤并；请从列表中选择。"))
    for code in CONTRACTS:
        (inbox() / area / code).mkdir(parents=True, exist_ok=True)
    return inbox() / area


def scan(*, now: datetime) -> list[Taken]:
    """Take in what lies ready; what came of each file. Does nothing while another scan runs. Files that are still being written stay."""
    if not inbox().is_dir() or next(_waiting(), None) is None:
        return []
    with _alone() as alone:
        if not alone:
            return []
        found = []
        for folder, path in _waiting():
            try:
                taken = _take(folder, path, now)
            except (OSError, DatabaseError) as error:  # disk full, no right, database away: the file stays for the next scan
                faults.log(logger, "taking in a file of the inbox, which stays,", error)
                taken = Taken(_shown(path), "waiting", "暂时无法处理，稍后自动重试；请查看日志。")
            if taken is not None:
                found.append(taken)
            if len(found) >= AT_ONCE:
                break
        return found


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether this is the only scan, on a connection of its own: a killed process frees the lock."""
    own = connections["default"].copy()  # type: ignore[attr-defined]
    try:
        with own.cursor() as cursor:
            cursor.execute(f"select pg_try_advisory_lock({LOCK})")
            yield bool(cursor.fetchone()[0])
    finally:
        own.close()


def _waiting() -> Iterator[tuple[tuple[str, ...], Path]]:
    """Files in the order of their names, with the names of the folders between the inbox and them."""
    for depth in (0, 1, 2):
        for path in sorted(inbox().glob("/".join(["*"] * (depth + 1))), key=os.fsencode):
            parts = path.relative_to(inbox()).parts
            name = parts[-1]
            if {DONE, REFUSED} & set(parts) or any(part.startswith(".") for part in parts) or name.startswith("~$"):
                continue
            if (path.is_dir() and not path.is_symlink()) or name.lower().endswith(UNFINISHED):
                continue
            yield parts[:-1], path


def _shown(path: Path) -> str:
    """A path as text that can be written anywhere."""
    return "/".join(_clean(part) for part in path.relative_to(inbox()).parts)


def _clean(name: str) -> str:
    text = os.fsencode(name).decode("utf-8", "replace")
    text = "".join(each if each.isprintable() else "_" for each in text).replace("\ufffd", "_")
    return text.encode()[:LONGEST_NAME].decode("utf-8", "ignore") or "_"


def _is_place(code: str) -> bool:
    return code.isascii() and code.isdigit() and Division.objects.filter(pk=code, ends__isnull=True).exists()


def _why_not(folder: tuple[str, ...], path: Path, status: os.stat_result) -> str | None:
    """Why a file cannot be taken for where it lies or what it is called, or None."""
    if len(folder) != 2:
        return "请把文件放入“行政区划代码/数据目录代码”文件夹，如 410122/disability。"
    area, dataset = folder
    if not _is_place(area):
        return f"没有代码为“{_clean(area)}”的行政区划，或它已撤并；请改放到正确的地区文件夹。"
    if dataset not in CONTRACTS:
        return f"没有名为“{_clean(dataset)}”的数据目录；可用的有：{'、'.join(CONTRACTS)}。"
    if not stat.S_ISREG(status.st_mode):
        return "这是快捷方式或特殊文件；请放入数据文件本身。"
    if path.name != _clean(path.name):
        return "文件名过长，或含有不能识别的字符（编码不是 UTF-8 或含控制字符）；请改用简短的中文、字母、数字作文件名。"
    return None


def _take(folder: tuple[str, ...], path: Path, now: datetime) -> Taken | None:
    """One file to its end; None where it is still being written."""
    status = path.lstat()
    if time.time() - max(status.st_mtime, status.st_ctime) < SETTLED:
        return None
    if why := _why_not(folder, path, status):
        return _move(path, REFUSED, why, now)
    area, dataset = folder
    incoming = postgres.home() / "incoming"
    incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=incoming, prefix="inbox-") as work:
        copy = Path(work) / f"file{path.suffix.lower()}"
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as source, copy.open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        if _mark(path.lstat()) != _mark(status):
            return None  # it changed meanwhile: not complete yet
        scope = scopes.Scope(area=area, duty=duties.WORKER, page=f"inbox {area}/{dataset}", acts=frozenset({"discovery.deliver"}))
        try:
            with scopes.acting(scope):
                delivery, new = deliver(path=copy, dataset=dataset, area=area, now=now, name=path.name, period=_period(path.name))
        except ValidationError as error:
            return _move(path, REFUSED, "；".join(error.messages), now)
    return _move(path, DONE if delivery.state == Delivery.State.ACCEPTED else REFUSED, _words(delivery, new), now)


def _mark(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _period(name: str) -> str:
    """The month that a file's name holds (2022-11, 202211, 2022年11月), or nothing."""
    found = MONTH.search(name)
    return f"{found[1]}-{int(found[2]):02}" if found else ""


def _words(delivery: Delivery, new: bool) -> str:
    known = "" if new else f"与 {timezone.localtime(delivery.received_at):%Y-%m-%d %H:%M} 收到的文件相同，未重复接收。"
    if delivery.state == Delivery.State.REFUSED:
        return f"{known}整批退回：{delivery.reason}"
    sheet = f"，{delivery.rejected} 行退回，请民政部门在“数据报送”中下载退回清单" if delivery.rejected else ""
    return f"{known}{delivery.period} 已接收 {delivery.accepted} 行{sheet}。编号 {delivery.pk}"


def _move(path: Path, where: str, words: str, now: datetime) -> Taken:
    """Put a file aside with a note, never over another one."""
    shown = _shown(path)
    folder = path.parent / where
    folder.mkdir(exist_ok=True)
    name = _clean(path.name)
    target, number = folder / name, 1
    while target.exists() or target.is_symlink():
        number += 1
        target = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    target.with_name(target.name + ".txt").write_text(f"{timezone.localtime(now):%Y-%m-%d %H:%M} {words}\n", "utf-8-sig")
    path.rename(target)
    return Taken(shown, where, words)


def clear(*, area: str, now: datetime) -> int:
    """Remove files of done/ and refused/ past the days that their place keeps them: they hold personal data in plain. The number removed.

    The round of the province also removes uploads that no task took up (a crash between storing and asking), and what killed readings and computations left.
    """
    removed = _clear_incoming() if len(area) <= 2 else 0
    if not inbox().is_dir():
        return removed
    for folder in sorted(inbox().glob("*")):
        inside = folder.name.startswith(area) and _is_place(folder.name)
        if not inside and (len(area) > 2 or _is_place(folder.name)):
            continue
        days = int(get_setting(KEEP, folder.name if inside else area, timezone.localdate(now)))
        before = time.time() - timedelta(days=days).total_seconds()
        for kept in [*folder.glob("*"), *folder.glob("*/*"), *folder.glob("*/*/*")]:
            if (
                {DONE, REFUSED} & set(kept.relative_to(inbox()).parts[:-1])
                and (kept.is_symlink() or kept.is_file())
                and kept.lstat().st_ctime < before
            ):
                kept.unlink(missing_ok=True)
                removed += 1
    return removed


def _clear_incoming() -> int:
    """Uploads of two days ago and more that no open task is waiting for, and folders in which a killed process was reading or computing."""
    waited = set(TaskProgress.objects.filter(state__in=("waiting", "running")).values_list("arguments__path", flat=True))
    before, removed = time.time() - timedelta(days=2).total_seconds(), 0
    for kept in (postgres.home() / "incoming").glob("*"):
        if kept.is_file() and not kept.is_symlink() and kept.stat().st_mtime < before and str(kept) not in waited:
            kept.unlink(missing_ok=True)
            removed += 1
    for folder in [*(postgres.home() / "incoming").glob("*"), *lake().root.glob(".incoming-*"), *scratch().glob("*")]:
        if folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
