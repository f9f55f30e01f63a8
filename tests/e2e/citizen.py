"""The public door in a real browser on phone size, without script (1.3): a neighbour reports somebody; a citizen checks, applies, and follows the case.

    python tests/e2e/citizen.py [--short]
"""

from __future__ import annotations

import re
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import Visitor, Walker, browser, code_sent, ground, id_number, served

COUNTY, TOWN, VILLAGE = "410122", "410122001", "410122001001"
CITIZEN_PHONE = "13700137001"


class Citizen(Visitor):
    """Somebody who reports or applies."""

    name = "citizen"

    def choose(self, name: str, value: str) -> None:
        """A choice that is drawn as a button."""
        self.page.locator(f"input[name={name}][value='{value}']").check(force=True)


def reported(citizen: Citizen) -> str:
    """1.3: from the first page to a receipt number."""
    citizen.go("/")
    citizen.page.locator(".doors a", has_text="报告困难群众").click()
    citizen.page.select_option("select[name=place]", COUNTY)
    citizen.press("下一步")
    citizen.page.locator(f".letters a[href='?place={TOWN}']").click()
    citizen.page.select_option("select[name=area]", VILLAGE)
    citizen.page.fill("input[name=address]", "东大街老粮站后院")
    citizen.choose("need", "disability")
    citizen.choose("how_soon", "now")
    citizen.page.fill("textarea[name=what]", "老人摔倒后两天没有出门，家里没有生火")
    citizen.solve()
    citizen.press("提交报告")
    found = re.search(r"BG\d{8}W\d{6}", citizen.words())
    assert found, citizen.words()
    return found[0]


def report_seen(walk: Walker, receipt: str) -> None:
    """The township has it as a lead, with the receipt number and no reporter."""
    walk.go("/leads/?channel=portal")
    row = walk.page.locator("#rows tbody tr", has_text="群众报告：残疾照护").first
    walk.go(str(row.locator("a").first.get_attribute("href")))
    words = walk.page.locator("main").inner_text()
    assert receipt in words and "匿名" in words and "老人摔倒后两天没有出门" in words, words
    walk.shot("lead")


def applied(citizen: Citizen, number: str) -> str:
    """The self-check says what may fit, and goes along into the application; its number."""
    citizen.go("/portal/")
    citizen.page.locator(".doors a", has_text="申请救助与自测").click()
    citizen.page.select_option("select[name=place]", COUNTY)
    citizen.choose("residence", "rural")
    citizen.choose("size", "1")
    citizen.press("下一步")
    citizen.page.fill("#id_m0-born", "1960-04")
    citizen.page.fill("#id_m0-transfers", "120")
    citizen.press("看结果")
    assert "您家可能符合" in citizen.words() and "低保" in citizen.words() and "这是自测，不是决定" in citizen.words()
    citizen.press("带着这些内容去申请")
    assert citizen.page.locator("input[name=programmes][value=dibao]").is_checked()
    citizen.page.fill("input[name=name]", "韩东升")
    citizen.page.fill("input[name=id_number]", number)
    citizen.page.fill("input[name=phone]", CITIZEN_PHONE)
    citizen.page.select_option("select[name=area]", TOWN)
    citizen.page.fill("input[name=address]", "东大街社区 9 号")
    citizen.page.check("input[name=agree]")
    citizen.page.check("input[name=true]")
    citizen.solve()
    citizen.press("提交申请")
    found = re.search(r"WS\d{15}", citizen.words())
    assert found, citizen.words()
    return found[0]


def registered(walk: Walker, number: str) -> None:
    """The township checks who it is and registers the application."""
    walk.go("/portal/applications/?state=sent")
    walk.go(str(walk.page.locator("#rows tbody a", has_text=number).first.get_attribute("href")))
    page = walk.page
    page.select_option("select[name=village]", VILLAGE)
    page.check("input[name=identity_seen]")
    walk.shot("online")
    page.locator("form:has(select[name=village]) button.pri").click()
    page.wait_for_load_state()
    walk.check()
    assert "已登记为救助申请" in page.locator("main").inner_text()


def followed(citizen: Citizen, home: Path, number: str) -> None:
    """Number and phone bring a code, the code brings the case; another phone brings the same page and no code."""
    since = time.time()
    citizen.go("/portal/follow/")
    for phone in ("13700137999", CITIZEN_PHONE):
        citizen.page.fill("input[name=number]", number)
        citizen.page.fill("input[name=phone]", phone)
        citizen.solve()
        citizen.press("获取验证码")
        assert "编号与手机号相符的" in citizen.words()
        if phone != CITIZEN_PHONE:
            citizen.go("/portal/follow/")
    citizen.page.fill("input[name=code]", "000000")
    citizen.press("查看")
    assert "验证码不对" in citizen.words()
    citizen.page.fill("input[name=code]", code_sent(home, CITIZEN_PHONE, since))
    citizen.press("查看")
    assert "最低生活保障" in citizen.words() and "下一步" in citizen.words() and "韩东升" not in citizen.words()


def main() -> None:
    with ground("citizen") as at, served(at.home) as base, browser() as chrome:
        citizen = Citizen(chrome, base, at.shots)
        receipt = reported(citizen)
        town = Walker(chrome, base, at.users["town"], at.shots)
        report_seen(town, receipt)
        number = applied(citizen, id_number(COUNTY, date(1960, 4, 18), 953))
        registered(town, number)
        followed(citizen, at.home, number)
        town.close()
        citizen.context.close()
    print("5 passed, 0 failed: a neighbour's report, self-check, application, registration, following", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
