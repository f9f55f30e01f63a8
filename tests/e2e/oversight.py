"""What stands beside the way of an application, in a real browser by the officers whose work it is.

    python tests/e2e/oversight.py            delegated confirmation with a spot check; price linkage; a complaint that suspends an award
    python tests/e2e/oversight.py --short    price linkage and the complaint

Price linkage (3.3): corrected indices are entered by one officer of the city and confirmed by another, the county proposes the difference, another approves
it, and it becomes a payroll. Complaint: taken down, assigned, taken on, proposed for closing with a suspension, approved: the award is suspended. Delegated
confirmation (2.2): a township confirms an application; on the day after the county draws a spot check, finds one wrong, opens it again and closes.
Works on a data folder of its own (`--home`, made once and used again), on loopback only. Pictures go to `<home>/shots`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from applications import accept, apply, check, one_day_of_publicity, opinion, publish, sign_and_approve, visit
from browser import Walker, browser, ground, served
from monitoring import CHINA, set_clock
from playwright.sync_api import Browser

INDEX, PAID = "2022-11", "2022-12"
EXTRA = {"city2": "city", "reviewer2": "reviewer", "confirm": "town"}  # made by the demo beside the accounts that it prints


def prices(first: Walker, second: Walker, reviewer: Walker, approver: Walker) -> None:
    first.go(f"/prices/enter/?month={INDEX}")
    for name, value in (("cpi", "3.6"), ("food", "6.4"), ("scpi", "3.2"), ("source", "国家统计局调查队（示例）"), ("document", "更正公报（示例）"), ("reason", "原公报更正")):
        first.page.fill(f"input[name={name}]", value)
    first.press("提交确认")
    entry = first.page.url
    if "/entries/" not in entry:
        first.go(f"/prices/{PAID}/")
        first.go(first.page.locator("a[href*='/prices/entries/']").first.get_attribute("href") or "")
        entry = first.page.url
    assert not first.page.get_by_role("button", name="确认", exact=True).count(), "nobody confirms their own"
    second.go(entry)
    second.shot("indices")
    second.press("确认")
    reviewer.go(f"/prices/{PAID}/")
    reviewer.press("按更正后的指数核对差额")
    assert "差额的原因" in reviewer.page.locator("main").inner_text()
    reviewer.shot("difference")
    approver.go(reviewer.page.url)
    approver.press("同意")
    reviewer.go(approver.page.url)
    reviewer.press("编制一次性发放批次")
    assert "一次性发放" in reviewer.page.locator("h1").inner_text() and "编制中" in reviewer.page.locator(".ph").inner_text()
    reviewer.shot("payroll")


def complaint(town: Walker, reviewer: Walker, handler: Walker, approver: Walker) -> None:
    town.go("/enrolment/awards/?programme=dibao&state=active")
    award = town.page.locator("#rows tbody tr td a").nth(3).get_attribute("href") or ""
    number = award.rstrip("/").split("/")[-1]
    town.go(f"/complaints/new/?award={number}")
    town.page.select_option("select[name=kind]", "report")
    town.page.select_option("select[name=category]", "wrong_receipt")
    town.page.fill("textarea[name=content]", "该户在县城有门面房出租，仍在领取低保，请核实。")
    town.press("登记")
    row = town.page.url
    reviewer.go(row)
    reviewer.page.select_option("select[name=account]", label=next(
        words for words in reviewer.page.locator("select[name=account] option").all_inner_texts() if "陈静" in words
    ))  # fmt: skip
    reviewer.press("分派")
    handler.go(row)
    handler.press("签收办理")
    handler.page.select_option("select[name=finding]", "upheld")
    handler.page.select_option("select[name=action]", "suspend")
    handler.page.fill("textarea[name=answer]", "经核实，该户门面房租金未申报，已暂停发放并重新核查，感谢您的监督。")
    handler.shot("complaint")
    handler.press("提交审批")
    assert not handler.page.get_by_role("button", name="同意办结").count(), "who handled it does not close it"
    approver.go(row)
    approver.press("同意办结")
    assert "已办结" in approver.page.locator("main").inner_text() + approver.page.locator("h1").inner_text()
    approver.shot("closed")
    town.go(award)
    assert "暂停发放" in town.page.locator("h1").locator("xpath=../..").inner_text() + town.page.locator("main").inner_text()
    town.go("/leads/?programme=review")
    town.shot("review")


def delegated(walkers: dict[str, Walker]) -> None:
    town, confirm, reviewer = walkers["town"], walkers["confirm"], walkers["reviewer"]
    one_day_of_publicity(reviewer, walkers["approver"], "marginal")
    case = apply(town, "marginal")
    accept(town, case, "marginal")
    check(walkers["checker"], case)
    visit(town, case)
    differs = opinion(town, case, "marginal")
    publish(town, case)
    sign_and_approve(reviewer, confirm, case, differs)
    confirm.shot("confirmed")
    confirm.go("/enrolment/confirmed/")
    assert "未抽取" in confirm.page.content() and confirm.page.locator("#rows tbody tr").count()


def draw(reviewer: Walker, day: date) -> str:
    """On the day after: the county draws what was confirmed; the address of its spot check."""
    reviewer.go("/enrolment/spot-checks/new/")
    reviewer.page.fill("input[name=starts]", day.isoformat())
    reviewer.page.fill("input[name=ends]", day.isoformat())
    reviewer.press("抽取")
    reviewer.shot("drawn")
    return reviewer.page.url


def spot_check(reviewer: Walker, drawn: str) -> None:
    """An officer who has signed none of it finds one wrong, opens it again, and closes."""
    reviewer.go(drawn)
    for at in range(30):
        waiting = reviewer.page.locator("main table tr", has_text="待查")
        if not waiting.count():
            break
        reviewer.go(waiting.first.locator("a").first.get_attribute("href") or "")
        reviewer.page.locator(f"[name=finding][value={'in_order' if at else 'wrong'}]").first.check(force=True)
        reviewer.page.fill("textarea[name=text]", "" if at else "户主名下登记有货车一辆，申请时未申报")
        reviewer.press("保存")
        if not at:
            reviewer.press("重启核查")
            assert "已重启核查" in reviewer.page.locator("main").inner_text()
            reviewer.shot("reopened")
        reviewer.go(drawn)
    reviewer.press("办结")
    assert "已办结" in reviewer.page.content()


def today_of(home: Path) -> date:
    """The day of the demo's clock."""
    return (datetime.now(UTC) + timedelta(seconds=float((home / "demo" / "clock").read_text()))).astimezone(CHINA).date()


def walk_all(chrome: Browser, base: str, users: dict[str, dict[str, str]], shots: Path, *, short: bool) -> None:
    for name, like in EXTRA.items():
        users.setdefault(name, {**users[like], "username": name})
    names = ["town", "reviewer", "reviewer2", "approver", "city", "city2", *([] if short else ["confirm", "checker"])]
    walkers = {name: Walker(chrome, base, users[name], shots) for name in names}
    prices(walkers["city"], walkers["city2"], walkers["reviewer"], walkers["approver"])
    complaint(walkers["town"], walkers["reviewer"], walkers["reviewer2"], walkers["approver"])
    if not short:
        delegated(walkers)
    for walker in walkers.values():
        walker.close()


def main() -> None:
    with ground("oversight", full=3000) as at:
        with served(at.home) as base, browser() as chrome:
            walk_all(chrome, base, at.users, at.shots, short=at.short)
        if not at.short:
            day = today_of(at.home)
            set_clock(at.home, day + timedelta(days=1))
            with served(at.home) as base, browser() as chrome:
                path = draw(Walker(chrome, base, at.users["reviewer"], at.shots), day).removeprefix(base)
                spot_check(Walker(chrome, base, at.users["reviewer"] | {"username": "reviewer2"}, at.shots), path)
        print(f"{2 if at.short else 3} passed, 0 failed: oversight", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
