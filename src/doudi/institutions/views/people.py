"""Pages of who lives in a house."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, numbers
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions import queries, services
from doudi.institutions.forms import AdmitForm, IsolateForm, LeaveForm, ResidentForm
from doudi.institutions.models import Institution, Resident
from doudi.institutions.models.places import Bed
from doudi.institutions.services import Newcomer
from doudi.institutions.views.shared import do, found
from doudi.registry.queries import age_on


class ResidentFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("姓名"))
    bed = django_filters.ChoiceFilter(label=gettext_lazy("床位类别"), choices=Bed.choices, empty_label=gettext_lazy("全部"))
    left = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("left", gettext_lazy("已离院"))], empty_label=gettext_lazy("在住"), method="with_left"
    )

    class Meta:
        model = Resident
        fields: list[str] = []

    def with_left(self, rows: QuerySet[Resident], name: str, value: str) -> QuerySet[Resident]:
        return rows

    def filter_queryset(self, queryset: QuerySet[Resident]) -> QuerySet[Resident]:
        return super().filter_queryset(queryset).filter(ends__isnull=self.form.cleaned_data.get("left") != "left")


class Residents(ListPage):
    act = "institutions.view"
    subject = "resident"
    filters = ResidentFilter
    order = ("name", "pk")
    template = "institutions/residents.html"
    empty_title = gettext_lazy("还没有登记入住人员")
    empty_hint = gettext_lazy("登记入住后，日报的在院人数会与名册核对；一个人同一时间只在一家机构。")

    @property
    def title(self) -> str:  # type: ignore[override]
        return _("%(house)s 入住人员") % {"house": self.house.name}

    @property
    def crumbs(self) -> list[tuple[Any, str]]:  # type: ignore[override]
        return [(_("机构"), reverse("institutions:institutions")), (self.house.name, reverse("institutions:institution", args=[self.house.pk]))]

    @property
    def house(self) -> Institution:
        if not hasattr(self, "_house"):
            self._house = found(self.kwargs["pk"])
        return self._house

    def name(self, row: Resident) -> str:
        """In full for the house and its township; masked above."""
        return row.name if self.full else ui.mask_name(row.name)

    @property
    def full(self) -> bool:
        return duties.may("institutions.keep") or len(scopes.current().area) >= 9

    def get_columns(self) -> list[Column]:
        today = timezone.localdate()
        return [
            Column(_("姓名"), self.name, url=lambda row: reverse("institutions:resident", args=[row.institution_id, row.pk])),
            Column(_("性别"), lambda row: {"1": _("男"), "2": _("女")}.get(row.sex)),
            Column(_("年龄"), lambda row: age_on(row.birth_date, row.ends or today) if row.birth_date else None, kind="number"),
            Column(_("床位"), "get_bed_display", small=lambda row: row.room),
            Column(_("入住日期"), "starts", kind="day", sort="starts"),
            Column(_("救助家庭库"), lambda row: _("已关联") if row.person_id else _("未关联"), kind="tag", colour=lambda row: "green" if row.person_id else "gray"),
            Column(_("供养"), lambda row: queries.support_words(row)[0], small=lambda row: queries.support_words(row)[1]),
            Column(_("隔离观察"), lambda row: row.isolated, kind="tag", colour=lambda row: "orange"),
            Column(_("离院"), lambda row: row.get_leaving_display() or None, small=lambda row: ui.day(row.ends) if row.ends else None),
        ]

    def rows(self) -> QuerySet[Resident]:
        return queries.residents(self.house, timezone.localdate())

    def context(self) -> dict[str, Any]:
        return {"house": self.house, "may_keep": duties.may("institutions.keep")}


@may("institutions.keep")
def admit(request: HttpRequest, pk: int) -> HttpResponse:
    house = found(pk)
    form = AdmitForm(request.POST or None, beds=list(house.capacities.filter(beds__gt=0).values_list("kind", flat=True)))
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        starts = given.pop("starts")
        try:
            row = services.admit(institution_id=pk, newcomer=Newcomer(**given), starts=starts, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已办理入住：%(name)s。") % {"name": row.name})
            return redirect("institutions:residents", pk)
    return render(request, "institutions/admit.html", {"form": form, "row": house}, status=422 if form.errors else 200)


def of_house(pk: int, resident_id: int) -> Resident:
    row = Resident.objects.filter(pk=resident_id, institution_id=pk).select_related("institution", "made_by", "ended_by").first()
    if row is None:
        raise Http404
    return row


def resident_page(request: HttpRequest, row: Resident, *, status: int = 200, **forms: Any) -> HttpResponse:
    audit.record_access(what="open", subject="resident", subject_id=row.pk, area=row.area)
    today, keep = timezone.localdate(), duties.may("institutions.keep") and row.ends is None
    support, check = queries.support_of(row, timezone.localdate())
    stay = row.isolations.filter(ended_at__isnull=True).select_related("room").first()
    phone = numbers.plain(row.kin_phone) if row.kin_phone else None
    kin = ui.reveal({"request": request}, reverse("institutions:reveal_kin", args=[row.institution_id, row.pk]), ui.mask_phone(phone)) if phone else ui.NOTHING  # type: ignore[arg-type]
    desc: list[tuple[Any, ...]] = [
        (_("姓名"), row.name), (_("性别"), {"1": _("男"), "2": _("女")}.get(row.sex, "")),
        (_("证件号码"), ui.mask_id(numbers.plain(row.token)) if row.token else _("没有登记")),
        (_("年龄"), age_on(row.birth_date, today) if row.birth_date else ui.NOTHING), (_("床位"), f"{row.get_bed_display()} {row.room}".strip()),
        (_("入住日期"), ui.day(row.starts)), (_("供养"), f"{support} {check}".strip() or ui.NOTHING), (_("隔离观察"), stay.room.name if stay else _("没有")),
        (_("联系亲属"), f"{row.kin_name} {row.kin_relation}".strip() or ui.NOTHING),
        (_("亲属电话"), kin),
        (_("照料须知"), row.health or ui.NOTHING, True),
    ]  # fmt: skip
    if row.ends:
        desc += [(_("离院方式"), row.get_leaving_display()), (_("离院日期"), ui.day(row.ends)), (_("去向"), row.left_to or ui.NOTHING), (_("登记人"), row.ended_by or ui.NOTHING)]
    rooms = [(room.pk, f"{room.name}（{room.beds}）") for room in row.institution.rooms.filter(closed_at__isnull=True).order_by("name")]
    initial = {name: getattr(row, name) for name in ("version", "bed", "room", "kin_name", "kin_relation", "health")}
    context = {
        "row": row, "house": row.institution, "desc": desc, "keep": keep, "stay": stay, "person": row.person_id if duties.may("registry.view") else None,
        "change": ResidentForm(initial=initial), "leave": LeaveForm(), "isolate": IsolateForm(rooms=rooms) if rooms and stay is None else None, "check": check,
    } | forms  # fmt: skip
    return render(request, "institutions/resident.html", context, status=status)


@require_GET
@may("institutions.view")
def resident(request: HttpRequest, pk: int, resident_id: int) -> HttpResponse:
    return resident_page(request, of_house(pk, resident_id))


def _posted(request: HttpRequest, row: Resident, name: str, form: Any, call: Any, done: str) -> HttpResponse:
    if form.is_valid():
        try:
            call()
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, done)
            return redirect("institutions:resident", row.institution_id, row.pk)
    return resident_page(request, row, status=422, **{name: form})


@require_POST
@may("institutions.keep")
def resident_change(request: HttpRequest, pk: int, resident_id: int) -> HttpResponse:
    row, form = of_house(pk, resident_id), ResidentForm(request.POST)

    def call() -> None:
        given = form.cleaned_data | {"kin_phone": form.cleaned_data["kin_phone"] or None}
        services.change_resident(institution_id=pk, resident_id=resident_id, now=timezone.now(), **given)

    return _posted(request, row, "change", form, call, _("已保存。"))


@require_POST
@may("institutions.keep")
def resident_leave(request: HttpRequest, pk: int, resident_id: int) -> HttpResponse:
    row, form = of_house(pk, resident_id), LeaveForm(request.POST)
    return _posted(
        request, row, "leave", form, lambda: services.leave(institution_id=pk, resident_id=resident_id, now=timezone.now(), **form.cleaned_data), _("已办理离院。")
    )


@require_POST
@may("institutions.keep")
def resident_isolate(request: HttpRequest, pk: int, resident_id: int) -> HttpResponse:
    row = of_house(pk, resident_id)
    form = IsolateForm(request.POST, rooms=[(room.pk, room.name) for room in row.institution.rooms.filter(closed_at__isnull=True)])

    def call() -> None:
        services.isolate(institution_id=pk, room_id=form.cleaned_data["room"], reason=form.cleaned_data["reason"], resident_id=resident_id, now=timezone.now())

    return _posted(request, row, "isolate", form, call, _("已开始隔离观察。"))


@require_POST
@may("institutions.keep")
def isolation_end(request: HttpRequest, pk: int, stay_id: int) -> HttpResponse:
    found(pk)
    return do(request, lambda: services.end_isolation(institution_id=pk, stay_id=stay_id, now=timezone.now()), _("已解除隔离观察。"), "institutions:staff", pk)


@require_POST
@may("institutions.view")
def reveal_kin(request: HttpRequest, pk: int, resident_id: int) -> HttpResponse:
    """A relative's whole phone number, after its access record is committed."""
    row = of_house(pk, resident_id)
    audit.record_access(what="reveal", subject="resident", subject_id=row.pk, area=row.area, field="kin_phone")
    number = numbers.plain(row.kin_phone) or ""
    return HttpResponse(format_html('<span class="rv"><a href="tel:{}">{}</a></span>', number, number))
