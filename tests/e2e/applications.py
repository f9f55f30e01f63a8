"""From application to award in a real browser: dibao of one household through every step, each by whoever it belongs to.

    python tests/e2e/applications.py            a small county, pictures of each step
    python tests/e2e/applications.py --short    the same without the phone

Works on a data folder of its own (`--home`), on loopback only. The days of publicity are a parameter: the county sets one day, so that the
walk needs not wait. Pictures go to `<home>/shots`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

from browser import PHONE, Walker, browser, doudi, served, users_of
from main_job import task_done
from playwright.sync_api import Browser


def case_of(walk: Walker) -> str:
    return walk.page.url.split("?")[0]


def pick(walk: Walker, name: str, value: str) -> None:
    walk.page.locator(f"input[name={name}][value='{value}']").first.check(force=True)


def fitting(walk: Walker) -> None:
    """The first household that may still apply for dibao: its page offers the application."""
    walk.go("/enrolment/cases/")
    assert walk.page.locator("#rows tbody tr").count(), "the demo has applications"
    walk.shot("cases")
    walk.go("/households/")
    found = walk.page.locator("#rows tbody tr td a")
    homes = [found.nth(at).get_attribute("href") or "" for at in range(min(found.count(), 20))]
    for home in homes:
        number = home.rstrip("/").split("/")[-1]
        walk.go(f"/enrolment/apply/{number}/")
        if not walk.page.get_by_text("已有的申请").count():
            return
    raise AssertionError("no household without an application on the first page")


def apply(walk: Walker) -> str:
    """乡镇经办人: a household applies for dibao, whatever the law says of it; the page says what."""
    fitting(walk)
    for box in walk.page.locator("input[name=programmes]:checked").all():
        box.uncheck(force=True)
    pick(walk, "programmes", "dibao:")
    walk.shot("apply")
    walk.press("提交申请")
    assert "受理" in walk.page.locator(".steps").inner_text()
    return case_of(walk)


def accept(walk: Walker, case: str) -> None:
    """What is missing is named; then it comes, and the application is accepted."""
    walk.go(case)
    assert "尚缺" in walk.page.locator("main").inner_text()
    for paper in ("form", "identity", "income", "property", "account"):
        walk.page.locator("details", has_text="登记申请材料").locator("summary").click()
        form = walk.page.locator("form[action$='/add/document/']")
        form.locator("select[name=paper]").select_option(paper)
        with walk.page.expect_navigation():
            form.get_by_role("button", name="登记").click()
        walk.check()
    for _ in range(12):
        if not walk.page.get_by_text("未签署").count():
            break
        name = walk.page.locator("tr", has_text="未签署").first.locator("td").first.inner_text().strip()
        walk.page.locator("details", has_text="登记核对授权").locator("summary").click()
        form = walk.page.locator("form[action$='/add/authorisation/']")
        form.locator("select[name=person_id]").select_option(label=name)
        with walk.page.expect_navigation():
            form.get_by_role("button", name="登记").click()
        walk.check()
    walk.shot("papers")
    walk.press("受理")
    walk.shot("accepted")


def check(walk: Walker, case: str) -> None:
    """核对员: the task has read the departments' data; the officer concludes."""
    task = walk
    task_done(task)
    walk.go(case)
    assert "数据项" in walk.page.locator("main").inner_text()
    pick(walk, "result", "agrees")
    walk.shot("check")
    walk.press("出具结论")


def visit(walk: Walker, case: str) -> None:
    walk.go(case)
    pick(walk, "agrees", "1")
    walk.page.fill("textarea[name=findings]", "砖混平房三间，家电陈旧，主要劳动力患慢性病，与申报一致。")
    walk.shot("visit")
    walk.press("保存入户调查")


def opinion(walk: Walker, case: str) -> bool:
    """The township's opinion; whether it differs from the law's calculation."""
    walk.go(case)
    pick(walk, "agree", "1")
    form = walk.page.locator("form[action$='/do/opinion/']")
    form.locator("button").click()
    walk.page.wait_for_load_state()
    if walk.page.locator("form[action$='/do/opinion/']").count():  # the law gives nothing: with a reason it goes on, and is marked
        walk.complaints.clear()
        pick(walk, "agree", "1")
        walk.page.fill("input[name=amount]", "260")
        walk.page.fill("form[action$='/do/opinion/'] textarea[name=reason]", "因病支出大，经乡镇研究拟予保障")
        walk.press("提交初审意见")
    walk.shot("opinion")
    return "与测算不一致" in walk.page.locator("main").inner_text() or bool(walk.page.get_by_text("与测算不一致").count())


def publish(walk: Walker, case: str) -> None:
    walk.go(case)
    walk.page.fill("input[name=hotline]", "0371-62180000")
    starts = walk.page.locator("input[name=starts]")
    starts.fill((date.fromisoformat(starts.input_value()) - timedelta(days=2)).isoformat())
    walk.press("开始公示")
    walk.shot("posted")
    walk.go("/enrolment/posters/")
    words = walk.page.locator("main").inner_text()
    assert "0371-62180000" in words and "身份证" not in words
    walk.shot("poster")
    walk.go(case)
    walk.press("公示期满，无异议")


def sign_and_approve(reviewer: Walker, approver: Walker, case: str, differs: bool) -> None:
    for walk, needed in ((reviewer, differs), (approver, True)):
        if not needed:
            continue
        walk.go(case)
        walk.go(walk.page.get_by_role("link", name="去审核确认").get_attribute("href") or "")
        walk.shot("decision")
        walk.press("会签" if walk is reviewer else "确认")
    assert "已确认" in approver.page.locator("main").inner_text() + approver.page.locator("h1").inner_text()


def tell(walk: Walker, case: str) -> None:
    walk.go(case)
    walk.go(walk.page.get_by_role("link", name="告知书").first.get_attribute("href") or "")
    assert "行政复议" in walk.page.locator("main").inner_text()
    walk.shot("notice")
    walk.go(case)
    walk.press("已告知申请人，办结")
    assert "已确认" in walk.page.locator("h1").inner_text() + walk.page.locator("main").inner_text()
    walk.shot("closed")


def one_day_of_publicity(proposer: Walker, approver: Walker) -> None:
    """The county's own value of a parameter: running cases keep theirs, this walk's is new."""
    name = "procedure.case.dibao.publicity_days"
    proposer.go(f"/settings/propose/{name}/")
    proposer.page.locator("main [name=value]").fill("1")
    proposer.page.locator("main [name=starts]").fill("2022-01-01")
    proposer.page.locator("main [name=document]").fill("县民〔2022〕8号")
    with proposer.page.expect_navigation():
        proposer.page.locator("main form button.pri").first.click()
    approver.go(f"/settings/?parameter={name}")
    for box in approver.page.locator("input[name=checked]").all():
        box.check(force=True)
    approver.press("确认")


def walk_all(chrome: Browser, base: str, users: dict[str, dict[str, str]], shots: Path, *, phone: bool) -> None:
    walkers = {name: Walker(chrome, base, users[name], shots) for name in ("town", "reviewer", "approver", "checker")}
    town = walkers["town"]
    one_day_of_publicity(walkers["reviewer"], walkers["approver"])
    case = apply(town)
    accept(town, case)
    check(walkers["checker"], case)
    visit(town, case)
    differs = opinion(town, case)
    publish(town, case)
    sign_and_approve(walkers["reviewer"], walkers["approver"], case, differs)
    tell(town, case)
    if phone:
        small = Walker(chrome, base, users["town"], shots, PHONE)
        for path in (case, "/enrolment/cases/"):
            small.go(path)
            assert small.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], f"{path} is wider than a phone"
            small.shot("phone")
        small.close()
    for walker in walkers.values():
        walker.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--home", type=Path)
    options.add_argument("--people", type=int, default=3000)
    options.add_argument("--short", action="store_true")
    given = options.parse_args()
    home = given.home or Path(tempfile.mkdtemp(prefix="doudi-applications-", dir="/var/tmp"))
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)  # the embedded server's own user must reach its folder
    shots = home / "shots"
    shots.mkdir(parents=True, exist_ok=True)
    try:
        if not (home / "users.json").exists():
            doudi("demo", "--people", str(given.people), "--no-serve", "--users", str(home / "users.json"), home=home)
        with served(home) as base, browser() as chrome:
            walk_all(chrome, base, users_of(home / "users.json"), shots, phone=not given.short)
        print(f"1 passed, 0 failed: an application, {len(list(shots.glob('*.png')))} pictures", flush=True)  # noqa: T201
    finally:
        if given.home is None and given.short:
            shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
