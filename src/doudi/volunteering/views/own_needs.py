"""Needs as a volunteer or an organisation's contact sees them after proving a phone (`/volunteer/needs/`): asked, in hand, calls, the board nearby.

Reads and steps run as the machine, for that one person alone (`services.board.own`); no script is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from doudi.volunteering import board_queries as queries
from doudi.volunteering.board_forms import SayForm
from doudi.volunteering.models import Organisation, Volunteer
from doudi.volunteering.services import board
from doudi.volunteering.services.board.base import as_machine
from doudi.volunteering.services.session import Who
from doudi.volunteering.views.door import page, who_of

PAGE = "volunteer needs"


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else -1


@never_cache
@require_safe
def needs(request: HttpRequest) -> HttpResponse:
    """What waits for me first, then what I have in hand, calls, and what is on the board of my county."""
    who = who_of(request)
    if who is None:
        return redirect("volunteering:sign_in")
    return _page(request, who)


def _page(request: HttpRequest, who: Who, *, status: int = 200, contact: tuple[int, tuple[str, str, str]] | None = None) -> HttpResponse:
    now = timezone.now()
    with as_machine(who.area, page=PAGE):
        volunteer = Volunteer.objects.filter(pk=who.pk).first() if who.kind == "volunteer" else None
        row = volunteer or Organisation.objects.filter(pk=who.pk).first()
        active = row is not None and row.state == "active"
        context: dict[str, Any] = {
            "who": who, "row": row, "active": active, "groups": queries.own_offers({who.kind: who.pk}, now), "contact": contact, "say": SayForm(auto_id=False),
            "calls": queries.own_calls(who.pk, now) if volunteer else [], "nearby": queries.nearby(volunteer, now) if volunteer and active else [],
            "uuid": uuid4(),
        }  # fmt: skip
        context["nothing"] = not (context["calls"] or context["nearby"] or any(context["groups"].values()))
        return page(request, "needs", context, status)


@never_cache
@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """One step; the service says what stands against it. Back to the same page."""
    who = who_of(request)
    if who is None:
        return redirect("volunteering:sign_in")
    post, now = request.POST, timezone.now()
    number = post.get("number", "")[:24]
    answer: dict[str, Any] = {"who": who, "answer_id": _number(post.get("answer")), "now": now}
    version = answer | {"version": _number(post.get("version"))}
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "accept": (lambda: board.accept_offer(**version), _("已接下，谢谢您。请查看联系方式，按时前往。")),
        "decline": (lambda: board.decline_offer(**version, reason=post.get("reason", "")), _("已答复，将邀请他人。")),
        "withdraw": (lambda: board.withdraw_offer(**version, reason=post.get("reason", "")), _("已退出，将邀请他人。")),
        "in": (lambda: board.check_in(**answer), _("签到成功。")),
        "out": (lambda: board.check_out(**answer, note=post.get("note", "")), _("已签退，谢谢您的服务！工作人员向本人核实后计入服务时长。")),
        "say": (lambda: board.say(**answer, rating=_number(post.get("rating")), words=post.get("words", "")), _("谢谢您的评价。")),
        "take": (lambda: board.take(who=who, uuid=uuid5(UUID(post.get("uuid", "")), number), number=number, now=now), _("已报名。")),
        "coming": (lambda: _reply(who, post, True), _("已答复参加，请按时到集合地点。")),
        "not_coming": (lambda: _reply(who, post, False), _("已答复不参加。")),
    }  # fmt: skip
    step = steps.get(post.get("act", ""))
    if step is not None:
        try:
            with as_machine(who.area, page=PAGE):
                step[0]()
        except ValidationError as error:
            messages.error(request, "；".join(error.messages))
        except PermissionDenied as error:
            messages.error(request, str(error))
        except ValueError:
            messages.error(request, _("页面已过期，请刷新后重试。"))
        else:
            messages.success(request, step[1])
    return redirect("volunteering:own_needs")


def _reply(who: Who, post: Any, coming: bool) -> object:
    if who.kind != "volunteer":
        raise ValidationError(_("这次召集没有邀请您。"))
    return board.reply_to_call(call_id=_number(post.get("call")), volunteer_id=who.pk, coming=coming, now=timezone.now())


@never_cache
@require_POST
def contact(request: HttpRequest, answer_id: int) -> HttpResponse:
    """Whom to call and where to go, once accepted and as long as it lasts; each opening is recorded."""
    who = who_of(request)
    if who is None:
        return redirect("volunteering:sign_in")
    try:
        with as_machine(who.area, page=PAGE):
            found = board.open_contact(who=who, answer_id=answer_id)
    except (PermissionDenied, ValidationError) as error:
        messages.error(request, "；".join(error.messages) if isinstance(error, ValidationError) else str(error))
        return _page(request, who, status=403)
    return _page(request, who, contact=(answer_id, found))
