"""The review desk of the demo's county: the data-check officer decided a few pairs, asked the township about one, and left the rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty


def review(staff: list[SignIn], *, now: datetime) -> int:
    """A few of the likeliest pairs are one person, of the next the township is asked, the least likely is somebody else; most are left for whoever tries
    the demo. Once; how many now."""
    from doudi.discovery import services
    from doudi.discovery.models import LinkagePair

    with scopes.acting(by_duty(staff, Duty.DATA_CHECKER).scope()):
        if LinkagePair.objects.filter(decided_at__isnull=False).exists():
            return 0
        pairs = list(LinkagePair.objects.filter(state="open").order_by("-score", "pk"))
        sure = min(3, len(pairs) // 4)
        chosen = [*((pair, "same") for pair in pairs[:sure]), *((pair, "unsure") for pair in pairs[sure : sure + 1]), *((pair, "different") for pair in pairs[5:][-1:])]
        for at, (pair, choice) in enumerate(chosen):
            services.decide_pair(pair_id=pair.pk, version=pair.version, choice=choice, now=now + timedelta(minutes=at))
        return len(chosen)


def figures() -> dict[str, Any]:
    """Counts for the demo's figures, in the acting scope."""
    from doudi.discovery.models import ComparisonRun, LinkagePair

    run = ComparisonRun.objects.order_by("-pk").first()
    states = LinkagePair.objects.values_list("state").annotate(Count("pk")).order_by("state")
    return {"rows_linked": run.linked if run else 0, **dict(states)}
