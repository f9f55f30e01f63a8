"""The public door of volunteers (`/volunteer/`): a phone and its code, registering, activities for everybody, checking a certificate. No script is needed.

Nothing here tells whether a phone or a document is known: a code goes to every phone alike, and a registration is answered alike.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from doudi.core import codes, numbers, places, public
from doudi.core.forms import errors_into
from doudi.core.models import Division
from doudi.core.templatetags import ui
from doudi.protection.public_forms import counties
from doudi.volunteering import codes as lists
from doudi.volunteering import own_cookie, queries, services
from doudi.volunteering.models import Activity, Shift
from doudi.volunteering.own_cookie import Ticket
from doudi.volunteering.public_forms import CertificateCodeForm, CodeForm, JoinForm, OrganisationJoinForm, PhoneForm
from doudi.volunteering.services import certificates, session
from doudi.volunteering.services.activities import when
from doudi.volunteering.services.session import Who
from doudi.volunteering.views.volunteers import guardian_of, profile_of

PURPOSE = "volunteer"
JOINS_AN_HOUR, WRONG_CODES_AN_HOUR = 10, 60


def county_of(request: HttpRequest) -> str:
    """The county asked for, if there is one of that code."""
    code = request.GET.get("county", "")
    ok = len(code) == 6 and code.isascii() and code.isdigit() and Division.objects.filter(code=code, level="county", ends__isnull=True).exists()
    return code if ok else ""


def who_of(request: HttpRequest) -> Who | None:
    """Whom the request's ticket names, if the phone is still theirs."""
    ticket = own_cookie.of(request)
    if ticket is None or not ticket.proved or not ticket.subject:
        return None
    return next((who for who in session.behind(ticket.token) if f"{who.kind}:{who.pk}" == ticket.subject), None)


def page(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, f"volunteering/public/{name}.html", context, status=status)


@never_cache
@require_safe
def door(request: HttpRequest) -> HttpResponse:
    who = who_of(request)
    if who is not None:
        return redirect("volunteering:own" if who.kind == "volunteer" else "volunteering:host")
    return page(request, "door", {"cities": counties(), "code": CertificateCodeForm()})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """A phone; the same answer for every number that can take a message."""
    form = PhoneForm(request.POST or None)
    if request.method != "POST":
        return page(request, "sign_in", {"form": form})
    if form.is_valid():
        phone = form.cleaned_data["phone"]
        try:
            if not form.trapped:
                codes.send(phone=phone, purpose=PURPOSE, request=request, now=timezone.now())
            token = services.volunteers.phone_needed(phone)
        except ValidationError as error:
            form.add_error("phone", error.messages[0])
        else:
            after = request.GET.get("next", "")
            ticket = Ticket(phone=str(token), after=after if after.startswith("/volunteer/shifts/") and after.isascii() and len(after) < 100 else "")
            return own_cookie.give(redirect("volunteering:code"), ticket)
    return page(request, "sign_in", {"form": form.fresh()}, 422)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The code that came to the phone: then who one is, or a registration."""
    ticket = own_cookie.of(request)
    if ticket is None:
        return redirect("volunteering:sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if codes.check_token(token=ticket.token, purpose=PURPOSE, code=form.cleaned_data["code"], now=timezone.now()):
            return _proved(Ticket(phone=ticket.phone, proved=True, after=ticket.after))
        form.add_error("code", _("验证码不对，或已过期；十分钟内有效，连续输错 5 次作废。"))
    context = {"form": form, "phone": ui.mask_phone(numbers.plain(ticket.token))}
    return page(request, "code", context, 422 if form.errors else 200)


def _proved(ticket: Ticket) -> HttpResponse:
    found = session.behind(ticket.token)
    if len(found) == 1:
        return _as(ticket, found[0])
    return own_cookie.give(redirect("volunteering:who" if found else "volunteering:join"), ticket)


def _as(ticket: Ticket, who: Who) -> HttpResponse:
    chosen = Ticket(phone=ticket.phone, proved=True, subject=f"{who.kind}:{who.pk}")
    to = ticket.after if ticket.after and who.kind == "volunteer" else "volunteering:own" if who.kind == "volunteer" else "volunteering:host"
    return own_cookie.give(redirect(to), chosen)


def proved(request: HttpRequest) -> Ticket | None:
    ticket = own_cookie.of(request)
    return ticket if ticket is not None and ticket.proved else None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def who(request: HttpRequest) -> HttpResponse:
    """Families share phones: whose page it is to be."""
    ticket = proved(request)
    if ticket is None:
        return redirect("volunteering:sign_in")
    found = session.behind(ticket.token)
    if request.method == "POST":
        for each in found:
            if f"{each.kind}:{each.pk}" == request.POST.get("who"):
                return _as(ticket, each)
    return page(request, "who", {"people": found})


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    return own_cookie.take_back(redirect("volunteering:door"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """A volunteer's own registration, for a phone that was proved."""
    ticket, county, now = proved(request), county_of(request), timezone.now()
    if ticket is None:
        return redirect("volunteering:sign_in")
    if not county:
        return page(request, "where", {"cities": counties()})
    form = JoinForm(request.POST or None, county=county)
    if request.method == "POST" and form.is_valid() and form.uuid is not None:
        if not public.allowed(request, page="volunteer.join", most=JOINS_AN_HOUR, now=now):
            return page(request, "many", {}, 429)
        if form.trapped:
            return page(request, "joined", {"number": f"ZY{county}{secrets.randbelow(10**7):07d}"})
        given = {name: value for name, value in form.cleaned_data.items() if name not in ("website", "answer", "sealed", "agree")}
        profile, guardian = profile_of(given), guardian_of(given)
        try:
            with session.joining(county):
                row = services.register_volunteer(key=form.uuid, **given, phone_token_=ticket.token, profile=profile, guardian=guardian, now=now)
        except ValidationError as error:
            errors_into(form, error)
        else:
            return own_cookie.give(page(request, "joined", {"number": row.number}), Ticket(phone=ticket.phone, proved=True))
    context = {"form": form.fresh() if request.method == "POST" else form, "county": places.name(county), "phone": ui.mask_phone(numbers.plain(ticket.token))}
    return page(request, "join", context, 422 if request.method == "POST" else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join_organisation(request: HttpRequest) -> HttpResponse:
    """An organisation's own registration by its contact, whose phone was proved."""
    ticket, county, now = proved(request), county_of(request), timezone.now()
    if ticket is None:
        return redirect("volunteering:sign_in")
    if not county:
        return page(request, "where", {"cities": counties(), "organisation": True})
    form = OrganisationJoinForm(request.POST or None, county=county)
    if request.method == "POST" and form.is_valid() and form.uuid is not None:
        if not public.allowed(request, page="volunteer.join", most=JOINS_AN_HOUR, now=now):
            return page(request, "many", {}, 429)
        if form.trapped:
            return page(request, "joined", {"number": f"SH{county}{secrets.randbelow(10**7):07d}", "organisation": True})
        given = {name: value for name, value in form.cleaned_data.items() if name not in ("website", "answer", "sealed")}
        try:
            with session.joining(county):
                row = services.register_organisation(key=form.uuid, area=county, **given, contact_phone=numbers.plain(ticket.token) or "", now=now)
        except ValidationError as error:
            errors_into(form, error)
        else:
            return own_cookie.give(page(request, "joined", {"number": row.number, "organisation": True}), Ticket(phone=ticket.phone, proved=True))
    context = {"form": form.fresh() if request.method == "POST" else form, "county": places.name(county), "phone": ui.mask_phone(numbers.plain(ticket.token))}
    return page(request, "join_organisation", context, 422 if request.method == "POST" else 200)


@never_cache
@require_safe
def activities(request: HttpRequest) -> HttpResponse:
    """Activities that take sign-ups, of one's own county or of the one asked for; nothing of who comes."""
    who, county = who_of(request), county_of(request)
    county = county or (who.area[:6] if who else "")
    if not county:
        return redirect("volunteering:door")
    with session.looking(county):
        found = [
            {"row": row, "kind": lists.SERVICES.get(row.kind, row.kind), "shifts": [(shift, when(shift)) for shift in shifts[:3]]}
            for row, shifts in queries.open_activities(now=timezone.now())
        ]  # fmt: skip
        return page(request, "activities", {"found": found, "county": places.name(county), "code": county, "who": who})


@never_cache
@require_safe
def activity(request: HttpRequest, number: str) -> HttpResponse:
    """One activity with its shifts; who is signed in signs up here."""
    who = who_of(request)
    county = who.area[:6] if who else number[2:8]
    with session.looking(county):
        row = Activity.objects.select_related("organisation").filter(number=number, state__in=("open", "closed")).first()
        if row is None:
            raise Http404
        shifts = list(Shift.objects.filter(activity=row, cancelled_at__isnull=True, ends__gt=timezone.now()).order_by("starts", "id"))
    mine: dict[int, Any] = {}
    if who is not None and who.kind == "volunteer":
        with session.acting(who):
            mine = queries.own_signups([shift.pk for shift in shifts])
    context = {
        "row": row, "kind": lists.SERVICES.get(row.kind, row.kind), "skills": lists.words(row.skills, lists.SKILLS), "who": who, "county": places.name(county),
        "shifts": [(shift, when(shift), mine.get(shift.pk)) for shift in shifts], "code": county,
    }  # fmt: skip
    return page(request, "activity", context)


@never_cache
@require_safe
def certificate(request: HttpRequest, code: str = "") -> HttpResponse:
    """Whether a certificate is genuine: to whoever has its code, what the paper says, the name masked. All unknown codes are answered alike."""
    code = code or request.GET.get("code", "")
    form = CertificateCodeForm(initial={"code": code})
    if not code:
        return page(request, "certificate", {"form": form})
    shown = certificates.find(code)
    if shown is None:
        if not public.allowed(request, page="volunteer.certificate", most=WRONG_CODES_AN_HOUR, now=timezone.now()):
            return page(request, "many", {}, 429)
        return page(request, "certificate", {"form": form, "unknown": True}, 404)
    return page(request, "certificate", {"shown": shown, "hours": certificates.hours(shown.minutes)})
