"""Pages of volunteers for officers: the list, registering, one volunteer with hours, training and certificates."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import audit, duties, numbers
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions.views.shared import do
from doudi.registry.codes import ETHNICITIES
from doudi.volunteering import codes, queries, services
from doudi.volunteering.forms import PROFILE, ConsentForm, PeriodForm, TrainingForm, VolunteerChangeForm, VolunteerForm
from doudi.volunteering.models import Volunteer
from doudi.volunteering.services.base import is_minor
from doudi.volunteering.views.organisations import _number

S = Volunteer.State
SUBJECT = "volunteer"


class VolunteerFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("姓名"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Volunteer.State.choices, empty_label=gettext_lazy("全部"))
    skill = django_filters.ChoiceFilter(label=gettext_lazy("服务技能"), choices=lambda: list(codes.SKILLS.items()), empty_label=gettext_lazy("全部"), method="with_skill")
    area = AreaFilter(label=gettext_lazy("所在地"))
    minor = django_filters.BooleanFilter(label=gettext_lazy("只看未成年人"), method="only_minors", widget=forms.CheckboxInput)

    class Meta:
        model = Volunteer
        fields: list[str] = []

    def with_skill(self, rows: QuerySet[Volunteer], name: str, value: str) -> QuerySet[Volunteer]:
        return rows.filter(skills__contains=[value])

    def only_minors(self, rows: QuerySet[Volunteer], name: str, value: bool | None) -> QuerySet[Volunteer]:
        on = timezone.localdate()
        day = on.replace(year=on.year - 18, day=min(on.day, 28) if on.month == 2 else on.day)
        return rows.filter(birth_date__gt=day) if value else rows


class Volunteers(ListPage):
    title = gettext_lazy("志愿者")
    act = "volunteering.people"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = VolunteerFilter
    order = ("-state", "area", "name", "id")
    subject = SUBJECT
    exports = False
    template = "volunteering/volunteers.html"
    empty_title = gettext_lazy("没有符合条件的志愿者")
    empty_hint = gettext_lazy("志愿者在公开页面自行登记，或由工作人员登记；核验证件后才能报名。")

    def get_columns(self) -> list[Column]:
        on = timezone.localdate()
        return [
            Column(_("姓名"), "name", url=lambda row: reverse("volunteering:volunteer", args=[row.pk]), small=lambda row: row.number),
            Column(_("性别、年龄"), lambda row: f"{row.get_sex_display()}　{on.year - row.birth_date.year - ((on.month, on.day) < (row.birth_date.month, row.birth_date.day))}",
                   small=lambda row: _("未成年人") if is_minor(row.birth_date, on) else ""),
            Column(_("所在地"), "area", kind="area"),
            Column(_("手机"), lambda row: ui.mask_phone(numbers.plain(row.phone)), kind="code"),
            Column(_("所属组织"), lambda row: row.organisation.name if row.organisation else _("个人志愿者")),
            Column(_("服务技能"), lambda row: codes.words(row.skills, codes.SKILLS)),
            Column(_("状态"), "get_state_display", kind="tag", colour=lambda row: queries.VOLUNTEER_COLOURS[row.state]),
        ]  # fmt: skip

    def rows(self) -> QuerySet[Volunteer]:
        return queries.here(Volunteer.objects.select_related("organisation"))

    def context(self) -> dict[str, Any]:
        return {"figures": queries.volunteer_figures(timezone.localdate()), "may_register": duties.may("volunteering.volunteers"), "may_export": duties.may("volunteering.export")}


def profile_of(given: dict[str, Any]) -> services.Profile:
    """Takes the profile's fields out of a cleaned form."""
    return services.Profile(**{name: given.pop(name) for name in PROFILE if name in given})


def guardian_of(given: dict[str, Any]) -> services.Guardian:
    return services.Guardian(given.pop("guardian_name", ""), given.pop("guardian_relation", ""), given.pop("guardian_phone", ""))


@may("volunteering.volunteers")
def new(request: HttpRequest) -> HttpResponse:
    form = VolunteerForm(queries.organisations_for_choice(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        profile, guardian, organisation = profile_of(given), guardian_of(given), given.pop("organisation")
        try:
            row = services.register_volunteer(**given, profile=profile, guardian=guardian, organisation_id=int(organisation) if organisation else None, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记 %(name)s；核验证件后可以报名。") % {"name": row.name})
            return redirect("volunteering:volunteer", pk=row.pk)
    return render(request, "volunteering/volunteer_new.html", {"form": form}, status=422 if form.errors else 200)


def found(pk: int) -> Volunteer:
    return get_object_or_404(Volunteer.objects.select_related("organisation", "verified_by", "consent_by", "made_by"), pk=pk)


def _page(
    request: HttpRequest, row: Volunteer, *, change: VolunteerChangeForm | None = None, consent: ConsentForm | None = None, training: TrainingForm | None = None
) -> HttpResponse:
    own = row.area.startswith(request.scope.area)  # type: ignore[attr-defined]
    keeps, on = own and duties.may("volunteering.volunteers"), timezone.localdate()
    minor, served = is_minor(row.birth_date, on), queries.hours_of(row)
    desc: list[tuple[Any, ...]] = [
        (_("志愿者编号"), row.number), (_("证件"), f"{row.get_document_kind_display()}　{ui.mask_id(numbers.plain(row.document))}"), (_("性别"), row.get_sex_display()),
        (_("出生日期"), ui.day(row.birth_date)), (_("所在地"), ui.area_name(row.area)), (_("所属组织"), row.organisation.name if row.organisation else _("个人志愿者")),
        (_("服务技能"), codes.words(row.skills, codes.SKILLS) or _("没有登记")), (_("愿意做的服务"), codes.words(row.services, codes.SERVICES) or _("没有登记")),
        (_("可服务时间"), codes.time_words(row.times) or _("没有登记")), (_("愿意前往的距离"), _("%(km)d 公里以内") % {"km": row.distance}),
        (_("民族"), ETHNICITIES.get(row.ethnicity)), (_("政治面貌"), codes.POLITICAL.get(row.political)), (_("文化程度"), codes.EDUCATION.get(row.education)),
        (_("从业状况"), codes.EMPLOYMENT.get(row.employment)), (_("登记"), f"{row.made_by.name if row.made_by else _('自行登记')} {row.registered_on}"),
        (_("核验证件"), f"{row.verified_by.name if row.verified_by else ''} {ui.day(row.verified_at)}" if row.verified_at else _("还没有核验")),
    ]  # fmt: skip
    if row.state_reason:
        desc.append((_("原因"), row.state_reason, True))
    if row.guardian_name:
        agreed = _("%(day)s 登记同意") % {"day": ui.day(row.consent_at)} if row.consent_at else _("还没有登记同意")
        desc.append((_("监护人"), f"{row.guardian_name}　{row.guardian_relation}　{agreed}", True))
    initial = {"version": row.version, "organisation": row.organisation_id or "", **{name: getattr(row, name) or "" for name in PROFILE[3:]}}
    initial |= {"skills": row.skills, "services": row.services, "times": row.times, "distance": row.distance}
    changes = keeps and row.state not in (S.ENDED, S.BLACKLISTED)
    guardian = {"version": row.version, "guardian_name": row.guardian_name, "guardian_relation": row.guardian_relation}
    context = {
        "row": row, "desc": desc, "own": own, "keeps": keeps, "minor": minor, "colour": queries.VOLUNTEER_COLOURS[row.state], "served": served,
        "masked": ui.mask_phone(numbers.plain(row.phone)), "events": queries.events(row) if own else [],
        "records": list(row.records.select_related("organisation").order_by("-starts")[:20]), "record_colours": queries.RECORD_COLOURS,
        "trainings": list(row.trainings.order_by("-on")[:20]), "papers": list(row.certificates.order_by("-id")[:20]) if own else [],
        "change": (change or VolunteerChangeForm(queries.organisations_for_choice(), initial=initial)) if changes else None,
        "consent": (consent or ConsentForm(initial=guardian)) if changes and minor and not row.consent_at else None,
        "training": (training or TrainingForm()) if changes else None, "blacklists": own and duties.may("volunteering.blacklist"),
        "period": PeriodForm(initial={"starts": on.replace(month=1, day=1), "ends": on}) if own and duties.may("volunteering.hours") and row.verified_at else None,
    }  # fmt: skip
    return render(request, "volunteering/volunteer.html", context, status=422 if change or consent or training else 200)


@may("volunteering.people")
def volunteer(request: HttpRequest, pk: int) -> HttpResponse:
    """One volunteer; POST changes their data. Opening is recorded."""
    row = found(pk)
    if request.method != "POST":
        audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area)
        return _page(request, row)
    form = VolunteerChangeForm(queries.organisations_for_choice(), request.POST)
    if form.is_valid():
        given = dict(form.cleaned_data)
        profile, organisation = profile_of(given), given.pop("organisation")
        try:
            services.change_volunteer(volunteer_id=pk, profile=profile, organisation_id=int(organisation) if organisation else None, **given, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已保存。"))
            return redirect("volunteering:volunteer", pk=pk)
    return _page(request, row, change=form)


@require_POST
@may("volunteering.volunteers")
def consent(request: HttpRequest, pk: int) -> HttpResponse:
    row = found(pk)
    form = ConsentForm(request.POST)
    if form.is_valid():
        given = dict(form.cleaned_data)
        try:
            services.give_consent(volunteer_id=pk, version=given["version"], guardian=guardian_of(given), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记监护人同意；请把同意书拍照上传。"))
            return redirect("volunteering:volunteer", pk=pk)
    return _page(request, row, consent=form)


@require_POST
@may("volunteering.volunteers")
def training(request: HttpRequest, pk: int) -> HttpResponse:
    row = found(pk)
    form = TrainingForm(request.POST)
    if form.is_valid():
        try:
            services.add_training(volunteer_id=pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记培训。"))
            return redirect("volunteering:volunteer", pk=pk)
    return _page(request, row, training=form)


@require_POST
@may("volunteering.volunteers")
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """Verify, pause, resume, blacklist, end, withdraw consent: the button says which."""
    found(pk)
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    version, now = _number(request.POST.get("version")), timezone.now()

    def go() -> None:
        if act == "verify":
            services.verify_volunteer(volunteer_id=pk, version=version, now=now)
        elif act == "withdraw_consent":
            services.withdraw_consent(volunteer_id=pk, version=version, reason=reason, now=now)
        else:
            services.set_volunteer_state(volunteer_id=pk, version=version, state=act, reason=reason, now=now)

    return do(request, go, _("已办理。"), "volunteering:volunteer", pk)


@require_POST
@may("volunteering.volunteers")
def reveal(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """A whole number (phone, document, guardian), after its access record is committed."""
    row = found(pk)
    value = {"phone": row.phone, "document": row.document, "guardian": row.guardian_phone}.get(what)
    if value is None or not row.area.startswith(request.scope.area):  # type: ignore[attr-defined]
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))
    audit.record_access(what="reveal", subject=SUBJECT, subject_id=row.pk, area=row.area, field=what)
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(value)))
