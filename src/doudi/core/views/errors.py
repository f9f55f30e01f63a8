"""Error pages: they say what to do next and show nothing about anybody."""

import sys
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from doudi.core import faults


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    reason = str(exception or "")
    response = render(request, "403.html", {"reason": reason}, status=403)
    if reason:
        response["X-Message"] = quote(reason)  # shown by app.js where only a fragment was asked for
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Without request, session and database: any of them may be what failed. A full disk or a database that is away is said in words (503)."""
    if (words := faults.said(sys.exc_info()[1])) is None:
        return HttpResponse(render_to_string("500.html"), status=500)
    response = HttpResponse(render_to_string("503.html", {"words": words}), status=503, headers={"Retry-After": "60"})
    response["X-Message"] = quote(str(words))  # shown by app.js where only a fragment was asked for
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "doudi/csrf.html", status=403)
