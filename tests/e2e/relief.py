"""Relief first in a real browser, by phone: help in the hand at once, the file completed later (3.2); a person from elsewhere (3.1).

    python tests/e2e/relief.py [--short]
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import PHONE, Walker, browser, ground, served


def receipt() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 200), "#f8f4e8").save(out, "JPEG")
    return out.getvalue()


def fill(walk: Walker, *, name: str, facts: str, cause: str, amount: str, elsewhere: str = "") -> None:
    walk.go("/relief/first/")
    page = walk.page
    page.fill("input[name=name]", name)
    if elsewhere:
        page.fill("input[name=registered_place]", elsewhere)
    page.select_option("select[name=cause]", cause)
    page.fill("textarea[name=facts]", facts)
    page.fill("input[name=amount]", amount)


def hand_over(walk: Walker) -> None:
    """Photo and signature, then the button that names its effect."""
    page = walk.page
    page.set_input_files("#photos", files=[{"name": "收据.jpg", "mimeType": "image/jpeg", "buffer": receipt()}])
    pad = page.locator("[data-sign]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 70, steps=6)
    page.mouse.up()
    assert page.input_value("input[name=signature]").startswith("data:image/png")
    walk.shot("first")
    walk.press("发放")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone"


def completed_later(walk: Walker) -> None:
    """3.2: help in the hand, the explanation afterwards."""
    fill(walk, name="不详（女，约70岁）", facts="独自走失在村口，衣着单薄", cause="other", amount="200")
    hand_over(walk)
    words = walk.page.locator("main").inner_text()
    assert "已发放 200.00 元" in walk.page.content() and "事后补充说明" in words
    walk.page.fill("textarea[name=text]", "村支书和派出所现场核实，身份正在核查，先行救助御寒衣物和饭食")
    walk.press("提交补充说明")
    assert "已补充说明" in walk.page.content()
    walk.shot("explained")


def from_elsewhere(walk: Walker) -> None:
    """3.1: registered in another province, helped where the emergency is."""
    fill(walk, name="贺远山", facts="返乡途中钱物被盗，没有路费", cause="stranded", amount="260", elsewhere="安徽省阜阳市")
    hand_over(walk)
    assert "安徽省阜阳市" in walk.page.locator("main").inner_text()
    walk.go("/relief/?which=elsewhere")
    assert "贺远山" in walk.page.content()
    walk.shot("elsewhere")


def main() -> None:
    with ground("relief") as at, served(at.home) as base, browser() as chrome:
        walk = Walker(chrome, base, at.users["town"], at.shots, PHONE)
        completed_later(walk)
        from_elsewhere(walk)
        walk.close()
    print("2 passed, 0 failed: relief first by phone", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
