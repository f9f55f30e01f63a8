"""Following a case: number and phone, then the code that came by SMS. Every wrong thing is answered alike."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from doudi.core import codes, places
from doudi.core.public import PublicForm
from doudi.portal.forms import guards_last
from doudi.portal.procedures import FOLLOW_LIMIT
from doudi.portal.services import following
from doudi.portal.views.base import too_many, within


class AskForm(PublicForm):
    number = forms.CharField(
        label=gettext_lazy("受理编号"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}), help_text=gettext_lazy("WS 或 SQ 开头，在回执或告知书上")
    )
    phone = forms.CharField(label=gettext_lazy("申请时留的手机号"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        guards_last(self)


class CodeForm(forms.Form):
    number = forms.CharField(max_length=40, widget=forms.HiddenInput)
    phone = forms.CharField(max_length=30, widget=forms.HiddenInput)
    code = forms.CharField(label=gettext_lazy("验证码"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest) -> HttpResponse:
    """Ask for the code."""
    form = AskForm(request.POST or None)
    if request.method != "POST":
        return render(request, "portal/follow.html", {"form": form})
    valid = form.is_valid()
    if not within(request, page="portal.follow", setting=FOLLOW_LIMIT, area=places.PROVINCE, valid=valid):
        return too_many(request)
    if not valid or form.trapped:
        return render(request, "portal/follow.html", {"form": form.fresh()}, status=422)
    number, phone = form.cleaned_data["number"], form.cleaned_data["phone"]
    try:
        following.send_code(number=number, phone=phone, request=request, now=timezone.now())
    except codes.TooMany:
        return too_many(request)
    return render(request, "portal/follow_code.html", {"form": CodeForm(initial={"number": number, "phone": phone})})


@never_cache
@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """The case, for the right code."""
    form = CodeForm(request.POST)
    if not within(request, page="portal.code", setting=FOLLOW_LIMIT, area=places.PROVINCE):
        return too_many(request)
    if form.is_valid():
        found = following.look(**form.cleaned_data, now=timezone.now())
        if found is not None:
            return render(request, "portal/followed.html", {"found": found})
        form.add_error("code", _("验证码不对、已过期，或者编号与手机号不符；请核对，或重新获取验证码。"))
    return render(request, "portal/follow_code.html", {"form": form}, status=422)
