"""Data check (家庭经济状况核对): the departments' data about this household now, by a task; the data-check officer concludes."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import lookup
from doudi.batch.datasets import CONTRACTS
from doudi.core import audit, duties, places
from doudi.core import scope as scopes
from doudi.core.scratch import scratch
from doudi.core.tasks import start_task
from doudi.discovery.services.linkage import lake_as_linked
from doudi.enrolment.models import Application, DataCheck
from doudi.enrolment.procedure import Step
from doudi.enrolment.services.hits import hits
from doudi.enrolment.services.papers import valid
from doudi.enrolment.services.steps import done, go_on, note_event, take_all, touched
from doudi.registry.models import Fact, FactKind, Membership, Person
from doudi.registry.services.base import service

ADULT = 18
# What the registry holds beside what a department knows: dataset -> facts, whether of the household, words.
BESIDE: dict[str, tuple[tuple[str, ...], str, str]] = {
    "vehicles": ((FactKind.VEHICLES,), "household", "辆"),
    "housing": ((FactKind.DWELLINGS, FactKind.NON_RESIDENTIAL), "household", "套"),
    "companies": ((FactKind.COMPANY_CAPITAL,), "household", "元"),
}


def ask_check(*, application: Application, now: datetime) -> DataCheck:
    """Ask for the departments' data of this household now: a task fills the report. Called where the step opens."""
    made = DataCheck.objects.create(
        area=application.area, application=application, asked_by_id=scopes.current().account_id or None, asked_at=now
    )
    task = start_task(
        path="doudi.enrolment.tasks.fill_check", title=_("核对 %(number)s") % {"number": application.number}, arguments={"check_id": made.pk},
        url=f"/enrolment/applications/{application.pk}/", now=now,
    )  # fmt: skip
    DataCheck.objects.filter(pk=made.pk).update(task_id=task.pk)
    return made


def _token(token: UUID | None) -> bytes | None:
    return token.bytes if token is not None else None


@dataclass
class _Covered:
    """Whom the authorisations cover: token -> who (a member's or an obligor's key), who -> name and who -> datasets (empty: all); the latter by member
    too, all members' names by id, and the names of those nobody signed for."""

    people: dict[bytes, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    limits: dict[str, list[str]] = field(default_factory=dict)
    members: dict[int, list[str]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def _names(people: Iterable[Person]) -> dict[int, str]:
    """Members' names as a report says them: who shares one is told apart by the day of birth."""
    listed = list(people)
    often = Counter(person.name for person in listed)
    return {each.pk: f"{each.name}（{each.birth_date:%Y-%m-%d}）" if often[each.name] > 1 else each.name for each in listed}


def _covered(application: Application, on: date) -> _Covered:
    """Whom the authorisations of the household cover on a day.

    Children are compared where a guardian of the household has signed.
    """
    made = _Covered()
    signed = {each.person_id: each for each in valid(application.household_id, on=on)}
    rows = Membership.objects.filter(household_id=application.household_id, starts__lte=on).exclude(ends__lte=on).select_related("person")
    people = [row.person for row in rows.order_by("relationship", "id")]
    made.names = _names(people)
    any_adult = any(person is not None for person in signed)
    for person in people:
        age = on.year - person.birth_date.year - ((on.month, on.day) < (person.birth_date.month, person.birth_date.day))
        under = signed.get(person.pk)
        if under is None and not (age < ADULT and any_adult):
            made.left.append(made.names[person.pk])
            continue
        who = f"member {person.pk}"
        made.people[person.token.bytes], made.called[who] = who, made.names[person.pk]
        made.limits[who] = made.members[person.pk] = list(under.datasets) if under else []
    for each in valid(application.household_id, on=on).filter(person__isnull=True):
        token, who = _token(each.obligor_token), f"obligor {each.pk}"
        if token:
            made.people[token], made.called[who] = who, f"{each.obligor_name}（{each.relationship}）"
            made.limits[who] = list(each.datasets)
    return made


def _registered(application: Application) -> dict[str, Decimal]:
    """What the registry says now of the facts that stand beside departments' data."""
    facts = Fact.objects.filter(household_id=application.household_id, superseded_at__isnull=True, number__isnull=False)
    return {kind: number for kind, number in facts.values_list("kind", "number") if number is not None}


def _named(dataset: str, row: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """A department's row with divisions by their names."""
    codes = {column.header_zh for column in CONTRACTS[dataset].columns if column.type == "division"}
    return [[label, (places.name(value) or value) if label in codes else value] for label, value in row]


def report(application: Application, *, on: date) -> dict[str, Any]:
    """The report as JSON: by dataset what is known of whom, without numbers; what differs from the registry; what the indicators find; who has
    not signed."""
    covered = _covered(application, on)
    people, limits, called = covered.people, covered.limits, covered.called
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="check-") as work:
        # rows that came without a usable number and were found to be somebody's stand with that person
        linked = lake_as_linked(area=application.area, on=on, folder=Path(work), people=set(covered.members))
        found = lookup.told(linked, people, on=on) if people else []
    registered = _registered(application)
    datasets, differences = [], []
    for each in found:
        known = [k for k in each.known if not limits.get(k.person) or each.dataset in limits[k.person]]
        datasets.append({
            "dataset": each.dataset, "name": each.name, "department": each.department, "period": each.period,
            "known": [
                {"person": called[k.person], "count": k.count, "totals": dict(k.totals), "rows": [_named(each.dataset, row) for row in k.rows]} for k in known
            ],
        })  # fmt: skip
        kinds, _owner, unit = BESIDE.get(each.dataset, ((), "", ""))
        count = sum(k.count for k in known)
        if kinds and count and not any(registered.get(kind, 0) > 0 for kind in kinds):
            differences.append(f"{each.name}：部门数据 {count} 条，登记信息为 0 {unit}")
        if each.dataset == "deaths" and known:
            differences += [f"{each.name}：{called[k.person]} 有死亡记录" for k in known]
    return {
        "on": on.isoformat(), "datasets": datasets, "differences": differences, "unsigned": covered.left, "people": list(called.values()),
        "hits": hits(application, limits=covered.members, names=covered.names, on=on),
    }  # fmt: skip


def marks(report: dict[str, Any]) -> list[str]:
    """What a report shows that no conclusion may pass over in silence: differences from the registry, deaths, hits of indicators."""
    hit = [f"{each['title']}：{each['person']}" if each["person"] else str(each["title"]) for each in report.get("hits", [])]
    return [*report.get("differences", []), *hit]


def fill_check(*, check_id: int, now: datetime) -> DataCheck:
    """Write the report of a check that waits; done again it changes nothing. Runs as the task of whoever asked."""
    if not (duties.may("enrolment.check") or duties.may("enrolment.accept")):
        raise PermissionDenied(_("您的岗位不能办理这项业务。"))
    check = DataCheck.objects.select_for_update().filter(pk=check_id).select_related("application").first()
    if check is None:
        raise ValidationError(_("找不到这次核对：家庭可能已转出。"))
    if check.state != DataCheck.State.WAITING:
        return check
    text = json.dumps(report(check.application, on=timezone.localdate(now)), ensure_ascii=False)
    check.report, check.digest = text, hashlib.sha256(text.encode()).hexdigest()
    check.state, check.ready_at = DataCheck.State.READY, now
    check.save(update_fields=["report", "digest", "state", "ready_at"])
    scopes.check_constraints()
    return check


@service("enrolment.check")
def check_again(*, application_id: int, version: int, now: datetime) -> DataCheck:
    """Ask for the data anew while the step is open (an authorisation came later, a delivery was late); the old report is replaced."""
    application, cases = take_all(application_id, version, at=Step.CHECK)
    open_one = DataCheck.objects.filter(application=application).exclude(state=DataCheck.State.CONCLUDED).first()
    touched(application)
    if open_one is None:
        return ask_check(application=application, now=now)
    if open_one.state == DataCheck.State.READY:
        DataCheck.objects.filter(pk=open_one.pk).update(state=DataCheck.State.WAITING)
    task = start_task(
        path="doudi.enrolment.tasks.fill_check", title=_("核对 %(number)s") % {"number": application.number}, arguments={"check_id": open_one.pk},
        url=f"/enrolment/applications/{application.pk}/", now=now,
    )  # fmt: skip
    DataCheck.objects.filter(pk=open_one.pk).update(task_id=task.pk)
    for case in cases:
        note_event(case, "重新取数", now=now)
    open_one.refresh_from_db()
    return open_one


@service("enrolment.check")
def conclude_check(*, application_id: int, version: int, result: str, note: str, now: datetime) -> DataCheck:
    """The data-check officer's conclusion on the report: agrees with what was declared, or differs (then said in what).

    Where the report shows a death, another difference or a hit of an indicator, agreeing needs its reason too.
    """
    application, cases = take_all(application_id, version, at=Step.CHECK)
    check = DataCheck.objects.select_for_update().filter(application=application).exclude(state=DataCheck.State.CONCLUDED).first()
    if check is None or check.state != DataCheck.State.READY:
        raise ValidationError(_("核对尚未完成：请等待后台任务出具核对结果。"))
    if result not in DataCheck.Result.values:
        raise ValidationError({"result": _("请选择核对结论。")})
    if result == DataCheck.Result.DIFFERS and len(note.strip()) < 4:
        raise ValidationError({"note": _("与申报不一致的，请写明不一致的内容。")})
    shown = marks(json.loads(str(check.report))) if check.report else []
    if result == DataCheck.Result.AGREES and shown and len(note.strip()) < 4:
        raise ValidationError({
            "note": _("核对结果列有 %(count)d 项差异或预警（%(first)s）；结论为与申报一致的，请写明逐项核实的情况和理由。")
            % {"count": len(shown), "first": "；".join(shown[:3])}
        })  # fmt: skip
    check.state, check.result, check.note = DataCheck.State.CONCLUDED, result, note.strip()[:2000] or None
    check.concluded_by_id, check.concluded_at = scopes.current().account_id, now
    check.save(update_fields=["state", "result", "note", "concluded_by", "concluded_at"])
    touched(application)
    data = {"check": check.pk, "result": result, "marks": len(shown)}
    for case in cases:
        done(case, what=f"核对结论：{DataCheck.Result(result).label}", note=note, data=data, now=now)
        go_on(case, now=now)
    return check


def opened(check: DataCheck) -> dict[str, Any]:
    """The report to be shown; that it was opened is recorded first."""
    audit.record_access(what="open", subject="data_check", subject_id=check.pk, area=check.area, field="report")
    found: dict[str, Any] = json.loads(str(check.report)) if check.report else {}
    return found


def last_of(application_id: int) -> DataCheck | None:
    return DataCheck.objects.filter(application_id=application_id).select_related("concluded_by").order_by("-id").first()


