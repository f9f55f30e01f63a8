"""What the services of relief share: the case under lock, its steps, its to-dos."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.relief.models import ReliefCase, ReliefStep


class Stale(ValidationError):
    """Another officer changed the case since the page was read."""

    def __init__(self, case: ReliefCase) -> None:
        super().__init__(
            _("这件救助刚被他人办理，现为“%(state)s”；您的操作没有保存，请刷新页面后查看。") % {"state": case.get_state_display()}, code="stale"
        )


def locked(*, case_id: int, act: str, version: int | None, states: tuple[str, ...]) -> ReliefCase:
    """The case under lock, if it lies in the scope, is at the version that the officer saw and in one of `states`."""
    acting = duties.require(act)
    case = ReliefCase.objects.select_for_update(of=("self",)).filter(pk=case_id).first()
    if case is None or not acting.covers(case.area):
        raise ValidationError(_("没有这件救助，或它不在您的管辖范围内。"))
    if (version is not None and case.version != version) or case.state not in states:
        raise Stale(case)
    return case


def step(case: ReliefCase, *, before: str, what: str, note: str = "", now: datetime) -> None:
    ReliefStep.objects.create(
        area=case.area, case=case, at=now, account_id=scopes.current().account_id or None, before=before, after=case.state, what=what, note=note[:400]
    )


def hand_on(case: ReliefCase, *, duty: str, kind: str, title: str, due: date | None, now: datetime) -> None:
    """The last step's to-do is done; the next officer's begins."""
    finish_todos(subject="relief", subject_id=case.pk, now=now)
    raise_todo(kind=kind, area=case.area, duty=duty, title=title, url=f"/relief/{case.pk}/", subject="relief", subject_id=case.pk, due=due, now=now)


def number_of(text: str, *, on: date, field: str = "id_number") -> idnumber.IdNumber:
    """A citizen ID number as written on a form. Raises ValidationError at the field."""
    try:
        return idnumber.parse(text, on=on)
    except idnumber.IdNumberError as error:
        raise ValidationError({field: _("“身份证号”：%(reason)s；请核对证件后重新填写。") % {"reason": error}}) from None


def token_without_number(key: UUID, place: int = 0) -> UUID:
    """Token of a person of whom no number is known: of this form alone, so that it meets nobody else's."""
    return numbers.token_of(numbers.Kind.NONE, f"R{(key.int + place) % 10**13}")


def today_of(now: datetime) -> date:
    return timezone.localdate(now)
