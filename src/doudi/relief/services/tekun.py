"""Beside the award of extreme poverty support: the care agreement (照料护理协议) and the funeral cost (丧葬费)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.core.settings_overlay import get_setting
from doudi.enrolment.models import AwardAmount, AwardMember
from doudi.payments.models import OneOff
from doudi.payments.services import grants
from doudi.payments.services.corrections import account_problem
from doudi.registry.models import Membership, Person, Programme
from doudi.relief import rules
from doudi.relief.models import CareAgreement, FuneralCase
from doudi.relief.services.base import number_of, today_of


def _person(person_id: int) -> Person:
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise ValidationError(_("没有这个人，或不在您的管辖范围内。"))
    return person


def _tekun(person: Person, on: date) -> AwardMember:
    """The tekun membership that counts on a day, or that was the last before it."""
    rows = AwardMember.objects.filter(person=person, void=False, award__programme=Programme.TEKUN, starts__lte=on).select_related("award")
    found = rows.order_by("-starts", "-pk").first()
    if found is None:
        raise ValidationError(_("此人没有享受特困人员救助供养，不能办理。"))
    return found


@transaction.atomic
def agree_care(
    *, person_id: int, support: str, carer_kind: str, carer: str, level: str, amount: Decimal, signed_on: date, starts: date, place: str = "", phone: str = "",
    now: datetime,
) -> CareAgreement:
    """Record a care agreement of a tekun recipient at home or in an institution. The one that runs must be ended first."""
    duties.require("tekun.care")
    person = _person(person_id)
    if person.died_on:
        raise ValidationError(_("此人已登记死亡。"))
    member = _tekun(person, starts)
    if not carer.strip():
        raise ValidationError({"carer": _("请填写照料护理人。")})
    if support == CareAgreement.Support.INSTITUTION and not place.strip():
        raise ValidationError({"place": _("集中供养的，请填写供养机构。")})
    if signed_on > today_of(now):
        raise ValidationError({"signed_on": _("“签订日期”不能晚于今天。")})
    try:
        with transaction.atomic():
            row = CareAgreement.objects.create(
                area=person.area, person=person, household_id=member.award.household_id, support=support, place=place.strip()[:100], carer_kind=carer_kind,
                carer=carer.strip()[:60], carer_phone=numbers.token_of(numbers.Kind.PHONE, phone) if phone else None, level=level, amount=amount,
                signed_on=signed_on, starts=starts, made_by_id=scopes.current().account_id, made_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        if "care_one_running" in str(error):
            raise ValidationError(_("此人已有一份执行中的照料护理协议；请先终止。")) from None
        raise
    scopes.check_constraints()
    return row


@transaction.atomic
def end_care(*, agreement_id: int, on: date, reason: str) -> CareAgreement:
    """End a care agreement on a day, with the reason. Twice is once."""
    acting = duties.require("tekun.care")
    row = CareAgreement.objects.select_for_update(of=("self",)).filter(pk=agreement_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这份协议，或它不在您的管辖范围内。"))
    if row.ends:
        return row
    if not reason.strip() or on < row.starts:
        raise ValidationError(_("请填写终止原因；终止日期不能早于开始日期。"))
    row.ends, row.end_reason = on, reason.strip()[:200]
    row.save(update_fields=["ends", "end_reason"])
    return row


def funeral_ceiling(person: Person, on: date) -> tuple[Decimal, int]:
    """(living amount of the last month, months): the funeral cost is at most their product (a county setting)."""
    if person.died_on is None:
        raise ValidationError(_("此人没有登记死亡；请先登记。"))
    member = _tekun(person, person.died_on)
    amount = AwardAmount.objects.filter(award=member.award, from_month__lte=person.died_on).order_by("-from_month").values_list("amount", flat=True).first()
    return member.share or amount or Decimal(0), int(get_setting(rules.FUNERAL_MONTHS, person.area, on))


@transaction.atomic
def propose_funeral(
    *, person_id: int, amount: Decimal, payee_name: str, account: str, bank: str, arranged_by: str, payee_number: str = "", now: datetime
) -> FuneralCase:
    """Propose the funeral cost of a tekun recipient who died, to who arranged the burial. Once per person."""
    acting, on = duties.require("tekun.funeral"), today_of(now)
    person = _person(person_id)
    living, months = funeral_ceiling(person, on)
    assert person.died_on is not None
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")) or amount > living * months:
        raise ValidationError(
            {"amount": _("“金额”应为正数，且不超过 %(ceiling)s 元（基本生活标准 %(months)s 个月）。") % {"ceiling": f"{living * months:,.2f}", "months": months}}
        )
    if problem := account_problem(account.replace(" ", "")):
        raise ValidationError({"account": problem})
    for field, text in (("payee_name", payee_name), ("arranged_by", arranged_by)):
        if not text.strip():
            raise ValidationError({field: _("此项必填。")})
    household = Membership.objects.filter(person=person).order_by("-starts").values_list("household_id", flat=True).first()
    try:
        with transaction.atomic():
            row = FuneralCase.objects.create(
                area=person.area, person=person, name=person.name, token=person.token, died_on=person.died_on, household_id=household, amount=amount,
                living_amount=living, months=months, payee_name=payee_name.strip()[:60],
                payee=numbers.id_token(number_of(payee_number, on=on, field="payee_number").number18) if payee_number.strip() else None,
                account=numbers.token_of(numbers.Kind.ACCOUNT, account.replace(" ", "")), bank=bank.strip()[:14], arranged_by=arranged_by.strip()[:100],
                proposed_by_id=acting.account_id, proposed_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        if "funeral_once" in str(error):
            raise ValidationError(_("此人的丧葬费已提出或已发放，没有重复办理。"), code="twice") from None
        raise
    raise_todo(
        kind="tekun.funeral", area=row.area, duty=Duty.COUNTY_APPROVER, title=f"特困人员丧葬费待审批：{row.name}", url=f"/tekun/funerals/{row.pk}/",
        subject="funeral", subject_id=row.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return row


@transaction.atomic
def decide_funeral(*, funeral_id: int, agreed: bool, note: str = "", now: datetime) -> FuneralCase:
    """Confirm or refuse a funeral cost, by another officer at the county; confirmed it waits in the one-off payroll. Twice is once."""
    acting = duties.require("tekun.funeral_approve")
    row = FuneralCase.objects.select_for_update(of=("self",)).filter(pk=funeral_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这件丧葬费，或它不在您的管辖范围内。"))
    if row.state != FuneralCase.State.PROPOSED:
        return row
    duties.require_apart("tekun.funeral_approve", done={"tekun.funeral": row.proposed_by_id})
    if not agreed and not note.strip():
        raise ValidationError({"note": _("请填写不予确认的理由。")})
    row.state = FuneralCase.State.GRANTED if agreed else FuneralCase.State.REFUSED
    if agreed:
        row.grant = grants.make_grant(
            act="tekun.funeral_approve", area=row.area, programme=OneOff.FUNERAL, cause=row.pk, month=today_of(now), amount=row.amount,
            household_id=row.household_id, payee=grants.Payee(row.payee_name, None, row.payee, row.account, row.bank), beneficiary_name=row.name,
            beneficiary=row.token, now=now,
        )  # fmt: skip
    row.decided_by_id, row.decided_at, row.note = acting.account_id, now, note.strip()[:200]
    row.save(update_fields=["state", "grant", "decided_by", "decided_at", "note"])
    finish_todos(subject="funeral", subject_id=row.pk, now=now)
    scopes.check_constraints()
    return row
