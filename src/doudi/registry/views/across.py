"""What crosses areas: the recorded look-up and moves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.models import Account
from doudi.core.services.todos import open_todos
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.registry import queries, services
from doudi.registry.forms import LookupForm, MoveForm
from doudi.registry.views.edit import either, handle, posted
from doudi.registry.views.lists import STATES, move_state


@either
@may("registry.edit")
def look_up(request: HttpRequest) -> HttpResponse:
    form = LookupForm(posted(request))
    answer = None
    if request.method == "POST" and form.is_valid():
        try:
            answer = services.look_up_elsewhere(
                id_number=form.cleaned_data["id_number"], reason=form.cleaned_data["reason"], on=timezone.localdate(), now=timezone.now()
            )
        except ValidationError as error:
            errors_into(form, error)
    return render(request, "registry/lookup.html", {"form": form, "answer": answer}, status=422 if form.errors else 200)


@either
@may("registry.move")
def move_new(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate()
    following = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    form = MoveForm(posted(request), initial={"first_month": following})

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        services.ask_move(
            id_number=data["id_number"], to_area=data["to_area"], reason=data["reason"], first_month=data["first_month"], on=on, now=now
        )
        return _("已提交转入申请，等待转出地同意。")

    return handle(request, form, title=_("申请转入家庭"), back=reverse("registry:moves"), do=do, button=_("提交"))


@require_GET
@may("registry.release")
def move(request: HttpRequest, pk: int) -> HttpResponse:
    row = queries.moves().filter(pk=pk).first()
    if row is None:
        raise Http404
    acting = scopes.current()
    places.preload([row.from_area, row.to_area])
    asker = Account.objects.filter(pk=row.asked_by).values_list("name", flat=True).first()
    described = [
        (_("家庭"), queries.shown_name(row.household_name)), (_("转入后首月"), ui.month(row.first_month)),
        (_("转出地"), ui.area_name(row.from_area)), (_("转入地"), ui.area_name(row.to_area)),
        (_("申请人"), asker), (_("申请时间"), ui.day(row.asked_at)),
        (_("转出地办理期限"), ui.day(row.due)),
        (_("转移事由"), row.reason, True),
    ]  # fmt: skip
    if row.refused_reason:
        described.append((_("不同意的理由"), row.refused_reason, True))
    state = move_state(row)
    steps = [
        {"label": _("转入地申请"), "state": "done", "small": ui.day(row.asked_at)},
        {
            "label": _("转出地同意"),
            "state": {"asked": "now", "refused": "bad"}.get(state, "done"),
            "small": ui.day(row.released_at) if row.released_at else "",
        },
        {"label": _("办结"), "state": {"done": "done", "released": "now"}.get(state, ""), "small": ui.day(row.done_at) if row.done_at else ""},
    ]
    context = {
        "row": row, "desc": described, "steps": steps, "state": STATES[state],
        "may_release": state == "asked" and acting.covers(row.from_area) and acting.account_id != row.asked_by, "may_carry_out": state == "released",
        "may_read": state == "refused" and open_todos(duty=acting.duty).filter(kind="move.refused", subject="move", subject_id=row.pk).exists(),
    }  # fmt: skip
    return render(request, "registry/move.html", context)


@require_POST
@may("registry.release")
def move_decide(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    on, now = timezone.localdate(), timezone.now()
    try:
        if what == "release":
            services.release_move(request_id=pk, on=on, now=now)
            services.carry_out_move(request_id=pk, now=now)
            messages.success(request, _("已同意转出，家庭已由转入地管理。"))
            return redirect("registry:moves")
        if what == "refuse":
            services.refuse_move(request_id=pk, reason=request.POST.get("reason", ""), on=on, now=now)
            messages.success(request, _("已退回转入申请。"))
        elif what == "read":
            services.read_refusal(request_id=pk, now=now)
            return redirect("registry:moves")
        elif what == "carry-out":
            services.carry_out_move(request_id=pk, now=now)
            messages.success(request, _("转移已办结。"))
        else:
            raise Http404
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("registry:move", pk)
