"""Community care in a real browser: a village gets its care contact (7.5), its help cards are printed (7.4), somebody scans one and asks for help; on the
phone a village's service plan is put to work (7.2), somebody on its list needs medicines, and they are brought (7.5).

    python tests/e2e/community.py [--short]
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import PHONE, Walker, browser, ground, served


def contact_assigned(walk: Walker) -> str:
    """7.5: the village with people without a contact gets one, and everybody there is given at once; its code."""
    walk.go("/community/assign/")
    link = walk.page.locator("section.table tbody a").first
    village = str(link.get_attribute("href")).rpartition("=")[2]
    walk.go("/community/contacts/new/")
    page = walk.page
    page.select_option("select[name=area]", village)
    page.fill("input[name=name]", "周桂兰")
    page.select_option("select[name=kind]", "neighbour")
    page.fill("input[name=phone]", "13900020001")
    walk.press("登记")
    walk.go(f"/community/assign/?area={village}")
    page.get_by_label("周桂兰").check()
    walk.shot("assign")
    walk.press("为全村")
    assert "全部已落实" in page.locator("main").inner_text()
    return village


def cards_printed(walk: Walker, village: str) -> tuple[str, str]:
    """7.4: the cards of the village as a PDF, made in the background; the address behind one of them, and its holder's name."""
    walk.go(f"/community/cards/?area={village}")
    walk.press("生成 PDF")
    file = walk.page.locator("#runs a", has_text=".pdf").first
    for _try in range(40):
        if file.count():
            break
        walk.page.wait_for_timeout(500)
        walk.go(f"/community/cards/?area={village}")
    walk.shot("printed")
    made = walk.context.request.get(walk.base + str(file.get_attribute("href")))
    assert made.ok and made.body().startswith(b"%PDF")
    assert "没有待打印的明白卡" in walk.page.locator("main").inner_text()
    walk.go(f"/community/?area={village}&contact=some")
    who = walk.page.locator("#rows tbody a").first
    name, href = who.inner_text(), str(who.get_attribute("href"))
    walk.go(href)
    walk.page.get_by_text("打开明白卡").click()
    walk.shot("card")
    url = str(walk.page.get_by_text("看看别人扫码会看到什么").get_attribute("href"))
    return url, name


def help_asked(chrome: Browser, url: str, name: str, shots: Path) -> None:
    """A passer-by without account and without script scans the card; the page does not say whose it is."""
    context = chrome.new_context(viewport=PHONE, locale="zh-CN", java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    answer = page.goto(url)
    assert answer is not None and answer.status == 200 and name not in page.content() and "周桂兰" not in page.content()
    page.screenshot(path=shots / "public.png", full_page=True)
    page.locator("input[name=kind][value=medicine]").check(force=True)
    page.fill("textarea[name=words]", "降压药只剩一天")
    page.locator("button.pubgo").click()
    assert "已收到求助" in page.content() and name not in page.content()
    page.screenshot(path=shots / "asked.png", full_page=True)
    again = page.goto(url[:-4] + "222/")
    assert again is not None and again.status == 404 and "没有这张卡" in page.content()
    context.close()


def help_seen(walk: Walker, village: str, name: str) -> None:
    """7.1: the call is a need with a clock, and stands in the person's own record."""
    walk.go(f"/community/?area={village}&name={name}")
    walk.go(str(walk.page.locator("#rows tbody a").first.get_attribute("href")))
    words = walk.page.locator("main").inner_text()
    assert "扫码求助" in words and "降压药只剩一天" in words and "药品配送" in words
    walk.page.get_by_role("link", name="药品配送").click()
    walk.check()
    assert "降压药只剩一天" in walk.page.locator("main").inner_text()
    walk.shot("asked")


def plan_activated(walk: Walker) -> str:
    """7.2: the township sees on the phone whom a village's plan would list, puts it to work and ticks a step; address of its list."""
    walk.go("/plans/")
    walk.page.locator("input[name=areas]").first.check()
    walk.press("预览名单")
    assert "优先级 1" in walk.page.locator("main").inner_text()
    walk.shot("preview")
    walk.page.fill("input[name=reason]", "寒潮和强降雪，部分道路不通")
    walk.page.fill("input[name=document]", "镇政府电话通知 12 月 9 日")
    walk.page.fill("input[name=until]", "2022-12-15")
    walk.press("启动")
    assert "启动中" in walk.page.locator("main").inner_text()
    walk.press("完成")
    assert "1 / 6" in walk.page.locator("main").inner_text()
    walk.shot("active")
    return walk.page.url


def medicine_brought(walk: Walker, url: str) -> None:
    """7.5: somebody on the list needs medicines; taken on, bought against the prescription, handed over with a photo, which confirms it."""
    page, picture = walk.page, walk.page.screenshot()
    page.locator("ul.ls a.big").first.click()
    page.locator("input[name=outcome][value=need]").check(force=True)
    page.fill("[name=note]", "降压药只剩两天")
    walk.press("登记")
    page.select_option("select[name=kind]", "medicine")
    page.select_option("select[name=urgency]", "red")
    page.fill("textarea[name=what]", "降压药只剩两天，要凭处方到镇卫生院开")
    walk.press("登记")
    need = page.url
    walk.press("接下这项需求")
    page.get_by_role("link", name="药品配送单").click()
    page.fill("input[name=source_name]", "镇卫生院")
    page.fill("textarea[name=medicines]", "硝苯地平缓释片，2 盒，每日一次")
    page.locator("input[name=prescription]").check()
    walk.press("保存清单")
    page.set_input_files("#file-delivery_prescription", {"name": "rx.png", "mimeType": "image/png", "buffer": picture})
    page.locator("form[action*=delivery_prescription]").get_by_role("button", name="上传").click()
    page.locator("figure", has_text="rx.png").wait_for()
    page.fill("input[name=received]", "100")
    page.fill("input[name=paid]", "86.40")
    walk.press("登记取药")
    walk.shot("bought")
    page.select_option("select[name=proof]", "photo")
    page.fill("input[name=taker]", "本人")
    page.set_input_files("input[name=picture]", {"name": "handed.png", "mimeType": "image/png", "buffer": picture})
    walk.press("登记送达")
    assert page.url == need and "已满足" in page.locator("main").inner_text()
    walk.shot("met")
    walk.go(f"{url}?which=done")
    assert "今天有需求" in page.locator("main").inner_text()


def main() -> None:
    with ground("community") as at, served(at.home) as base, browser() as chrome:
        walk = Walker(chrome, base, at.users["town"], at.shots)
        village = contact_assigned(walk)
        url, name = cards_printed(walk, village)
        help_asked(chrome, url, name, at.shots)
        help_seen(walk, village, name)
        walk.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        medicine_brought(walk, plan_activated(walk))
        walk.close()
    print("6 passed, 0 failed: care contacts, help cards and a call for help; a plan put to work, medicines brought", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
