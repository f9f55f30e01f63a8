"""Pages of requests (协调事项)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.db.models.functions import Least
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, places
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions import request_queries as queries
from doudi.institutions.models import Request
from doudi.institutions.models.requests import shown
from doudi.institutions.request_forms import AmendForm, AssignForm, ReceiveForm, ReopenForm, RequestForm, SendForm, WhyForm
from doudi.institutions.services import fulfilling, reopening
from doudi.institutions.services import requests as services
from doudi.institutions.views.shared import PlaceFilter

EVENTS = {
    "raised": gettext_lazy("提出"), "amended": gettext_lazy("调整"), "assigned": gettext_lazy("交办"), "accepted": gettext_lazy("签收"), "returned": gettext_lazy("退回"),
    "sent": gettext_lazy("发出"), "received": gettext_lazy("确认收到"), "not_delivered": gettext_lazy("未送达"), "done": gettext_lazy("办结"),
    "declined": gettext_lazy("不予办理"), "withdrawn": gettext_lazy("撤回"), "passed_up": gettext_lazy("请上级协调"), "late": gettext_lazy("超期督办"),
    "transfer": gettext_lazy("安排转移"), "reopened": gettext_lazy("重新办理"),
}  # fmt: skip


OWN_FORM = ("assign", "send", "amend", "reopen")  # steps whose errors stand in their own form


class RequestFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("open", gettext_lazy("未办结")), ("late", gettext_lazy("超期")), *Request.State.choices],
        empty_label=gettext_lazy("全部"), method="by_state",
    )  # fmt: skip
    kind = django_filters.ChoiceFilter(label=gettext_lazy("缺什么"), choices=Request.Kind.choices, empty_label=gettext_lazy("全部"))
    urgency = django_filters.ChoiceFilter(label=gettext_lazy("紧急程度"), choices=Request.Urgency.choices, empty_label=gettext_lazy("全部"))
    area = PlaceFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Request
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Request], name: str, value: str) -> QuerySet[Request]:
        if value == "late":
            return rows.filter(services.late(timezone.now()))
        return rows.filter(state__in=Request.OPEN if value == "open" else (value,)) if value else rows


class Requests(ListPage):
    title = gettext_lazy("协调事项")
    act = "requests.view"
    crumbs = ((gettext_lazy("民政服务机构"), ""),)
    filters = RequestFilter
    # what is open by what is left on the clock, then the rest, newest first
    order = (F("closed_at").desc(nulls_first=True), Least("due", "accept_due"), "pk")  # type: ignore[assignment]
    subject = "institution_request"
    template = "institutions/requests.html"
    empty_title = gettext_lazy("没有符合条件的协调事项")
    empty_hint = gettext_lazy("机构缺物资、检测、隔离场所、转移安置或医疗照护时提出，由专项工作组成员单位办理。")

    def get_columns(self) -> tuple[Column, ...]:
        now = timezone.now()
        return (
            Column(_("编号"), "number", kind="code", url=lambda row: reverse("institutions:request", args=[row.pk])),
            Column(_("机构"), "institution.name", small=lambda row: ui.area_name(row.area)),
            Column(_("缺什么"), "what", small=lambda row: row.get_kind_display()),
            Column(_("数量"), "amount"),
            Column(_("紧急程度"), "get_urgency_display", kind="tag", colour=lambda row: queries.URGENCY_COLOURS[row.urgency]),
            Column(_("由谁办"), lambda row: row.unit_name or _("未定"), small=lambda row: places.name(row.held_by) if len(row.held_by) < 6 else ""),
            Column(_("状态"), "get_state_display", kind="tag", colour=lambda row: queries.COLOURS[row.state]),
            Column(_("还剩"), lambda row: queries.left(row, now)[0] or None, kind="tag", colour=lambda row: queries.left(row, now)[1]),
        )

    def rows(self) -> QuerySet[Request]:
        return Request.objects.select_related("institution")

    def context(self) -> dict[str, Any]:
        url, found = reverse("institutions:requests"), queries.figures(timezone.now())
        shown = (("raised", _("待交办")), ("assigned", _("待签收")), ("working", _("办理中")), ("late", _("超期")))
        return {"figures": [{"label": label, "value": found[key], "url": f"{url}?state={key}"} for key, label in shown], "may_raise": duties.may("requests.raise")}


@may("requests.raise")
def new(request: HttpRequest) -> HttpResponse:
    """Ask for something; what a daily report shows low is filled in."""
    names = ("institution", "item", "quantity", "report", "what", "kind")
    given = {name: request.GET[name][:200] for name in names if request.GET.get(name)}
    form = RequestForm(request.POST or None, initial={"kind": "supplies", **given})
    if request.method == "POST" and form.is_valid():
        words = dict(form.cleaned_data)
        try:
            row = services.raise_request(institution_id=words.pop("institution"), report_id=words.pop("report"), **words, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已提出 %(number)s，应在 %(due)s 前办结。") % {"number": row.number, "due": ui.day(row.due)})
            return redirect("institutions:request", row.pk)
    return render(request, "institutions/request_new.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@may("requests.raise")
def proposals(request: HttpRequest) -> HttpResponse:
    """What the daily reports show low and nobody has asked for yet."""
    rows = queries.short_supplies(timezone.localdate())
    return render(request, "institutions/request_proposals.html", {"rows": rows})


@require_GET
@may("requests.view")
def page(request: HttpRequest, request_id: int) -> HttpResponse:
    return _page(request, request_id)


def _page(request: HttpRequest, request_id: int, problem: str = "", **forms: Any) -> HttpResponse:
    row = get_object_or_404(Request.objects.select_related("institution", "item", "raised_by", "closed_by"), pk=request_id)
    acting, now = request.scope, timezone.now()  # type: ignore[attr-defined]
    opened = row.state in Request.OPEN
    words, colour = queries.left(row, now)
    came = fulfilling.received_of(row)
    offers = list(row.offers.select_related("answered_by").order_by("-id")[:30])
    parts = list(row.deliveries.select_related("sent_by", "received_by").order_by("id")[:200])
    works = row.state == "working" and services.is_worker(row)
    members = [(each.pk, f"{each}（{each.group.title}）") for each in services.candidates(row)] if opened and duties.may("requests.assign") else []
    desc = [
        (_("机构"), row.institution.name), (_("缺什么"), row.get_kind_display()), (_("具体情况"), row.what, True),
        (_("需要"), row.amount), (_("已收到"), f"{shown(came)} {row.unit}"), (_("来源"), row.get_source_display()),
        (_("提出"), f"{row.raised_by.name if row.raised_by else ''} {ui.day(row.raised_at)}"), (_("签收时限"), ui.day(row.accept_due)), (_("办结时限"), ui.day(row.due)),
        (_("由哪级协调"), places.name(row.held_by)), (_("办理单位"), row.unit_name or _("未定")),
    ]  # fmt: skip
    if not opened:
        desc.append((_("结果"), f"{row.get_state_display()}：{row.close_reason}（{row.closed_by or _('系统')} {ui.day(row.closed_at)}）", True))
    may_receive = duties.may("requests.receive") and opened
    remaining = max(row.quantity - services.sent_of(row), Decimal(0))
    context = {
        "row": row, "desc": desc, "problem": problem, "colour": queries.COLOURS[row.state], "left": words, "left_colour": colour, "opened": opened, "works": works,
        "urgency_colour": queries.URGENCY_COLOURS[row.urgency],
        "offers": [(each, row.state == "assigned" and each.state == "offered" and services.may_answer(each, acting)) for each in offers],
        "parts": [(each, may_receive and each.state == "sent" and each.sent_by_id != acting.account_id) for each in parts],
        "transfers": [(each, queries.TRANSFER_COLOURS[each.state]) for each in row.transfers.order_by("-pk")[:20]],
        "events": [
            {"at": each.at, "title": EVENTS.get(each.what, each.what), "who": each.account.name if each.account else _("系统"), "note": each.note or ""}
            for each in row.events.select_related("account").order_by("-id")[:60]
        ],
        "may_pass_up": opened and duties.may("requests.escalate") and len(row.held_by) > 2 and acting.covers(row.held_by),
        "may_decline": opened and duties.may("requests.assign"), "may_withdraw": opened and duties.may("requests.raise"),
        "may_transfer": works and row.kind == "transfer" and duties.may("transfers.plan"),
        "reopen": forms.get("reopen") or (ReopenForm() if reopening.may_reopen(row) else None),
        "assign": forms.get("assign") or (AssignForm(members=members) if members else None), "no_group": opened and duties.may("requests.assign") and not members,
        "send": forms.get("send") or (SendForm(initial={"quantity": shown(remaining)}) if works and row.kind != "transfer" else None),
        "amend": forms.get("amend") or (
            AmendForm(initial={"what": row.what, "quantity": shown(row.quantity), "urgency": row.urgency, "wanted_by": row.wanted_by and timezone.localtime(row.wanted_by)})
            if opened and duties.may("requests.raise") else None
        ),
    }  # fmt: skip
    bad = problem or any(form.errors for form in forms.values())
    return render(request, "institutions/request.html", context, status=422 if bad else 200)


@require_POST
@may("requests.view")
def act(request: HttpRequest, request_id: int) -> HttpResponse:
    """One step; the service says what stands against it."""
    post, step = request.POST, request.POST.get("act", "")
    row = get_object_or_404(Request, pk=request_id)

    def number(name: str) -> int:
        text = post.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else -1

    given: dict[str, Any] = {"request_id": row.pk, "version": number("version"), "now": timezone.now()}
    form: Any = None
    if step == "assign":
        members = [(each.pk, str(each)) for each in services.candidates(row)] if duties.may("requests.assign") else []
        form = AssignForm(post, members=members)
    elif step in ("send", "amend", "receive", "reopen"):
        form = {"send": SendForm, "amend": AmendForm, "receive": ReceiveForm, "reopen": ReopenForm}[step](post)
    elif step in ("return", "give_back", "decline", "withdraw", "pass_up", "not_delivered"):
        form = WhyForm(post)
    if form is not None and not form.is_valid():
        if step in OWN_FORM:
            return _page(request, row.pk, **{step: form})
        return _page(request, row.pk, "；".join(text for errors in form.errors.values() for text in errors))
    words = dict(form.cleaned_data) if form is not None else {}
    steps = {
        "assign": lambda: services.assign(**given, member_ids=words["members"], note=words["note"]),
        "accept": lambda: services.accept(**given, offer_id=number("offer")),
        "return": lambda: services.return_offer(**given, offer_id=number("offer"), reason=words["reason"]),
        "give_back": lambda: services.give_back(**given, reason=words["reason"]),
        "send": lambda: fulfilling.send(**given, **words),
        "receive": lambda: fulfilling.receive(**given, delivery_id=words["delivery"], received=words["received"], note=words["note"]),
        "not_delivered": lambda: fulfilling.not_delivered(**given, delivery_id=number("delivery"), reason=words["reason"]),
        "finish": lambda: fulfilling.finish(**given, reason=post.get("reason", "")),
        "amend": lambda: services.amend(**given, **words),
        "decline": lambda: services.decline(**given, reason=words["reason"]),
        "withdraw": lambda: services.withdraw(**given, reason=words["reason"]),
        "pass_up": lambda: services.pass_up(**given, reason=words["reason"]),
        "reopen": lambda: reopening.reopen(**given, **words),
    }
    if step not in steps:
        return _page(request, row.pk, _("请选择办理方式。"))
    try:
        steps[step]()
    except ValidationError as error:
        if step in OWN_FORM and getattr(error, "code", "") != "stale":
            errors_into(form, error)
            return _page(request, row.pk, **{step: form})
        return _page(request, row.pk, "；".join(error.messages))
    except PermissionDenied as error:
        return _page(request, row.pk, str(error))
    messages.success(request, _("已办理。"))
    return redirect("institutions:request", row.pk)
