"""From application to award in a real browser: each programme through its own steps, each by whoever it belongs to.

    python tests/e2e/applications.py                     every programme, pictures of each step, and the pages on a phone
    python tests/e2e/applications.py --short             dibao, and the nursing subsidy with the federation's review

Most walks ask for what the law does not give, with a reason and a second signature; the nursing subsidy follows the law's own amount.

Works on a data folder of its own (`--home`, made once and used again), on loopback only. The days of publicity are a parameter: the county sets
one day, so that the walk needs not wait. Pictures go to `<home>/shots`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from browser import PHONE, Walker, browser, ground, served
from main_job import task_done
from playwright.sync_api import Browser


def case_of(walk: Walker) -> str:
    return walk.page.url.split("?")[0]


def pick(walk: Walker, name: str, value: str) -> None:
    walk.page.locator(f"input[name={name}][value='{value}']").first.check(force=True)


def fitting(walk: Walker, programme: str) -> None:
    """The first household that nobody helps and that has no application: the page of its application is open."""
    for page in range(1, 6):
        walk.go(f"/households/?page={page}")
        found = walk.page.locator("#rows tbody tr td a")
        homes = {found.nth(at).get_attribute("href") or "": None for at in range(found.count())}
        for home in homes:
            number = home.rstrip("/").split("/")[-1]
            if not number.isdigit():
                continue
            walk.go(home)
            if walk.page.locator("main").get_by_text("享受中").count():
                continue
            walk.go(f"/enrolment/apply/{number}/")
            if not walk.page.get_by_text("已有的申请").count() and walk.page.locator(f"input[name=programmes][value^='{programme}:']").count():
                return
    raise AssertionError(f"no household for {programme} on the first pages")


def certified(walk: Walker) -> None:
    """A disability of the first grade is registered for a member of the household whose application is open; the application is opened anew."""
    number = walk.page.url.rstrip("/").split("/")[-1]
    walk.go(f"/households/{number}/facts/new/")
    owner = walk.page.locator("select[name=owner] option").nth(1).get_attribute("value")
    walk.go(f"/households/{number}/facts/new/?owner={owner}&kind=disability")
    walk.page.select_option("select[name=text]", index=1)
    walk.page.select_option("select[name=number]", "1")
    walk.page.locator("select[name=source]").select_option(index=1)
    walk.press("保存")
    walk.go(f"/enrolment/apply/{number}/")


def apply(walk: Walker, programme: str) -> str:
    """乡镇经办人: a household applies, whatever the law says of it; the page says what. The nursing subsidy is asked for where the law gives it."""
    fitting(walk, programme)
    if programme == BY_LAW:
        certified(walk)
        row = walk.page.locator("tr", has=walk.page.locator(f"input[name=programmes][value^='{programme}:']:checked"))
        assert "符合" in row.first.inner_text() and "不符合" not in row.first.inner_text(), "the law gives it, and the page ticks it"
    wanted = walk.page.locator(f"input[name=programmes][value^='{programme}:']{':checked' if programme == BY_LAW else ''}").first.get_attribute("value")
    while (ticked := walk.page.locator("input[name=programmes]:checked")).count():
        ticked.first.uncheck(force=True)
    walk.page.locator(f"input[name=programmes][value='{wanted}']").check(force=True)
    walk.shot(f"{programme}-apply")
    walk.press("提交申请")
    assert "受理" in walk.page.locator(".steps").inner_text()
    return case_of(walk)


def accept(walk: Walker, case: str, programme: str) -> None:
    """What is missing is named; then it comes, and the application is accepted."""
    walk.go(case)
    assert "尚缺" in walk.page.locator("main").inner_text()
    for _ in range(12):
        owed = walk.page.locator("tr", has_text="未交")
        if not owed.count():
            break
        paper = owed.first.locator("td").first.inner_text().strip()
        walk.page.locator("details", has_text="登记申请材料").locator("summary").first.click()
        form = walk.page.locator("form[action$='/add/document/']")
        form.locator("select[name=paper]").select_option(label=paper)
        with walk.page.expect_navigation():
            form.get_by_role("button", name="登记").click()
        walk.check()
    for at in range(12):
        if not walk.page.get_by_text("未签署").count():
            break
        name = walk.page.locator("tr", has_text="未签署").first.locator("td").first.inner_text().strip()
        walk.page.locator("details", has_text="登记核对授权").locator("summary").first.click()
        form = walk.page.locator("form[action$='/add/authorisation/']")
        form.locator("select[name=person_id]").select_option(label=name)
        if at == 0:
            form.locator("input[name=scan]").set_input_files(files=[{"name": "授权书.png", "mimeType": "image/png", "buffer": walk.page.screenshot()}])
            walk.shot(f"{programme}-authorisation")
        with walk.page.expect_navigation():
            form.get_by_role("button", name="登记").click()
        walk.check()
    walk.shot(f"{programme}-papers")
    walk.press("受理")


def check(walk: Walker, case: str) -> None:
    """核对员: the task has read the departments' data; the officer concludes."""
    task_done(walk)
    walk.go(case)
    assert "数据项" in walk.page.locator("main").inner_text()
    pick(walk, "result", "agrees")
    walk.page.fill("form[action$='/do/check/'] textarea[name=note]", "逐项核实，与申报一致")
    walk.shot("check")
    walk.press("出具结论")


def visit(walk: Walker, case: str) -> None:
    walk.go(case)
    pick(walk, "agrees", "1")
    walk.page.fill("textarea[name=findings]", "砖混平房三间，家电陈旧，主要劳动力患慢性病，与申报一致。")
    walk.shot("visit")
    walk.press("保存入户调查")


def opinion(walk: Walker, case: str, programme: str) -> bool:
    """The township's opinion; whether it differs from the law's calculation."""
    walk.go(case)
    pick(walk, "agree", "1")
    form = walk.page.locator("form[action$='/do/opinion/']")
    form.locator("button").click()
    walk.page.wait_for_load_state()
    if programme == BY_LAW:
        assert not walk.page.locator("form[action$='/do/opinion/']").count(), "the law's own amount needs no reason"
        assert not walk.page.get_by_text("与测算不一致").count()
    if walk.page.locator("form[action$='/do/opinion/']").count():  # the law gives nothing: with a reason it goes on, and is marked
        walk.complaints.clear()
        pick(walk, "agree", "1")
        if programme not in ("marginal", "rigid"):
            walk.page.fill("input[name=amount]", "260")
        walk.page.fill("form[action$='/do/opinion/'] textarea[name=reason]", "因病支出大，经乡镇研究拟予保障")
        walk.press("提交初审意见")
    walk.shot(f"{programme}-opinion")
    return "与测算不一致" in walk.page.locator("main").inner_text() or bool(walk.page.get_by_text("与测算不一致").count())


def federation(walk: Walker, case: str) -> None:
    """残联: kind and grade of the disability are right."""
    walk.go(case)
    pick(walk, "agree", "1")
    walk.shot("federation")
    walk.press("提交审核意见")


def publish(walk: Walker, case: str) -> None:
    walk.go(case)
    if walk.page.get_by_role("button", name="不公示，继续办理").count():  # a minor
        walk.press("不公示，继续办理")
        return
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


def one_day_of_publicity(proposer: Walker, approver: Walker, programme: str) -> None:
    """The county's own value of a parameter: running cases keep theirs, this walk's is new."""
    name = f"procedure.case.{programme}.publicity_days"
    approver.go(f"/settings/?parameter={name}")
    if "县民〔2022〕8号" in approver.page.locator("main").inner_text():  # set by an earlier walk of this folder
        return
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


BY_LAW = "disability_nursing"  # whose walk follows the law's own amount
CHECKED, POSTED, SIMPLE = ("check", "visit", "opinion", "publish"), ("dibao", "dibao_single", "tekun", "marginal", "rigid"), ("opinion", "federation")
WAYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(POSTED, CHECKED),
    **dict.fromkeys(("orphan", "unsupported_child"), ("visit", "opinion")),
    **dict.fromkeys(("disability_nursing", "disability_living"), SIMPLE),
}
SHORT = ("dibao", "disability_nursing")


def walk_one(programme: str, walkers: dict[str, Walker]) -> str:
    """A programme's own way, step by step, to the award and the notice; the address of its case."""
    town = walkers["town"]
    if programme in POSTED:
        one_day_of_publicity(walkers["reviewer"], walkers["approver"], programme)
    case = apply(town, programme)
    accept(town, case, programme)
    differs = False
    for step in WAYS[programme]:
        if step == "check":
            check(walkers["checker"], case)
        elif step == "visit":
            visit(town, case)
        elif step == "opinion":
            differs = opinion(town, case, programme)
        elif step == "federation":
            federation(walkers["federation"], case)
        else:
            publish(town, case)
    sign_and_approve(walkers["reviewer"], walkers["approver"], case, differs)
    tell(town, case)
    return case


def walk_all(chrome: Browser, base: str, users: dict[str, dict[str, str]], shots: Path, programmes: Sequence[str], *, phone: bool) -> None:
    walkers = {name: Walker(chrome, base, users[name], shots) for name in ("town", "reviewer", "approver", "checker", "federation")}
    walkers["town"].go("/enrolment/cases/")
    assert walkers["town"].page.locator("#rows tbody tr").count(), "the demo has applications"
    walkers["town"].shot("cases")
    case = ""
    for programme in programmes:
        began = time.monotonic()
        case = walk_one(programme, walkers)
        print(f"{programme}: {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    if phone:
        small = Walker(chrome, base, users["town"], shots, PHONE)
        for path in (case, f"{case}notice/", "/enrolment/cases/"):
            small.go(path)
            assert small.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], f"{path} is wider than a phone"
            small.shot("phone")
        small.close()
    for walker in walkers.values():
        walker.close()


def main() -> None:
    with ground("applications", full=3000) as at, served(at.home) as base, browser() as chrome:
        programmes = SHORT if at.short else tuple(WAYS)
        walk_all(chrome, base, at.users, at.shots, programmes, phone=not at.short)
        print(f"{len(programmes)} passed, 0 failed: applications, {len(list(at.shots.glob('*.png')))} pictures", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
