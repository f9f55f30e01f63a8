"""What a caller may be told of their payments (发放查询), for hotline operators."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from doudi.core.forms import errors_into
from doudi.core.views.access import may
from doudi.payments import openness

LABELS = {"paid": (_("已到账"), "green"), "returned": (_("退回待补发"), "orange"), "on_the_way": (_("发放中"), ""), "waiting": (_("未发放"), "orange")}


class InquiryForm(forms.Form):
    name = forms.CharField(label=_("姓名"), max_length=60)
    id_number = forms.CharField(label=_("身份证号"), max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    check = forms.CharField(
        label=_("手机号或收款账号后四位"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}), help_text=_("由来电人报出，不要提示。")
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@may("payments.tell")
def inquiry(request: HttpRequest) -> HttpResponse:
    """Posted, so that no number stands in an address. Shows nothing but what the caller may be told."""
    form, now = InquiryForm(request.POST or None), timezone.now()
    person, rows = None, []
    if request.method == "POST" and form.is_valid():
        try:
            person = openness.identify_caller(now=now, **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            english = (get_language() or "").startswith("en")
            for told in openness.told_to(openness.households_of(person, timezone.localdate(now))):
                label, colour = LABELS[told.state]
                rows.append({"told": told, "words": told.en if english else told.zh, "label": label, "colour": colour})
    return render(request, "payments/inquiry.html", {"form": form, "person": person, "rows": rows}, status=422 if form.errors else 200)
