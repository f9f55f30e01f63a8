"""The visitor's phone page: its shell without anything about anybody, its worker and manifest; and the list of phones for whoever closes them."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.staticfiles import finders
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from doudi.core.lists import Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import services
from doudi.discovery.models import VisitDevice
from doudi.discovery.visit_forms import RecordForm

SCRIPTS = ("doudi/sign.js", "discovery/visit.js", *(f"discovery/phone/{name}.js" for name in ("vault", "dom", "photos", "sync", "form", "page")))
STYLES = ("doudi/app.css", "doudi/work.css", "discovery/phone/phone.css")
ICONS = ("doudi/icon.svg", "discovery/phone/icon-192.png", "discovery/phone/icon-512.png")
WORKER = "discovery/phone/worker.js"


def texts() -> dict[str, Any]:
    """What the scripts say, in the reader's language."""
    return {
        "states": {
            "waiting": [_("等待上传"), ""], "sent": [_("已上传"), "green"], "conflict": [_("有冲突待处理"), "orange"], "refused": [_("被退回"), "red"],
        },
        "conflict": _("这户另有一份走访记录；您的记录已完整保存，由乡镇选择保留哪一份，您不用再做什么。"),
        "known": _("这次走访此前已经登记，没有重复保存。"),
        "offline": _("没有网络，可以照常填写"),
        "offline_more": _("最后同步 {time}；连上网络后自动上传"),
        "signin": _("需要重新登录才能上传"),
        "signin_more": _("手机上的记录都还在，登录后自动继续上传"),
        "online": _("已连上网络"),
        "online_more": _("最后同步 {time}"),
        "never": _("还没有同步过"),
        "syncing": _("正在同步……"),
        "trouble": _("系统暂时不能接收，稍后自动重试；手机上的记录都还在。"),
        "waiting_long": _("已有 {days} 天没有同步；满 7 天将自动清除手机上的数据，请尽快连上网络。"),
        "need_net": _("第一次使用需要联网；请连上网络后重试。"),
        "other_posting": _("手机上保存的是另一岗位的走访数据；请用原来的账号登录，或切换到原来的岗位后再同步。"),
        "six_digits": _("请输入 6 位数字密码。"),
        "wrong_pin": _("密码不对，还可以试 {left} 次；全部输错将清除手机上的数据。"),
        "wrong_pin_queue": _("密码不对，还可以试 {left} 次；全部输错将清除手机上的数据，其中 {count} 条记录还没有上传。"),
        "weak_pin": _("请设 6 位数字，不要用连续或重复的数字。"),
        "pins_differ": _("两次输入的密码不一致，请重新输入。"),
        "need_network": _("离线解锁时限已过；请连上网络并登录后再输入密码。"),
        "need_signin": _("离线解锁时限已过；请先登录，再输入密码。"),
        "clock_back": _("手机时间被调回过；请校准时间，连上网络并登录后再输入密码。"),
        "wiped": {
            "pin": _("密码连续输错 5 次，手机上的走访数据已清除。"),
            "stale": _("超过 7 天没有同步，手机上的走访数据已清除。"),
            "revoked": _("这台手机已被注销，手机上的走访数据已清除。"),
            "ended": _("走访任职已结束，手机上的走访数据已清除。"),
            "wiped": _("手机上的走访数据已清除。"),
            "own": _("手机上的走访数据已清除。"),
        },
        "clear": _("清除手机上的走访数据？已上传的记录不受影响。"),
        "clear_queue": _("手机上还有 {count} 条记录没有上传，清除后无法找回。确定清除？"),
        "discard": _("删除这条没有上传的记录？删除后无法找回。"),
        "years": _("{age} 岁"), "people": _("{size} 口人"), "due": _("期限 {day}"), "overdue": _("逾期"), "today": _("今天必访"),
        "last": _("上次走访 {day}，{words}"), "no_group": _("未写明小组"), "no_address": _("没有登记住址"), "households": _("{count} 户"),
        "progress": _("今天已完成 {done} / {all}"), "photos": _("{count} 张照片"), "signature": _("签名"), "record": _("走访记录"),
        "photo_bad": _("这不是照片，或照片已损坏；请重新拍摄。"), "photo_most": _("一次走访最多 6 张照片。"), "photo_refused": _("照片被退回：{message}"),
        "mend": _("修改后重新提交"), "retry": _("重新上传"), "drop": _("删除"), "drop_photo": _("去掉这张照片"), "draft": _("未提交"),
        "saved": _("已保存在本机，连上网络后自动上传。"), "met": _("请选择是否见到本人。"), "living": _("请选择生活状况。"),
        "medicine": _("“药还能用几天”应为 0 至 366。"), "elsewhere": _("另有 {count} 条线索没有对应家庭，只能联网办理。"),
        "full": _("手机存储空间不足，没有保存；请清理空间后重试。"),
    }  # fmt: skip


def _shell(request: HttpRequest) -> str:
    look = {name: request.COOKIES.get(f"look_{name}") == "1" for name in ("large", "contrast")}
    form = RecordForm(lead=True, initial={"uuid": ""})
    return render_to_string("discovery/visit_phone.html", {"form": form, "look": look, "texts": texts(), "scripts": SCRIPTS, "styles": STYLES})


@require_GET
@cache_control(no_cache=True)
def shell(request: HttpRequest) -> HttpResponse:
    """The page itself. The same for everybody, so that the phone may keep it."""
    return HttpResponse(_shell(request))


@lru_cache(maxsize=64)
def _digest(path: str, stamp: int) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


def _file(name: str) -> Path:
    found = finders.find(name)
    if not found:
        raise Http404(name)
    return Path(str(found))


@require_GET
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, which may act for this folder only. Whatever file changes, its text changes, so phones fetch the new ones."""
    names = [*STYLES, *SCRIPTS, *ICONS]
    parts = [_digest(str(path), path.stat().st_mtime_ns) for path in map(_file, [*names, WORKER])]
    version = sha256("".join([*parts, _shell(request), str(get_language())]).encode()).hexdigest()[:16]
    files = [reverse("discovery:visit_phone"), *map(static, names)]
    head = f'"use strict";\nconst VERSION = "{version}";\nconst FILES = {files!r};\n'
    return HttpResponse(head + _file(WORKER).read_text("utf-8"), content_type="text/javascript; charset=utf-8")


@require_GET
@cache_control(no_cache=True)
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to put the page among its programs."""
    here = reverse("discovery:visit_phone")
    content = {
        "id": here, "start_url": here, "scope": here, "name": _("兜底走访"), "short_name": _("走访"), "lang": get_language(), "display": "standalone",
        "background_color": "#f2f4f7", "theme_color": "#1456b8",
        "icons": [
            {"src": static(ICONS[1]), "sizes": "192x192", "type": "image/png"}, {"src": static(ICONS[2]), "sizes": "512x512", "type": "image/png"},
            {"src": static(ICONS[2]), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        ],
    }  # fmt: skip
    return JsonResponse(content, content_type="application/manifest+json")


# --- phones in use ---------------------------------------------------------------------------------------------------

COLOURS = {"active": "green", "revoked": "gray", "ended": "gray", "stale": "orange", "wiped": "gray"}


class Devices(ListPage):
    title = gettext_lazy("走访手机")
    act = "visits.devices"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    order = ("state", "-synced_at")
    template = "discovery/visit_devices.html"
    subject = "visit_device"
    empty_title = gettext_lazy("还没有手机开通离线走访")
    empty_hint = gettext_lazy("走访员在“今日走访”里点“离线走访”，登录后设密码即开通。")
    columns = (
        Column(gettext_lazy("走访员"), lambda row: row.account.name, url=lambda row: reverse("discovery:visit_device", args=[row.pk])),
        Column(gettext_lazy("所在村（社区）"), "area", kind="area"),
        Column(gettext_lazy("手机"), "label"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: COLOURS[row.state]),
        Column(gettext_lazy("最后同步"), "synced_at", kind="day", sort="synced_at"),
        Column(gettext_lazy("待上传"), lambda row: row.waiting if row.state == "active" else ""),
        Column(gettext_lazy("开通时间"), "made_at", kind="day"),
    )

    def rows(self) -> Any:
        return VisitDevice.objects.select_related("account").defer("share")


@may("visits.devices")
def device(request: HttpRequest, device_id: UUID, *, error: str = "", status: int = 200) -> HttpResponse:
    found = VisitDevice.objects.select_related("account", "posting", "closed_by").defer("share").filter(pk=device_id).first()
    if found is None:
        raise Http404
    rows: list[tuple[str, Any]] = [
        (_("走访员"), found.account.name),
        (_("岗位"), f"{found.posting.get_duty_display()}　{ui.area_name(found.area)}"),  # type: ignore[attr-defined]
        (_("手机"), found.label or ui.NOTHING),
        (_("开通时间"), ui.day(found.made_at)),
        (_("最后联系"), ui.day(found.seen_at)),
        (_("最后同步"), ui.day(found.synced_at)),
        (_("手机上待上传"), found.waiting),
    ]
    if found.closed_at:
        rows += [(_("停用时间"), ui.day(found.closed_at)), (_("停用原因"), found.reason or ui.NOTHING)]
        rows.append((_("经办人"), found.closed_by.name if found.closed_by else _("系统")))
    context = {"device": found, "rows": rows, "colour": COLOURS[found.state], "error": error}
    return render(request, "discovery/visit_device.html", context, status=status)


@require_POST
@may("visits.devices")
def revoke(request: HttpRequest, device_id: UUID) -> HttpResponse:
    try:
        services.revoke_device(device=device_id, reason=request.POST.get("reason", ""), now=timezone.now())
    except VisitDevice.DoesNotExist:
        raise Http404 from None
    except ValidationError as error:
        return device(request, device_id, error="；".join(error.messages), status=422)
    return redirect("discovery:visit_device", device_id=device_id)
