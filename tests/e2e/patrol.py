"""Every page that a duty reaches from its menu, at desktop and phone width: nothing broken, nothing cut, nothing that should not be seen.

Run by `make e2e` after the walk of the main job; one page of each shape and duty.
"""

from __future__ import annotations

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe
from browser import DESK, PHONE, Walker
from playwright.sync_api import Browser

RAW = re.compile(r"\{\{|\}\}|\{%|\bNone\b|\bnan\b|\bundefined\b|Decimal\(|datetime\.|\bTrue\b|\bFalse\b")
ID_NUMBER = re.compile(r"(?<![\dA-Za-z-])[1-9]\d{16}[\dXx](?![\dA-Za-z-])")
PHONE_NUMBER = re.compile(r"(?<![\dA-Za-z.-])1[3-9]\d{9}(?![\dA-Za-z.-])")
AVOID = re.compile(r"logout|/static/|i18n|export=|/template/|/rejects/|/files/|^mailto:|^tel:|^#")


def shape(path: str) -> str:
    """A path without its ids."""
    return re.sub(r"(?<=/)(?=[^/]*\d)[\w.-]+(?=/|$)", "{id}", urlsplit(path).path)


def look(walk: Walker, path: str) -> list[str]:
    """What is wrong with one page."""
    walk.complaints.clear()
    walk.page.set_viewport_size(DESK)  # type: ignore[arg-type]
    response = walk.page.goto(walk.base + path)
    found = [] if response is not None and response.status < 400 else [f"status {response and response.status}"]
    if response is not None and "text/html" not in (response.headers.get("content-type") or ""):
        return []
    policy = response.headers.get("content-security-policy", "") if response else ""
    if "default-src 'self'" not in policy or "unsafe" in policy:
        found.append(f"policy {policy}")
    text = walk.page.locator("body").inner_text()
    for pattern, words in ((RAW, "raw value"), (ID_NUMBER, "whole ID number"), (PHONE_NUMBER, "whole phone number")):
        if hit := pattern.search(text):
            found.append(f"{words} near {text[max(0, hit.start() - 12) : hit.start()]!r}")
    found += [f"axe: {each['id']}" for each in Axe().run(walk.page).response["violations"] if each["impact"] in ("serious", "critical")]
    for name, size in (("desk", DESK), ("phone", PHONE)):
        walk.page.set_viewport_size(size)  # type: ignore[arg-type]
        if walk.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") > 1:
            found.append(f"wider than the window ({name})")
    return found + walk.complaints


def patrol(chrome: Browser, base: str, user: dict[str, str], shots: object, limit: int) -> tuple[int, list[str]]:
    """(pages seen, findings) of one duty."""
    walk = Walker(chrome, base, user, shots)  # type: ignore[arg-type]
    queue, seen, findings = deque(["/"]), {"/"}, []
    count = 0
    while queue and count < limit:
        path = queue.popleft()
        count += 1
        findings += [f"{user['duty']} {shape(path)}: {each}" for each in look(walk, path)]
        for link in walk.page.locator("a[href]").evaluate_all("links => links.map(a => a.getAttribute('href'))"):
            target = urljoin(walk.page.url, link)
            if AVOID.search(link) or urlsplit(target).netloc != urlsplit(base).netloc:
                continue
            if shape(target) not in seen:
                seen.add(shape(target))
                queue.append(urlsplit(target).path)
    walk.close()
    return count, findings
