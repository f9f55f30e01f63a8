"""The payee of an award and its account (领款人变更、账户变更): proposed by the township with basis and evidence, confirmed by another officer at
the county, used by payrolls after the cooling time (冷静期), which a third officer may end early."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account, Duty
from doudi.core.services import attachments, todos
from doudi.core.settings_overlay import get_setting
from doudi.enrolment.models import Award, PayeeChange
from doudi.enrolment.services.bank_rules import account_token
from doudi.enrolment.services.proposing import running_award
from doudi.enrolment.settings import COOLING, PAYEE_NOTICE
from doudi.registry.models import Membership, Person

Kind, State = PayeeChange.Kind, PayeeChange.State
SUBJECT = "payee_change"
DATED = (Kind.GUARDIAN, Kind.RELATIVE, Kind.INSTITUTION)
File = tuple[str, bytes]


def in_force(award_id: int) -> PayeeChange | None:
    """The newest confirmed change of an award."""
    return PayeeChange.objects.filter(award=award_id, state=State.CONFIRMED).order_by("-decided_at", "-id").first()


@transaction.atomic
def propose_payee(
    *,
    award_id: int,
    kind: str,
    basis: str,
    now: datetime,
    person_id: int | None = None,
    name: str = "",
    account: str = "",
    bank: str = "",
    valid_from: date | None = None,
    valid_until: date | None = None,
    old_closed: bool = False,
    evidence: Sequence[File] = (),
) -> PayeeChange:
    """Propose another payee or account of an award. A member is paid to the account in the registry; everybody else (an heir of a dead payee too, also
    after the award has ended) to the one given.

    `evidence`: photos or PDFs (name, content); they may follow on the page, but nothing is confirmed without. `valid_until`: last day of the basis,
    owed where a relative receives. Raises ValidationError: no basis, not a living member, no account, an account that its bank cannot have,
    nothing changes, one waits already, the award has ended.
    """
    scope = duties.require("enrolment.propose")
    award = running_award(award_id)
    on = timezone.localdate(now)
    dead = Person.objects.filter(pk=award.payee_id or 0).exclude(died_on=None).exists()
    if award.ends is not None and award.ends <= on and not dead:
        raise ValidationError(_("这项待遇已停发，不能变更领款人。"))
    if kind not in Kind.values:
        raise ValidationError({"kind": _("请选择领款人类型。")})
    if kind == Kind.HEIR and not dead:  # what a dead payee had not received goes to the heirs (returned, or back pay)
        raise ValidationError({"kind": _("领款人在世，不能以继承人身份领取。")})
    if not basis.strip():
        raise ValidationError({"basis": _("请写明依据和证明材料，例如监护关系证明、供养协议。")})
    if kind not in DATED:
        valid_from = valid_until = None
    elif valid_until is None and kind == Kind.RELATIVE:
        raise ValidationError({"valid_until": _("亲属代领须写明委托截止日期。")})
    if valid_until is not None and valid_until < max(on, valid_from or on):
        raise ValidationError({"valid_until": _("截止日期应不早于今天和起始日期。")})
    person_id, name, token, bank = _recipient(award, kind, person_id, name, account, bank, on)
    last = in_force(award.pk)
    renewed = last is not None and kind in DATED and (last.valid_from, last.valid_until) != (valid_from, valid_until)
    if (award.payee_name, award.account, award.payee_id) == (name, token, person_id) and not renewed:
        raise ValidationError(_("领款人和账户与现在的相同，没有变更内容。"))
    if PayeeChange.objects.filter(award=award, state=State.PROPOSED).exists():
        raise ValidationError(_("该待遇已有待确认的领款人变更；请等待县级确认。"))
    made = PayeeChange.objects.create(
        area=award.area, award=award, kind=kind, person_id=person_id, name=name, account=token, bank=bank, basis=basis.strip()[:400], valid_from=valid_from,
        valid_until=valid_until, old_closed=old_closed, was_name=award.payee_name, proposed_by_id=scope.account_id, proposed_at=now,
    )  # fmt: skip
    for file_name, content in evidence:
        attachments.attach(subject=SUBJECT, subject_id=made.pk, area=made.area, name=file_name, content=content, now=now)
    todos.raise_todo(
        kind="enrolment.payee", area=award.area, duty=Duty.COUNTY_APPROVER, title=f"领款人变更待确认：{award.payee_name}", url=f"/enrolment/awards/{award.pk}/",
        subject=SUBJECT, subject_id=made.pk, now=now,
    )  # fmt: skip
    todos.finish_todos(subject="award", subject_id=award.pk, kind="enrolment.payee_back", now=now)
    scopes.check_constraints()
    return made


def _recipient(award: Award, kind: str, person_id: int | None, name: str, account: str, bank: str, on: date) -> tuple[int | None, str, UUID, str]:
    """Person, name, account and bank of the payee whom the change names."""
    if kind == Kind.MEMBER:
        person = Person.objects.filter(pk=person_id or 0, area=award.area, died_on=None).first()
        if person is None or not Membership.objects.filter(household=award.household_id, person=person, starts__lte=on).exclude(ends__lte=on).exists():
            raise ValidationError({"person_id": _("领款人应为该家庭在世的成员；请重新选择。")})
        if person.account is None:
            raise ValidationError({"person_id": _("%(name)s还没有登记银行账户；请先在人员页登记。") % {"name": person.name}})
        return person.pk, person.name, person.account, person.bank
    if kind == Kind.OWN:
        if award.payee_id is not None and Person.objects.filter(pk=award.payee_id, died_on__isnull=False).exists():
            raise ValidationError({"kind": _("原领款人已死亡；请改选新的领款人。")})
        person_id, name = award.payee_id, award.payee_name
    else:
        person_id, name = None, name.strip()
        if not 1 < len(name) <= 60 or any(mark in name for mark in "|\t\n\\"):
            raise ValidationError({"name": _("请填写与银行账户一致的户名。")})
    if not account.strip():
        raise ValidationError({"account": _("请填写收款账号。")})
    if not bank:
        raise ValidationError({"bank": _("“开户银行”必须选择。")})
    return person_id, name, account_token(account, bank), bank


def _locked(change_id: int) -> PayeeChange:
    row = PayeeChange.objects.select_for_update(of=("self",)).filter(pk=change_id).first()
    if row is None:
        raise ValidationError(_("找不到这件变更：可能不在您的管辖范围内。"))
    return row


@transaction.atomic
def decide_payee(*, change_id: int, version: int, agreed: bool, note: str = "", now: datetime) -> PayeeChange:
    """Confirm a change, which payrolls pay to after the cooling time, or send it back with the reason. Another officer than who proposed it."""
    scope = duties.require("enrolment.payee")
    row = _locked(change_id)
    duties.require_apart("enrolment.payee", done={"enrolment.propose": row.proposed_by_id})
    if row.state != State.PROPOSED or row.version != version:
        who = Account.objects.filter(pk=row.decided_by_id or 0).values_list("name", flat=True).first() or _("其他工作人员")
        raise ValidationError(_("这件变更已由%(who)s办理（%(state)s）；请刷新页面。") % {"who": who, "state": row.get_state_display()})  # type: ignore[attr-defined]
    if not agreed and not note.strip():
        raise ValidationError({"note": _("请填写退回理由。")})
    if agreed:
        if not attachments.attachments_of(subject=SUBJECT, subject_id=row.pk).exists():
            raise ValidationError(_("还没有上传证明材料，不能确认；请退回乡镇或由乡镇补充上传。"))
        award = Award.objects.select_for_update().get(pk=row.award_id)
        if row.person_id is not None and not Person.objects.filter(pk=row.person_id, area=row.area, died_on=None).exists():
            raise ValidationError(_("新领款人已死亡或已转出；请退回乡镇另定。"))
        _take_over(row, award, on=timezone.localdate(now))
        award.payee_id, award.payee_name, award.account, award.bank = row.person_id, row.name, row.account, row.bank
        award.save(update_fields=["payee_id", "payee_name", "account", "bank"])
        todos.finish_todos(subject="award", subject_id=award.pk, kind="payments.new_payee", now=now)
        todos.finish_todos(subject="award", subject_id=award.pk, kind="enrolment.payee_ends", now=now)
    row.state, row.note = State.CONFIRMED if agreed else State.SENT_BACK, note.strip()[:400]
    row.decided_by_id, row.decided_at, row.version = scope.account_id, now, version + 1
    row.save(
        update_fields=[
            "state", "note", "decided_by", "decided_at", "version", "usable_from", "was_name", "was_person_id", "was_account", "was_bank", "was_until",
        ]
    )  # fmt: skip
    todos.finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    if not agreed:
        todos.raise_todo(
            kind="enrolment.payee_back", area=row.area, duty=Duty.TOWNSHIP_OFFICER, title=f"领款人变更被退回：{row.was_name}", url=f"/enrolment/awards/{row.award_id}/",
            subject="award", subject_id=row.award_id, now=now,
        )  # fmt: skip
    scopes.check_constraints()
    return row


def _take_over(row: PayeeChange, award: Award, *, on: date) -> None:
    """Freeze what is paid until the change may be used, and from which day that is. What never was in use is not fallen back to."""
    last = in_force(award.pk)
    if last is not None and last.waits(on) and last.account == award.account:
        row.was_name, row.was_person_id, row.was_account, row.was_bank, row.was_until = (
            last.was_name, last.was_person_id, last.was_account, last.was_bank, last.was_until
        )  # fmt: skip
        row.old_closed = row.old_closed or last.old_closed
    else:
        row.was_name, row.was_person_id, row.was_account, row.was_bank = award.payee_name, award.payee_id, award.account, award.bank
        row.was_until = last.valid_until if last is not None and last.account == award.account else None
    days = 0 if row.account == row.was_account else int(get_setting(COOLING, award.area, on))
    row.usable_from = max(on + timedelta(days=days), row.valid_from or on)


@transaction.atomic
def lift_cooling(*, change_id: int, version: int, reason: str, now: datetime) -> PayeeChange:
    """End the cooling time of a confirmed change early (urgent case), with the reason: by an officer who neither proposed nor confirmed it."""
    scope = duties.require("enrolment.payee_lift")
    row = _locked(change_id)
    duties.require_apart("enrolment.payee_lift", done={"enrolment.propose": row.proposed_by_id, "enrolment.payee": row.decided_by_id})
    if row.version != version or not row.waits(timezone.localdate(now)):
        raise ValidationError(_("冷静期已结束或已由他人解除；请刷新页面。"))
    if row.valid_from is not None and row.valid_from > timezone.localdate(now):
        raise ValidationError(_("代领依据自 %(day)s 起有效，此前不能解除。") % {"day": row.valid_from})
    if not reason.strip():
        raise ValidationError({"reason": _("请填写提前启用的原因。")})
    row.lifted_by_id, row.lifted_at, row.lifted_reason, row.version = scope.account_id, now, reason.strip()[:200], version + 1
    row.save(update_fields=["lifted_by", "lifted_at", "lifted_reason", "version"])
    scopes.check_constraints()
    return row


ENDING = """
select c.area, %s, 'enrolment.payee_ends', case when c.valid_until < %s then %s else %s end || '：' || c.name, '/enrolment/awards/' || a.id || '/', 'award', a.id, c.valid_until
from (select distinct on (award_id) * from enrolment_payeechange where state = 'confirmed' and area >= %s and area < %s order by award_id, decided_at desc, id desc) c
join enrolment_award a on a.id = c.award_id and not a.void and (a.ends is null or a.ends > %s) and a.payee_name = c.name
where c.valid_until is not null and c.valid_until <= %s
"""


def remind_ending_payees(*, area: str, on: date, now: datetime) -> int:
    """To-dos of the townships for payees whose basis ends soon or has ended (then payrolls leave the award out); the number raised."""
    here = scopes.Scope(area=area)
    days = int(get_setting(PAYEE_NOTICE, area, on))
    return todos.raise_todos(
        ENDING, [Duty.TOWNSHIP_OFFICER, on, "代领期限已满，请续签或变更领款人", "代领期限将满，请续签或变更领款人", here.low, here.high, on, on + timedelta(days=days)], now=now
    )
