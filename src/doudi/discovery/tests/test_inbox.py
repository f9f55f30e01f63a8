"""1.1: the watched folder takes complete files once, says what came of each, and loses none in a crash."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.scratch import scratch
from doudi.core.services.settings import confirm_setting, propose_setting
from doudi.core.tests.officers import officer
from doudi.discovery.models import Delivery
from doudi.discovery.services import inbox
from doudi.discovery.services.deliveries import lake
from doudi.discovery.tests.test_deliveries import GOOD, citizen

pytestmark = pytest.mark.django_db
NOW = datetime(2022, 11, 28, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
COUNTY = "410122"
FILE = GOOD.format(id=citizen("41012219500203101"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    monkeypatch.setattr(inbox, "SETTLED", -1.0)  # what lies there counts as complete
    return inbox.prepare(COUNTY) / "deaths"


def deliveries(area: str = COUNTY) -> list[Delivery]:
    with scopes.acting(scopes.Scope(area=area)):
        return list(Delivery.objects.order_by("id"))


def note(path: Path) -> str:
    return path.with_name(path.name + ".txt").read_text("utf-8-sig")


def test_1_1_a_file_is_taken_in_and_put_aside_with_a_note(folder: Path) -> None:
    (folder / "死亡 2022年10月.csv").write_text(FILE, "gb18030")
    (taken,) = inbox.scan(now=NOW)
    assert (taken.path, taken.state) == ("410122/deaths/死亡 2022年10月.csv", "done")
    (delivery,) = deliveries()
    assert (delivery.period, delivery.accepted, delivery.name, delivery.received_by_id) == ("2022-10", 1, "死亡 2022年10月.csv", None)
    assert not (folder / "死亡 2022年10月.csv").exists() and "已接收 1 行" in note(folder / "done" / "死亡 2022年10月.csv")
    assert inbox.scan(now=NOW) == []
    assert not list((postgres.home() / "incoming").iterdir())


def test_1_1_a_file_that_is_still_being_written_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SETTLED", 30.0)
    growing = folder / "a.csv"
    growing.write_text(FILE, "utf-8")
    os.utime(growing, (1_000_000_000, 1_000_000_000))  # a copy that keeps the old date is no older for it
    (folder / "b.csv.part").write_text(FILE, "utf-8")
    (folder / ".c.csv").write_text(FILE, "utf-8")
    (folder / "~$d.xlsx").write_text(FILE, "utf-8")
    assert inbox.scan(now=NOW) == [] and growing.exists()
    monkeypatch.setattr(inbox, "SETTLED", -1.0)
    assert [each.path for each in inbox.scan(now=NOW)] == ["410122/deaths/a.csv"]
    assert {path.name for path in folder.iterdir()} == {"b.csv.part", ".c.csv", "~$d.xlsx", "done"}


def test_1_1_a_file_that_changes_while_it_is_read_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "a.csv"
    file.write_text(FILE, "utf-8")
    copy = inbox.shutil.copyfileobj

    def slow(source: object, target: object, length: int = 0) -> None:
        copy(source, target, length)  # type: ignore[arg-type]
        with file.open("a") as more:
            more.write("x")

    with monkeypatch.context() as patch:
        patch.setattr(inbox.shutil, "copyfileobj", slow)
        assert inbox.scan(now=NOW) == []
    assert file.exists() and deliveries() == []


def test_1_1_the_same_file_twice_is_harmless_and_overwrites_nothing(folder: Path) -> None:
    for _time in range(2):
        (folder / "a.csv").write_text(FILE, "utf-8")
        inbox.scan(now=NOW)
    assert len(deliveries()) == 1 and {path.name for path in (folder / "done").iterdir()} == {"a.csv", "a.csv.txt", "a-2.csv", "a-2.csv.txt"}
    assert "未重复接收" in note(folder / "done" / "a-2.csv")


@pytest.mark.parametrize(("where", "what"), [(Path, "rename"), (inbox, "_move")])
def test_1_1_killed_between_taking_in_and_moving_the_next_scan_finishes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, where: object, what: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_args: object, **_kwargs: object) -> None:
        raise Killed

    (folder / "a.csv").write_text(FILE, "utf-8")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(where, what, killed)
        inbox.scan(now=NOW)
    assert (folder / "a.csv").exists() and len(deliveries()) == 1
    (taken,) = inbox.scan(now=NOW)
    assert taken.state == "done" and len(deliveries()) == 1 and len(list(lake().root.rglob("*.parquet"))) == 1


def test_1_1_killed_before_the_row_is_committed_the_next_scan_takes_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(self: Delivery, **_kwargs: object) -> None:
        raise Killed

    (folder / "a.csv").write_text(FILE, "utf-8")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Delivery, "save", killed)
        inbox.scan(now=NOW)
    assert deliveries() == [] and (folder / "a.csv").exists()
    assert inbox.scan(now=NOW)[0].state == "done" and len(list(lake().root.rglob("*.parquet"))) == 1


def test_1_1_what_cannot_be_taken_says_why(folder: Path) -> None:
    root = inbox.inbox()
    (root / "lost.csv").write_text(FILE, "utf-8")
    (root / COUNTY / "lost.csv").write_text(FILE, "utf-8")
    for place in ("999999/deaths", f"{COUNTY}/cars", "４１０１２２/deaths", "41012x/deaths"):
        (root / place).mkdir(parents=True)
        (root / place / "a.csv").write_text(FILE, "utf-8")
    (folder / "empty.csv").write_text("", "utf-8")
    (folder / "other.csv").write_text("甲,乙\n1,2\n", "utf-8")
    (folder / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    (folder / "b\tc.csv").write_text(FILE, "utf-8")
    (folder / ("长" * 80 + ".csv")).write_text(FILE, "utf-8")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xcb\xc0\xcd\xf6.csv")).write_text(FILE, "utf-8")
    (folder / "keys.csv").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.csv")
    words = {taken.path: (taken.state, taken.message) for taken in inbox.scan(now=NOW)}
    assert len(words) == 14 and {state for state, _message in words.values()} == {"refused"} and all(message for _state, message in words.values())
    assert "行政区划代码/数据目录代码" in words["lost.csv"][1] and "没有代码为“999999”" in words["999999/deaths/a.csv"][1]
    assert "数据目录" in words[f"{COUNTY}/cars/a.csv"][1] and "文件名" in words["410122/deaths/b_c.csv"][1]
    assert "快捷方式" in words["410122/deaths/keys.csv"][1] and "整批退回" in words["410122/deaths/other.csv"][1]
    assert all(note(path) for path in (folder / "refused").iterdir() if path.suffix != ".txt")
    assert len([path for path in (folder / "refused").iterdir() if path.suffix == ".txt"]) == 8
    with scopes.acting(scopes.Scope(area="41")):
        assert not Delivery.objects.filter(state="accepted").exists()
    assert inbox.scan(now=NOW) == []


def test_1_1_a_full_disk_leaves_the_file_for_later_and_stops_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.csv").write_text(FILE, "utf-8")
    (folder / "b.csv").write_text(FILE.replace("疾病", "意外"), "utf-8")
    real = inbox.deliver

    def full(**given: object) -> object:
        if given["name"] == "a.csv":
            raise OSError(28, "No space left on device")
        return real(**given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "deliver", full)
        assert [each.state for each in inbox.scan(now=NOW)] == ["waiting", "done"]
    assert (folder / "a.csv").exists() and [each.state for each in inbox.scan(now=NOW)] == ["done"]


def test_1_1_another_place_of_the_inbox_does_not_reach_this_one(folder: Path) -> None:
    other = inbox.prepare("410724") / "deaths"
    (other / "a.csv").write_text(FILE, "utf-8")
    inbox.scan(now=NOW)
    assert deliveries() == [] and len(deliveries("410724")) == 1
    with pytest.raises(ValidationError):
        inbox.prepare("../../etc")


@pytest.mark.django_db(transaction=True)
def test_1_1_two_workers_at_once_take_each_file_once(committed_db: None, folder: Path) -> None:
    for number in range(4):
        (folder / f"{number}.csv").write_text(GOOD.format(id=citizen(f"4101221950020310{number}")), "utf-8")
    gate = Barrier(2)

    def work() -> int:
        gate.wait()
        try:
            return len(inbox.scan(now=NOW))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        taken = [each.result() for each in [pool.submit(work), pool.submit(work)]]
    assert sum(taken) == 4 and len(deliveries()) == 4 and len(list((folder / "done").glob("*.csv"))) == 4


def test_1_1_plain_files_do_not_stay_longer_than_the_place_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.csv").write_text(FILE, "utf-8")
    inbox.scan(now=NOW)
    (folder / "waiting.csv").write_text(FILE, "utf-8")
    assert inbox.clear(area="41", now=NOW) == 0
    real = time.time()
    monkeypatch.setattr(inbox.time, "time", lambda: real + 7 * 86400 + 60)
    assert inbox.clear(area="410724", now=NOW) == 0, "not another place's files"
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        row = propose_setting(parameter=inbox.KEEP, area=COUNTY, starts=date(2022, 11, 1), value="30", document="试〔2022〕1号", now=NOW)
    with scopes.acting(officer(Duty.COUNTY_APPROVER, COUNTY)):
        confirm_setting(setting_id=row.pk, now=NOW)
    assert inbox.clear(area="41", now=NOW) == 0
    monkeypatch.setattr(inbox.time, "time", lambda: real + 30 * 86400 + 60)
    assert inbox.clear(area="41", now=NOW) == 2 and (folder / "waiting.csv").exists()


def test_1_1_what_a_killed_reading_left_goes_after_two_days(folder: Path) -> None:
    left = [lake().root / ".incoming-x", *(postgres.home() / "incoming" / name for name in ("inbox-y", "api-z")), scratch() / "compare-w"]
    for each in left:
        each.mkdir(parents=True)
        (each / "rows.parquet").write_text(FILE)
    with scopes.acting(scopes.Scope(area="41")):
        assert inbox.clear(area="41", now=NOW) == 0, "somebody may still be reading there"
        long_ago = time.time() - 3 * 86_400
        for each in left:
            os.utime(each, (long_ago, long_ago))
        assert inbox.clear(area="410724", now=NOW) == 0
        assert inbox.clear(area="41", now=NOW) == len(left) and not any(each.exists() for each in left)
