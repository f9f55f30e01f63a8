"""Pages of reports."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from doudi.core.views.access import may
from doudi.reports import queries


@may("reports.view")
def measures(request: HttpRequest) -> HttpResponse:
    """The eight measures, clause by clause, with live figures of the reader's area."""
    return render(request, "reports/measures.html", {"measures": queries.clauses()})
