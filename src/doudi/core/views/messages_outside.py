"""What the outside says about messages: reports and replies of the gateway, and people who want no messages (退订)."""

from __future__ import annotations

import logging
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from doudi.batch import idnumber
from doudi.core import codes, numbers, public, sms
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage
from doudi.core.models import MessageOptOut
from doudi.core.numbers import Kind
from doudi.core.public import PublicForm
from doudi.core.services import messages as service
from doudi.core.services.sending import take_reports
from doudi.core.templatetags.ui import mask_phone
from doudi.core.views.access import may

logger = logging.getLogger(__name__)
PURPOSE = "messages"
FORGED_AN_HOUR = 100
CHOICES = (("stop", gettext_lazy("不再接收短信")), ("start", gettext_lazy("恢复接收短信")))


@csrf_exempt
@require_POST
def report(request: HttpRequest, what: str) -> HttpResponse:
    """Reports (`reports`) or replies (`replies`) of the gateway, signed; the same call twice changes nothing more."""
    try:
        reading = getattr(sms.gateway(), what)
    except sms.Unset:
        reading = None
    if reading is None:
        raise Http404
    now = timezone.now()
    if not reading.genuine(request.body, request.headers.get(reading.header, "")):
        logger.warning("messages: %s with a wrong signature", what)
        enough = not public.allowed(request, page="sms forged", most=FORGED_AN_HOUR, now=now)
        return HttpResponse(status=429 if enough else 403)
    try:
        if what == "reports":
            take_reports(channel="sms", reports=reading.reports(request.body), now=now)
        else:
            for item in reading.each(request.body):
                _take_reply(reading, item)
    except ValueError:  # signed, and not as described: somebody has to look at the description
        logger.error("messages: %s cannot be read by sms.toml", what)
        return HttpResponse(status=400)
    return HttpResponse(reading.answer, content_type="text/plain; charset=utf-8")


def _take_reply(reading: sms.Reading, item: Any) -> None:
    """An answer from a phone: a word that stops or starts messages; anything else is nobody's to read and is not kept."""
    word = idnumber.normalise(sms.said(sms.at(item, reading.text))).upper()
    if word not in (*reading.stop, *reading.start):
        return
    try:
        phone = idnumber.check_phone(sms.said(sms.at(item, reading.phone)))
    except ValueError:
        return
    service.holder_says(phone=numbers.token_of(Kind.PHONE, phone), wants=word in reading.start, reason="短信回复", now=timezone.now())


class StopForm(PublicForm):
    phone = forms.CharField(label=gettext_lazy("手机号"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}))
    what = forms.ChoiceField(label=gettext_lazy("您要"), choices=CHOICES, initial="stop", widget=forms.RadioSelect)
    field_order = ["phone", "what", "website", "answer", "sealed"]


class CodeForm(forms.Form):
    phone = forms.CharField(max_length=30, widget=forms.HiddenInput)
    what = forms.ChoiceField(choices=CHOICES, widget=forms.HiddenInput)
    code = forms.CharField(
        label=gettext_lazy("短信验证码"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"})
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest) -> HttpResponse:
    """Who has a phone says by a code that no messages are wanted there, or again some. Works without script; the same for every phone."""
    now = timezone.now()
    if request.method == "POST" and "code" in request.POST:
        coded = CodeForm(request.POST)
        if coded.is_valid():
            phone, what = coded.cleaned_data["phone"], coded.cleaned_data["what"]
            if codes.check(phone=phone, purpose=PURPOSE, code=coded.cleaned_data["code"], now=now):
                token = numbers.token_of(Kind.PHONE, idnumber.check_phone(phone))
                service.holder_says(phone=token, wants=what == "start", reason="本人网上办理", now=now)
                return render(request, "doudi/pages/messages_stopped.html", {"what": what})
            coded.add_error("code", _("验证码不对或已过期（10 分钟内有效，最多试 5 次）；请核对，或者重新获取。"))
        return render(request, "doudi/pages/messages_stop.html", {"form": coded, "coded": True}, status=422)
    form = StopForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = {"phone": form.cleaned_data["phone"], "what": form.cleaned_data["what"]}
        try:
            if not form.trapped:
                codes.send(phone=given["phone"], purpose=PURPOSE, request=request, now=now)
            return render(request, "doudi/pages/messages_stop.html", {"form": CodeForm(initial=given), "coded": True})
        except ValidationError as error:
            form.add_error("phone", error)
    status = 422 if request.method == "POST" else 200
    return render(request, "doudi/pages/messages_stop.html", {"form": form.fresh() if status == 422 else form}, status=status)


class OptOutForm(forms.Form):
    phone = forms.CharField(label=gettext_lazy("手机号"), max_length=30)
    what = forms.ChoiceField(label=gettext_lazy("办理"), choices=CHOICES, initial="stop")
    reason = forms.CharField(label=gettext_lazy("说明"), max_length=200, required=False)


class OptOuts(ListPage):
    title = gettext_lazy("退订短信")
    act = "messages.optout"
    crumbs = [(gettext_lazy("系统管理"), "")]
    order = ("-made_at", "id")
    template = "doudi/pages/opt_outs.html"
    subject = "opt_out"
    exports = False
    empty_title = gettext_lazy("没有人退订")
    empty_hint = gettext_lazy("群众回复“退订”、在网上办理或由工作人员登记的，列在这里。退订后只发送法律规定必须告知的内容和本人索要的验证码。")
    columns = [
        Column(gettext_lazy("手机"), lambda row: mask_phone(numbers.plain(row.phone)) if row.phone else _("登记人员的全部电话")),
        Column(gettext_lazy("登记"), "made_at", kind="day", sort="made_at"),
        Column(gettext_lazy("办理"), lambda row: row.made_by.name if row.made_by else _("本人")),
        Column(gettext_lazy("说明"), "reason"),
        Column(
            gettext_lazy("状态"), lambda row: _("已恢复") if row.ended_at else _("退订中"), kind="tag",
            colour=lambda row: "gray" if row.ended_at else "orange",
        ),
    ]  # fmt: skip

    def rows(self) -> QuerySet[MessageOptOut]:
        own = scopes.current()  # the policy shows everybody's, since a number is one wherever; the list is of the own area
        return MessageOptOut.objects.filter(area__gte=own.low, area__lt=own.high).select_related("made_by")

    def context(self) -> dict[str, Any]:
        return {"optout": getattr(self, "_given", None) or OptOutForm()}


@require_POST
@may("messages.optout")
def opt_out(request: HttpRequest) -> HttpResponse:
    """An officer notes what somebody said at the counter or on the phone."""
    form, now = OptOutForm(request.POST), timezone.now()
    if form.is_valid():
        try:
            phone = numbers.token_of(Kind.PHONE, idnumber.check_phone(form.cleaned_data["phone"]))
            if form.cleaned_data["what"] == "start":
                if not service.opt_in(phone=phone, now=now):
                    raise ValidationError({"phone": _("这个号码没有退订，或是在别处登记的；请本人回复短信或在网上恢复。")})
            else:
                service.opt_out(area=scopes.current().area, phone=phone, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, _("已登记。"))
            return redirect("opt_outs")
        except ValidationError as error:
            errors_into(form, error)
        except ValueError as error:
            form.add_error("phone", str(error))
    page = OptOuts()
    page.setup(request)
    page._given = form  # type: ignore[attr-defined]
    request.method = "GET"
    return page.dispatch(request)  # type: ignore[return-value]
