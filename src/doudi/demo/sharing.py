"""Other systems in the demo: who calls the interface, a charity and a medical office that ask the social registry, who agreed, and who wants no messages."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from doudi.api import access, services
from doudi.api.models import ApiClient
from doudi.api.spdci import callbacks, envelope, exchange
from doudi.api.spdci import services as sharing_of
from doudi.api.spdci.models import SpdciConsent, SpdciMessage, SpdciPartner, SpdciPurpose
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty, MessageOptOut
from doudi.core.services import messages
from doudi.demo.staff import by_duty
from doudi.institutions.models import Institution
from doudi.registry.models import Person

if TYPE_CHECKING:
    from doudi.demo.job import Demo

SPACE = UUID("5e0c1b7a-90d4-4c1f-8f0e-2a4b6c8d0e1f")
UNTIL = date(2023, 12, 1)
CHARITY, SENDER, CALLBACK = "中牟县慈善总会", "charity.zhongmu.example", "https://charity.zhongmu.example/dci"
# organisation, contact, rights: their tokens are for nobody; the administrator issues new ones
CLIENTS = (
    ("12345 政务服务热线", "值班长 0371-62160044", ["calls:write", "leads:report"]),
    ("中牟县养老服务信息平台", "孙工 0371-62160055", ["institutions:report"]),
    ("中牟县统计局", "刘科长 0371-62160066", ["statistics:read"]),
    ("一卡通发放平台", "何工 0371-62160077", ["payrolls:read", "statistics:full"]),
    (CHARITY, "宋干事 0371-62160088", ["registry:search"]),
)
CALLS = (
    ("POST", "api/v1/deliveries", 201, "", 820), ("GET", "api/v1/deliveries/<int:number>", 200, "", 14),
    ("GET", "api/v1/deliveries/<int:number>/rejects", 200, "", 35), ("POST", "api/v1/deliveries", 422, "invalid", 9),
)  # fmt: skip


def sharing(demo: Demo) -> None:
    """Clients, a partner with two purposes, consents, a search, subscriptions; what is there already stays as it is."""
    from doudi.demo.job import TODAY, at

    demo.tell("外部系统", 0, 0)
    now = at(TODAY, 8)
    with demo.acting(Duty.ADMINISTRATOR):
        if not ApiClient.objects.filter(organisation=CHARITY).exists():
            _clients(demo.area, now - timedelta(days=8))
            _called(ApiClient.objects.order_by("pk").first(), now)
        partner = SpdciPartner.objects.filter(sender_id=SENDER).first() or _partner(now - timedelta(days=7))
        purposes = {row.code: row for row in SpdciPurpose.objects.filter(partner=partner)}
    township = by_duty(demo.staff, Duty.TOWNSHIP_OFFICER)
    with scopes.acting(township.scope("信息共享同意")):
        people = list(Person.objects.filter(died_on__isnull=True).order_by("pk")[:8])
        if not SpdciConsent.objects.exists():
            _agreed(people, purposes["charity"], now)
        if not MessageOptOut.objects.exists():
            for person in people[-2:]:
                messages.opt_out(area=person.area, person_id=person.pk, reason="本人来电，不再接收短信", now=now - timedelta(days=3))
    if not _asked(partner):
        _ask(partner, people, now)
    demo.figures["partners"] = {"clients": 6, "consents": len(people[:6])}


def _clients(area: str, now: datetime) -> None:
    houses = list(Institution.objects.order_by("pk").values_list("code", flat=True)[:1])
    for organisation, contact, rights in CLIENTS:
        if "institutions:report" in rights and not houses:
            continue
        services.create_client(
            organisation=organisation, contact=contact, area=area, rights=rights, datasets=[], expires=UNTIL, per_minute=120, now=now,
            houses=houses if "institutions:report" in rights else [],
        )  # fmt: skip


def _called(client: ApiClient | None, now: datetime) -> None:
    """The department's system delivered its month; once with a fault, so that the page shows one."""
    if client is None:
        return
    caller = callbacks.caller_of(client)
    for number, (method, path, status, code, took) in enumerate(CALLS):
        moment = now - timedelta(hours=2, minutes=-number)
        access.count(caller, moment)
        access.log(
            caller, request_id=uuid5(SPACE, f"call {number}"), method=method, path=path, status=status, code=code, took_ms=took, now=moment
        )


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(b"doudi demo charity").digest())


def _partner(now: datetime) -> SpdciPartner:
    client = ApiClient.objects.get(organisation=CHARITY)
    key = base64.b64encode(envelope.public_of(_key())).decode()
    partner = sharing_of.set_partner(client_id=client.pk, sender_id=SENDER, key_id="charity-1", public_key=key, callback_url=CALLBACK, now=now)
    for code, label, fields, basis, document in (
        ("charity", "慈善帮扶", ["identity", "household"], "consent", "县民政局与县慈善总会信息共享协议（2022）"),
        ("verify", "临时救助金核对", ["identity", "programmes"], "law", "社会救助暂行办法第五十八条"),
    ):
        sharing_of.add_purpose(partner_id=partner.pk, code=code, label=label, fields=fields, basis=basis, document=document, now=now)
    return partner


def _agreed(people: list[Person], purpose: SpdciPurpose, now: datetime) -> None:
    """Six people agreed, one of them took it back."""
    for number, person in enumerate(people[:6]):
        row = sharing_of.record_consent(
            purpose_id=purpose.pk, number=numbers.plain(person.token) or "", until=date(2022, 12, 20) if number == 1 else UNTIL,
            document=f"慈善帮扶同意书 {number + 1:03d}", now=now - timedelta(days=5 - number % 4),
        )  # fmt: skip
        if number == 2:
            sharing_of.withdraw_consents(person_id=row.person_id, consent_ids=[row.pk], now=now - timedelta(days=1))


def _caller(partner: SpdciPartner) -> Any:
    return callbacks.caller_of(ApiClient.objects.get(pk=partner.client_id))


def _asked(partner: SpdciPartner) -> bool:
    with scopes.acting(callbacks.WORKER):
        return SpdciMessage.objects.filter(client_id=partner.client_id).exists()


def _ask(partner: SpdciPartner, people: list[Person], now: datetime) -> None:
    """Signed messages as the charity's system would send them: a search that is answered at its address, three people watched, and the old of a township."""
    with scopes.acting(callbacks.WORKER):
        caller = _caller(partner)
    values = [numbers.plain(person.token) or "" for person in people[:3]]
    purpose = {"purpose": {"code": "charity"}}
    subject = {"type": "UIN", "value": values}
    asked = {
        "search": {"search_criteria": {"query_type": "idtype-value", "query": subject, "consent": purpose}},
        "subscribe": {"subscribe_criteria": {"reg_event_type": ["REGISTER", "UPDATE", "DELETE"], "filter": subject, "notify_record_type": "Member", "authorize": purpose}},
    }
    condition = {"value": {"expression": {"query": {"$and": [{"birth_date": {"$le": "1942-12-31"}}, {"place_code": people[0].area[:9]}]}}}}
    watched = {"reg_event_type": "REGISTER,DELETE", "filter_type": "expression", "filter": condition, "notify_record_type": "Member", "authorize": purpose}
    messages_of = [*asked.items(), ("subscribe", {"subscribe_criteria": watched})]
    for number, (action, given) in enumerate(messages_of):
        moment = now + timedelta(minutes=number)
        request = {"reference_id": f"r{number}", "timestamp": moment.isoformat(), **given}
        message = {"transaction_id": f"t{number}", f"{action}_request": [request]}
        header = {
            "version": envelope.VERSION, "message_id": f"demo-{number}", "message_ts": moment.isoformat(), "action": action, "sender_id": SENDER,
            "receiver_id": envelope.OURS, "total_count": 1,
        }  # fmt: skip
        signature = envelope.line(_key(), sender=SENDER, key_id="charity-1", header=header, message=message, now=moment)
        body = json.dumps({"signature": signature, "header": header, "message": message}).encode()
        with scopes.acting(caller.acting(f"POST /api/v1/registry/{action}")):
            received = exchange.receive(body, action=action, caller=caller, asynchronous=True, now=moment)
            exchange.answer_later(received, action=action, now=moment)
