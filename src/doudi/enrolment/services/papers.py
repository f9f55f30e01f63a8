"""Papers of a household: documents once for all its applications, authorisations to compare data, relatives on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.batch.datasets import CONTRACTS
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.services.attachments import attach
from doudi.core.settings_overlay import get_setting
from doudi.enrolment.models import Application, Authorisation, Case, Document, Relative
from doudi.enrolment.procedure import Paper, Step
from doudi.enrolment.services.steps import again, go_on, note_event
from doudi.registry.models import Household, Membership
from doudi.registry.services.base import WORDS, service

ADULT = 18
WORDS["relative_once"] = gettext_lazy("这一备案已经登记过。")
WORDS["enrolment_document_household_area"] = gettext_lazy("家庭已转到其他地区管理；请刷新页面后重试。")


def _household(household_id: int) -> Household:
    found = Household.objects.filter(pk=household_id).first()
    if found is None:
        raise ValidationError(_("该家庭不在您的管辖范围内，或已转出。"))
    return found


def _member(household: Household, person_id: int, today: date) -> None:
    there = Membership.objects.filter(household=household, person_id=person_id, starts__lte=today).exclude(ends__lte=today)
    if not there.exists():
        raise ValidationError({"person": _("请选择该家庭在册的成员。")})


def _tell(household: Household, what: str, *, now: datetime) -> None:
    for case in Case.objects.filter(household=household).exclude(state=Case.State.CLOSED):
        note_event(case, what, now=now)


@service("enrolment.apply")
def add_document(
    *,
    household_id: int,
    paper: str,
    now: datetime,
    application_id: int | None = None,
    person_id: int | None = None,
    issued_on: date | None = None,
    valid_until: date | None = None,
    note: str = "",
) -> Document:
    """Register a document that came. The same paper of the same person on the same day is one document; its files are added as attachments."""
    today = timezone.localdate(now)
    household = _household(household_id)
    if paper not in Paper.values:
        raise ValidationError({"paper": _("请选择材料名称。")})
    if person_id is not None:
        _member(household, person_id, today)
    if issued_on and issued_on > today:
        raise ValidationError({"issued_on": _("“出具日期”晚于今天；请核对。")})
    if valid_until and valid_until < today:
        raise ValidationError({"valid_until": _("材料已过有效期；请申请人重新提供。")})
    if application_id is not None and not Application.objects.filter(pk=application_id, household=household).exists():
        raise ValidationError(_("材料与申请不是同一家庭。"))
    same: dict[str, Any] = {"person_id": person_id, "application_id": application_id, "issued_on": issued_on}
    there = Document.objects.filter(household=household, paper=paper, removed_at__isnull=True, **same).first()
    if there is not None:
        return there
    return Document.objects.create(
        area=household.area, household=household, person_id=person_id, paper=paper, application_id=application_id, issued_on=issued_on,
        valid_until=valid_until, note=note.strip()[:200], recorded_by_id=scopes.current().account_id or None, recorded_at=now,
    )  # fmt: skip


@service("enrolment.apply")
def remove_document(*, document_id: int, now: datetime) -> None:
    """Take a document out that was registered by mistake. One that an acceptance counted stays."""
    found = Document.objects.select_for_update().filter(pk=document_id, removed_at__isnull=True).first()
    if found is None:
        raise ValidationError(_("找不到这份材料：可能已被移除。"))
    if Application.objects.filter(household_id=found.household_id, accepted_papers__contains=[found.pk]).exists():
        raise ValidationError(_("这份材料已随申请受理，不能移除；需要更新的，请另行登记新材料。"))
    Document.objects.filter(pk=document_id).update(removed_at=now)


@service("enrolment.apply")
def record_authorisation(
    *,
    household_id: int,
    signed_on: date,
    sign: str,
    now: datetime,
    person_id: int | None = None,
    obligor_name: str = "",
    obligor_number: str = "",
    relationship: str = "",
    valid_until: date | None = None,
    datasets: Sequence[str] = (),
    scan: tuple[str, bytes] | None = None,
) -> Authorisation:
    """Record an authorisation signed by an adult member, or by a legal obligor outside the household (name and ID number).

    `datasets`: codes of what may be compared; none named, everything that departments share for this. Without `valid_until` it holds as
    long as the place has set. A new one of the same person ends the one before. `scan`: name and content of the signed paper; a file that cannot
    be kept refuses the whole, so that no authorisation stands without the paper that was handed in.
    """
    today = timezone.localdate(now)
    household = _household(household_id)
    if signed_on > today:
        raise ValidationError({"signed_on": _("“签署日期”晚于今天；请核对。")})
    if sign not in Authorisation.Sign.values:
        raise ValidationError({"sign": _("请选择签署方式。")})
    if unknown := sorted(set(datasets) - set(CONTRACTS)):
        raise ValidationError({"datasets": _("没有这些数据项：%(names)s。") % {"names": "、".join(unknown)}})
    months = int(get_setting("procedure.case.authorisation_months", household.area, today))
    until = valid_until or _months_later(signed_on, months)
    if until < today or until < signed_on:
        raise ValidationError({"valid_until": _("授权已过有效期；请重新签署。")})
    token = None
    if person_id is not None:
        _member(household, person_id, today)
        obligor_name = relationship = ""
        before = Authorisation.objects.filter(household=household, person_id=person_id, ended_on__isnull=True)
    else:
        if len(obligor_name.strip()) < 2 or not relationship.strip():
            raise ValidationError({"obligor_name": _("请填写义务人的姓名和与申请人的关系。")})
        try:
            token = numbers.id_token(idnumber.parse(obligor_number, on=today).number18)
        except idnumber.IdNumberError as error:
            raise ValidationError({"obligor_number": _("“身份证号”：%(reason)s；请核对证件后重新填写。") % {"reason": error}}) from None
        before = Authorisation.objects.filter(household=household, obligor_token=token, ended_on__isnull=True)
    before.update(ended_on=today)
    made = Authorisation.objects.create(
        area=household.area, household=household, person_id=person_id, obligor_name=obligor_name.strip() or None, obligor_token=token,
        relationship=relationship.strip()[:30], signed_on=signed_on, valid_until=until, datasets=list(datasets), sign=sign,
        recorded_by_id=scopes.current().account_id or None, recorded_at=now,
    )  # fmt: skip
    if scan is not None:
        try:
            attach(subject="authorisation", subject_id=made.pk, area=made.area, name=scan[0], content=scan[1], now=now)
        except ValidationError as error:
            raise ValidationError({"scan": error.messages}) from None
    return made


def _months_later(day: date, months: int) -> date:
    """The same day some months later; the last of the month where it has no such day (29 February)."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - date.resolution).day
    return date(year, month, min(day.day, last))


@service("enrolment.apply")
def end_authorisation(*, authorisation_id: int, now: datetime) -> None:
    """The signer takes the authorisation back: nothing is compared under it from today."""
    changed = Authorisation.objects.filter(pk=authorisation_id, ended_on__isnull=True).update(ended_on=timezone.localdate(now))
    if not changed:
        raise ValidationError(_("这份授权已经终止；请刷新页面。"))


def unsigned(household_id: int, *, on: date) -> list[tuple[int, str]]:
    """(id, name) of living adult members without an authorisation that holds on the day."""
    rows = Membership.objects.filter(household_id=household_id, starts__lte=on, person__died_on__isnull=True).exclude(ends__lte=on)
    try:
        born_by = on.replace(year=on.year - ADULT)
    except ValueError:  # 29 February
        born_by = date(on.year - ADULT, 2, 28)
    adults = dict(rows.filter(person__birth_date__lte=born_by).order_by("relationship", "id").values_list("person_id", "person__name"))
    signed = set(valid(household_id, on=on).filter(person__isnull=False).values_list("person_id", flat=True))
    return [(person, name) for person, name in adults.items() if person not in signed]


def valid(household_id: int, *, on: date):  # type: ignore[no-untyped-def]
    """Authorisations of a household that hold on a day."""
    rows = Authorisation.objects.filter(household_id=household_id, signed_on__lte=on, valid_until__gte=on)
    return rows.filter(Q(ended_on__isnull=True) | Q(ended_on__gt=on))


@service("enrolment.apply")
def record_relative(*, household_id: int, official: str, post: str, relationship: str, now: datetime, person_id: int | None = None) -> Relative:
    """Put on record (近亲属备案) that a member is a close relative of staff or a cadre: the county visits before anything is decided."""
    today = timezone.localdate(now)
    household = _household(household_id)
    if post not in Relative.Post.values or len(official.strip()) < 2 or not relationship.strip():
        raise ValidationError(_("请填写工作人员或村干部的姓名、职务类别和与申请家庭的关系。"))
    if person_id is not None:
        _member(household, person_id, today)
    made = Relative.objects.create(
        area=household.area, household=household, person_id=person_id, official=official.strip()[:60], post=post, relationship=relationship.strip()[:30],
        recorded_by_id=scopes.current().account_id or None, recorded_at=now,
    )  # fmt: skip
    _tell(household, "近亲属备案", now=now)
    # nothing is thought about or decided before the county has been there; earlier steps come to it by themselves
    waiting = Case.objects.select_for_update().filter(household=household, step__in=(Step.OPINION, Step.APPROVAL), state=Case.State.OPEN, outcome="")
    for case in waiting.order_by("id"):
        again(case, (), now=now)
        go_on(case, now=now)
    return made


@service("enrolment.visit_county")
def end_relative(*, relative_id: int, now: datetime) -> None:
    """The county ends a record that was wrong or no longer holds."""
    if not Relative.objects.filter(pk=relative_id, ended_at__isnull=True).update(ended_at=now):
        raise ValidationError(_("这一备案已经终止；请刷新页面。"))
