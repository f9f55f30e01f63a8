"""Work of several steps, each killed by both victims and done again: the hands of a payroll, the watched folder, a month lived by `doudi simulate`."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from cases import HANDS
from conftest import copied
from places import Place, wait


def _killed(place: Place, sql: str, arguments: list[str]) -> None:
    """Twice in the middle, once by each victim; nothing of it stays."""
    before = place.stands()
    for victim in ("postgres", "command"):
        process = place.held(sql, *arguments)
        if victim == "postgres":
            place.crash()
            said = process.communicate("\n", timeout=240)[1]
            assert process.returncode == 1 and "无法连接数据库" in said and "Traceback" not in said, said[-2000:]
            place.server.start()
        else:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        wait(lambda: place.stands() == before)


def test_the_hands_of_a_payroll_are_each_all_or_nothing(place: Place, tmp_path: Path) -> None:
    place.doing("arrange", "sign")
    for step, (sql, who) in HANDS.items():
        what = ["--export", "one_card_csv", "--out", str(tmp_path)] if step == "export" else ["--step", step]
        arguments = ["payroll", "--month", "2023-01", "--as", who, *what, "--json"]
        before = place.stands()
        _killed(place, sql, arguments)
        assert not list(tmp_path.iterdir()), "no file leaves before it is recorded"
        done = place.doudi(*arguments)
        assert done.returncode == 0, done.stderr
        after = place.stands()
        assert after["payments_bankfile" if step == "export" else "payments_payroll"] != before["payments_bankfile" if step == "export" else "payments_payroll"]
        again = place.doudi(*arguments)
        assert again.returncode == 0, again.stderr
        assert place.stands() == after, "done again it does nothing"
        place.books_hold()
    ((payroll, state, released),) = place.ask("select id, state, (select count(*) from doudi.payments_payroll where month = '2023-01-01' and kind = 'regular')"
                                              " from doudi.payments_payroll where month = '2023-01-01' and kind = 'regular'")  # fmt: skip
    assert (state, released) == ("released", 1)
    recorded = {Path(path).name for (path,) in place.ask("select path from doudi.payments_bankfile where payroll_id = %s", payroll)}
    assert len(recorded) == 1 and {path.name for path in (place.home / "bank").rglob(f"{payroll}-*")} == recorded, "no second file lies about"
    ((sent, paid),) = place.ask(
        "select sum(amount) filter (where account = 'in_payment'), (select amount from doudi.payments_payroll where id = %s)"
        " from doudi.payments_ledgerentry where payroll_id = %s", payroll, payroll
    )  # fmt: skip
    assert sent == paid > 0, "booked once, to the fen"


def test_a_file_in_the_watched_folder_is_taken_once(place: Place) -> None:
    made = place.doudi("inbox", "--prepare", "410122", "--json")
    assert made.returncode == 0, made.stderr
    synthetic = next(place.home.glob("demo/county-*"))
    entry = next(each for each in json.loads((synthetic / "deliveries" / "manifest.json").read_text()) if each["dataset"] == "medical")
    file = place.home / "inbox" / "410122" / "medical" / "医保-2022-12.csv"
    file.write_bytes((synthetic / "deliveries" / entry["file"]).read_bytes() + b"\r\n")
    content, before = file.read_bytes(), place.ask("select count(*) from doudi.discovery_delivery")[0][0]
    time.sleep(11)  # it must lie untouched for a while
    for victim in ("postgres", "command"):
        process = place.held('INSERT INTO "discovery_delivery"', "inbox", "--json")
        if victim == "postgres":
            place.crash()
            out, said = process.communicate("\n", timeout=240)
            assert process.returncode == 1 and ("暂时" in out + said or "无法连接数据库" in said) and "Traceback" not in said, (out, said[-2000:])
            place.server.start()
        else:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        wait(lambda: place.ask("select count(*) from doudi.discovery_delivery") == [(before,)])
        assert file.read_bytes() == content, "the file waits where it was"
    for _time in range(2):
        taken = place.doudi("inbox", "--json")
        assert taken.returncode == 0, taken.stderr
        assert place.ask("select count(*) from doudi.discovery_delivery") == [(before + 1,)]
    assert not file.exists() and (file.parent / "done" / file.name).read_bytes() == content
    # what was cut off left plain rows behind; the nightly clearing takes them away, once nobody can be at work on them
    left = [*(place.home / "lake").glob(".incoming-*"), *(place.home / "incoming").glob("inbox-*")]
    for path in left:
        os.utime(path, (time.time() - 200_000,) * 2)
    assert place.doudi("daily", "--job", "discovery.clear_inbox", "--again", "--json").returncode == 0
    assert left and not [path for path in left if path.exists()]


def test_a_month_lived_with_kills_ends_as_one_without(original: Path) -> None:
    """Every step of `doudi simulate` is one transaction with its note; what follows is the same to the last count."""
    arguments = ["simulate", "--months", "1", "--json"]
    with copied(original) as home:
        calm = Place(home)
        with calm.server.running():
            lived = calm.doudi(*arguments, seconds=1800)
            assert lived.returncode == 0, lived.stderr[-2000:]
            expected = json.loads(lived.stdout)
            counts = calm.counts()
            calm.let_go()
    with copied(original) as home:
        place = Place(home)
        with place.server.running():
            for sql in ("insert into doudi.payments_payrollline", 'INSERT INTO "payments_bankresult"', "enrolment_monitoringrun"):
                _killed_while_living(place, sql, arguments)
            done = place.doudi(*arguments, seconds=1800)
            assert done.returncode == 0, done.stderr[-2000:]
            found = json.loads(done.stdout)
            assert {name: found[name] for name in ("months", "last", "digest", "leads", "decisions", "lines")} == {
                name: expected[name] for name in ("months", "last", "digest", "leads", "decisions", "lines")
            }
            assert place.counts() == counts
            place.books_hold()
            place.let_go()


def _killed_while_living(place: Place, sql: str, arguments: list[str]) -> None:
    process = place.held(sql, *arguments)
    place.crash()
    said = process.communicate("\n", timeout=240)[1]
    assert process.returncode == 1 and "无法连接数据库" in said and "Traceback" not in said, said[-2000:]
    place.server.start()
