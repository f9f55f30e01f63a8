"""Money received."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from doudi.core import scope as scopes
from doudi.core.views.access import may


@require_GET
@may("payments.fund")
def receive(request: HttpRequest) -> HttpResponse:
    """The form for money received (登记到账) of one's own county."""
    return redirect("payments:fund_new", scopes.current().area, "receipt")
