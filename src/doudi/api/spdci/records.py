"""What a purpose opens of whom: people of the client's place, with their consent where the purpose needs it, and the fields it names, no more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any

from django.db.models import Q, QuerySet

from doudi.api.spdci import envelope
from doudi.api.spdci.models import SpdciConsent, SpdciPurpose
from doudi.core import keys
from doudi.enrolment.models import Award, AwardAmount, AwardMember
from doudi.registry.models import Membership, Person

SUBJECT = "person"  # of access records
SEX = {"1": "male", "2": "female"}
FIELDS = ("identity", "household", "programmes")
REGISTRY, RECORD = "ns:org:RegistryType:Social", "spdci-extensions-dci:"


def data(entity: str) -> dict[str, Any]:
    """What the standard says of records before the records: whose register, and whether members or groups."""
    return {"version": envelope.VERSION, "reg_type": REGISTRY, "reg_record_type": RECORD + entity}


def open_people(purpose: SpdciPurpose, on: date) -> QuerySet[Person]:
    """The living of the scope whom the purpose may be told of today."""
    people = Person.objects.filter(died_on__isnull=True)
    if purpose.basis == SpdciPurpose.Basis.LAW:
        return people
    agreed = SpdciConsent.objects.filter(purpose=purpose, withdrawn_at__isnull=True, starts__lte=on, ends__gt=on)
    return people.filter(pk__in=agreed.values("person_id"))


def pseudonym(purpose: SpdciPurpose, kind: str, number: int) -> str:
    """A name of a person or household for one partner alone: two partners cannot put theirs together."""
    return f"urn:doudi:{kind}:" + keys.sealing_digest(f"spdci {purpose.partner_id} {kind} {number}")[:16].hex()


def records(purpose: SpdciPurpose, people: Sequence[Person], *, entity: str, numbers: dict[int, str], on: date) -> list[dict[str, Any]]:
    """Members, or the groups that they live in, in the order given. `numbers`: ID numbers that the partner itself named. Six queries at most."""
    held = _programmes([person.pk for person in people], on) if "programmes" in purpose.fields else {}
    if entity != "Group":
        return [_member(purpose, person, numbers.get(person.pk, ""), held.get(person.pk)) for person in people]
    groups = _groups(purpose, people, numbers=numbers, on=on)
    return list(dict(groups.values()).values())


def by_person(purpose: SpdciPurpose, people: Sequence[Person], *, entity: str, numbers: dict[int, str], on: date) -> dict[int, list[dict[str, Any]]]:
    """`records` of many, each by the person asked about; as many queries as for one."""
    if entity != "Group":
        return {person.pk: [record] for person, record in zip(people, records(purpose, people, entity=entity, numbers=numbers, on=on), strict=True)}
    return {person: [group] for person, (_household, group) in _groups(purpose, people, numbers=numbers, on=on).items()}


def once(found: Mapping[int, list[dict[str, Any]]]) -> list[tuple[dict[str, Any], list[int]]]:
    """Of `by_person`, each record once, in the order given, with the people asked about through whom it was found."""
    each: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for person, given in found.items():
        for record in given:
            each.setdefault(record["@id"], (record, []))[1].append(person)
    return list(each.values())


def running(on: date) -> QuerySet[Membership]:
    """Memberships of a day."""
    return Membership.objects.filter(starts__lte=on).filter(Q(ends__isnull=True) | Q(ends__gt=on))


def people_of(purpose: SpdciPurpose, people: Sequence[Person], *, entity: str, on: date) -> dict[int, list[int]]:
    """Person asked about -> everybody whom the record tells of. Two queries at most."""
    found = {person.pk: [person.pk] for person in people}
    if entity == "Group" and "household" in purpose.fields:
        mine = dict(running(on).filter(person_id__in=list(found)).values_list("person_id", "household_id"))
        inside = running(on).filter(household_id__in=set(mine.values()), person_id__in=open_people(purpose, on).values("pk"))
        homes: dict[int, list[int]] = {}
        for household, person in inside.order_by("household_id", "person_id").values_list("household_id", "person_id"):
            homes.setdefault(household, []).append(person)
        found |= {person: homes.get(household, []) for person, household in mine.items()}
    return found


def _member(purpose: SpdciPurpose, person: Person, number: str, held: list[dict[str, Any]] | None) -> dict[str, Any]:
    identifier = [{"@type": "Identifier", "identifier_type": "UIN", "identifier_value": number}] if number else []
    about: dict[str, Any] = {"@type": "SRPerson", "identifier": identifier}
    if "identity" in purpose.fields:
        about |= {"name": {"@type": "Name", "given_name": person.name}, "sex": SEX[person.sex], "birth_date": person.birth_date.isoformat()}
    found: dict[str, Any] = {"@type": "spdci:Member", "@id": pseudonym(purpose, "person", person.pk), "member_identifier": identifier, "demographic_info": about}
    if "programmes" in purpose.fields:
        found["programme_identifier"] = held or []
    return found


def _programmes(people: Sequence[int], on: date) -> dict[int, list[dict[str, Any]]]:
    """Awards that people hold on a day, with what the household is paid a month (yuan)."""
    month = on.replace(day=1)
    members = list(
        AwardMember.objects.filter(person_id__in=people, void=False, starts__lte=on)
        .filter(Q(ends__isnull=True) | Q(ends__gt=on), Q(award__ends__isnull=True) | Q(award__ends__gt=on), award__void=False)
        .order_by("person_id", "starts", "pk")
        .values_list("person_id", "award_id", "starts")
    )
    awards = {award.pk: award for award in Award.objects.filter(pk__in={award for _person, award, _starts in members})}
    amounts = dict(AwardAmount.objects.filter(award_id__in=awards, from_month__lte=month).order_by("from_month").values_list("award_id", "amount"))
    found: dict[int, list[dict[str, Any]]] = {}
    for person, number, starts in members:
        if (award := awards.get(number)) is None:
            continue
        entry = {
            "programme": {"programme_identifier": award.programme, "programme_name": award.get_programme_display()},
            "enrolment_date": starts.isoformat(), "enrolment_status": "Suspended" if award.suspended else "Active",
            "benefits": {"benefit_type": "Cash", "benefit_value": f"CNY {amounts[number]:.2f}" if number in amounts else "", "benefit_frequency": "Monthly"},
        }  # fmt: skip
        found.setdefault(person, []).append(entry)
    return found


def _groups(purpose: SpdciPurpose, people: Sequence[Person], *, numbers: dict[int, str], on: date) -> dict[int, tuple[int, dict[str, Any]]]:
    """Person -> (household, its record). Members whom the purpose may not be told of are counted and not named."""
    inside_now = running(on)
    mine = dict(inside_now.filter(person_id__in=[each.pk for each in people]).values_list("person_id", "household_id"))
    rows = list(
        inside_now.filter(household_id__in=set(mine.values()))
        .order_by("household_id", "relationship", "person_id")
        .values_list("household_id", "person_id", "relationship", "starts")
    )
    told = {person.pk: person for person in open_people(purpose, on).filter(pk__in={person for _household, person, _r, _s in rows})}
    held = _programmes(list(told), on) if "programmes" in purpose.fields else {}
    made: dict[int, dict[str, Any]] = {}
    for household in dict.fromkeys(mine[each.pk] for each in people if each.pk in mine):
        inside = [row for row in rows if row[0] == household]
        group: dict[str, Any] = {"@type": "spdci:Group", "@id": pseudonym(purpose, "household", household), "group_type": "household"}
        if "household" in purpose.fields:
            group["group_size"] = len(inside)
            group["member_list"] = [
                _member(purpose, told[person], numbers.get(person, ""), held.get(person)) | {"relationship_to_head": relationship}
                for _household, person, relationship, _starts in inside
                if person in told
            ]
        else:
            asked = [each for each in people if mine.get(each.pk) == household]
            group["member_list"] = [_member(purpose, each, numbers.get(each.pk, ""), held.get(each.pk)) for each in asked]
        made[household] = group
    return {each.pk: (mine[each.pk], made[mine[each.pk]]) for each in people if each.pk in mine}


def told_people(purpose: SpdciPurpose, people: Sequence[Person], *, entity: str, on: date) -> list[tuple[int, str]]:
    """(id, area) of everybody whom an answer about these people tells of, for the access records."""
    found = {person.pk: person.area for person in people}
    if entity == "Group" and "household" in purpose.fields:
        homes = running(on).filter(person_id__in=list(found)).values("household_id")
        others = running(on).filter(household_id__in=homes).values("person_id")
        found |= dict(open_people(purpose, on).filter(pk__in=others).values_list("pk", "area"))
    return sorted(found.items())


def digest_of(found: Sequence[dict[str, Any]]) -> bytes:
    """Keyed digest of records, to tell whether they changed."""
    return keys.sealing_digest(sha256(json.dumps(list(found), sort_keys=True, ensure_ascii=False).encode()).digest())
