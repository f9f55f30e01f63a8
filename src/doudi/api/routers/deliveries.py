"""Deliveries of departments' files (数据报送) by their systems (measures 1.1)."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Field, Query, Router, Schema, Status

from doudi.api.errors import REFUSALS, ApiError, ErrorOut
from doudi.api.fields import KEY
from doudi.api.rights import Caller, needs
from doudi.batch.datasets import CONTRACTS
from doudi.core import postgres, tasks
from doudi.core.models import TaskProgress
from doudi.discovery import services
from doudi.discovery.models import Delivery
from doudi.discovery.services.deliveries import check_delivery, known_delivery, open_rejects

router = Router()

AT_ONCE = 4 * 1024 * 1024  # bytes that are checked while the caller waits; more is checked in the background
TASK = "doudi.discovery.tasks.take_delivery"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}},
        "text/csv": BINARY,
        SHEET: BINARY,
        "application/octet-stream": BINARY,
    },
}


class DeliveryIn(Schema):
    dataset: Annotated[str, Field(pattern=r"^[a-z_]{1,30}$", description="数据目录代码 / code of the dataset contract")]
    period: Annotated[str, Field(pattern=r"^(20[0-9]{2}-(0[1-9]|1[0-2]))?$", description="数据月份，如 2022-11；不填为本月 / month")] = ""
    area: Annotated[str, Field(pattern=r"^([0-9]{2,12})?$", description="行政区划代码；不填为令牌的地区 / division code")] = ""
    name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$", description="文件名 / file name")] = ""


class DeliveryOut(Schema):
    """State `refused`: the whole file was sent back, `reason` says why. `new` is false where the same file came before."""

    id: int
    dataset: str
    period: str
    area: str
    name: str
    sha256: str
    state: str
    reason: str
    accepted: int
    rejected: int
    received_at: datetime
    rejects_url: str | None
    new: bool


class PendingOut(Schema):
    """A file that is checked in the background. `delivery` once `state` is done; `message` says why it failed."""

    task: UUID
    state: Literal["waiting", "running", "done", "failed"]
    message: str
    url: str
    delivery: DeliveryOut | None


def _pending(task: TaskProgress) -> dict[str, object]:
    result = task.result or {}
    delivery = Delivery.objects.filter(pk=result.get("delivery", 0)).first()
    return {
        "task": task.pk, "state": "failed" if task.state == "cancelled" else task.state, "message": task.error,
        "url": reverse("api:api-v1:delivery_task", args=[task.pk]),
        "delivery": _out(delivery, new=bool(result.get("new"))) if delivery else None,
    }  # fmt: skip


def _out(delivery: Delivery, *, new: bool) -> dict[str, object]:
    fields = ("id", "dataset", "period", "area", "name", "sha256", "state", "reason", "accepted", "rejected", "received_at")
    url = reverse("api:api-v1:delivery_rejects", args=[delivery.pk]) if delivery.rejects_path else None
    return {name: getattr(delivery, name) for name in fields} | {"rejects_url": url, "new": new}


def _content(request: HttpRequest, target: Path) -> str:
    """Put the file that was sent at `target`; its name if it has one."""
    upload: Path | None = request.upload  # type: ignore[attr-defined]
    if upload is not None:
        upload.rename(target)
        return ""
    files = request.FILES.getlist("file")
    if len(files) != 1:
        raise ApiError(422, "invalid", _("没有收到文件；请以 file 字段或直接以请求内容提交一个文件。"), fields=[("file", _("缺少这一项"))])
    with target.open("wb") as out:
        for chunk in files[0].chunks(1 << 20):
            out.write(chunk)
    return str(files[0].name or "")


def _kind(path: Path) -> str:
    """The ending of a file that came without a name, by its first bytes."""
    with path.open("rb") as file:
        return ".xlsx" if file.read(4) == b"PK\x03\x04" else ".csv"


@router.post(
    "", response={201: DeliveryOut, 200: DeliveryOut, 202: PendingOut, REFUSALS: ErrorOut}, summary="报送一个数据文件 / Deliver a file",
    **needs("deliveries:write", requestBody=BODY, parameters=[KEY]),
)  # fmt: skip
def deliver(request: HttpRequest, given: Query[DeliveryIn]) -> Status:
    """按数据共享目录逐行核验：合格的行接收，有误的行汇成退回清单。首次接收答复 201；同一文件再次报送答复 200，不起作用。
    超过 4 MB 的文件在后台核验：答复 202，按 url 查询结果。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    if given.dataset not in CONTRACTS:
        raise ApiError(
            422, "invalid", _("没有名为“%(code)s”的数据目录；请查看数据共享目录。"), {"code": given.dataset}, fields=[("dataset", _("没有这一目录"))]
        )
    if given.dataset not in caller.datasets:
        raise ApiError(403, "dataset_not_allowed", _("令牌不能报送这一数据目录；请联系系统管理员。"), fields=[("dataset", _("不在令牌的数据目录中"))])
    folder = postgres.home() / "incoming"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder, prefix="api-") as work:
        path = Path(work) / "content"
        sent = _content(request, path)
        name = Path(given.name or sent or given.dataset).name
        suffix = Path(name).suffix.lower()
        if not suffix.isascii() or not 2 <= len(suffix) <= 6:
            suffix = _kind(path)
            name += suffix
        path = path.rename(path.with_suffix(suffix))
        area, now = given.area or caller.area, timezone.now()
        if path.stat().st_size > AT_ONCE:
            period = check_delivery(dataset=given.dataset, area=area, period=given.period, on=timezone.localdate(now))
            known = known_delivery(path=path, dataset=given.dataset, area=area)
            if known is None:
                kept = path.rename(folder / f"api-{uuid4().hex}{suffix}")
                arguments = {"path": str(kept), "dataset": given.dataset, "name": name, "period": period, "area": area}
                title = f"接收{CONTRACTS[given.dataset].name_zh}（{caller.organisation}）"
                return Status(202, _pending(tasks.start_task(path=TASK, title=title, arguments=arguments, url="/deliveries/", now=now)))
            return Status(200, _out(known, new=False))
        delivery, new = services.deliver(path=path, dataset=given.dataset, area=area, now=now, name=name, period=given.period)
    return Status(201 if new else 200, _out(delivery, new=new))


def _own(request: HttpRequest, number: int) -> Delivery:
    """A delivery of the caller's datasets within its area."""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    delivery = Delivery.objects.filter(pk=number, dataset__in=caller.datasets).first() if number < 2**63 else None
    if delivery is None:
        raise Http404
    return delivery


@router.get(
    "/tasks/{uuid:task}", url_name="delivery_task", response={200: PendingOut, REFUSALS: ErrorOut},
    summary="后台核验的进度和结果 / Progress and result of a file checked in the background", **needs("deliveries:write"),
)  # fmt: skip
def pending(request: HttpRequest, task: UUID) -> dict[str, object]:
    """报送答复 202 的文件：等待、核验中、已完成（含核验结果）或未能接收（含原因）。"""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    found = TaskProgress.objects.filter(pk=task, account_id=caller.account_id, task_path=TASK).first()
    if found is None:
        raise Http404
    return _pending(found)


@router.get("/{int:number}", response={200: DeliveryOut, REFUSALS: ErrorOut}, summary="核验结果 / Result of a delivery", **needs("deliveries:write"))
def show(request: HttpRequest, number: int) -> dict[str, object]:
    """一次报送的核验结果。"""
    return _out(_own(request, number), new=False)


@router.get(
    "/{int:number}/rejects", url_name="delivery_rejects", response={REFUSALS: ErrorOut}, summary="退回清单 / Rejected rows as a sheet",
    **needs("deliveries:write", responses={200: {"description": "退回清单（Excel）", "content": {SHEET: BINARY}}}),
)  # fmt: skip
def rejects(request: HttpRequest, number: int) -> HttpResponse:
    """有误的行：行号、字段、原因、原内容（Excel）。下载留有查阅记录。"""
    delivery = _own(request, number)
    sheet = open_rejects(delivery, reason="部门系统取回")
    if sheet is None:
        raise Http404
    return HttpResponse(sheet, content_type=SHEET)
