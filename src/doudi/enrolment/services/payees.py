"""The payee of an award (领款人变更): proposed by the township with basis and evidence, confirmed by another officer at the county."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account, Duty
from doudi.core.services import todos
from doudi.enrolment.models import Award, PayeeChange
from doudi.enrolment.services.proposing import running_award
from doudi.registry.models import Membership, Person
from doudi.registry.services.people import contacts

Kind, State = PayeeChange.Kind, PayeeChange.State
SUBJECT = "payee_change"


@transaction.atomic
def propose_payee(
    *, award_id: int, kind: str, basis: str, now: datetime, person_id: int | None = None, name: str = "", account: str = "", bank: str = ""
) -> PayeeChange:
    """Propose another payee of an award. A member is paid to the account in the registry; a guardian, an institution or an heir (of a dead
    payee, also after the award has ended) to the one given.

    Raises ValidationError: no basis, not a living member, no account, nothing changes, one waits already, the award has ended.
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
    if kind == Kind.MEMBER:
        person = Person.objects.filter(pk=person_id or 0, area=award.area, died_on=None).first()
        if person is None or not Membership.objects.filter(household=award.household_id, person=person, starts__lte=on).exclude(ends__lte=on).exists():
            raise ValidationError({"person_id": _("领款人应为该家庭在世的成员；请重新选择。")})
        if person.account is None:
            raise ValidationError({"person_id": _("%(name)s还没有登记银行账户；请先在人员页登记。") % {"name": person.name}})
        token: UUID = person.account
        name, bank = person.name, person.bank
    else:
        person_id, name = None, name.strip()
        if not 1 < len(name) <= 60 or any(mark in name for mark in "|\t\n\\"):
            raise ValidationError({"name": _("请填写与银行账户一致的户名。")})
        given = contacts(account=account)["account"]
        if given is None:
            raise ValidationError({"account": _("请填写收款账号。")})
        if not bank:
            raise ValidationError({"bank": _("“开户银行”必须选择。")})
        token = given
    if (award.payee_name, award.account, award.payee_id) == (name, token, person_id):
        raise ValidationError(_("领款人和账户与现在的相同，没有变更内容。"))
    if PayeeChange.objects.filter(award=award, state=State.PROPOSED).exists():
        raise ValidationError(_("该待遇已有待确认的领款人变更；请等待县级确认。"))
    made = PayeeChange.objects.create(
        area=award.area, award=award, kind=kind, person_id=person_id, name=name, account=token, bank=bank, basis=basis.strip()[:400],
        was_name=award.payee_name, proposed_by_id=scope.account_id, proposed_at=now,
    )  # fmt: skip
    todos.raise_todo(
        kind="enrolment.payee", area=award.area, duty=Duty.COUNTY_APPROVER, title=f"领款人变更待确认：{award.payee_name}", url=f"/enrolment/awards/{award.pk}/",
        subject=SUBJECT, subject_id=made.pk, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return made


@transaction.atomic
def decide_payee(*, change_id: int, version: int, agreed: bool, note: str = "", now: datetime) -> PayeeChange:
    """Confirm a change of payee, which the next payroll pays to, or send it back with the reason. Another officer than who proposed it."""
    scope = duties.require("enrolment.payee")
    row = PayeeChange.objects.select_for_update(of=("self",)).filter(pk=change_id).first()
    if row is None:
        raise ValidationError(_("找不到这件变更：可能不在您的管辖范围内。"))
    duties.require_apart("enrolment.payee", done={"enrolment.propose": row.proposed_by_id})
    if row.state != State.PROPOSED or row.version != version:
        who = Account.objects.filter(pk=row.decided_by_id or 0).values_list("name", flat=True).first() or _("其他工作人员")
        raise ValidationError(_("这件变更已由%(who)s办理（%(state)s）；请刷新页面。") % {"who": who, "state": row.get_state_display()})  # type: ignore[attr-defined]
    if not agreed and not note.strip():
        raise ValidationError({"note": _("请填写退回理由。")})
    if agreed:
        award = Award.objects.select_for_update().get(pk=row.award_id)
        if row.person_id is not None and not Person.objects.filter(pk=row.person_id, area=row.area, died_on=None).exists():
            raise ValidationError(_("新领款人已死亡或已转出；请退回乡镇另定。"))
        award.payee_id, award.payee_name, award.account, award.bank = row.person_id, row.name, row.account, row.bank
        award.save(update_fields=["payee_id", "payee_name", "account", "bank"])
        todos.finish_todos(subject="award", subject_id=award.pk, kind="payments.new_payee", now=now)
    row.state, row.note = State.CONFIRMED if agreed else State.SENT_BACK, note.strip()[:400]
    row.decided_by_id, row.decided_at, row.version = scope.account_id, now, version + 1
    row.save(update_fields=["state", "note", "decided_by", "decided_at", "version"])
    todos.finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    if not agreed:
        todos.raise_todo(
            kind="enrolment.payee_back", area=row.area, duty=Duty.TOWNSHIP_OFFICER, title=f"领款人变更被退回：{row.was_name}", url=f"/enrolment/awards/{row.award_id}/",
            subject="award", subject_id=row.award_id, now=now,
        )  # fmt: skip
    scopes.check_constraints()
    return row
