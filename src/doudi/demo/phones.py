"""Phones of the demo's visitor: one in use, one that the township revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import by_duty


def phones(demo: Any) -> None:
    """Both phones; what is there already is left as it is."""
    from doudi.demo.job import TODAY, at
    from doudi.discovery.models import VisitDevice
    from doudi.discovery.services import open_device, revoke_device, use_device

    old, current = (uuid5(NAMESPACE_URL, f"doudi-demo-phone-{demo.seed}-{number}") for number in (1, 2))
    visitor = by_duty(demo.staff, Duty.VISITOR)
    with scopes.acting(visitor.scope()):
        if VisitDevice.objects.filter(pk=old).exists():
            return
        open_device(device=old, label="Linux Android 9 Redmi 7A", now=at(TODAY) - timedelta(days=20))
        open_device(device=current, label="Linux Android 11 HONOR X10", now=at(TODAY) - timedelta(days=3))
        use_device(device=current, now=at(TODAY, 8), waiting=0, synced=True)
    officers = [each for each in demo.staff if each.duty == Duty.TOWNSHIP_OFFICER.value and visitor.area.startswith(each.area)]
    for officer in officers[:1]:
        with scopes.acting(officer.scope()):
            revoke_device(device=old, reason="更换手机", now=at(TODAY) - timedelta(days=3))
