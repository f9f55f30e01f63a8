"""The page behind a card's code: for anybody, without sign-in and without script. It names nobody."""

from __future__ import annotations

from uuid import uuid4

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from doudi.community.forms import AskForm
from doudi.community.public_queries import hotlines
from doudi.community.services import asking
from doudi.core import places
from doudi.core.forms import errors_into
from doudi.core.network import network_of


def _answer(request: HttpRequest, template: str, status: int = 200, county: str = "", **context: object) -> HttpResponse:
    context |= {"hotlines": hotlines(county, timezone.localdate()), "county": places.name(county) if county else ""}
    response = render(request, f"community/{template}.html", context, status=status)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _found(request: HttpRequest, code: str) -> asking.Found | HttpResponse:
    """The card, or the answer to whoever has none: one for a code that does not exist, whatever it looks like; one for a void card, whatever the reason."""
    try:
        found = asking.find(code=code, network=network_of(request), now=timezone.now())
    except asking.TooMany:
        return _answer(request, "public_unknown", 429, many=True)
    if found is None:
        return _answer(request, "public_unknown", 404)
    return _answer(request, "public_void", 410) if found.void else found


@never_cache
@require_http_methods(["GET", "POST"])
def card(request: HttpRequest, code: str) -> HttpResponse:
    """What the card is, hotlines, and the button that asks for help."""
    found = _found(request, code)
    if isinstance(found, HttpResponse):
        return found
    form = AskForm(request.POST if request.method == "POST" else None, initial={"uuid": uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            asking.ask(found=found, **form.cleaned_data, network=network_of(request), now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        except asking.TooMany:
            return _answer(request, "public_unknown", 429, found.county, many=True)
        else:
            return redirect("community:public_asked", code=code)
    return _answer(request, "public_card", 422 if form.errors else 200, found.county, form=form)


@never_cache
@require_GET
def asked(request: HttpRequest, code: str) -> HttpResponse:
    found = _found(request, code)
    return found if isinstance(found, HttpResponse) else _answer(request, "public_asked", 200, found.county, code=code)
