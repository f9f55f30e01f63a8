"""A volunteer in a real browser on phone size, without script (8.1, 8.3): registers, is verified, matched to a need, comes, is confirmed, gets the certificate.

    python tests/e2e/volunteers.py [--short]
"""

from __future__ import annotations

import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import Visitor, Walker, browser, code_sent, ground, id_number, served

COUNTY, NAME, MOBILE = "410122", "夏雨荷", "13500135001"
WHAT, RECIPIENT, ADDRESS, CALLED = "骨折卧床，晚饭没人做", "丁老太", "幸福里小区 3 号楼", "13600136009"


class Volunteer(Visitor):
    """Somebody who signs in by a code."""

    name = "volunteer"

    def __init__(self, chrome: Browser, base: str, home: Path, shots: Path) -> None:
        super().__init__(chrome, base, shots, accept_downloads=True)
        self.home = home

    def proved(self) -> None:
        """A phone and the code that comes to it."""
        since = time.time()
        self.go("/volunteer/sign-in/")
        self.page.fill("input[name=phone]", MOBILE)
        self.solve()
        self.press("获取验证码")
        self.page.fill("input[name=code]", code_sent(self.home, MOBILE, since))
        self.press("下一步")

    def registered(self, town: str) -> None:
        """8.1: the own registration waits for somebody to see the document."""
        self.proved()
        self.go(f"/volunteer/join/?county={COUNTY}")
        page = self.page
        page.fill("input[name=name]", NAME)
        page.fill("input[name=document]", id_number(COUNTY, date(1992, 7, 9), 218))
        page.select_option("select[name=sex]", index=1) if page.locator("select[name=sex]").count() else page.locator("input[name=sex]").first.check(force=True)
        page.fill("input[name=birth_date]", "1992-07-09")
        page.select_option("select[name=area]", town)
        for skill in ("cooking", "driving"):
            page.locator(f"input[name=skills][value={skill}]").check(force=True)
        page.fill("input[name=distance]", "20")
        page.check("input[name=agree]", force=True)
        self.solve()
        self.press("登记")
        assert "已收到登记" in self.words(), self.words()


def verified(walk: Walker) -> None:
    """8.1: the coordinator has seen the document."""
    walk.go("/volunteering/volunteers/?state=pending")
    walk.go(str(walk.page.locator("#rows tbody a", has_text=NAME).first.get_attribute("href")))
    walk.press("核验通过")
    walk.shot("verified")


def asked(town: Walker, walk: Walker) -> str:
    """8.3: a need is raised, published, and the volunteer stands on the ranked list with reasons; the address of its page."""
    town.go("/needs/new/")
    page = town.page
    page.select_option("select[name=kind]", "food") if page.locator("select[name=kind]").count() else page.locator("input[name=kind][value=food]").check(force=True)
    page.fill("textarea[name=what]", WHAT)
    page.fill("input[name=name]", RECIPIENT)
    page.fill("input[name=phone]", CALLED)
    page.fill("input[name=address]", ADDRESS)
    page.locator("input[name=skills][value=cooking]").check(force=True)
    town.press("登记")
    number = page.url.rstrip("/").rpartition("/")[2]
    walk.go(f"/volunteering/board/{number}/")
    walk.page.locator("input[name=offering]").uncheck(force=True)
    walk.press("公布这项需求")
    row = walk.page.locator("table tbody tr", has_text="夏").first
    assert "技能符合" in row.inner_text() and "公里" in row.inner_text()
    walk.shot("matched")
    with walk.page.expect_navigation():
        row.get_by_role("button", name="邀请").click()
    walk.check()
    return number


def served_there(volunteer: Volunteer) -> None:
    """8.3: accepts, opens the contact, checks in and out."""
    volunteer.go(f"/board/?county={COUNTY}")
    for secret in (RECIPIENT, ADDRESS, CALLED, WHAT):
        assert secret not in volunteer.page.content()
    volunteer.proved()
    volunteer.go("/volunteer/needs/")
    assert "邀请我的" in volunteer.words() and CALLED not in volunteer.page.content()
    volunteer.press("我去")
    volunteer.press("查看联系方式和地址")
    assert CALLED in volunteer.words() and ADDRESS in volunteer.words()
    volunteer.press("我到了，签到")
    volunteer.page.fill("input[name=note]", "做了晚饭，收拾了厨房")
    volunteer.press("做完了，签退")
    assert "待确认" in volunteer.words()


def confirmed(town: Walker, walk: Walker, number: str) -> None:
    """8.3: another officer asks the recipient; the coordinator corrects the minutes of a walk that was too quick."""
    town.go(f"/volunteering/board/{number}/")
    town.page.select_option("select[name=rating]", "5")
    town.press("确认完成")
    town.shot("confirmed")
    assert "5 分" in town.page.locator("main").inner_text()
    walk.go("/volunteering/records/")
    walk.go(str(walk.page.locator("#rows tbody a[href*='/records/']").first.get_attribute("href")))
    starts = walk.page.locator("input[name=starts]").first
    begun = datetime.fromisoformat(starts.input_value())
    starts.fill(f"{begun - timedelta(hours=2):%Y-%m-%dT%H:%M}")
    walk.page.locator("form:has(input[name=starts]) input[name=reason]").fill("到得早，签到晚了两小时，本人家属证实")
    with walk.page.expect_navigation():
        walk.page.locator("form:has(input[name=starts]) button").first.click()
    walk.check()


def certified(volunteer: Volunteer) -> None:
    """8.1: hours, and the certificate over them, on the volunteer's own page."""
    volunteer.go("/volunteer/me/hours/")
    assert "2" in volunteer.words()
    volunteer.press("开具证明")
    assert "有效" in volunteer.words(), volunteer.words()


def main() -> None:
    with ground("volunteers") as at, served(at.home) as base, browser() as chrome:
        volunteer = Volunteer(chrome, base, at.home, at.shots)
        volunteer.registered(at.users["town"]["area"])
        walk, town = (Walker(chrome, base, at.users[name], at.shots) for name in ("volunteers", "town"))
        verified(walk)
        number = asked(town, walk)
        served_there(volunteer)
        confirmed(town, walk, number)
        certified(volunteer)
        for each in (walk, town):
            each.close()
        volunteer.context.close()
    print("6 passed, 0 failed: registration, verification, match, service, confirmation, certificate", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
