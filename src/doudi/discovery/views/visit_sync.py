"""Calls of the visitor's phone page under its session: state, the device's share, the list, one record, one photo, the word that it wiped itself.

Answers are JSON. Every error has `message` in words and, where the page must act on it, `code`:

    401 signin     nobody is signed in: the queue waits
    403 duty       the acting posting does not visit
    404 gone       the household is not the visitor's any more
    409 elsewhere  the phone belongs to another posting
    409 taken      the record came from another account before
    410 wipe       the phone must wipe what it holds; `why` says the reason
    413 large      more than a call may bring
    422 invalid    `errors` by field
    429 slower     again in a minute
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, places
from doudi.discovery import services, visit_offline
from doudi.discovery.models import Visit
from doudi.discovery.services import visit_devices
from doudi.discovery.services.visits import Result
from doudi.discovery.views.visits import LARGEST_PHOTO
from doudi.registry.models import Household

LARGEST_CALL = 64 * 1024
Given = Mapping[str, Any]


def _error(status: int, code: str, message: str, **more: Any) -> JsonResponse:
    return JsonResponse({"code": code, "message": message, **more}, status=status)


def _words(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


def _uuid(given: Given, name: str) -> UUID:
    try:
        return UUID(str(given[name]))
    except (KeyError, ValueError):
        raise ValidationError(_("手机上的页面已过期；请连上网络后重新打开页面。")) from None


def _number(given: Given, name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValidationError(_("手机上的页面已过期；请连上网络后重新打开页面。"))
    return value


def _moment(given: Given, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(given[name]))
        if found.tzinfo is None:
            raise ValueError
        found.astimezone(timezone.get_current_timezone())  # the year 1 has no local time
    except (KeyError, ValueError, OverflowError):
        raise ValidationError({"done_at": _("“走访时间”不正确；请校准手机时间后重试。")}) from None
    return found


def _body(request: HttpRequest) -> Given:
    """The call's JSON object; of a form its fields."""
    if request.content_type == "multipart/form-data":
        return request.POST.dict()
    try:
        given = json.loads(request.body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise ValidationError(_("手机上的页面已过期；请连上网络后重新打开页面。"))
    return given


def phone_call(view: Callable[[HttpRequest, Given], JsonResponse]) -> Callable[[HttpRequest], JsonResponse]:
    """A POST of the phone page, its faults as JSON instead of pages and redirects."""

    @require_POST
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest) -> JsonResponse:
        if not request.user.is_authenticated:
            return _error(401, "signin", _("请登录后继续上传；手机上的记录都还在。"))
        if request.posting is None or not duties.may("visits.mine"):  # type: ignore[attr-defined]
            return _error(403, "duty", _("现在的岗位不办理走访；请切换到走访岗位后再同步。"))
        length = request.META.get("CONTENT_LENGTH") or "0"
        most = LARGEST_PHOTO + LARGEST_CALL if request.content_type == "multipart/form-data" else LARGEST_CALL
        if not length.isdigit() or int(length) > most:
            return _error(413, "large", _("照片超过 10 MB；请用普通清晰度重新拍摄。"))
        try:
            return view(request, _body(request))
        except services.DeviceClosed as error:
            return _error(410, "wipe", error.messages[0], why=error.code)
        except services.DeviceElsewhere as error:
            return _error(409, "elsewhere", error.messages[0])
        except (Visit.DoesNotExist, Household.DoesNotExist):
            return _error(404, "gone", _("这户已不在您的走访范围内（可能已迁移或改派）；请把情况告诉乡镇，由乡镇登记。"))
        except IntegrityError:
            return _error(409, "taken", _("这条记录已由另一账号上传；请告诉乡镇核对。"))
        except PermissionDenied as error:
            return _error(403, "duty", str(error))
        except ValidationError as error:
            return _error(422, "invalid", "；".join(error.messages), errors=_words(error))

    return guarded


def _device(given: Given, *, now: datetime, synced: bool = True) -> tuple[Any, JsonResponse | None]:
    """The call's device, and the answer where it calls too often."""
    device = services.use_device(device=_uuid(given, "device"), now=now, waiting=_number(given, "waiting"), synced=synced)
    slow = _error(429, "slower", _("上传太频繁，一分钟后自动继续。")) if visit_devices.too_many(device) else None
    if slow is not None:
        slow["Retry-After"] = "60"
    return device, slow


@require_GET
@never_cache
def state(request: HttpRequest) -> JsonResponse:
    """Who is signed in, the time, the token that further calls bring, and whether the phone named must wipe itself: answered to anybody."""
    now = timezone.now()
    asked = request.GET.get("device", "")
    try:
        wipe = visit_devices.end_of(device=UUID(asked), now=now) if asked else ""
    except ValueError:
        wipe = ""
    posting = request.posting if request.posting and duties.may("visits.mine") else None  # type: ignore[attr-defined]
    return JsonResponse(
        {"signed_in": request.user.is_authenticated, "posting": posting and posting.pk, "now": now.isoformat(), "token": get_token(request), "wipe": wipe}
    )


@phone_call
def open_device(request: HttpRequest, given: Given) -> JsonResponse:
    """The device and its share, for this posting only."""
    now = timezone.now()
    device = services.open_device(device=_uuid(given, "device"), label=str(given.get("label", "")), now=now)
    if visit_devices.too_many(device):
        return _error(429, "slower", _("上传太频繁，一分钟后自动继续。"))
    hours = visit_devices.share_hours(area=device.area, on=timezone.localdate(now))
    return JsonResponse({"share": device.share, "hours": hours, "posting": device.posting_id, "now": now.isoformat()})


@phone_call
def pull(request: HttpRequest, given: Given) -> JsonResponse:
    """The posting's open visits: what differs from what the phone has (`have`: key -> digest), and what is gone. Each household sent is recorded."""
    now = timezone.now()
    device, slow = _device(given, now=now)
    if slow is not None:
        return slow
    have = given.get("have")
    have = have if isinstance(have, dict) else {}
    items, areas, elsewhere = visit_offline.phone_list(posting_id=device.posting_id, on=timezone.localdate(now))
    fresh = [(item, place) for item, place in zip(items, areas, strict=True) if have.get(item["key"]) != item["digest"]]
    audit.record_opened(subject="household", rows=[place for _item, place in fresh], reason="走访名单下载到手机")
    keys = {item["key"] for item in items}
    return JsonResponse(
        {
            "items": [item for item, _place in fresh], "gone": [key for key in have if key not in keys], "elsewhere": elsewhere,
            "place": places.name(device.area), "now": now.isoformat(), "posting": device.posting_id,
        }
    )  # fmt: skip


@phone_call
def push(request: HttpRequest, given: Given) -> JsonResponse:
    """One record, once."""
    now = timezone.now()
    _found, slow = _device(given, now=now)
    if slow is not None:
        return slow
    result = given.get("result")
    made = services.record_visit(
        uuid=_uuid(given, "uuid"), done_at=_moment(given, "done_at"), result=Result.of(result if isinstance(result, dict) else {}), now=now,
        visit_id=_number(given, "visit"), household_id=_number(given, "household"), base_version=_number(given, "version"),
        lead_id=_number(given, "lead"), verified=given.get("verified") is True,
    )  # fmt: skip
    lead = (made.lead.merged_into or made.lead).number if made.lead else ""
    return JsonResponse({"outcome": "conflict" if made.conflict else made.outcome, "lead": lead, "now": now.isoformat()})


@phone_call
def push_photo(request: HttpRequest, given: Given) -> JsonResponse:
    """One photo or signature of a record that came before, once."""
    now = timezone.now()
    _found, slow = _device({"device": given.get("device")}, now=now)
    if slow is not None:
        return slow
    file = request.FILES.get("photo")
    if file is None or (file.size or 0) > LARGEST_PHOTO:
        return _error(413, "large", _("照片超过 10 MB；请用普通清晰度重新拍摄。")) if file else _error(422, "invalid", _("照片没有传到；请重试。"))
    services.add_photo(
        uuid=_uuid(given, "uuid"), photo_uuid=_uuid(given, "photo_uuid"), name=file.name or "photo.jpg", content=file.read(), now=now,
        signature=given.get("signature") == "1",
    )  # fmt: skip
    return JsonResponse({"outcome": "recorded", "now": now.isoformat()})


@phone_call
def wiped(request: HttpRequest, given: Given) -> JsonResponse:
    """The phone has wiped itself: its share is destroyed."""
    services.device_wiped(device=_uuid(given, "device"), reason=str(given.get("why", "")), now=timezone.now())
    return JsonResponse({"outcome": "recorded"})
