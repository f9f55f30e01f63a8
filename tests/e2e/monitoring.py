"""Exit suspension on and off (2.6), then a gradual exit over seven simulated months (2.5), in a real browser by the officers whose work it is.

    python tests/e2e/monitoring.py [--short] [--home DIR]

The demo's clock is set forward between the parts, and the daily job of dynamic monitoring (2.1) runs on each month's fifth day, as the worker would run it.
Works on a data folder of its own, on loopback only. Pictures go to `<home>/shots`.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from browser import Walker, browser, doudi, ground, served
from main_job import task_done

CHINA = ZoneInfo("Asia/Shanghai")


def set_clock(home: Path, day: date) -> None:
    """Let the demo's time be nine o'clock of a day from the next start on."""
    to = datetime.combine(day, time(9), CHINA)
    (home / "demo" / "clock").write_text(str((to - datetime.now(UTC)).total_seconds()))


def monitored(home: Path, day: date) -> dict[str, int]:
    """The daily job of monitoring on a day; its figures."""
    set_clock(home, day)
    answer = doudi("daily", "--job", "enrolment.monitoring", "--on", day.isoformat(), "--again", "--json", home=home, capture_output=True)
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


def dibao_awards(town: Walker) -> list[str]:
    """Awards of dibao that were paid before December, at least two."""
    town.go("/enrolment/awards/?programme=dibao&state=active")
    rows = town.page.locator("#rows tbody tr")
    lines = [rows.nth(at) for at in range(rows.count())]
    found = [line.locator("td a").first.get_attribute("href") or "" for line in lines if "2023-" not in line.inner_text() and "2022-12" not in line.inner_text()]
    assert len(found) >= 2, "too few running awards of dibao in the township"
    return found


def record(town: Walker, award: str, kind: str, yuan: int) -> str:
    """Register a new income of the household's first member; the household's name."""
    town.go(award)
    name = town.page.locator("h1").inner_text().split("·")[0].strip()
    household = town.page.get_by_role("link", name="家庭页").get_attribute("href") or ""
    town.go(f"{household}facts/new/")
    owner = town.page.locator("select[name=owner] option").nth(1).get_attribute("value")
    town.go(f"{household}facts/new/?owner={owner}&kind={kind}")
    town.page.fill("input[name=number]", str(yuan))
    source = town.page.locator("select[name=source]")
    if source.count():
        source.select_option(index=1)
    town.press("保存")
    return name


def monitor(reviewer: Walker) -> None:
    reviewer.go("/enrolment/monitoring/")
    reviewer.press("开始监测")
    task_done(reviewer)
    reviewer.go("/enrolment/monitoring/")
    reviewer.shot("monitoring")


def review_of(walk: Walker, name: str, state: str) -> str:
    walk.go(f"/enrolment/reviews/?state={state}&cause=income&name={name}")
    link = walk.page.locator("#rows tbody tr td a").first
    assert link.count(), f"no review of {name} is {state}"
    return link.get_attribute("href") or ""


def switch(reviewer: Walker, approver: Walker, *, words: str, document: str, day: str = "") -> None:
    """Switch the suspension of exits on or off within the running emergency: proposed by one, confirmed by the other."""
    reviewer.go("/emergencies/")
    reviewer.go(reviewer.page.locator("#rows tbody tr td a", has_text="寒潮").first.get_attribute("href") or "")
    card = reviewer.page.locator("form[action$='/switch/']")
    reviewer.page.locator("details", has=card).locator("summary").click()
    card.locator("input[name=document]").fill(document)
    if day:
        card.locator("input[name=starts]").fill(day)
    reviewer.press(words)
    approver.go(reviewer.page.url)
    approver.shot("switch")
    approver.press("确认")


def suspension(town: Walker, reviewer: Walker, approver: Walker, award: str) -> str:
    """2.6: exits are suspended; an income that would end the award is held, a stop is refused; the name of the household."""
    reviewer.go("/emergencies/new/")
    reviewer.page.select_option("select[name=kind]", "cold")
    reviewer.page.fill("input[name=title]", "寒潮")
    reviewer.page.fill("input[name=document]", "牟政文〔2022〕61号")
    reviewer.page.locator("input[name=areas]").first.check(force=True)
    reviewer.press("提出，待确认")
    approver.go(reviewer.page.url)
    approver.press("确认")
    switch(reviewer, approver, words="提出启用", document="牟民〔2022〕77号")
    reviewer.go("/emergencies/measures/")
    assert "暂停退出低保" in reviewer.page.locator("main").inner_text()
    reviewer.shot("measures")
    name = record(town, award, "transfer_income", 90_000)
    monitor(reviewer)
    town.go(review_of(town, name, "held"))
    assert "暂缓" in town.page.locator("main").inner_text()
    town.shot("held")
    town.go(award)
    form = town.page.locator("form[action$='/stop/']")
    if not form.locator("select[name=ground]").is_visible():
        town.page.locator("details", has=form).first.locator("summary").first.click()
    form.locator("select[name=ground]").select_option("income")
    form.locator("input[name=reason]").fill("收入超过标准")
    town.page.once("dialog", lambda dialog: dialog.accept())
    form.locator("button").click()
    town.page.wait_for_load_state()
    assert "暂停退出" in town.page.locator("main").inner_text()
    town.complaints.clear()  # the refusal is an answer of 422
    return name


def gradual(town: Walker, reviewer: Walker, approver: Walker, awards: list[str]) -> tuple[str, str]:
    """2.5: wages passed the standard; a gradual exit is proposed and confirmed; its last month in words of the page. (name, award).

    Not every household's property fits: the first one for which the review offers it.
    """
    names = [record(town, award, "wage_income", 90_000) for award in awards[:4]]
    monitor(reviewer)
    for name, award in zip(names, awards, strict=False):  # noqa: B007
        town.go(review_of(town, name, "open"))
        if town.page.locator(".tag", has_text="渐退").count():
            break
    assert "工资性收入" in town.page.locator("main").inner_text() and "渐退" in town.page.locator("main").inner_text()
    town.shot("review")
    form = town.page.locator("form[action$='/gradual/']")
    form.locator("input[name=reason]").fill("长子进厂务工，收入超过标准")
    with town.page.expect_navigation():
        form.get_by_role("button", name="提出渐退").click()
    town.check()
    approver.go(town.page.url)
    approver.press("确认")
    town.go(award)
    words = town.page.locator("main").inner_text()
    assert "2023-07" in words, "six months from January 2023 on"
    town.shot("gradual")
    return name, award


def main() -> None:
    with ground("monitoring", full=3000) as at:
        with served(at.home) as base, browser() as chrome:
            town, reviewer, approver = (Walker(chrome, base, at.users[name], at.shots) for name in ("town", "reviewer", "approver"))
            first, *others = dibao_awards(town)
            held = suspension(town, reviewer, approver, first)
            switch(reviewer, approver, words="提出停用", document="牟民〔2022〕80号", day="2022-12-11")  # oversight may have moved the clock by a day
            for walk in (town, reviewer, approver):
                walk.close()
        assert monitored(at.home, date(2022, 12, 12)).keys(), "the daily job has figures"
        with served(at.home) as base, browser() as chrome:
            town, reviewer, approver = (Walker(chrome, base, at.users[name], at.shots) for name in ("town", "reviewer", "approver"))
            town.go(review_of(town, held, "open"))
            town.shot("released")
            name, second = gradual(town, reviewer, approver, others)
            for walk in (town, reviewer, approver):
                walk.close()
        for month in (6,) if at.short else range(1, 7):
            monitored(at.home, date(2023, month, 5))
        with served(at.home) as base, browser() as chrome:
            town = Walker(chrome, base, at.users["town"], at.shots)
            town.go("/todos/?sort=-due")
            assert "渐退期将于 2023-06-30 届满" in town.page.locator("main").inner_text(), "notice before the end"
            town.shot("notice")
            town.go(second)
            assert "将停发" in town.page.locator(".ph, h1, main").first.inner_text() + town.page.locator("main").inner_text()
            town.close()
        monitored(at.home, date(2023, 7, 5))
        with served(at.home) as base, browser() as chrome:
            town = Walker(chrome, base, at.users["town"], at.shots)
            town.go(second)
            assert "已停发" in town.page.locator("main").inner_text(), f"{name}: the seventh month ends it"
            town.shot("ended")
            town.close()
        print(f"1 passed, 0 failed: exit suspension and gradual exit, {len(list(at.shots.glob('*.png')))} pictures", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
