"""The data folder (DOUDI_HOME) and the errors that a command shows as one sentence, without a traceback."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any


class SetupError(RuntimeError):
    """Something in the surroundings is not as Doudi needs it; the message (Chinese) says what to do."""


def is_root() -> bool:
    return os.geteuid() == 0


def home() -> Path:
    """The data folder: DOUDI_HOME; as root /var/lib/doudi; else `var` of the source tree, or of the working folder."""
    if named := os.environ.get("DOUDI_HOME"):
        return Path(named).expanduser().absolute()
    if is_root():
        return Path("/var/lib/doudi")
    project = Path(__file__).resolve().parents[3]
    return (project if (project / "pyproject.toml").is_file() else Path.cwd()) / "var"


def first_closed(path: Path, uid: int, groups: set[int]) -> Path | None:
    """The first existing folder from the root down to `path` that a user cannot enter, or None."""
    for folder in [*reversed(path.parents), path]:
        try:
            found = folder.stat()
        except FileNotFoundError:
            return None
        bit = stat.S_IXUSR if found.st_uid == uid else stat.S_IXGRP if found.st_gid in groups else stat.S_IXOTH
        if not found.st_mode & bit:
            return folder
    return None


def make_home(folder: Path, *, passable: bool = False) -> None:
    """Make the data folder (and missing parents). `passable`: another system user passes through; what is inside is private by its own modes."""
    try:
        for missing in [*reversed([parent for parent in folder.parents if not parent.exists()]), folder]:
            if not missing.exists():
                missing.mkdir()
                missing.chmod(0o711 if passable else 0o700)
        (folder / "start.lock").touch(mode=0o600)
    except OSError as error:
        raise SetupError(f"无法写入数据目录 {folder}（{error.strerror}）；请用 DOUDI_HOME 指定一个可写的位置，或换用有权限的用户。") from error


def half_restored() -> Path:
    """A mark in a data folder while a backup is being put back into it: part of the data would look like all of them."""
    return home() / "restoring"


def write_private(path: Path, value: dict[str, Any]) -> None:
    """Write JSON with mode 0600, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_private(path: Path) -> dict[str, Any]:
    """Read JSON of a file that nobody else may read; raises SetupError where others can, FileNotFoundError without one."""
    found = path.stat()
    if found.st_mode & 0o077:
        raise SetupError(f"文件 {path} 可被他人读取（权限 {stat.S_IMODE(found.st_mode):04o}），拒绝使用；请执行 chmod 600 {path} 并检查是否已泄露。")
    if found.st_uid not in (os.geteuid(), 0):
        raise SetupError(f"文件 {path} 属于另一个用户，拒绝使用；请用创建该数据目录的用户运行。")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise SetupError(f"无权读取 {path}；请用创建该数据目录的用户运行，或用 DOUDI_HOME 指定自己的数据目录。") from error
    except ValueError as error:
        raise SetupError(f"文件 {path} 已损坏（不是有效的 JSON）；请从备份恢复。") from error
