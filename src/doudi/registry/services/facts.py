"""Dated facts (事实): a new one supersedes, nothing is overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.numbers import Kind
from doudi.registry import facts as kinds
from doudi.registry.models import Fact, FactKind, Household, Person
from doudi.registry.services.base import Stale, service


@dataclass(frozen=True)
class NewFact:
    """A fact to record, about one person or one household.

    `number`: yuan, count, grade, or 1 and 0 for yes and no; `text`: a word, place or kind of disability; `certificate`: number of a certificate.
    `replaces`: id of the fact that the page showed (0: none): raises Stale where another one counts by now; None: no such check.
    """

    kind: str
    starts: date
    source: str
    person_id: int | None = None
    household_id: int | None = None
    number: Decimal | None = None
    text: str = ""
    certificate: str = ""
    note: str = ""
    evidence_id: UUID | None = None
    replaces: int | None = None


def checked(new: NewFact, *, on: date) -> tuple[Decimal | None, str, UUID | None]:
    """(number, text, token) as the table holds them. Raises ValidationError naming the kind, the reason and what to do."""
    if new.kind not in FactKind.values:
        raise ValidationError({"kind": _("没有这类信息；请在列表中选择。")})
    label = FactKind(new.kind).label

    def wrong(reason: str, field: str = "number") -> ValidationError:
        return ValidationError({field: _("“%(label)s”%(reason)s；请核对后重新填写。") % {"label": label, "reason": reason}})

    if (new.person_id is None) == (new.household_id is None) or kinds.of_household(new.kind) != (new.household_id is not None):
        raise wrong(_("登记的对象不对：属于家庭的信息记在家庭名下，属于个人的记在个人名下"), "kind")
    if new.starts > on:
        raise wrong(_("的起始日期晚于今天"), "starts")
    if new.source not in Fact.Source.values:
        raise wrong(_("没有填写信息来源"), "source")
    form = kinds.shape(new.kind)
    if form == "certificate":
        certificate = idnumber.normalise(new.certificate)
        if not certificate:
            raise wrong(_("没有填写"), "certificate")
        return None, "", numbers.token_of(Kind.CERTIFICATE, certificate)
    if form in ("word", "place"):
        if form == "word" and new.text not in kinds.WORDS[new.kind]:
            raise wrong(_("没有选择"), "text")
        if form == "place" and not (new.text.isascii() and new.text.isdigit() and len(new.text) in (2, 4, 6, 9, 12)):
            raise wrong(_("不是行政区划代码"), "text")
        return None, new.text, None
    if new.number is None or not new.number.is_finite():
        raise wrong(_("没有填写"))
    if new.number < 0 or new.number >= Decimal(10) ** 12:
        raise wrong(_("必须是不小于 0 的数"))
    if form == "flag" and new.number not in (0, 1):
        raise wrong(_("只能填是或否"))
    if form == "count" and new.number != int(new.number):
        raise wrong(_("必须是整数"))
    if new.number != round(new.number, 2):
        raise wrong(_("最多两位小数"))
    if form == "disability":
        if new.number not in (0, 1, 2, 3, 4):
            raise wrong(_("的等级只能是 1 至 4 级"))
        if new.number and new.text not in kinds.DISABILITY_KINDS:
            raise wrong(_("没有选择残疾类别"), "text")
    return new.number, new.text if form == "disability" else "", None


@service("registry.edit")
def record_facts(*, facts: Sequence[NewFact], on: date, now: datetime) -> list[Fact]:
    """Record many facts of people and households of the scope with a bounded number of statements; those written, in order.

    A fact that says what counts already (same value and day) is not written again. One that is older than what counts goes into the
    history at once. The same kind of the same owner twice in one call: the later in the list counts.
    """
    values = [checked(new, on=on) for new in facts]
    areas: dict[tuple[str, int], str] = {}
    for field, model in (("person", Person), ("household", Household)):
        wanted = {pk for new in facts if (pk := getattr(new, f"{field}_id")) is not None}
        found = dict(model.objects.filter(pk__in=wanted).values_list("pk", "area"))  # type: ignore[attr-defined]
        if wanted - found.keys():
            raise ValidationError(_("没有找到要登记的人员或家庭，或其不在您的管辖范围内；请重新查询。"))
        areas |= {(field, pk): area for pk, area in found.items()}
    people = {new.person_id for new in facts if new.person_id}
    households = {new.household_id for new in facts if new.household_id}
    wanted_kinds = {new.kind for new in facts}
    held = Fact.objects.select_for_update().filter(
        Q(person_id__in=people) | Q(household_id__in=households), superseded_at__isnull=True, kind__in=wanted_kinds
    )
    current = {(fact.person_id, fact.household_id, fact.kind): fact for fact in held.order_by("id")}
    superseded: list[int] = []
    written: list[Fact] = []
    for new, (number, text, token) in zip(facts, values, strict=True):
        key = (new.person_id, new.household_id, new.kind)
        now_holds = current.get(key)
        if new.replaces is not None and new.replaces != (now_holds.pk if now_holds else 0):
            raise Stale
        if (
            now_holds
            and (now_holds.number, now_holds.text, now_holds.token, now_holds.starts) == (number, text, token, new.starts)
            and not new.evidence_id
        ):
            continue
        owner = ("person", new.person_id) if new.person_id is not None else ("household", new.household_id)
        fact = Fact(
            area=areas[owner], person_id=new.person_id, household_id=new.household_id, kind=new.kind, starts=new.starts, number=number, text=text,  # type: ignore[index]
            token=token, source=new.source, note=new.note.strip() or None, evidence_id=new.evidence_id,
            recorded_by=scopes.current().account_id or None, recorded_at=now,
        )  # fmt: skip
        written.append(fact)
        if now_holds and now_holds.starts > new.starts:
            fact.superseded_at = now
            continue
        if now_holds:
            if now_holds.pk:
                superseded.append(now_holds.pk)
            else:
                now_holds.superseded_at = now
        current[key] = fact
    Fact.objects.filter(pk__in=superseded).update(superseded_at=now)
    return Fact.objects.bulk_create(written)


def record_fact(*, fact: NewFact, on: date, now: datetime) -> Fact | None:
    """Record one fact; None where it is on record already."""
    written = record_facts(facts=[fact], on=on, now=now)
    return written[0] if written else None
