"""A home reports by phone and runs low on oxygen, asks, is supplied in two parts; thirty residents are transferred, confirmed at both ends, families told (6.2, 6.3).

    python tests/e2e/coordination.py [--short]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import PHONE, Walker, browser, ground, served
from playwright.sync_api import Browser

HOME, NEW = "中牟县中心敬老院", "中牟县临时安置点"
PEOPLE = 30


def fits(walk: Walker, name: str) -> None:
    walk.shot(name)
    assert walk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}: the page is wider than the phone"


def reported(clerk: Walker) -> None:
    """Today's report on the phone: yesterday's values stand there, what changed is typed, the same sent again is no second report."""
    clerk.go("/institutions/mine/")
    page, house = clerk.page, clerk.page.url
    before = {name: page.input_value(f"[name={name}]") for name in ("residents", "staff", "q_oxygen", "u_oxygen")}
    assert all(int(value) > 0 for value in before.values()) and "已填好上次的数" in page.locator("main").inner_text(), before
    assert page.input_value("[name=positive_residents]") == "0"  # what happened on one day starts at nought
    page.fill("[name=q_oxygen]", "3")
    fits(clerk, "report")
    clerk.press("上报")
    if page.get_by_label("以上情况属实").count():
        clerk.complaints.clear()  # the browser tells of the refusal's status
        page.get_by_label("以上情况属实").check()
        clerk.press("上报")
    text = page.locator("main").inner_text()
    assert before["residents"] in text and "氧气" in text
    fits(clerk, "reported")
    clerk.go(house)
    clerk.press("上报")
    assert "没有重复上报" in page.locator("body").inner_text()


def asked(clerk: Walker) -> str:
    """The clerk asks for what the report showed low; the address of the request."""
    clerk.go("/institutions/requests/proposals/")
    clerk.page.locator("tr", has_text="氧气").get_by_role("link", name="提出").click()
    clerk.page.wait_for_load_state()
    assert clerk.page.input_value("[name=item]") == "oxygen"
    clerk.page.fill("[name=what]", "氧气瓶，只够两天")
    clerk.page.fill("[name=quantity]", "20")
    clerk.page.locator("label", has_text="紧急").last.click()
    fits(clerk, "ask")
    clerk.press("提出")
    assert "待交办" in clerk.page.locator("main").inner_text()
    return clerk.page.url.removeprefix(clerk.base)


def supplied(reviewer: Walker, health: Walker, clerk: Walker, request: str) -> None:
    """Assigned to two departments, taken by one, sent in two parts, each confirmed by the home."""
    reviewer.go(request)
    for unit in ("中牟县卫生健康委", "中牟县疾控中心"):
        reviewer.page.locator("label", has_text=unit).first.click()
    reviewer.press("交办")
    health.go(request)
    health.press("签收")
    for quantity in ("12", "8"):
        health.go(request)
        health.page.fill("form [name=quantity] >> nth=0", quantity)
        health.press("登记发出")
        clerk.go(request)
        clerk.press("确认收到")
    text = clerk.page.locator("main").inner_text()
    assert "已办结" in text and "已全部收到" in text
    fits(clerk, "supplied")


def transferred(reviewer: Walker, clerk: Walker) -> None:
    """A place is registered, thirty are listed, leave in one vehicle, their families are told, they arrive."""
    reviewer.go("/institutions/new/")
    page = reviewer.page
    for name, value in {"name": NEW, "code": "ANZHI001", "address": "体育馆路 1 号", "phone": "0371-62160099", "bed_self": "40"}.items():
        page.fill(f"main [name={name}]", value)
    page.select_option("main [name=kind]", "welfare_home")
    page.select_option("main [name=area]", index=1)
    reviewer.press("登记")
    reviewer.go("/institutions/")
    house = page.locator("main a", has_text=HOME).first.get_attribute("href") or ""
    reviewer.go(f"{house}transfer/?within=6")
    page.select_option("[name=to]", page.locator("[name=to] option", has_text=NEW).first.get_attribute("value"))
    page.select_option("[name=bed]", "self")
    page.fill("[name=reason]", "所在街道临时管控，整体分流")
    boxes = page.locator("input[name=people]")
    for at in range(PEOPLE):
        boxes.nth(at).check()
    reviewer.press("安排转移")
    transfer = page.url.removeprefix(reviewer.base)
    reviewer.press("同意接收")
    clerk.go(transfer)
    for name, value in {"plate": "豫A30303", "seats": "35", "driver": "韩师傅", "phone": "13903710011"}.items():
        clerk.page.fill(f"[name={name}]", value)
    clerk.press("登记车辆")
    for button, walk in (("登记已告知家属", clerk), ("确认出发", clerk), ("确认到达", reviewer)):
        walk.go(transfer)
        for at in range(PEOPLE):
            walk.page.locator("input[name=people]").nth(at).check()
        if button == "登记已告知家属":
            walk.page.fill("[name=whom]", "家属")
        walk.press(button)
    text = page.locator("main").inner_text()
    assert "已完成" in text and f"到达 {PEOPLE} / {PEOPLE} 人" in text and "未告知" not in text
    clerk.go(transfer)
    fits(clerk, "transferred")
    reviewer.go("/institutions/overview/")
    reviewer.shot("overview")


def walk_all(chrome: Browser, base: str, users: dict[str, dict[str, str]], shots: Path) -> None:
    clerk = Walker(chrome, base, users["institution"], shots, PHONE)
    reviewer, health = (Walker(chrome, base, users[each], shots) for each in ("reviewer", "health"))
    reported(clerk)
    supplied(reviewer, health, clerk, asked(clerk))
    transferred(reviewer, clerk)
    for walker in (clerk, reviewer, health):
        walker.close()


def main() -> None:
    with ground("coordination") as at, served(at.home) as base, browser() as chrome:
        walk_all(chrome, base, at.users, at.shots)
    print("1 passed, 0 failed: reported by phone, oxygen in two parts, thirty transferred", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
