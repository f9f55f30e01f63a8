"""Answers to asynchronous searches (异步答复) on their way: of whom each tells, and who may still be told of when it leaves.

Hours may lie between asking and telling: a consent is withdrawn, somebody moves or dies, a purpose ends. Who may not be told of any more is taken out
of the message for good, so that no later try brings them back; that it was so is an access record of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.utils import translation

from doudi.api.spdci import records, words
from doudi.api.spdci.models import SpdciCallback, SpdciMessage, SpdciPurpose
from doudi.core import audit
from doudi.core.models import AccessRecord


@dataclass(frozen=True)
class Told:
    """What one request of a search was answered: of each record the people through whom it was found, and (id, area) of everybody whom they tell of."""

    reference: str
    purpose: int
    language: str
    records: list[list[int]]
    people: list[tuple[int, str]]

    def kept(self) -> dict[str, Any]:
        return asdict(self)


def allowed(row: SpdciCallback, message: dict[str, Any], on: date, now: datetime) -> dict[str, Any] | None:
    """What of an answer may be told now; None where it was not noted of whom it tells. Under the client's scope; access records first."""
    if row.changes is None:
        return None
    about = {each["reference"]: Told(**each) for each in row.changes}
    purposes = {each.pk: each for each in SpdciPurpose.objects.filter(pk__in={each.purpose for each in about.values()})}
    found, kept, left_out = [], [], 0
    for response in message["search_response"]:
        if response["status"] != "succ":
            found.append(response)
            continue
        told = about[response["reference_id"]]
        purpose = purposes[told.purpose]
        reason = f"spdci {row.client.spdci.sender_id} {purpose.code}"
        still: dict[int, str] = {}
        if purpose.ended_at:
            rest, people = _refused(response, told, now), []
        else:
            still = dict(records.open_people(purpose, on).filter(pk__in=[person for person, _area in told.people]).values_list("pk", "area"))
            rest, left = _without(response, told, purpose, still)
            people = left.people
            kept.append(left.kept())
        found.append(rest)
        gone = [each for each in told.people if each not in people]
        left_out += len(gone)
        audit.record_opened(subject=records.SUBJECT, rows=[(person, area) for person, area in gone], reason=f"{reason}: no more", what=AccessRecord.What.REFUSED)
        if row.recorded_at is None:
            audit.record_opened(subject=records.SUBJECT, rows=[(person, still[person]) for person, _area in people], reason=reason)
    values: dict[str, Any] = {"recorded_at": row.recorded_at or now}
    left_now = message | {"search_response": found}
    if left_now != message:
        values |= {"message": json.dumps(left_now, ensure_ascii=False), "changes": kept, "left_out": row.left_out + left_out}
        outcomes = [[each["reference_id"], each["status"]] for each in found]
        SpdciMessage.objects.filter(client_id=row.client_id, correlation_id=message["correlation_id"]).update(outcomes=outcomes)
    SpdciCallback.objects.filter(pk=row.pk).update(**values)
    return left_now


def _refused(response: dict[str, Any], told: Told, now: datetime) -> dict[str, Any]:
    """The answer of a request whose purpose has ended: as if it were asked today."""
    with translation.override(told.language):
        return {"reference_id": response["reference_id"], "timestamp": now.isoformat()} | words.rejection("rjct.search_criteria.invalid", words.PURPOSE)


def _without(response: dict[str, Any], told: Told, purpose: SpdciPurpose, still: dict[int, str]) -> tuple[dict[str, Any], Told]:
    """An answer of those alone who are open still: records found through nobody else go, of the groups that stay the members who are not."""
    names = {records.pseudonym(purpose, "person", person): person for person in still}
    given, through, people = [], [], set[int]()
    for record, asked in zip(response["data"]["reg_records"], told.records, strict=True):
        left = [person for person in asked if person in still]
        if not left:
            continue
        if "member_list" in record:
            record = record | {"member_list": [each for each in record["member_list"] if each["@id"] in names]}
        given.append(record)
        through.append(left)
        people |= {names[each["@id"]] for each in record.get("member_list", [record])}
    gone = sum(len(asked) for asked in told.records) - sum(len(left) for left in through)
    pagination = response["pagination"] | {"total_count": response["pagination"]["total_count"] - gone}
    answer = response | {"data": response["data"] | {"reg_records": given}, "pagination": pagination}
    return answer, Told(told.reference, told.purpose, told.language, through, [each for each in told.people if each[0] in people])


def noted(reference: str, purpose: SpdciPurpose, found: Mapping[int, list[dict[str, Any]]], people: Sequence[tuple[int, str]]) -> Told:
    """To be kept beside an answer: `found` by the person asked about, and everybody of whom it may tell; who is named in no record is not kept."""
    given = records.once(found)
    names = {each["@id"] for record, _through in given for each in record.get("member_list", [record])}
    named = [(person, area) for person, area in people if records.pseudonym(purpose, "person", person) in names]
    return Told(reference, purpose.pk, translation.get_language() or "", [through for _record, through in given], named)
