"""The township's side of online applications: what came, who it is, registered or declined."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from doudi.core import audit
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.views.access import may
from doudi.portal import online_queries
from doudi.portal.apply_forms import DeclineForm, RegisterForm
from doudi.portal.models import OnlineApplication
from doudi.portal.services import applications
from doudi.portal.services.applications import SUBJECT

COLOURS = {"sent": "orange", "registered": "green", "declined": "gray", "merged": "gray"}


class OnlineFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=OnlineApplication.State.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = OnlineApplication
        fields: list[str] = []


class OnlineApplications(ListPage):
    title = gettext_lazy("网上申请")
    act = "portal.receive"
    crumbs = ((gettext_lazy("救助办理"), ""),)
    filters = OnlineFilter
    order = ("-sent_at", "-id")
    subject = SUBJECT
    exports = False
    empty_title = gettext_lazy("没有符合条件的网上申请")
    empty_hint = gettext_lazy("群众在公众服务页面提交的申请，核对身份并登记后成为救助申请。")
    columns = (
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("portal:online", args=[row.pk])),
        Column(gettext_lazy("申请人"), "name"),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("提交时间"), "sent_at", kind="day", sort="sent_at"),
        Column(gettext_lazy("登记期限"), lambda row: row.due if row.state == "sent" else None, kind="due"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[OnlineApplication]:
        return OnlineApplication.objects.defer("told", "address")


@require_http_methods(["GET", "POST"])
@may("portal.receive")
def online(request: HttpRequest, pk: int) -> HttpResponse:
    """One online application with everything that was sent; POST registers it."""
    row = OnlineApplication.objects.select_related("application", "handled_by").filter(pk=pk).first()
    if row is None:
        raise Http404
    register, decline = _register_form(request, row), DeclineForm(initial={"version": row.version})
    if request.method == "POST" and register.is_valid():
        try:
            made = applications.register_application(
                application_id=pk, version=register.cleaned_data["version"], village=register.cleaned_data["village"], programmes=register.pairs(),
                identity_seen=register.cleaned_data["identity_seen"], together=[int(each) for each in register.cleaned_data.get("together", [])], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(register, error)
        else:
            messages.success(request, _("已登记为申请 %(number)s。") % {"number": made.number})
            return redirect("portal:online", pk=pk)
    return _page(request, row, register, decline)


@require_POST
@may("portal.receive")
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    row = OnlineApplication.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    form = DeclineForm(request.POST)
    if form.is_valid():
        try:
            applications.decline_application(application_id=pk, version=form.cleaned_data["version"], reason=form.cleaned_data["reason"], now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已答复申请人。"))
            return redirect("portal:online", pk=pk)
    return _page(request, row, _register_form(None, row), form)


def _register_form(request: HttpRequest | None, row: OnlineApplication) -> RegisterForm:
    members, same = online_queries.members(row), online_queries.same(row)
    return RegisterForm(
        request.POST if request is not None and request.method == "POST" else None, area=row.area, wanted=online_queries.choices(members),
        villages=online_queries.villages(row.area), same=same,
        initial={"version": row.version, "programmes": online_queries.wished(row), "together": [pk for pk, _label in same]},
    )  # fmt: skip


def _page(request: HttpRequest, row: OnlineApplication, register: RegisterForm, decline: DeclineForm) -> HttpResponse:
    if request.method == "GET":
        audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area)
    context: dict[str, Any] = online_queries.context(row) | {
        "row": row, "colour": COLOURS[row.state], "register": register if row.state == "sent" else None, "decline": decline if row.state == "sent" else None,
    }  # fmt: skip
    return render(request, "portal/online.html", context, status=422 if register.errors or decline.errors else 200)


@require_POST
@may("portal.receive")
def reveal(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    try:
        return HttpResponse(format_html('<span class="rv">{}</span>', applications.reveal(application_id=pk, what=what)))
    except (PermissionDenied, ValidationError) as error:
        return HttpResponse(str(error), status=404)
