"""Pages of the register of resources: search from anywhere, by kind and distance; one resource; a new one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.core import audit, duties, numbers, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.needs import kinds
from doudi.needs.views.queue import number
from doudi.resources import queries
from doudi.resources.forms import AmountForm, ResourceForm, own_places
from doudi.resources.models import Resource
from doudi.resources.services import register as registers

STATES = ("active", "stale", "paused", "ended")


def _place(request: HttpRequest) -> str:
    """The place that is asked about: one within the reader's scope, else the reader's own."""
    own, asked = scopes.current().area, request.GET.get("near", "")
    return asked if asked.isascii() and asked.isdigit() and len(asked) in (6, 9, 12) and asked.startswith(own) else own


@may("resources.view")
def register(request: HttpRequest) -> HttpResponse:
    """What serves a place, the nearest first; or everything of the reader's area."""
    get, on, place = request.GET, timezone.localdate(), _place(request)
    kind, holder, state, words = get.get("kind", ""), get.get("holder", ""), get.get("state", "active"), get.get("q", "").strip()[:40]
    low, high = scopes.current().low, scopes.current().high
    if get.get("near") and len(place) >= 6:
        rows = queries.near(Resource.objects.all(), place).order_by("distance", "-confirm_by", "id")
    else:
        rows = Resource.objects.filter(Q(area__gte=low, area__lt=high) | Q(to_area__in=[low[:length] for length in (6, 9, 12) if length <= len(low)]))
        rows = rows.order_by("kind", "area", "id")
    if kind in kinds.KINDS:
        rows = rows.filter(kind=kind)
    if holder in Resource.Holder.values:
        rows = rows.filter(holder=holder)
    if words:
        rows = rows.filter(Q(name__gte=words, name__lt=words + "\U0010ffff") | Q(what__contains=words))
    if state == "stale":
        rows = rows.filter(confirm_by__lt=on).exclude(state="ended")
    elif state in STATES:
        rows = rows.filter(state=state)
    page = page_of(rows.select_related("organisation"), number(get.get("page")) or 1, 20)
    places.preload([code for row in page.rows for code in (row.area, row.to_area)])
    near = [(code, name) for code, name in own_places() if code != scopes.current().area]
    context = {
        "page": page, "figures": queries.register_figures(on), "kind": kind, "holder": holder, "state": state, "q": words, "near": get.get("near", ""), "place": place,
        "rows": [
            (row, queries.kind_words(row), queries.amount_words(row), queries.distance_words(row.distance) if hasattr(row, "distance") else "", row.confirm_by < on,
             queries.RESOURCE_COLOURS[row.state]) for row in page.rows
        ],
        "kinds": kinds.choices(), "holders": Resource.Holder.choices, "places": near if place in dict(near) or not get.get("near") else [(place, places.name(place)), *near],
        "states": [("active", _("可用")), ("stale", _("超期未核实")), ("paused", _("暂停")), ("ended", _("已撤下"))], "may_new": duties.may("resources.manage"),
    }  # fmt: skip
    return render(request, "resources/register.html", context)


@may("resources.manage")
def new(request: HttpRequest) -> HttpResponse:
    form = ResourceForm(request.POST or None, initial={"area": scopes.current().area, "to_area": scopes.current().area})
    if request.method == "POST" and form.is_valid():
        given: dict[str, Any] = form.cleaned_data
        chosen: dict[str, Any] = {
            f"{name}_id": row.pk if row else None for name in ("organisation", "institution", "fund") for row in [given.pop(name)]
        }
        try:
            made = registers.register(now=timezone.now(), **given, **chosen)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记。"))
            return redirect("resources:resource", resource_id=made.pk)
    return render(request, "resources/resource_new.html", {"form": form}, status=422 if form.errors else 200)


@may("resources.view")
def resource(request: HttpRequest, resource_id: int) -> HttpResponse:
    row = get_object_or_404(Resource.objects.select_related("organisation", "institution", "fund", "confirmed_by", "made_by"), pk=resource_id)
    post, now, on, problem = request.POST, timezone.now(), timezone.localdate(), ""
    names = ("quantity", "unit", "period", "until", "conditions", "contact")
    form = AmountForm(post if post.get("act") == "update" else None, initial={name: getattr(row, name) for name in names})
    form.fields["phone"].required = False
    if request.method == "POST":
        step, version = post.get("act", ""), number(post.get("version")) or -1
        try:
            if step == "confirm":
                registers.confirm(resource_id=row.pk, version=version, now=now)
            elif step in ("pause", "end"):
                registers.take_out(resource_id=row.pk, version=version, ended=step == "end", reason=post.get("reason", ""), now=now)
            elif step == "update" and form.is_valid():
                registers.update(resource_id=row.pk, version=version, now=now, **form.cleaned_data)
            if not form.errors:
                return redirect("resources:resource", resource_id=row.pk)
        except ValidationError as error:
            if step == "update":
                errors_into(form, error)
            else:
                problem = " ".join(error.messages)
        except PermissionDenied as error:
            problem = str(error)
    own = scopes.current().covers(row.area) and duties.may("resources.manage") and row.state != "ended"
    desc: list[tuple[Any, ...]] = [
        (_("提供方"), f"{row.name}（{row.get_holder_display()}）"), (_("能满足的需求"), queries.kind_words(row)),
        (_("能提供什么"), row.what), (_("数量"), queries.amount_words(row)),
        (_("有效期"), f"{row.until}" if row.until else _("长期")), (_("所在地"), ui.area_name(row.area)),
        (_("服务范围"), ui.area_name(row.to_area)), (_("地址"), row.address or "—"),
        (_("条件"), row.conditions or "—"), (_("联系人"), row.contact or "—"),
        (_("最近核实"), f"{row.confirmed_on}　{row.confirmed_by.name if row.confirmed_by else ''}"), (_("下次核实"), f"{row.confirm_by}"),
    ]  # fmt: skip
    if row.reason:
        desc.append((_("暂停或撤下的原因"), row.reason, True))
    context = {
        "row": row, "desc": desc, "colour": queries.RESOURCE_COLOURS[row.state], "stale": row.confirm_by < on and row.state != "ended", "problem": problem,
        "form": form if own else None, "masked": ui.mask_phone(numbers.plain(row.phone)),
    }  # fmt: skip
    return render(request, "resources/resource.html", context, status=422 if problem or form.errors else 200)


@require_POST
@may("resources.view")
def phone(request: HttpRequest, resource_id: int) -> HttpResponse:
    """The whole number, after its access record is committed."""
    row = get_object_or_404(Resource, pk=resource_id)
    audit.record_access(what="reveal", subject=registers.SUBJECT, subject_id=row.pk, area=row.area, field="phone")
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(row.phone)))
