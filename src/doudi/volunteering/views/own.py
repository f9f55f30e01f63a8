"""What a volunteer or an organisation's contact does by themselves after proving a phone: shifts, checking in and out, hours, certificate.

Each view runs under the person's own scope (`session.acting`): the database shows their own rows alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from doudi.core import letters
from doudi.core.forms import errors_into
from doudi.volunteering import codes, paper, queries, services
from doudi.volunteering.forms import PROFILE, PeriodForm, ProposalForm
from doudi.volunteering.models import Organisation, ServiceCertificate, ServiceRecord, Shift, SignUp, Volunteer
from doudi.volunteering.public_forms import OwnProfileForm
from doudi.volunteering.services import certificates, session
from doudi.volunteering.services.activities import when
from doudi.volunteering.services.base import is_minor
from doudi.volunteering.services.session import Who
from doudi.volunteering.views.door import page, who_of
from doudi.volunteering.views.organisations import _number
from doudi.volunteering.views.volunteers import profile_of


def signed_in(kind: str, *acts: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """`@signed_in("volunteer")`: a view `(request, who, …)` under that person's own scope; others prove their phone first."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            who = who_of(request)
            if who is None or who.kind != kind:
                return redirect(f"{reverse('volunteering:sign_in')}?next={quote(request.get_full_path())}")
            with session.acting(who, *acts):
                return view(request, who, *args, **kwargs)

        return guarded

    return decorate


def _do(request: HttpRequest, call: Callable[[], Any], done: str) -> None:
    try:
        call()
    except ValidationError as error:
        for text in error.messages:
            messages.error(request, text)
    else:
        messages.success(request, done)


@require_safe
@signed_in("volunteer")
def home(request: HttpRequest, who: Who) -> HttpResponse:
    row, now = Volunteer.objects.get(pk=who.pk), timezone.now()
    coming = [{"row": each, "when": when(each.shift), "begun": each.shift.starts <= now, "colour": queries.SIGNUP_COLOURS[each.state]} for each in queries.own_coming(now)]
    minor = is_minor(row.birth_date, timezone.localdate(now))
    context = {
        "row": row, "coming": coming, "served": queries.hours_of(row), "colour": queries.VOLUNTEER_COLOURS[row.state], "no_consent": minor and row.consent_at is None,
    }  # fmt: skip
    return page(request, "own", context)


@require_POST
@signed_in("volunteer")
def sign_up(request: HttpRequest, who: Who, shift_id: int) -> HttpResponse:
    shift = _shift(shift_id)
    try:
        row = services.sign_up(shift_id=shift_id, volunteer_id=who.pk, now=timezone.now())
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    else:
        messages.success(request, _("报名成功。") if row.state == SignUp.State.SIGNED else _("这个班次已满，您已排入候补；有名额时自动报上并通知您。"))
    return redirect("volunteering:public_activity", number=shift.activity.number)


@require_POST
@signed_in("volunteer")
def withdraw(request: HttpRequest, who: Who, signup_id: int) -> HttpResponse:
    _do(request, lambda: services.withdraw(signup_id=signup_id, reason="本人退出", now=timezone.now()), _("已退出。"))
    return redirect("volunteering:own")


def _shift(shift_id: int) -> Shift:
    row = Shift.objects.select_related("activity").filter(pk=shift_id).first()
    if row is None:
        raise Http404
    return row


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("volunteer")
def shift(request: HttpRequest, who: Who, shift_id: int) -> HttpResponse:
    """Check in and out at the spot: the code comes with the scanned sheet or is typed."""
    row = _shift(shift_id)
    if request.method == "POST":
        code, now = request.POST.get("code", ""), timezone.now()
        if request.POST.get("act") == "out":
            _do(request, lambda: services.check_out(shift_id=row.pk, volunteer_id=who.pk, code=code, now=now), _("已签退，谢谢您的服务！"))
        else:
            _do(request, lambda: services.check_in(key=uuid4(), shift_id=row.pk, volunteer_id=who.pk, code=code, now=now), _("签到成功。"))
        return redirect(f"{reverse('volunteering:own_shift', args=[row.pk])}?code={quote(code[:8])}")
    record = ServiceRecord.objects.filter(shift=row, volunteer=who.pk).exclude(state="void").first()
    signup = SignUp.objects.filter(shift=row, volunteer=who.pk).exclude(state__in=("withdrawn", "cancelled")).first()
    context = {
        "shift": row, "when": when(row), "record": record, "signup": signup, "code": request.GET.get("code", "")[:8],
        "hours": certificates.hours(record.minutes or 0) if record else "",
    }  # fmt: skip
    return page(request, "shift", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("volunteer")
def hours(request: HttpRequest, who: Who) -> HttpResponse:
    """Own records; POST issues a certificate over a period."""
    row, on = Volunteer.objects.get(pk=who.pk), timezone.localdate()
    form = PeriodForm(request.POST or None, initial={"starts": on.replace(month=1, day=1), "ends": on})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.issue(volunteer_id=who.pk, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已开具证明 %(number)s。") % {"number": made.number})
            return redirect("volunteering:own_hours")
    records = [(each, certificates.hours(each.minutes or 0)) for each in row.records.exclude(state="void").select_related("organisation").order_by("-starts")[:100]]
    context = {"row": row, "records": records, "served": queries.hours_of(row), "form": form, "papers": list(row.certificates.order_by("-id")[:20])}
    return page(request, "hours", context, 422 if form.errors else 200)


@require_safe
@signed_in("volunteer")
def certificate(request: HttpRequest, who: Who, pk: int) -> HttpResponse:
    """One's own certificate as PDF."""
    row = ServiceCertificate.objects.filter(pk=pk, volunteer=who.pk, void_at__isnull=True).first()
    if row is None:
        raise Http404
    try:
        return letters.answer(paper.certificate(row, request.build_absolute_uri("/")), f"{json.loads(row.content)['number']}.pdf")
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
        return redirect("volunteering:own_hours")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("volunteer")
def profile(request: HttpRequest, who: Who) -> HttpResponse:
    """What one can and will do."""
    row = Volunteer.objects.get(pk=who.pk)
    initial = {"version": row.version, **{name: getattr(row, name) if getattr(row, name) is not None else "" for name in PROFILE}}
    form = OwnProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        made = profile_of(given)
        try:
            services.change_volunteer(volunteer_id=who.pk, version=given["version"], profile=made, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已保存。"))
            return redirect("volunteering:own")
    return page(request, "profile", {"form": form, "row": row}, 422 if form.errors else 200)


@require_safe
@signed_in("organisation")
def host(request: HttpRequest, who: Who) -> HttpResponse:
    """An organisation's shifts from yesterday on."""
    row = Organisation.objects.get(pk=who.pk)
    shifts = [(each, when(each)) for each in queries.host_shifts(who.pk, timezone.now())] if row.state == Organisation.State.ACTIVE else []
    drafts = [
        (each, _("已退回") if each.returned else each.get_state_display(), "orange" if each.returned else queries.ACTIVITY_COLOURS[each.state])  # type: ignore[attr-defined]
        for each in queries.proposals(who.pk)
    ]
    context = {"row": row, "shifts": shifts, "drafts": drafts, "colour": queries.ORGANISATION_COLOURS[row.state], "abilities": codes.words(row.abilities, codes.ABILITIES)}
    return page(request, "host", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("organisation")
def propose(request: HttpRequest, who: Who) -> HttpResponse:
    """Draft an activity of one's own organisation; an officer of its place publishes it. `again`: one that was given back, its words filled in."""
    form = ProposalForm(request.POST or None, initial=_again(who, _number(request.GET.get("again"))))
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        shift = services.NewShift(**{name: given.pop(name) for name in ("post", "starts", "ends", "capacity")})
        try:
            services.propose_activity(**given, organisation_id=who.pk, shifts=[shift], now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已提交；民政部门审核通过后公开，接受报名。"))
            return redirect("volunteering:host")
    return page(request, "propose", {"form": form}, status=422 if form.errors else 200)


def _again(who: Who, pk: int) -> dict[str, Any]:
    """What a draft said that was given back to the organisation; nothing for any other."""
    row = next((each for each in queries.proposals(who.pk) if each.pk == pk and each.returned), None)  # type: ignore[attr-defined]
    if row is None:
        return {}
    given = {name: getattr(row, name) for name in ("title", "kind", "place", "phone", "words", "minors", "skills")}
    shift = row.shifts.order_by("starts").first()
    return given | ({name: getattr(shift, name) for name in ("post", "starts", "ends", "capacity")} if shift else {})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("organisation")
def host_shift(request: HttpRequest, who: Who, shift_id: int) -> HttpResponse:
    """Who comes to one of the organisation's shifts: check in, check out, not come."""
    row = _shift(shift_id)
    organisation = Organisation.objects.get(pk=who.pk)
    if row.activity.organisation_id != who.pk or organisation.state != Organisation.State.ACTIVE:
        raise Http404
    if request.method == "POST":
        act, volunteer, now = request.POST.get("act", ""), _number(request.POST.get("volunteer")), timezone.now()

        def go() -> None:
            if act == "in":
                services.check_in(key=uuid4(), shift_id=row.pk, volunteer_id=volunteer, now=now)
            elif act == "out":
                services.check_out(shift_id=row.pk, volunteer_id=volunteer, now=now)
            else:
                services.mark_no_show(signup_id=_number(request.POST.get("signup")), now=now)

        _do(request, go, _("已办理。"))
        return redirect("volunteering:host_shift", shift_id=row.pk)
    served = {record.volunteer_id: record for record in ServiceRecord.objects.filter(shift=row).exclude(state="void")}
    people = SignUp.objects.filter(shift=row).exclude(state__in=("withdrawn", "cancelled")).select_related("volunteer").order_by("id")[:500]
    now = timezone.now()
    lines = [
        {
            "row": each, "record": served.get(each.volunteer_id), "colour": queries.SIGNUP_COLOURS[each.state],
            "waits": each.state == SignUp.State.SIGNED and each.volunteer_id not in served,
        }
        for each in people
    ]  # fmt: skip
    context = {"shift": row, "when": when(row), "lines": lines, "begun": row.starts <= now, "over": row.ends <= now}
    return page(request, "host_shift", context)
