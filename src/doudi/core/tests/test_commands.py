"""The command on its own data folder, and on a second server reached by DATABASE_URL alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from doudi.core.bootstrap import as_script
from doudi.core.postgres import Server

from .servers import doudi, environment, reachable_folder, throwaway_server


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with reachable_folder() as made:
        home = made / "home"
        done = doudi(home, "init")
        assert done.returncode == 0, done.stderr
        yield home
        Server(home).stop()


def test_init_again_keeps_the_keys_and_leaves_no_server_behind(folder: Path) -> None:
    before = (folder / "keys.json").read_bytes(), (folder / "postgres.json").read_bytes()
    done = doudi(folder, "init")
    assert done.returncode == 0, done.stderr
    assert ((folder / "keys.json").read_bytes(), (folder / "postgres.json").read_bytes()) == before
    assert not Server(folder).status()


def test_passwords_and_keys_are_never_printed(folder: Path) -> None:
    info = json.loads((folder / "postgres.json").read_text())
    secrets = [info[role]["password"] for role in ("superuser", "owner", "app")]
    secrets += [key for purpose in json.loads((folder / "keys.json").read_text()).values() for key in purpose["versions"].values()]
    for command in (["init"], ["doctor"], ["doctor", "--json"], ["migrate"]):
        done = doudi(folder, *command)
        assert not any(secret in done.stdout + done.stderr for secret in secrets)


def test_doctor_finds_everything_in_order(folder: Path) -> None:
    done = doudi(folder, "doctor", "--json")
    found = json.loads(done.stdout)
    assert {check["name"]: check["message"] for check in found["checks"] if check["state"] == "error"} == {}
    assert found["ok"] is True
    assert done.returncode == 0


def test_doctor_names_a_role_with_too_much_power(folder: Path) -> None:
    server = Server(folder)
    with server.running():
        try:
            with psycopg.connect(server.conninfo("superuser"), autocommit=True) as connection:
                connection.execute("alter role doudi_app bypassrls")
            done = doudi(folder, "doctor", "--json")
            assert done.returncode == 1
            assert "bypassrls" in next(check["message"] for check in json.loads(done.stdout)["checks"] if check["name"] == "数据库应用角色")
            refused = doudi(folder, "worker")
            assert refused.returncode == 1
            assert "拒绝启动" in refused.stderr
            code, said = _gunicorn(folder)
            assert code not in (0, None), "gunicorn without `doudi serve` gives up too"
            assert "拒绝启动" in said
        finally:
            server.bootstrap()


def _gunicorn(folder: Path, answered: Callable[[int], None] | None = None) -> tuple[int | None, str]:
    """Exit code and output of gunicorn started by hand: until it ends by itself, or until it was `answered`."""
    port = free_port()
    web = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "doudi.config.wsgi:application", "--bind", f"127.0.0.1:{port}", "--timeout", "120", "--no-control-socket"],
        env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        if answered is not None:
            answered(port)
            web.terminate()
        said, _ = web.communicate(timeout=180)
        return web.returncode, said
    finally:
        if web.poll() is None:
            web.kill()
            web.communicate()


def test_gunicorn_by_hand_waits_for_a_database_that_is_away_and_looks_at_its_role_then(folder: Path) -> None:
    """The database comes up after the web server, with a role of too much power: nobody is answered by the pages."""
    server = Server(folder)

    def status(port: int) -> int:
        try:
            return int(urllib.request.urlopen(f"http://127.0.0.1:{port}/donations/", timeout=60).status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def look(port: int) -> None:
        wait_for(lambda: status(port), 120)
        assert status(port) == 503, "away"
        with server.running():
            with psycopg.connect(server.conninfo("superuser"), autocommit=True) as connection:
                connection.execute("alter role doudi_app bypassrls")
            assert status(port) == 500, "its role is refused"
            server.bootstrap()
            assert status(port) == 200

    assert not server.status()
    _gunicorn(folder, look)


def test_expected_errors_are_one_sentence_and_codes_differ(tmp_path: Path) -> None:
    before = doudi(tmp_path / "empty", "doctor")
    assert before.returncode == 1
    assert "doudi init" in before.stderr
    assert "Traceback" not in before.stderr
    assert not (tmp_path / "empty").exists(), "looking changes nothing"
    assert doudi(tmp_path, "no-such-command").returncode == 2
    assert doudi(tmp_path, "serve", "--port", "99999").returncode == 2


def test_a_key_file_open_to_others_stops_every_command(folder: Path) -> None:
    path = folder / "keys.json"
    path.chmod(0o644)
    try:
        done = doudi(folder, "doctor")
        assert done.returncode == 1
        assert "chmod 600" in done.stderr
    finally:
        path.chmod(0o600)


# --- serve ---


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait_for(condition: object, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)


def children(pid: int, word: str) -> list[int]:
    found = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    return [int(row[0]) for row in rows if len(row) == 3 and int(row[1]) == pid and word in row[2]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_stops_everything_it_started(folder: Path, number: signal.Signals) -> None:
    port = free_port()
    serving = subprocess.Popen(
        [sys.executable, "-m", "doudi.cli", "serve", "--port", str(port), "--workers", "1"],
        env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: answers(port))
        (worker,) = children(serving.pid, "worker")
        if number == signal.SIGTERM:
            os.kill(worker, signal.SIGKILL)
            wait_for(lambda: [pid for pid in children(serving.pid, "doudi.cli worker") if pid != worker])
        taken = doudi(folder, "serve", "--port", str(port))
        assert taken.returncode == 1
        assert "--port" in taken.stderr
        serving.send_signal(number)
        said, _ = serving.communicate(timeout=60)
        assert serving.returncode == 0, said
        assert not answers(port)
        assert not Server(folder).status()
    finally:
        if serving.poll() is None:
            serving.kill()
            serving.communicate()


# --- an external server ---


def test_an_external_server_prepared_by_its_administrator_is_enough(tmp_path: Path) -> None:
    """The printed script, two passwords and two addresses: nothing else of the second server is known to the command."""
    with throwaway_server() as second:
        second.start()
        administrator = second.conninfo("superuser", "postgres")
        script = doudi(tmp_path / "unused", "init", "--print-sql").stdout
        assert script.strip() == as_script().strip()
        psql = second._programs() / "psql"
        for _ in range(2):
            done = subprocess.run([str(psql), "-X", "-q", "-d", administrator, "-f", "-"], input=script, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute("alter role doudi_owner password 'o@/ wner'")
            connection.execute("alter role doudi_app password 'a:pp'")

        def url(role: str, password: str, database: str = "doudi") -> str:
            return f"postgresql://{role}:{quote(password, safe='')}@/{database}?host={quote(str(second.socket_folder()), safe='')}"

        home = tmp_path / "home"
        application = url("doudi_app", "a:pp")
        without_owner = doudi(home, "init", DATABASE_URL=application)
        assert without_owner.returncode == 1
        assert "DATABASE_OWNER_URL" in without_owner.stderr

        urls = {"DATABASE_URL": application, "DATABASE_OWNER_URL": url("doudi_owner", "o@/ wner")}
        done = doudi(home, "init", **urls)
        assert done.returncode == 0, done.stderr
        assert not (home / "postgres").exists(), "no embedded server beside it"
        doctor = json.loads(doudi(home, "doctor", "--json", **urls).stdout)
        wrong = {check["name"] for check in doctor["checks"] if check["state"] == "error"}
        assert wrong == set(), doctor
        with psycopg.connect(application) as connection:
            tables = connection.execute("select count(*) from pg_tables where schemaname = 'doudi' and tableowner = 'doudi_owner'").fetchone()
            assert tables and tables[0] > 20
            assert connection.execute("select count(*) from core_posting").fetchone() == (0,)

        refused = doudi(home, "worker", **(urls | {"DATABASE_URL": urls["DATABASE_OWNER_URL"]}))
        assert refused.returncode == 1
        assert "拒绝启动" in refused.stderr
        away = doudi(home, "doctor", **(urls | {"DATABASE_URL": application.replace("a%3App", "wrong")}))
        assert away.returncode == 1
        assert "Traceback" not in away.stderr
