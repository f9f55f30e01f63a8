"""Accounts and postings for the administrator (系统管理). No personal data of people in need."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.core.lists import Column, ListPage, PrefixFilter
from doudi.core.models import Account, Division, Duty, Posting
from doudi.core.services import staff
from doudi.core.views.access import may


class AccountFilter(django_filters.FilterSet):
    username = PrefixFilter(label=gettext_lazy("账号"))
    name = PrefixFilter(label=gettext_lazy("姓名"))
    duty = django_filters.ChoiceFilter(label=gettext_lazy("岗位"), choices=Duty.choices, method="by_duty", empty_label=gettext_lazy("全部"))
    is_active = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[(True, gettext_lazy("启用")), (False, gettext_lazy("停用"))], empty_label=gettext_lazy("全部")
    )

    class Meta:
        model = Account
        fields: list[str] = []

    def by_duty(self, rows: QuerySet[Account], name: str, value: str) -> QuerySet[Account]:
        return rows.filter(Exists(Posting.objects.filter(account_id=OuterRef("pk"), duty=value)))


class Accounts(ListPage):
    title = gettext_lazy("账号与岗位")
    act = "staff.manage"
    crumbs = [(gettext_lazy("系统管理"), "")]
    filters = AccountFilter
    order = ("username",)
    template = "doudi/pages/accounts.html"
    subject = "account"
    empty_title = gettext_lazy("还没有账号")
    columns = [
        Column(gettext_lazy("账号"), "username", url=lambda row: reverse("account", args=[row.pk]), drawer=True, sort="username"),
        Column(gettext_lazy("姓名"), "name"),
        Column(gettext_lazy("在任岗位"), lambda row: "、".join(_held(row)) or "—"),
        Column(gettext_lazy("上次登录"), "last_login", kind="day"),
        Column(
            gettext_lazy("状态"),
            lambda row: _("启用") if row.is_active else _("停用"),
            kind="tag",
            colour=lambda row: "green" if row.is_active else "gray",
        ),
    ]

    def rows(self) -> QuerySet[Account]:
        # row-level security shows the postings of the own area only, and with them the accounts
        return Account.objects.filter(Exists(Posting.objects.filter(account_id=OuterRef("pk")))).prefetch_related("postings")


def _held(account: Account) -> list[str]:
    today = timezone.localdate()
    return [f"{posting.get_duty_display()}（{places.name(posting.area)}）" for posting in account.postings.all() if posting.holds_on(today)]


class PostingForm(forms.Form):
    duty = forms.ChoiceField(label=gettext_lazy("岗位"), choices=[("", gettext_lazy("请选择")), *Duty.choices])
    area = forms.CharField(
        label=gettext_lazy("地区"),
        max_length=40,
        help_text=gettext_lazy("代码或名称，例如 410724100 或 城关镇"),
        widget=forms.TextInput(attrs={"list": "areas"}),
    )
    starts = forms.DateField(label=gettext_lazy("自"), widget=DayInput())

    def clean_area(self) -> str:
        """A code, or the name of one division within the own area."""
        text = self.cleaned_data["area"].strip().split(" ")[0]
        if text.isdigit():
            return text
        own = scopes.current()
        found = list(Division.objects.filter(name=text, code__gte=own.low, code__lt=own.high, ends__isnull=True).values_list("code", flat=True)[:3])
        if len(found) != 1:
            raise ValidationError(_("管辖范围内没有这一名称，或有多个同名；请填代码。"))
        return str(found[0])


class AccountForm(PostingForm):
    username = forms.CharField(label=gettext_lazy("账号"), max_length=60)
    name = forms.CharField(label=gettext_lazy("姓名"), max_length=60)
    field_order = ["username", "name", "duty", "area", "starts"]


def _areas() -> list[tuple[str, str]]:
    own = scopes.current().area
    return [(own, places.name(own)), *places.children(own)]


def _initial() -> dict[str, Any]:
    return {"starts": timezone.localdate()}


@never_cache
@require_http_methods(["GET", "POST"])
@may("staff.manage")
def new(request: HttpRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, initial=_initial())
    if request.method == "POST" and form.is_valid():
        try:
            account, password = staff.create_account(**form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return render(request, "doudi/pages/password_once.html", {"account": account, "password": password})
    return render(request, "doudi/pages/account_new.html", {"form": form, "areas": _areas()})


def _account(account_id: int) -> Account:
    found = Account.objects.filter(pk=account_id).filter(Exists(Posting.objects.filter(account_id=OuterRef("pk")))).first()
    if found is None:
        raise Http404
    return found


def _show(request: HttpRequest, account: Account, form: PostingForm) -> HttpResponse:
    postings = list(Posting.objects.filter(account=account).select_related("made_by").order_by("-starts", "-id"))
    places.preload(posting.area for posting in postings)
    today = timezone.localdate()
    context = {"account": account, "postings": postings, "form": form, "today": today, "areas": _areas(), "own": account.pk == request.user.pk}
    return render(request, "doudi/pages/account.html", context)


@require_GET
@may("staff.manage")
def show(request: HttpRequest, account_id: int) -> HttpResponse:
    return _show(request, _account(account_id), PostingForm(initial=_initial()))


@require_POST
@may("staff.manage")
def add(request: HttpRequest, account_id: int) -> HttpResponse:
    account, form = _account(account_id), PostingForm(request.POST)
    if form.is_valid():
        try:
            staff.add_posting(account_id=account.pk, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("已任命。"))
            return redirect("account", account_id)
    return _show(request, account, form)


@require_POST
@may("staff.manage")
def end(request: HttpRequest, posting_id: int) -> HttpResponse:
    posting = Posting.objects.filter(pk=posting_id).first()
    if posting is None:
        raise Http404
    try:
        staff.end_posting(posting_id=posting_id, ends=timezone.localdate())
        messages.success(request, _("岗位已结束。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("account", posting.account_id)


@never_cache
@require_POST
@may("staff.manage")
def change(request: HttpRequest, account_id: int) -> HttpResponse:
    """Close, open again, new one-time password."""
    account, action, today = _account(account_id), request.POST.get("action"), timezone.localdate()
    try:
        if action == "password":
            password = staff.reset_password(account_id=account.pk, on=today)
            return render(request, "doudi/pages/password_once.html", {"account": account, "password": password})
        if action == "mail":
            staff.set_mail(account_id=account.pk, mail=request.POST.get("mail", "")[:200], on=today)
            messages.success(request, _("邮箱已保存。"))
            return redirect("account", account_id)
        if action not in ("close", "open"):
            raise Http404
        staff.set_active(account_id=account.pk, active=action == "open", on=today)
        messages.success(request, _("账号已启用。") if action == "open" else _("账号已停用。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("account", account_id)
