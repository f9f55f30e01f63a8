"""Pages of organisations: the list, registering, one organisation with its papers and course."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import audit, duties, numbers, places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions.views.shared import do
from doudi.volunteering import codes, queries, services
from doudi.volunteering.forms import CredentialForm, OrganisationChangeForm, OrganisationForm
from doudi.volunteering.models import Credential, Organisation

S = Organisation.State
SUBJECT = "organisation"


class OrganisationFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("名称"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=Organisation.Kind.choices, empty_label=gettext_lazy("全部"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Organisation.State.choices, empty_label=gettext_lazy("全部"))
    ability = django_filters.ChoiceFilter(
        label=gettext_lazy("服务能力"), choices=lambda: list(codes.ABILITIES.items()), empty_label=gettext_lazy("全部"), field_name="abilities", lookup_expr="contains",
        method="with_ability",
    )  # fmt: skip
    area = AreaFilter(label=gettext_lazy("登记地"))
    on_call = django_filters.BooleanFilter(label=gettext_lazy("只看应急值守"), method="only_on_call", widget=forms.CheckboxInput)
    expiring = django_filters.BooleanFilter(label=gettext_lazy("资质将到期"), method="only_expiring", widget=forms.CheckboxInput)

    class Meta:
        model = Organisation
        fields: list[str] = []

    def with_ability(self, rows: QuerySet[Organisation], name: str, value: str) -> QuerySet[Organisation]:
        return rows.filter(abilities__contains=[value])

    def only_on_call(self, rows: QuerySet[Organisation], name: str, value: bool | None) -> QuerySet[Organisation]:
        return rows.filter(on_call=True, state=S.ACTIVE) if value else rows

    def only_expiring(self, rows: QuerySet[Organisation], name: str, value: bool | None) -> QuerySet[Organisation]:
        until = timezone.localdate() + timedelta(days=30)
        return rows.filter(Exists(Credential.objects.filter(organisation=OuterRef("pk"), ended_at__isnull=True, expires__lt=until))) if value else rows


class Organisations(ListPage):
    title = gettext_lazy("社会组织")
    act = "volunteering.view"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = OrganisationFilter
    order = ("-state", "area", "name", "id")
    subject = SUBJECT
    template = "volunteering/organisations.html"
    empty_title = gettext_lazy("没有符合条件的组织")
    empty_hint = gettext_lazy("慈善组织、志愿服务组织、社会工作服务站和愿意出力的企业登记、审核后列在这里。")
    columns = (
        Column(gettext_lazy("名称"), "name", url=lambda row: reverse("volunteering:organisation", args=[row.pk]), small=lambda row: _("应急值守") if row.on_call else ""),
        Column(gettext_lazy("类别"), "get_kind_display"),
        Column(gettext_lazy("登记地"), "area", kind="area"),
        Column(gettext_lazy("服务能力"), lambda row: codes.words(row.abilities, codes.ABILITIES)),
        Column(gettext_lazy("联系人"), "contact_name", small=lambda row: ui.mask_phone(numbers.plain(row.contact_phone))),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.ORGANISATION_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Organisation]:
        return Organisation.objects.all()

    def context(self) -> dict[str, Any]:
        return {"figures": queries.organisation_figures(timezone.localdate()), "may_register": duties.may("volunteering.organisations")}


@may("volunteering.organisations")
def new(request: HttpRequest) -> HttpResponse:
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.register_organisation(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记 %(name)s；请补录资质，再由另一名工作人员审核。") % {"name": row.name})
            return redirect("volunteering:organisation", pk=row.pk)
    return render(request, "volunteering/organisation_new.html", {"form": form}, status=422 if form.errors else 200)


def found(pk: int) -> Organisation:
    return get_object_or_404(Organisation.objects.select_related("made_by", "checked_by"), pk=pk)


def _page(request: HttpRequest, row: Organisation, *, change: OrganisationChangeForm | None = None, credential: CredentialForm | None = None) -> HttpResponse:
    own = row.area.startswith(request.scope.area)  # type: ignore[attr-defined]
    keeps = own and duties.may("volunteering.organisations")
    served = list(row.areas.values_list("served", flat=True))
    places.preload([*served, row.area])
    on = timezone.localdate()
    desc = [
        (_("编号"), row.number), (_("统一社会信用代码"), row.code), (_("类别"), row.get_kind_display()), (_("登记地"), ui.area_name(row.area)),
        (_("联系人"), row.contact_name), (_("地址"), row.address), (_("服务能力"), codes.words(row.abilities, codes.ABILITIES) or _("没有登记"), True),
        (_("服务地区"), "、".join(ui.area_name(code) for code in served) or ui.area_name(row.area), True),
        (_("应急值守"), _("是，接紧急需求") if row.on_call else _("否")),
        (_("登记"), f"{row.made_by.name if row.made_by else _('自行登记')} {ui.day(row.made_at)}"),
    ]  # fmt: skip
    if row.checked_at:
        desc.append((_("审核"), f"{row.checked_by.name if row.checked_by else ''} {ui.day(row.checked_at)}"))
    if row.state_reason:
        desc.append((_("原因"), row.state_reason, True))  # type: ignore[arg-type]
    papers = [(each, bool(each.expires and each.expires < on)) for each in row.credentials.filter(ended_at__isnull=True).order_by("kind")] if own else []
    initial = {
        "version": row.version, "name": row.name, "contact_name": row.contact_name, "address": row.address, "abilities": row.abilities, "areas": served,
        "on_call": row.on_call,
    }  # fmt: skip
    changes = keeps and row.state not in (S.ENDED, S.BLACKLISTED)
    context = {
        "row": row, "desc": desc, "papers": papers, "own": own, "keeps": keeps, "colour": queries.ORGANISATION_COLOURS[row.state],
        "masked": ui.mask_phone(numbers.plain(row.contact_phone)), "events": queries.events(row) if own else [], "people": row.volunteers.count(),
        "change": (change or OrganisationChangeForm(initial=initial)) if changes else None, "credential": (credential or CredentialForm()) if changes else None,
        "checks": own and row.state == S.PENDING and duties.may("volunteering.check"), "blacklists": own and duties.may("volunteering.blacklist"),
    }  # fmt: skip
    return render(request, "volunteering/organisation.html", context, status=422 if change or credential else 200)


@may("volunteering.view")
def organisation(request: HttpRequest, pk: int) -> HttpResponse:
    """One organisation; POST changes its data."""
    row = found(pk)
    if request.method != "POST":
        return _page(request, row)
    form = OrganisationChangeForm(request.POST)
    if form.is_valid():
        try:
            services.change_organisation(organisation_id=pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已保存。"))
            return redirect("volunteering:organisation", pk=pk)
    return _page(request, row, change=form)


@require_POST
@may("volunteering.organisations")
def credential(request: HttpRequest, pk: int) -> HttpResponse:
    row = found(pk)
    form = CredentialForm(request.POST)
    if form.is_valid():
        try:
            services.add_credential(organisation_id=pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记资质；证书照片可以在资质一栏上传。"))
            return redirect("volunteering:organisation", pk=pk)
    return _page(request, row, credential=form)


@require_POST
@may("volunteering.organisations")
def credential_end(request: HttpRequest, pk: int, credential_id: int) -> HttpResponse:
    found(pk)
    return do(request, lambda: services.end_credential(credential_id=credential_id, now=timezone.now()), _("已标为失效。"), "volunteering:organisation", pk)


@require_POST
@may("volunteering.view")
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """Check, suspend, resume, blacklist, end: the button says which."""
    found(pk)
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    version, now = _number(request.POST.get("version")), timezone.now()

    def go() -> None:
        if act in ("agree", "refuse"):
            services.check_organisation(organisation_id=pk, version=version, agree=act == "agree", reason=reason, now=now)
        else:
            services.set_organisation_state(organisation_id=pk, version=version, state=act, reason=reason, now=now)

    return do(request, go, _("已办理。"), "volunteering:organisation", pk)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


@require_POST
@may("volunteering.organisations")
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """A contact's whole phone number, after its access record is committed."""
    row = found(pk)
    if not row.area.startswith(request.scope.area):  # type: ignore[attr-defined]
        raise PermissionDenied(_("这家组织由其他地区登记。"))
    audit.record_access(what="reveal", subject=SUBJECT, subject_id=row.pk, area=row.area, field="contact_phone")
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(row.contact_phone)))
