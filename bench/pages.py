"""Whole pages as an officer asks for them: signed in, under the scope, the opening recorded, the template rendered."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse


def measure(work: Callable[[Any], Any], cases: list[Any]) -> tuple[float, float]:
    """(median, 95th percentile) in milliseconds; the first case warms up."""
    work(cases[0])
    times = []
    for case in cases:
        start = time.perf_counter()
        work(case)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), sorted(times)[int(len(times) * 0.95)]


def empty(_request: HttpRequest, *_args: Any) -> HttpResponse:
    return HttpResponse()


class Bare:
    """URLs of the baseline: one empty view."""

    from django.urls import path

    urlpatterns = [path("", empty)]


def bare(rounds: int) -> float:
    """Median milliseconds of an empty view without middleware, through Django's test client."""
    from django.test import Client
    from django.test.utils import override_settings

    with override_settings(ROOT_URLCONF=Bare, MIDDLEWARE=[]):
        client = Client()
        return measure(lambda _n: client.get("/"), [0] * rounds)[0]


def whole_pages(area: str, *, on: date, rounds: int) -> dict[str, dict[str, float]]:
    """Household page and dashboard of a township officer: milliseconds, the queries of the household alone, and the ratio to an empty view."""
    from django.conf import settings
    from django.test import Client

    from doudi.core import scope as scopes
    from doudi.core.models import Account, Posting
    from doudi.registry import queries
    from doudi.registry.models import Household

    settings.ALLOWED_HOSTS = ["testserver"]
    with scopes.acting(scopes.Scope(area="41")):
        account, made = Account.objects.get_or_create(username="bench", defaults={"name": "bench"})
        if made:
            Posting.objects.create(account=account, duty="township_officer", area=area, starts=date(2022, 1, 1))
    client = Client()
    client.force_login(account)
    with scopes.acting(scopes.Scope(area=area)):
        ids = list(Household.objects.values_list("pk", flat=True))
        random.seed(7)
        chosen = random.sample(ids, min(rounds, len(ids)))
        alone, alone95 = measure(lambda pk: queries.household_view(Household.objects.get(pk=pk), on=on), chosen)
    base = bare(rounds)

    def page(address: Callable[[Any], str]) -> dict[str, float]:
        def get(pk: Any) -> None:
            answer = client.get(address(pk))
            if answer.status_code != 200:
                raise SystemExit(f"{address(pk)} answered {answer.status_code}")

        median, p95 = measure(get, chosen)
        return {"median_ms": round(median, 1), "p95_ms": round(p95, 1), "bare_ms": round(base, 2), "ratio": round(median / base, 1)}

    return {
        "household": page(lambda pk: f"/households/{pk}/") | {"queries_median_ms": round(alone, 1), "queries_p95_ms": round(alone95, 1)},
        "dashboard": page(lambda _pk: "/"),
    }
