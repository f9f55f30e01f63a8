"""Taking down (登记) objections and complaints, from whatever way they come; who made them is sealed apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.complaints.models import Complainant, Complaint
from doudi.complaints.services.base import days, due_of, kind_word, note_event, refuse_barred, todo
from doudi.core import audit, duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Account, Division, Duty, Posting
from doudi.core.numbers import Kind
from doudi.core.workdays import add_working_days
from doudi.enrolment.models import Award, Decision, Publicity
from doudi.enrolment.services import object_by_complaint
from doudi.payments.models import PayrollLine
from doudi.registry.models import Household


@dataclass(frozen=True)
class Identity:
    """Who complains. Nothing of it: anonymous."""

    name: str = ""
    phone: str = ""
    address: str = ""


@dataclass(frozen=True)
class Links:
    """What it is about; each id within the scope of who takes it down."""

    household: int | None = None
    person: int | None = None
    decision: int | None = None
    award: int | None = None
    line: int | None = None
    publicity: int | None = None


def _linked(links: Links) -> tuple[Household | None, Links]:
    """The household concerned, found through what was named. Raises ValidationError for what is not there."""
    missing = ValidationError(_("所指的家庭、决定或发放明细不存在，或不在您的管辖范围内。"))
    household_id = links.household
    if links.decision is not None:
        row = Decision.objects.filter(pk=links.decision).first()
        if row is None or household_id not in (None, row.household_id):
            raise missing
        household_id = row.household_id
    if links.award is not None:
        award = Award.objects.filter(pk=links.award).first()
        if award is None or household_id not in (None, award.household_id):
            raise missing
        household_id = award.household_id
    if links.line is not None:
        line = PayrollLine.objects.filter(pk=links.line).first()
        if line is None or (household_id is not None and line.household_id not in (None, household_id)):
            raise missing
        household_id = household_id or line.household_id
    if links.publicity is not None:
        posted = Publicity.objects.filter(pk=links.publicity).select_related("case").first()
        if posted is None or household_id not in (None, posted.case.household_id):
            raise missing
        household_id = posted.case.household_id
    household = Household.objects.filter(pk=household_id).first() if household_id is not None else None
    if household_id is not None and household is None:
        raise missing
    return household, links


@transaction.atomic
def open_complaint(
    *, uuid: UUID, kind: str, category: str, channel: str, content: str, now: datetime, area: str = "", identity: Identity | None = None,
    links: Links | None = None, about_account: int | None = None,
) -> Complaint:
    """Take one down; the same form (`uuid`) again gives back the first. Without a name it is anonymous.

    `area`: place concerned, where no household is named. An objection to what is being posted stops the publicity at once: it is the case's
    objection too, under this one's number. Raises ValidationError by field.
    """  # fmt: skip
    acting = duties.require("complaints.open")
    identity, links = identity or Identity(), links or Links()
    known = Complaint.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    if kind not in Complaint.Kind.values or category not in Complaint.Category.values or channel not in Complaint.Channel.values:
        raise ValidationError(_("种类、类别或渠道不正确；请刷新页面后重试。"))
    if len(content.strip()) < 4:
        raise ValidationError({"content": _("请写明反映的情况，至少 4 个字。")})
    household, links = _linked(links)
    place = household.area if household else area or acting.area
    if not acting.covers(place) or len(place) < 6 or (household is None and not Division.objects.filter(code=place).exists()):
        raise ValidationError({"area": _("请选择您管辖范围内的县、乡镇或村。")})
    if about_account is not None:
        if about_account == acting.account_id:
            raise ValidationError({"about_account": _("投诉对象是您本人，请由其他工作人员登记。")})
        if not Account.objects.filter(pk=about_account).exists():
            raise ValidationError({"about_account": _("没有这个账号；请重新选择。")})
    phone = None
    if identity.phone.strip():
        try:
            phone = numbers.token_of(Kind.PHONE, idnumber.check_phone(identity.phone.strip()))
        except ValueError as error:
            raise ValidationError({"phone": str(error)}) from None
    if (identity.phone.strip() or identity.address.strip()) and not identity.name.strip():
        raise ValidationError({"name": _("留了电话或地址的请填写姓名；匿名的都不填。")})
    on = timezone.localdate(now)
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.complaint_number')")
        serial = cursor.fetchone()[0]
    try:
        with transaction.atomic():
            row = Complaint.objects.create(
                area=place, number=f"TS{on:%Y%m%d}{serial:05d}", uuid=uuid, kind=kind, category=category, channel=channel,
                anonymous=not identity.name.strip(), content=content.strip()[:4000], household=household, person_id=links.person,
                decision_id=links.decision, award_id=links.award, line_id=links.line, publicity_id=links.publicity, about_account_id=about_account,
                due=due_of(category=category, area=place, on=on), opened_by_id=acting.account_id or None, opened_at=now,
            )  # fmt: skip
    except IntegrityError:  # the same form a moment ago
        return Complaint.objects.get(uuid=uuid)
    if identity.name.strip():
        Complainant.objects.create(
            area=place, complaint=row, name=identity.name.strip()[:60], phone=phone, address=identity.address.strip()[:200] or None
        )
    note_event(row, "登记", "", now)
    if links.publicity is not None and kind == Complaint.Kind.OBJECTION:
        # an officer complained about must not read it in the case
        said = content if about_account is None else _("内容见 %(number)s") % {"number": row.number}
        object_by_complaint(publicity_id=links.publicity, number=row.number, text=said, now=now)
    todo(
        row, "complaints.assign", _assigner(row, on), f"分派{kind_word(row)} {row.number}", now,
        due=add_working_days(on, days("assign_days", place, on)),
    )  # fmt: skip
    scopes.check_constraints()
    return row


def _assigner(row: Complaint, on: date) -> str:
    """Who assigns it: the county; a complaint about one of the county's own reviewers, or about somebody whose posting
    whoever takes it down cannot see (so one above), goes to the city."""
    if row.about_account_id is None:
        return Duty.COUNTY_REVIEWER
    postings = [each for each in Posting.objects.filter(account_id=row.about_account_id, starts__lte=on) if each.holds_on(on)]
    return Duty.SUPERVISOR if not postings or any(each.duty == Duty.COUNTY_REVIEWER for each in postings) else Duty.COUNTY_REVIEWER


@dataclass(frozen=True)
class Revealed:
    name: str
    phone: str
    address: str


def may_reveal(row: Complaint) -> bool:
    """The handler, and a supervisor of the city or province; nobody who is complained about or decided what is objected to."""
    acting = scopes.current()
    if row.anonymous or row.about_account_id == acting.account_id:
        return False
    return (row.handler_id == acting.account_id and duties.may("complaints.handle")) or acting.duty == Duty.SUPERVISOR


def reveal_complainant(*, complaint_id: int, reason: str) -> Revealed:
    """Who made it. Recorded before it is answered; PermissionDenied for anybody but the handler and a supervisor."""
    duties.require("complaints.view")
    row = Complaint.objects.filter(pk=complaint_id).first()
    if row is None:
        raise ValidationError(_("没有这件异议投诉，或它不在您的办理范围内。"))
    if not may_reveal(row):
        raise PermissionDenied(_("反映人身份只有承办人和上级监管员可以查看。"))
    refuse_barred(row, scopes.current().account_id)
    if not reason.strip():
        raise ValidationError({"reason": _("请写明查看反映人身份的用途。")})
    audit.record_access(what="reveal", subject="complaint", subject_id=row.pk, area=row.area, field="complainant", reason=reason)
    who = Complainant.objects.get(complaint=row)
    return Revealed(str(who.name), numbers.plain(who.phone) or "", str(who.address or ""))


