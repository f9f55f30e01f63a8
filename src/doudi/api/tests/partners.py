"""Systems of partners that speak the standard of social registries, for tests: they sign, ask and read."""

from __future__ import annotations

import base64
import json
from datetime import date
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from doudi.api.spdci import envelope, services
from doudi.api.spdci.models import SpdciConsent
from doudi.api.tests.conftest import NOW, System
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import TOWNSHIP, officer
from doudi.registry.models import Person

_ids = count(1)
LAW, AGREED = "verify", "share"


class Partner:
    """A system that speaks the standard, with a right for two purposes: one by law, one by consent."""

    def __init__(self, system: System, callback: str = "", name: str = "") -> None:
        self.system, self.key, self.sender = system, Ed25519PrivateKey.generate(), name or f"spmis{next(_ids)}.example.cn"
        raw = base64.b64encode(envelope.public_of(self.key)).decode()
        with scopes.acting(system.admin):
            self.partner = services.set_partner(
                client_id=system.client.pk, sender_id=self.sender, key_id="k1", public_key=raw, callback_url=callback, now=NOW
            )
            fields = ["identity", "household", "programmes"]
            self.law = services.add_purpose(
                partner_id=self.partner.pk, code=LAW, label="核对", fields=fields, basis="law", document="社会救助暂行办法", now=NOW
            )
            self.agreed = services.add_purpose(
                partner_id=self.partner.pk, code=AGREED, label="慈善帮扶", fields=["identity"], basis="consent", document="协议 1 号", now=NOW
            )

    def envelope(self, verb: str, message: dict[str, Any], /, **header: Any) -> dict[str, Any]:
        given = {
            "version": "1.0.0", "message_id": f"m{next(_ids)}", "message_ts": NOW.isoformat(), "action": verb, "sender_id": self.sender,
            "receiver_id": "doudi", "total_count": 1,
        } | header  # fmt: skip
        signature = envelope.line(self.key, sender=self.sender, key_id="k1", header=given, message=message, now=NOW)
        return {"signature": signature, "header": given, "message": message}

    def post(self, path: str, body: Any) -> Any:
        return self.system.call("post", f"/registry{path}", json.dumps(body).encode(), content_type="application/json")

    def ask(self, path: str, verb: str, message: dict[str, Any], /, **header: Any) -> dict[str, Any]:
        answer = self.post(path, self.envelope(verb, {"transaction_id": f"t{next(_ids)}"} | message, **header))
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = json.loads(answer.content)
        if "header" in found:
            check(found, self.sender)
        return found

    def search(self, query: Any, kind: str = "idtype-value", purpose: str = LAW, **criteria: Any) -> dict[str, Any]:
        found = self.ask("/sync/search", "search", {"search_request": [request(query, kind, purpose, **criteria)]})
        return dict(found["message"]["search_response"][0])

    def names(self, *args: Any, **more: Any) -> list[str]:
        found = self.search(*args, **more)
        assert found["status"] == "succ", found
        return [each["demographic_info"]["name"]["given_name"] for each in found["data"]["reg_records"]]


def check(found: dict[str, Any], receiver: str) -> None:
    """An answer is signed by this system, for this receiver."""
    public = envelope.public_of(envelope.own_key())
    envelope.verify(
        found["signature"], sender="doudi", key_id="doudi-1", public_key=public, header=found["header"], message=found["message"], now=NOW
    )
    assert found["header"]["receiver_id"] == receiver


def request(query: Any, kind: str = "idtype-value", purpose: str = LAW, /, **criteria: Any) -> dict[str, Any]:
    given = {"query_type": kind, "query": query, "consent": {"purpose": {"code": purpose}}} | criteria
    return {"reference_id": f"r{next(_ids)}", "timestamp": NOW.isoformat(), "search_criteria": given}


def uin(*people: Person) -> dict[str, Any]:
    values = [numbers.plain(each.token) for each in people]
    return {"type": "UIN", "value": values[0] if len(values) == 1 else values}


def where(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"expression1": {"attribute_name": name, "operator": operator, "attribute_value": value}}


def agree(partner: Partner, who: Person, until: date = date(2023, 11, 1)) -> SpdciConsent:
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)):
        return services.record_consent(purpose_id=partner.agreed.pk, number=numbers.plain(who.token) or "", until=until, document="同意书 1", now=NOW)
