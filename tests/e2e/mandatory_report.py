"""A school reports a child by the public page (强制报告): the case is taken, the child seen and assessed, helped by plan, closed with its reason (5.2, 5.4).

Part of the walk `temporary_care`, which has the server and the protection worker.
"""

from __future__ import annotations

import re
from pathlib import Path

from browser import PHONE, Walker
from playwright.sync_api import Browser, Locator

WELL = {
    "now": "safe", "harm": "none", "self_harm": "none", "care": "daily", "guardian": "able", "carer": "good", "living": "enough", "health": "good", "mind": "steady",
    "school": "attends", "support": "strong",
}  # fmt: skip


def told(chrome: Browser, base: str, shots: Path) -> str:
    """The teacher's report, without sign-in; its receipt number."""
    context = chrome.new_context(viewport=PHONE, locale="zh-CN")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{base}/report/minor/?county=410122")
    page.select_option("[name=area]", index=1)
    page.locator("[name=harm][value=guardian]").evaluate("each => each.click()")
    given = {"where": "镇中心小学", "what": "母亲住院，父亲在外务工，三天没有人接送", "child_name": "高小满", "age": "9", "organisation": "镇中心小学", "reporter": "王老师"}
    for name, value in given.items():
        page.fill(f"[name={name}]", value)
    first, second = map(int, re.findall(r"(\d+) \+ (\d+) =", page.locator("main").inner_text())[0])
    page.fill("[name=answer]", str(first + second + 1))
    page.get_by_role("button", name="提交报告").click()
    page.wait_for_selector("text=还有未填或有误的内容")  # a wrong sum loses nothing of what was written
    first, second = map(int, re.findall(r"(\d+) \+ (\d+) =", page.locator("main").inner_text())[0])
    page.fill("[name=answer]", str(first + second))
    page.screenshot(path=shots / "report-01-public.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the public page is wider than the phone"
    page.get_by_role("button", name="提交报告").click()
    page.wait_for_selector("text=BG2022")
    receipt = re.findall(r"BG\d{13}", page.locator("main").inner_text())[0]
    context.close()
    return receipt


def form_of(worker: Walker, button: str) -> Locator:
    return worker.page.locator("form", has=worker.page.get_by_role("button", name=button, exact=True)).first


def choose(worker: Walker, name: str, value: str) -> None:
    worker.page.locator(f"main input[name={name}][value={value}]").evaluate("each => each.click()")


def close(worker: Walker) -> None:
    worker.page.locator("details", has=worker.page.locator("button[value=close]")).evaluate("each => each.open = true")
    form = form_of(worker, "结案")
    form.locator("[name=close-reason]").select_option("restored")
    form.locator("[name=close-note]").fill("母亲出院，孩子已回家")
    form.get_by_role("button", name="结案").click()
    with worker.page.expect_navigation():
        worker.page.locator("dialog#ask [data-ask-yes]").click()


def walk(chrome: Browser, base: str, worker: Walker, shots: Path) -> None:
    receipt = told(chrome, base, shots)
    worker.go("/protection/reports/")
    worker.page.locator("#rows a", has_text=receipt).click()
    worker.page.get_by_role("link", name="查看个案").click()
    case = worker.page.url.split("?")[0]
    assert "母亲住院" in worker.page.locator("main").inner_text() and "王老师" not in worker.page.locator("main").inner_text(), "never who reported"
    worker.press("接案")
    worker.go(f"{case}contact/")
    for name, value in {"how": "school", "met": "alone", "safe": "safe"}.items():
        choose(worker, name, value)
    worker.page.fill("main [name=note]", "在校见到孩子，姑姑已接到家中")
    worker.press("登记")
    worker.go(f"{case}assess/")
    for name, value in WELL.items():
        choose(worker, name, value)
    worker.press("保存评估")
    assert "低风险" in worker.page.locator(".ph").inner_text()
    worker.go(f"{case}?tab=plan")
    goal = form_of(worker, "增加目标")
    goal.locator("[name=goal-goal]").fill("母亲出院前由姑姑照料，按时上学")
    goal.locator("[name=goal-due]").fill("2022-12-31")
    worker.press("增加目标")
    service = form_of(worker, "安排服务")
    service.locator("[name=service-what]").fill("每周家访一次")
    service.locator("[name=service-provider]").fill("镇社会工作服务站")
    service.locator("[name=service-due]").fill("2022-12-20")
    worker.press("安排服务")
    assert "每周家访一次" in worker.page.locator("main").inner_text()
    assert worker.page.evaluate("document.querySelector('.tabs [aria-current]').getBoundingClientRect().right <= innerWidth"), "the open tab is in sight"
    worker.shot("plan")
    worker.go(case)
    close(worker)
    assert "监护缺失尚未结束" in worker.page.locator("main").inner_text(), "not closed while the guardian is missing"
    worker.complaints.clear()  # the browser tells of the refusal's status
    form_of(worker, "监护已恢复").locator("[name=guardian-how]").fill("母亲出院")
    worker.press("监护已恢复")
    close(worker)
    assert "已结案" in worker.page.locator(".ph").inner_text()
    worker.shot("closed")
