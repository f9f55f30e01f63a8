"""What the suite asks a registry under test to hold, through the services, in a data folder of its own.

    python arrange.py PUBLIC_KEY CALLBACK_URL

An administrator, an API client with a partner and a purpose by law, an officer and a household of three. Prints token and ID number as JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, timedelta
from typing import Any

from doudi.batch.idnumber import check_character

AREA, SENDER, KEY_ID, PURPOSE = "410122", "spdci-compliance.example", "k1", "compliance"
ORGANISATION = "接口符合性测试"


def citizen(seventeen: str) -> str:
    """An ID number with its check digit."""
    return seventeen + check_character(seventeen)


def arranged(public_key: str, callback_url: str) -> dict[str, Any]:
    from django.utils import timezone

    from doudi.core import scope as scopes
    from doudi.core.models import Duty
    from doudi.demo.staff import by_duty, make_staff

    now = timezone.now()
    on = timezone.localdate(now)
    staff = make_staff(area=AREA, on=on)
    with scopes.acting(by_duty(staff, Duty.COUNTY_REVIEWER).scope("spdci")):
        number = _household(on, now)
    with scopes.acting(by_duty(staff, Duty.ADMINISTRATOR).scope("spdci")):
        return {"token": _partner(public_key, callback_url, on, now), "person": number}


def _household(on: date, now: datetime) -> str:
    """The number of its head."""
    from doudi.core.models import Division
    from doudi.registry.models import Household
    from doudi.registry.services.households import register_household

    village = Division.objects.filter(parent__parent=AREA, ends__isnull=True).order_by("code").values_list("code", flat=True)[0]
    people = [
        {"name": name, "id_number": citizen(f"{AREA}{born}{at}")}
        for at, (name, born) in enumerate([("王建国", "19500203"), ("李秀英", "19520814"), ("王小军", "20080601")], 201)
    ]
    if not Household.objects.exists():
        members = [{**person, "relationship": code} for person, code in zip(people[1:], ("10", "20"), strict=True)]
        register_household(area=village, residence="rural", head=people[0], members=members, on=on, now=now)
    return people[0]["id_number"]


def _partner(public_key: str, callback_url: str, on: date, now: datetime) -> str:
    """The token of its client; in a folder where it stands already, a new one."""
    from doudi.api import services
    from doudi.api.models import ApiClient
    from doudi.api.spdci import services as sharing
    from doudi.api.spdci.models import SpdciPartner

    client, until = ApiClient.objects.filter(organisation=ORGANISATION).first(), on + timedelta(days=30)
    if client is None:
        client, token = services.create_client(
            organisation=ORGANISATION, contact="测试员 0371-00000000", area=AREA, rights=["registry:search"], datasets=[], expires=until, per_minute=6000, now=now,
        )  # fmt: skip
    else:
        client, token = services.renew_token(client_id=client.pk, version=client.version, expires=until, now=now)
    there = SpdciPartner.objects.filter(client=client).first()
    partner = sharing.set_partner(
        client_id=client.pk, sender_id=SENDER, key_id=KEY_ID, public_key=public_key, callback_url=callback_url, version=there.version if there else 0, now=now
    )
    if there is None:
        fields = ["identity", "household", "programmes"]
        sharing.add_purpose(partner_id=partner.pk, code=PURPOSE, label="符合性测试", fields=fields, basis="law", document="测试", now=now)
    return token


if __name__ == "__main__":
    from doudi.core.commandline import ready

    with ready():
        sys.stdout.write(json.dumps(arranged(*sys.argv[1:])) + "\n")
