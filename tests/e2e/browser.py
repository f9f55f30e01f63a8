"""A demo server of its own and a real browser, for the walks of this folder."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from doudi.batch.idnumber import check_character

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# loopback only, and nothing that reaches out by itself
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Path of the browser; a clear word where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SystemExit("没有找到 chromium；请先安装（Debian：apt-get install chromium fonts-noto-cjk）。")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def doudi(*arguments: str, home: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command of Doudi on a data folder."""
    environment = os.environ | {"DOUDI_HOME": str(home)}
    return subprocess.run([sys.executable, "-m", "doudi.cli", *arguments], env=environment, text=True, check=True, **options)


def demo(home: Path, people: int | None = None) -> dict[str, Any]:
    """The demo in a data folder, its accounts in `users.json`; one that is there already is used as it stands. Returns its figures."""
    figures = home / "figures.json"
    if not figures.exists():
        size = ["--people", str(people)] if people else []
        made = doudi("demo", "--no-serve", "--json", "--users", str(home / "users.json"), *size, home=home, stdout=subprocess.PIPE)
        figures.write_text(made.stdout)
    return dict(json.loads(figures.read_text()))


@dataclass(frozen=True)
class Ground:
    """What a walk stands on: a demo's data folder, the folder of its pictures, whether the short form was asked for."""

    home: Path
    shots: Path
    short: bool

    @property
    def users(self) -> dict[str, dict[str, str]]:
        return users_of(self.home / "users.json")


@contextmanager
def ground(name: str, *, short: int = 3000, full: int | None = None) -> Iterator[Ground]:
    """A walk's command line and its demo: of `short` people in the short form, else of `full` (the demo's own size if not said).

    `--home FOLDER` keeps folder and pictures, and takes a demo that is there already; a folder not named is removed at the end.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="a small county")
    parser.add_argument("--home", type=Path, help="data folder to keep, or of a demo that is there already, with its users.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=f"doudi-{name}-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the embedded server's own user must reach its folder
        home = (given.home or Path(folder) / "home").absolute()
        shots = home / "shots"
        shots.mkdir(parents=True, exist_ok=True)
        home.chmod(0o755)
        demo(home, short if given.short else full)
        yield Ground(home, shots, given.short)


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The demo's data served on a free port; yields the address."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "doudi.cli", "serve", "--port", str(port), "--workers", "1"],
        env=os.environ | {"DOUDI_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            if server.poll() is not None:
                raise RuntimeError(f"doudi serve ended with code {server.returncode}")
            try:
                urllib.request.urlopen(f"{base}/accounts/login/", timeout=2).read()
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise RuntimeError("the server did not answer within two minutes")
        yield base
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


@contextmanager
def browser(*more: str) -> Iterator[Browser]:
    """A browser; `more` are further switches of Chromium."""
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=[*CHROMIUM, *more])
        try:
            yield chrome
        finally:
            chrome.close()


SIGNED_IN: dict[tuple[str, str], Any] = {}


class Walker:
    """One officer at a browser. Script errors, failed answers and policy violations end the walk."""

    def __init__(self, chrome: Browser, base: str, user: dict[str, str], shots: Path, viewport: dict[str, int] | None = None) -> None:
        self.context = chrome.new_context(viewport=viewport or DESK, locale="zh-CN", accept_downloads=True)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.base, self.user, self.shots, self.taken = base, user, shots, 0
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.page.set_default_timeout(20_000)
        self.sign_in()

    def sign_in(self) -> None:
        """By name and password; an officer who signed in before in this walk goes on from there."""
        key = (self.base, self.user["username"])
        if key in SIGNED_IN:
            self.context.add_cookies(SIGNED_IN[key])
        self.page.goto(f"{self.base}/accounts/login/")
        if key in SIGNED_IN and not self.page.locator("input[type=password]").count():
            return  # the session still holds: the page led on
        self.page.fill("input[name=login]", self.user["username"])
        self.page.fill("input[name=password]", self.user["password"])
        with self.page.expect_navigation():
            self.page.press("input[name=password]", "Enter")
        assert not self.page.locator("input[type=password]").count(), f"cannot sign in as {self.user['username']}"
        SIGNED_IN[key] = [cookie for cookie in self.context.cookies() if cookie["name"] == "sessionid"]

    def go(self, path: str) -> None:
        response = self.page.goto(path if path.startswith("http") else self.base + path)
        assert response is not None and response.status < 400, f"{path}: {response and response.status}"
        self.check()

    def follow(self, *menu: str) -> None:
        """Click through the menu by its words, as a user does."""
        for words in menu:
            link = self.page.locator(".side a", has_text=words).first
            if not link.count():  # a section with one page has no entry of its own: it opened already
                assert words in self.page.locator("h1").inner_text(), f"no {words} in the menu"
                continue
            with self.page.expect_navigation():
                link.click()
        self.check()

    def press(self, words: str) -> None:
        """Press a button by its words; a question that follows is answered with yes."""
        button = self.page.get_by_role("button", name=words).first
        asks = button.get_attribute("data-confirm") is not None
        if asks:
            button.click()
            with self.page.expect_navigation():
                self.page.locator("dialog#ask [data-ask-yes]").click()
        else:
            with self.page.expect_navigation():
                button.click()
        self.check()

    def check(self) -> None:
        assert not self.complaints, self.complaints
        assert self.page.locator("h1").count() == 1

    def shot(self, name: str) -> None:
        if "DOUDI_E2E_NO_PICTURES" in os.environ:
            return
        self.taken += 1
        self.page.screenshot(path=self.shots / f"{self.user['username']}-{self.taken:02d}-{name}.png", full_page=True)

    def close(self) -> None:
        self.context.close()


class Visitor:
    """Somebody with a phone: no account, no script."""

    name = "visitor"  # of the pictures

    def __init__(self, chrome: Browser, base: str, shots: Path, **options: Any) -> None:
        self.context = chrome.new_context(viewport=PHONE, locale="zh-CN", java_script_enabled=False, **options)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.base, self.shots, self.taken = base, shots, 0

    def go(self, path: str) -> None:
        answer = self.page.goto(self.base + path)
        assert answer is not None and answer.status == 200, f"{path}: {answer and answer.status}"
        self.fits()

    def fits(self) -> None:
        """No page is wider than the phone."""
        self.taken += 1
        self.page.screenshot(path=self.shots / f"{self.name}-{self.taken:02d}.png", full_page=True)
        assert self.page.locator("h1").count() == 1
        width = self.page.locator("html").bounding_box()
        assert width is not None and width["width"] <= PHONE["width"]

    def solve(self) -> None:
        first, second = re.search(r"(\d+) \+ (\d+)", self.page.locator("label[for=id_answer]").inner_text()).groups()  # type: ignore[union-attr]
        self.page.fill("#id_answer", str(int(first) + int(second)))

    def press(self, words: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=words).first.click()
        self.fits()

    def words(self) -> str:
        return self.page.locator("main").inner_text()


def id_number(division: str, born: date, order: int) -> str:
    """A citizen ID number of nobody."""
    first = f"{division}{born:%Y%m%d}{order:03d}"
    return first + check_character(first)


def users_of(path: Path) -> dict[str, dict[str, str]]:
    """Sign-ins of `doudi demo --users`, by user name."""
    return {user["username"]: user for user in json.loads(path.read_text()) if user.get("username")}


def code_sent(home: Path, phone: str, since: float) -> str:
    """The code as the file channel wrote it: the worker sends every few seconds."""
    for _try in range(120):
        for path in sorted((home / "messages").glob("*/*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
            if path.stat().st_mtime < since:
                break
            parcel = json.loads(path.read_text())
            if parcel["to"] == phone and (found := re.search(r"验证码 ?(\d{6})", parcel["text"])):
                return found[1]
        time.sleep(0.25)
    raise AssertionError("no code was sent within half a minute")
