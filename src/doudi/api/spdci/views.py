"""Pages of the social registry interface: what a client may ask, what it watches, what it was told; and who agreed."""

from __future__ import annotations

import base64
import json
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from doudi.api.models import ApiClient
from doudi.api.spdci import callbacks, envelope, notices, services
from doudi.api.spdci.models import SpdciCallback, SpdciConsent, SpdciMatch, SpdciPartner, SpdciPurpose, SpdciSubscription
from doudi.core.forms import DayInput, errors_into
from doudi.core.lists import Column, ListPage, PrefixFilter
from doudi.core.views.access import may

SHOWN = 50
FIELDS = (("identity", gettext_lazy("姓名、性别、出生日期")), ("household", gettext_lazy("家庭人口和成员")), ("programmes", gettext_lazy("享受的救助项目和金额")))
ACTIONS = {
    "on-search": gettext_lazy("查询的答复"), "on-subscribe": gettext_lazy("订阅的答复"), "on-unsubscribe": gettext_lazy("取消订阅的答复"),
    "txn-on-status": gettext_lazy("办理状态的答复"), "notify": gettext_lazy("变化通知"),
}  # fmt: skip
REASONS = {
    "no connection": gettext_lazy("连不上对方"), "timeout": gettext_lazy("对方没有及时答复"), "tls": gettext_lazy("对方的证书不可信"),
    "broken answer": gettext_lazy("对方的答复无法读取"), "inside": gettext_lazy("地址指向本机，已拦下"), "revoked": gettext_lazy("客户端已停用或到期"),
    "no callback address": gettext_lazy("没有可用的回调地址"), callbacks.CLOSED: gettext_lazy("发送前已不能告知（撤回同意、迁出、死亡或取消订阅），未发送"),
}  # fmt: skip
EVENTS = {
    notices.REGISTER: gettext_lazy("新符合"), notices.UPDATE: gettext_lazy("有变化"), notices.DELETE: gettext_lazy("不再符合"),
    notices.MEMBER: gettext_lazy("家庭新成员"),
}  # fmt: skip
COLOURS = {"queued": "orange", "sent": "green", "failed": "red"}


def _told(row: SpdciCallback) -> dict[str, Any]:
    """A callback in words."""
    status = row.error.removeprefix("http ")
    reason = REASONS.get(row.error) or (_("对方答复 %(status)s") % {"status": status} if status.isdigit() else row.error)
    return {
        "at": row.made_at, "what": ACTIONS.get(row.action, row.action), "attempts": row.attempts, "state": row.get_state_display(), "colour": COLOURS[row.state],
        "reason": reason, "next_at": row.next_at if row.state == SpdciCallback.State.QUEUED else None, "left_out": row.left_out,
    }  # fmt: skip


class PartnerForm(forms.Form):
    sender_id = forms.CharField(label=gettext_lazy("对方标识（sender_id）"), max_length=80)
    key_id = forms.CharField(label=gettext_lazy("密钥编号"), max_length=40)
    public_key = forms.CharField(label=gettext_lazy("签名公钥"), max_length=60, help_text=gettext_lazy("Ed25519，32 字节的 base64"))
    callback_url = forms.CharField(label=gettext_lazy("回调地址"), max_length=300, required=False, help_text=gettext_lazy("https 地址；没有的只能用 sync 接口"))
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)


class PurposeForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("用途代码"), max_length=40)
    label = forms.CharField(label=gettext_lazy("用途"), max_length=100)
    fields = forms.MultipleChoiceField(label=gettext_lazy("可以告知的内容"), choices=FIELDS, widget=forms.CheckboxSelectMultiple)  # type: ignore[assignment]
    basis = forms.ChoiceField(label=gettext_lazy("依据"), choices=SpdciPurpose.Basis.choices)
    document = forms.CharField(label=gettext_lazy("协议或法律依据"), max_length=200)


class ConsentForm(forms.Form):
    purpose = forms.ChoiceField(label=gettext_lazy("单位和用途"), choices=())
    number = forms.CharField(label=gettext_lazy("身份证号"), max_length=40)
    until = forms.DateField(label=gettext_lazy("到期日"), widget=DayInput())
    document = forms.CharField(label=gettext_lazy("同意书编号或经过"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        open_ = [(str(row.pk), f"{row.partner.sender_id}　{row.label}") for row in services.purposes_open()]
        self.fields["purpose"].choices = [("", _("请选择")), *open_]  # type: ignore[attr-defined]


def _partner(client: ApiClient) -> SpdciPartner | None:
    return SpdciPartner.objects.filter(client=client).first()


@require_http_methods(["GET", "POST"])
@may("api.manage")
def show(request: HttpRequest, client_id: int) -> HttpResponse:
    """The partner behind a client, its purposes, subscriptions and callbacks (without anybody's data)."""
    client = get_object_or_404(ApiClient, pk=client_id)
    partner = _partner(client)
    given = {}
    if partner:
        key = base64.b64encode(bytes(partner.public_key)).decode()
        given = {name: getattr(partner, name) for name in ("sender_id", "key_id", "callback_url", "version")} | {"public_key": key}
    what = request.POST.get("what", "")
    form = PartnerForm(request.POST if what == "partner" else None, initial=given)
    purpose = PurposeForm(request.POST if what == "purpose" else None)
    for each, work in ((form, _save_partner), (purpose, _save_purpose)):
        if each.is_bound and each.is_valid():
            try:
                work(client, partner, each.cleaned_data)
                messages.success(request, _("已保存。"))
                return redirect("api:spdci", client.pk)
            except ValidationError as error:
                errors_into(each, error)
    open_ = SpdciSubscription.objects.filter(client=client, ended_at__isnull=True)
    context = {
        "client": client, "partner": partner, "form": form, "purpose": purpose, "right": callbacks.RIGHT in client.scopes,
        "purposes": _purposes(partner) if partner else [],
        "open": open_.count(), "subscriptions": _watched(open_.select_related("purpose").order_by("-made_at", "pk")[:SHOWN]),
        "callbacks": [_told(row) for row in SpdciCallback.objects.filter(client=client).defer("message").order_by("-made_at", "-pk")[:SHOWN]],
        "own_key": base64.b64encode(envelope.public_of(envelope.own_key())).decode(),
    }  # fmt: skip
    return render(request, "api/spdci.html", context, status=422 if form.errors or purpose.errors else 200)


def _purposes(partner: SpdciPartner) -> list[SpdciPurpose]:
    """Purposes, those that hold first, each with what it opens in words (`opens`)."""
    rows, labels = list(SpdciPurpose.objects.filter(partner=partner).order_by("ended_at", "code")), dict(FIELDS)
    for row in rows:
        row.opens = [labels.get(name, name) for name in row.fields]  # type: ignore[attr-defined]
    return rows


def _watched(rows: QuerySet[SpdciSubscription]) -> list[SpdciSubscription]:
    """Subscriptions in words: which events (`told_of`), the condition as the partner wrote it, and how many it knows of it (`known`)."""
    found = list(rows)
    known = dict(SpdciMatch.objects.filter(subscription__in=[row.pk for row in found if row.query]).values_list("subscription").annotate(count=Count("pk")))
    for row in found:
        row.told_of = "、".join(str(words) for name, words in EVENTS.items() if name in row.events.split(","))  # type: ignore[attr-defined]
        asked: Any = row.query
        if row.kind == "expression":
            asked = asked["value"]["expression"]["query"]
        row.condition, row.known = json.dumps(asked, ensure_ascii=False) if asked else "", known.get(row.pk, 0)  # type: ignore[attr-defined]
    return found


def _save_partner(client: ApiClient, partner: SpdciPartner | None, given: dict[str, Any]) -> None:
    services.set_partner(client_id=client.pk, now=timezone.now(), **given)


def _save_purpose(client: ApiClient, partner: SpdciPartner | None, given: dict[str, Any]) -> None:
    services.add_purpose(partner_id=partner.pk if partner else 0, now=timezone.now(), **given)


@require_POST
@may("api.manage")
def end_purpose(request: HttpRequest, purpose_id: int) -> HttpResponse:
    row = get_object_or_404(SpdciPurpose.objects.select_related("partner"), pk=purpose_id)
    try:
        services.end_purpose(purpose_id=row.pk, now=timezone.now())
        messages.success(request, _("用途已停用。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("api:spdci", row.partner.client_id)


class ConsentFilter(django_filters.FilterSet):
    name = PrefixFilter(field_name="person_name", label=gettext_lazy("姓名"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=[("live", gettext_lazy("有效")), ("gone", gettext_lazy("已撤回或已到期"))], method="by_state")

    class Meta:
        model = SpdciConsent
        fields: list[str] = []

    def by_state(self, rows: QuerySet[SpdciConsent], name: str, value: str) -> QuerySet[SpdciConsent]:
        live = Q(withdrawn_at__isnull=True, ends__gt=timezone.localdate())
        return rows.filter(live if value == "live" else ~live)


class WithdrawForm(forms.Form):
    consents = forms.TypedMultipleChoiceField(label=gettext_lazy("撤回哪些"), choices=(), coerce=int, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, rows: list[SpdciConsent], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["consents"].choices = [  # type: ignore[attr-defined]
            (row.pk, f"{row.purpose.label}（{row.purpose.partner.sender_id}），{row.starts} — {row.ends}，{row.document}") for row in rows
        ]


class Consents(ListPage):
    title = gettext_lazy("信息共享同意")
    act = "spdci.consent"
    crumbs = ((gettext_lazy("标准与参数"), ""),)
    filters = ConsentFilter
    order = ("-made_at", "id")
    template = "api/consents.html"
    subject = "spdci_consent"
    exports = False
    empty_title = gettext_lazy("还没有同意记录")
    empty_hint = gettext_lazy("本人同意把自己的情况告知别的单位的，在上面登记；以后在这里按人选择撤回。")
    columns = (
        Column(gettext_lazy("人员"), lambda row: row.person_name),
        Column(gettext_lazy("单位和用途"), lambda row: row.purpose.label, small=lambda row: row.purpose.partner.sender_id),
        Column(gettext_lazy("自"), "starts", kind="day"),
        Column(gettext_lazy("止"), "ends", kind="day"),
        Column(gettext_lazy("依据"), "document"),
        Column(
            gettext_lazy("状态"), lambda row: _("已撤回") if row.withdrawn_at else _("已到期") if row.ends <= timezone.localdate() else _("有效"), kind="tag",
            colour=lambda row: "gray" if row.withdrawn_at or row.ends <= timezone.localdate() else "green",
        ),
        Column(
            gettext_lazy("操作"), lambda row: None if row.withdrawn_at else _("撤回"), drawer=True, export=False,
            url=lambda row: None if row.withdrawn_at else reverse("api:consent_withdraw", args=[row.pk]),
        ),
    )  # fmt: skip

    def rows(self) -> QuerySet[SpdciConsent]:
        return services.consents()

    def context(self) -> dict[str, Any]:
        return {"consent": getattr(self, "_given", None) or ConsentForm()}


@require_POST
@may("spdci.consent")
def consent(request: HttpRequest) -> HttpResponse:
    """Note a consent."""
    form = ConsentForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            services.record_consent(
                purpose_id=int(given["purpose"]), number=given["number"], until=given["until"], document=given["document"], now=timezone.now()
            )
            messages.success(request, _("已登记。"))
            return redirect("api:consents")
        except ValidationError as error:
            errors_into(form, error)
    page = Consents()
    page.setup(request)
    page._given = form  # type: ignore[attr-defined]
    request.method = "GET"
    return page.dispatch(request)  # type: ignore[return-value]


@require_http_methods(["GET", "POST"])
@may("spdci.consent")
def withdraw(request: HttpRequest, consent_id: int) -> HttpResponse:
    """What the person of a consent agrees to, to choose what is withdrawn."""
    asked = get_object_or_404(services.consents(), pk=consent_id)
    rows = list(services.consents().filter(person_id=asked.person_id, withdrawn_at__isnull=True).order_by("made_at", "pk"))
    form = WithdrawForm(request.POST if request.method == "POST" else None, rows=rows, initial={"consents": [consent_id]})
    if form.is_bound and form.is_valid():
        try:
            services.withdraw_consents(person_id=asked.person_id, consent_ids=form.cleaned_data["consents"], now=timezone.now())
            messages.success(request, _("已撤回。"))
            return redirect("api:consents")
        except ValidationError as error:
            errors_into(form, error)
    context = {"name": asked.person_name, "form": form, "rows": rows, "consent": asked}  # type: ignore[attr-defined]
    return render(request, "api/consent_withdraw.html", context, status=422 if form.errors else 200)
