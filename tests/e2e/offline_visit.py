"""Visits without network in a real browser: a visitor's phone in a village, from its PIN to the queue that goes up once.

    python tests/e2e/offline_visit.py            the demo's county
    python tests/e2e/offline_visit.py --short    a small county, the same walk (run by .ci/run)

Works on a data folder of its own (`--home`), on loopback only. Pictures go to `<home>/shots`.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from browser import PHONE, Walker, browser, ground, served
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page

PIN, ROOT = "739154", "/visits/phone/"
INSECURE = "village.test"  # loopback under a name that the browser does not trust

# Everything that the phone's disk holds, as text: keys, plain values, and ciphertext read as if it were text.
RAW = """async () => {
  const open = indexedDB.open("doudi-visits");
  const db = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
  const words = (value) => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      return new TextDecoder().decode(bytes) + " " + new TextDecoder("utf-16").decode(bytes);
    }
    return value && typeof value === "object" ? Object.entries(value).map(([key, each]) => key + ": " + words(each)).join("\\n") : String(value);
  };
  const found = [];
  for (const name of db.objectStoreNames) {
    for (const call of ["getAllKeys", "getAll"]) {
      const request = db.transaction(name).objectStore(name)[call]();
      found.push(...(await new Promise((resolve) => { request.onsuccess = () => resolve(request.result); })).map(words));
    }
  }
  db.close();
  return found.concat(Object.entries(localStorage).map(String), Object.entries(sessionStorage).map(String));
}"""


def inside(home: Path, code: str) -> str:
    """Run Python beside the server, on its data folder; what it prints."""
    head = "import django; django.setup()\n"
    environment = os.environ | {"DOUDI_HOME": str(home), "DJANGO_SETTINGS_MODULE": "doudi.config.settings"}
    return subprocess.run([sys.executable, "-c", head + code], env=environment, text=True, check=True, capture_output=True).stdout.strip()


def visits(home: Path, *ids: str) -> list[str]:
    """State, living, photos, conflicts of visits, as the database has them."""
    code = f"""
from doudi.core import scope as scopes
from doudi.core.models import Attachment
from doudi.discovery.models import Visit
with scopes.acting(scopes.Scope(area="41")):
    for visit in Visit.objects.filter(pk__in={[int(each) for each in ids]}).order_by("pk"):
        conflicts = list(visit.conflicts.values_list("pk", flat=True))
        photos = Attachment.objects.filter(subject="visit", subject_id=visit.pk).count()
        kept = Attachment.objects.filter(subject="visit_conflict", subject_id__in=conflicts).count()
        print(visit.pk, visit.state, visit.living or "-", photos, len(conflicts), kept)
"""
    return inside(home, code).splitlines()


def arrange(home: Path) -> None:
    """The township asks for visits of the visitor's village, as many as a day holds; what is asked for stays as it is."""
    code = """
from django.utils import timezone
from doudi.core import scope as scopes
from doudi.core.postings import scope_of
from doudi.discovery.models import Visit
from doudi.discovery.services import ask_visit
from doudi.registry.models import Household
today, now = timezone.localdate(), timezone.now()
visitor = scope_of(username="visitor", act="visits.mine", on=today, page="e2e")
with scopes.acting(scope_of(username="town", act="visits.manage", on=today, page="e2e")):
    rows = Household.objects.filter(area__gte=visitor.area, area__lt=visitor.area + ":")
    for home in rows.exclude(pk__in=Visit.objects.filter(state__in=Visit.OPEN).values("household")).order_by("pk")[:5]:
        ask_visit(household_id=home.pk, due=today, reason="降温前看望", now=now)
"""
    inside(home, code)


def picture(folder: Path) -> Path:
    drawn = Image.new("RGB", (2400, 1800), "#9fc2e8")
    ImageDraw.Draw(drawn).rectangle((800, 700, 1600, 1500), fill="#c98f5a")
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=95)
    path = folder / "house.jpg"
    path.write_bytes(out.getvalue())
    return path


class Phone(Walker):
    """The visitor's phone; what the network itself complains about while it is off is no fault of the page."""

    def words(self) -> str:
        return self.page.locator("main").inner_text()

    def see(self, selector: str, words: str = "") -> None:
        found = self.page.locator(selector, has_text=words) if words else self.page.locator(selector)
        found.first.wait_for(state="visible")

    def check(self) -> None:
        own = [each for each in self.complaints if "ERR_INTERNET_DISCONNECTED" not in each and "status of 4" not in each]
        assert not own, own

    def set_pin(self) -> None:
        self.page.goto(self.base + ROOT)
        self.see("[data-setup]")
        self.page.fill("#pin1", "123456")
        self.page.fill("#pin2", "123456")
        self.page.click("[data-setup] .btn.pri")
        self.see("[data-setup] .err")
        self.page.fill("#pin1", PIN)
        self.page.fill("#pin2", PIN)
        self.page.click("[data-setup] .btn.pri")
        self.see("[data-screen=list]")
        self.see("[data-banner-head]", "已连上网络")

    def unlock(self, pin: str = PIN) -> None:
        self.see("#pin")
        self.page.fill("#pin", pin)
        self.page.click("[data-unlock] .btn.pri")

    def record(self, key: str, *, met: str = "self", note: str = "", photo: Path | None = None) -> None:
        self.page.evaluate("location.hash = 'list'")
        self.page.locator("[name=when][value=all]").check(force=True)
        self.page.locator(f"[data-list] a[href='#{key}']").click()
        self.see("[data-visit]")
        self.page.click("[data-visit] .btn.pri")
        self.see("[data-visit] .err", "请选择是否见到本人")
        self.page.locator(f"[name=met][value={met}]").check(force=True)
        self.page.locator("[name=living][value=hard]").check(force=True)
        self.page.locator("[name=needs][value=heating]").check(force=True)
        self.page.fill("[name=note]", note)
        if photo:
            self.page.set_input_files("[data-camera] >> nth=1", [str(photo), str(Path(__file__))])
            self.see("[data-photo-error]", "这不是照片")
            self.see("[data-photos] img")
            self.page.locator("[data-sign]").scroll_into_view_if_needed()
            box = self.page.locator("[data-sign]").bounding_box()
            assert box
            self.page.mouse.move(box["x"] + 40, box["y"] + 60)
            self.page.mouse.down()
            self.page.mouse.move(box["x"] + 200, box["y"] + 100, steps=8)
            self.page.mouse.up()
            self.shot("form")
        self.page.click("[data-visit] .btn.pri")
        self.see("[data-said]", "已保存在本机")
        self.check()

    def queue(self) -> list[str]:
        self.page.evaluate("location.hash = 'queue'")
        self.see("[data-screen=queue]")
        return [each.replace("\n", " ") for each in self.page.locator("[data-queue] > li").all_inner_texts()]


def pull(phone: Phone) -> list[str]:
    """A PIN is set, the list comes, and nobody's name lies readable on the phone. Returns three visits' ids."""
    phone.go("/visits/today/")
    phone.page.get_by_role("link", name="离线走访").click()
    phone.set_pin()
    phone.page.locator("[name=when][value=all]").check(force=True)
    phone.see("[data-list] .vs-group")
    phone.shot("list")
    keys = [link.get_attribute("href") or "" for link in phone.page.locator("[data-list] a").all()]
    names = phone.page.locator("[data-list] b.big").all_inner_texts()
    ids = [key[2:] for key in keys if key.startswith("#v")]
    assert len(ids) >= 3 and names, keys
    raw = "\n".join(phone.page.evaluate(RAW))
    assert "check" in raw and "list" in raw, "the store was not read"
    assert not [name for name in names if name in raw], "a name lies readable on the phone"
    phone.check()
    return ids[:3]


def without_network(phone: Phone, ids: list[str], photo: Path) -> None:
    """The network goes; the page opens again, unlocks, and two visits are recorded, one with a photo and a signature."""
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.context.set_offline(True)
    phone.page.reload()
    phone.unlock()
    phone.see("[data-banner-head]", "没有网络，可以照常填写")
    phone.shot("offline")
    phone.record("v" + ids[0], note="腿疼下不了床，煤还有半袋", photo=photo)
    phone.record("v" + ids[1], note="儿子上月回来过")
    queued = phone.queue()
    assert len(queued) == 2 and all("等待上传" in each for each in queued), queued
    phone.shot("queue-offline")
    raw = "\n".join(phone.page.evaluate(RAW))
    assert "腿疼" not in raw and "JFIF" not in raw and "回来过" not in raw
    # a draft survives the page
    phone.page.evaluate(f"location.hash = 'v{ids[2]}'")
    phone.see("[data-visit]")
    phone.page.fill("[name=note]", "写到一半")
    phone.page.wait_for_timeout(1200)
    phone.page.reload()
    phone.unlock()
    phone.see("[data-visit]")
    assert phone.page.input_value("[name=note]") == "写到一半"
    phone.page.evaluate("location.hash = 'list'")


def meanwhile(phone: Phone, chrome: Browser, base: str, home: Path, users: dict[str, Any], visit: str, shots: Path) -> None:
    """The township records one of them itself, and every session ends."""
    town = Walker(chrome, base, users["town"], shots)
    town.go(f"/visits/{visit}/record/")
    town.page.locator("[name=met][value=absent]").check(force=True)
    town.press("提交")
    town.close()
    inside(home, "from django.contrib.sessions.models import Session\nSession.objects.all().delete()")


def network_again(phone: Phone, home: Path, ids: list[str]) -> None:
    """The queue waits for the sign-in, goes up once, and a further run changes nothing."""
    phone.context.set_offline(False)
    phone.see("[data-banner-head]", "需要重新登录才能上传")
    assert all("等待上传" in each for each in phone.queue())
    phone.shot("signin")
    phone.page.click("[data-banner-signin]")
    phone.page.fill("input[name=login]", phone.user["username"])
    phone.page.fill("input[name=password]", phone.user["password"])
    with phone.page.expect_navigation():
        phone.page.press("input[name=password]", "Enter")
    assert phone.page.url == phone.base + ROOT, phone.page.url
    phone.unlock()
    phone.see("[data-banner-head]", "已连上网络")
    queued = phone.queue()
    assert sorted(state for each in queued for state in ("已上传", "有冲突待处理", "等待上传") if state in each) == ["已上传", "有冲突待处理"], queued
    phone.shot("queue-sent")
    wanted = [f"{ids[0]} done hard 2 0 0", f"{ids[1]} absent - 0 1 0"]
    assert sorted(visits(home, *ids[:2])) == sorted(wanted), visits(home, *ids[:2])
    # the answers got lost: the same items go up again
    phone.page.evaluate(
        "async () => { for (const item of await Vault.all('item:')) { item.state = 'waiting'; await Vault.put('item:' + item.uuid, item); } await Sync.run(); }"
    )
    assert sorted(visits(home, *ids[:2])) == sorted(wanted), "a second upload doubled something"
    phone.page.evaluate("location.hash = 'list'")
    assert not phone.page.locator(f"[data-list] a[href='#v{ids[0]}']").count()
    phone.check()


def sent_back(phone: Phone, home: Path, visit: str) -> None:
    """A record that the server refuses says why, stops nothing, and is mended in the form."""
    phone.record("v" + visit, note="好")
    phone.see("[data-banner-head]", "已连上网络")
    phone.page.evaluate(
        """async (visit) => { for (const item of await Vault.all('item:')) { if (item.visit !== visit) continue;
        await Vault.remove('item:' + item.uuid); item.uuid = Vault.identifier(); item.result.living = 'rich'; item.state = 'waiting';
        await Vault.put('item:' + item.uuid, item); } await Sync.run(); }""",
        int(visit),
    )
    phone.page.reload()
    phone.unlock()
    (bad,) = [each for each in phone.queue() if "被退回" in each]
    assert "选项不正确" in bad, bad
    phone.shot("refused")
    phone.page.get_by_role("link", name="修改后重新提交").click()
    phone.see("[data-visit] .err", "选项不正确")
    phone.page.locator("[name=living][value=steady]").check(force=True)
    phone.page.click("[data-visit] .btn.pri")
    phone.see("[data-screen=queue]")
    phone.see("[data-banner-head]", "已连上网络")
    assert not [each for each in phone.queue() if "被退回" in each]


def evening(phone: Phone) -> None:
    """The day ends: no share and no session stays, so that the PIN opens nothing until the visitor signs in again."""
    phone.page.evaluate("location.hash = 'mine'")
    phone.page.click("[data-evening]")
    phone.see("[data-unlock] .err", "请先登录")
    assert not phone.page.locator("[data-list] li").count() and phone.page.locator("[data-unlock] .btn.pri").is_disabled()
    phone.page.wait_for_timeout(1500)
    phone.page.reload()
    phone.see("[data-unlock] .err", "请先登录")
    assert phone.page.evaluate("[Vault.hasShare(), Vault.meta().share, Vault.meta().shareUntil]") == [False, None, 0]
    phone.sign_in()
    phone.page.goto(phone.base + ROOT)
    phone.unlock()
    phone.see("[data-screen=list]")


def conflict_shown(chrome: Browser, base: str, users: dict[str, Any], shots: Path) -> None:
    town = Walker(chrome, base, users["town"], shots)
    town.go("/visits/conflicts/")
    for url in [link.get_attribute("href") or "" for link in town.page.locator("#rows tbody a").all()]:  # the demo may have one of its own
        town.go(url)
        if "儿子上月回来过" in town.page.content():
            break
    assert "儿子上月回来过" in town.page.content(), "the visitor's record is kept whole"
    town.shot("conflict")
    town.close()


def revoked(phone: Phone, chrome: Browser, base: str, users: dict[str, Any], shots: Path) -> None:
    """The administrator closes the phone; it wipes itself although its session ended."""
    admin = Walker(chrome, base, users["admin"], shots)
    admin.go("/visits/devices/")
    admin.shot("devices")
    rows = admin.page.locator("#rows tbody tr", has_text="使用中")
    admin.go(rows.first.locator("a").first.get_attribute("href") or "")
    admin.page.fill("[name=reason]", "手机丢失")
    admin.press("注销设备")
    assert "已注销" in admin.page.locator("h1").inner_text()
    admin.close()
    phone.context.clear_cookies()
    phone.page.reload()
    phone.see("[data-said]", "这台手机已被注销")
    empty(phone.page)


def empty(page: Page) -> None:
    stayed = [each for each in page.evaluate(RAW) if not each.startswith(("doudi-visits-wiped", "htmx-current-path"))]
    assert not stayed, f"something stayed on the phone: {stayed}"


def five_wrong_pins(chrome: Browser, base: str, user: dict[str, str], shots: Path) -> None:
    """Without network five wrong PINs leave nothing; the server hears of it at the next contact."""
    phone = Phone(chrome, base, user, shots, PHONE)
    phone.set_pin()
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.context.set_offline(True)
    for left in (4, 3, 2, 1):
        phone.page.reload()  # the count survives the page
        phone.unlock("111222")
        phone.see("[data-unlock] .err", f"还可以试 {left} 次")
    phone.unlock("111222")
    phone.see("[data-said]", "密码连续输错 5 次")
    phone.shot("wiped")
    empty(phone.page)
    phone.context.set_offline(False)
    phone.page.reload()
    phone.see("[data-setup]")
    phone.check()
    phone.close()


def insecure(chrome: Browser, base: str, user: dict[str, str], shots: Path) -> None:
    """Over plain HTTP the page says that it keeps nothing, and leads to the form that needs the network."""
    phone = Phone(chrome, base.replace("127.0.0.1", INSECURE), user, shots, PHONE)
    phone.page.goto(phone.base + ROOT)
    phone.see("[data-screen=insecure]", "https://")
    assert not phone.page.locator("[data-setup]").is_visible()
    phone.shot("insecure")
    phone.page.get_by_role("link", name="联网登记").click()
    phone.see("h1", "今日走访")
    phone.close()


def walk_all(chrome: Browser, base: str, home: Path, users: dict[str, Any], shots: Path) -> None:
    arrange(home)
    phone = Phone(chrome, base, users["visitor"], shots, PHONE)
    ids = pull(phone)
    print("  the list is on the phone", flush=True)  # noqa: T201
    without_network(phone, ids, picture(home))
    print("  two visits recorded without network", flush=True)  # noqa: T201
    meanwhile(phone, chrome, base, home, users, ids[1], shots)
    network_again(phone, home, ids)
    print("  both went up once, one as a conflict", flush=True)  # noqa: T201
    conflict_shown(chrome, base, users, shots)
    sent_back(phone, home, ids[2])
    evening(phone)
    revoked(phone, chrome, base, users, shots)
    phone.close()
    print("  a revoked phone wiped itself", flush=True)  # noqa: T201
    five_wrong_pins(chrome, base, users["visitor"], shots)
    insecure(chrome, base, users["visitor"], shots)


def main() -> None:
    os.environ["DOUDI_HOSTS"] = f"127.0.0.1,localhost,{INSECURE}"
    mapped = f"--host-resolver-rules=MAP {INSECURE} 127.0.0.1"
    with ground("offline") as at, served(at.home) as base, browser(mapped) as chrome:
        walk_all(chrome, base, at.home, at.users, at.shots)
        print(f"1 passed, 0 failed: visits without network, {len(list(at.shots.glob('*.png')))} pictures", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
