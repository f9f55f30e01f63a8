"""The page of who works in a house, whom to call, its isolation rooms and its clerks."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import duties, numbers
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.institutions import queries, services
from doudi.institutions.forms import ClerkForm, ContactForm, RoomForm, StaffForm
from doudi.institutions.models import IsolationStay, StaffMember
from doudi.institutions.views.shared import do, found


@require_GET
@may("institutions.view")
def staff(request: HttpRequest, pk: int) -> HttpResponse:
    row, manage, today = found(pk), duties.may("institutions.manage"), timezone.localdate()
    clerks = list(row.clerks.filter(ended_at__isnull=True).select_related("account"))
    rooms = list(row.rooms.filter(closed_at__isnull=True).order_by("name"))
    stays: dict[int, list[IsolationStay]] = {room.pk: [] for room in rooms}
    for stay in IsolationStay.objects.filter(room__in=rooms, ended_at__isnull=True).select_related("resident", "staff").order_by("started_at"):
        stays[stay.room_id].append(stay)
    context = {
        "row": row, "staff": list(StaffMember.objects.filter(institution=row, ends__isnull=True).select_related("account").order_by("role", "name")),
        "contacts": [(each, ui.mask_phone(numbers.plain(each.phone))) for each in row.contacts.filter(ended_at__isnull=True).order_by("role", "name")],
        "rooms": [(room, stays[room.pk]) for room in rooms], "clerks": clerks, "today": today, "may_keep": duties.may("institutions.keep"), "may_manage": manage,
        "staff_form": StaffForm(accounts=[(clerk.account_id, clerk.account.name) for clerk in clerks]), "contact_form": ContactForm(), "room_form": RoomForm(),
        "clerk_form": ClerkForm(accounts=queries.clerks_to_appoint(row, today)) if manage else None,
    }  # fmt: skip
    return render(request, "institutions/staff.html", context)


@require_POST
@may("institutions.keep")
def staff_add(request: HttpRequest, pk: int) -> HttpResponse:
    row = found(pk)
    form = StaffForm(request.POST, accounts=[(clerk.account_id, clerk.account.name) for clerk in row.clerks.filter(ended_at__isnull=True).select_related("account")])

    def call() -> None:
        given = form.cleaned_data
        services.add_staff(
            institution_id=pk, name=given["name"], role=given["role"], phone=given["phone"], account_id=given["account"], starts=given["starts"], now=timezone.now()
        )

    return do(request, call, _("已登记到岗人员。"), "institutions:staff", pk, form=form)


@require_POST
@may("institutions.keep")
def staff_end(request: HttpRequest, pk: int, staff_id: int) -> HttpResponse:
    found(pk)
    return do(
        request, lambda: services.end_staff(institution_id=pk, staff_id=staff_id, on=timezone.localdate(), now=timezone.now()), _("已登记离岗。"),
        "institutions:staff", pk,
    )  # fmt: skip


@require_POST
@may("institutions.keep")
def contact_set(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    form = ContactForm(request.POST)
    return do(request, lambda: services.set_contact(institution_id=pk, now=timezone.now(), **form.cleaned_data), _("已登记联系人。"), "institutions:staff", pk, form=form)


@require_POST
@may("institutions.keep")
def contact_end(request: HttpRequest, pk: int, contact_id: int) -> HttpResponse:
    found(pk)
    return do(request, lambda: services.end_contact(institution_id=pk, contact_id=contact_id, now=timezone.now()), _("已撤销联系人。"), "institutions:staff", pk)


@require_POST
@may("institutions.keep")
def room_set(request: HttpRequest, pk: int) -> HttpResponse:
    found(pk)
    form = RoomForm(request.POST)
    return do(request, lambda: services.set_room(institution_id=pk, now=timezone.now(), **form.cleaned_data), _("已设置隔离观察室。"), "institutions:staff", pk, form=form)


@require_POST
@may("institutions.manage")
def clerk_set(request: HttpRequest, pk: int) -> HttpResponse:
    row = found(pk)
    form = ClerkForm(request.POST, accounts=queries.clerks_to_appoint(row, timezone.localdate()))
    return do(
        request, lambda: services.appoint_clerk(institution_id=pk, account_id=form.cleaned_data["account"], now=timezone.now()), _("已指定填报员。"),
        "institutions:staff", pk, form=form,
    )  # fmt: skip


@require_POST
@may("institutions.manage")
def clerk_end(request: HttpRequest, pk: int, account_id: int) -> HttpResponse:
    found(pk)
    return do(request, lambda: services.release_clerk(institution_id=pk, account_id=account_id, now=timezone.now()), _("已解除填报员。"), "institutions:staff", pk)
