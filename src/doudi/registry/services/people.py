"""People (人员): registering, correcting, accounts, deaths."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import audit, keys, numbers
from doudi.core.models import Duty
from doudi.core.numbers import Kind
from doudi.core.services.todos import ends_by_hand, finish_todos, raise_todo
from doudi.registry.models import BenefitStatus, Household, Membership, Person, Sex
from doudi.registry.names import BadName, clean_name, pinyin_of
from doudi.registry.services.base import Duplicate, ManagedElsewhere, changed, collected, next_id, service, village

ends_by_hand("recipient_died")

SEX_OF = {"male": Sex.MALE, "female": Sex.FEMALE}
OLDEST = 130


@dataclass(frozen=True)
class Identity:
    """Who somebody is by the papers: `token` is None for a person without any number (made from the id at registration)."""

    name: str
    sex: str
    birth_date: date
    token: UUID | None
    number: str


def identity(*, name: str, id_number: str = "", document: str = "", birth_date: date | None = None, sex: str = "", on: date) -> Identity:
    """Check name, number, birth date and sex against each other. Raises ValidationError naming every field that is wrong.

    Birth date and sex are read from the ID number; what was entered as well must agree with it. Without an ID number
    (`document`: passport, permit, or nothing at all) both must be entered.
    """
    errors: dict[str, list[str] | str] = {}
    token: UUID | None = None
    number = ""
    try:
        name = clean_name(name)
    except BadName as error:
        errors["name"] = _("“姓名”：%(reason)s。") % {"reason": error}
    if id_number.strip():
        try:
            parsed = idnumber.parse(id_number, on=on)
        except idnumber.IdNumberError as error:
            errors["id_number"] = _("“身份证号”：%(reason)s；请核对证件后重新填写。") % {"reason": error}
        else:
            number, token = parsed.number18, numbers.id_token(parsed.number18)
            if birth_date and birth_date != parsed.birth_date:
                errors["birth_date"] = _("“出生日期”与身份证号中的 %(day)s 不一致；请核对证件。") % {"day": parsed.birth_date}
            if sex and sex != SEX_OF[parsed.sex]:
                errors["sex"] = _("“性别”与身份证号中的性别（%(sex)s）不一致；请核对证件。") % {"sex": SEX_OF[parsed.sex].label}
            birth_date, sex = parsed.birth_date, SEX_OF[parsed.sex]
    else:
        if document.strip():
            number = idnumber.normalise(document)
            token = numbers.token_of(Kind.DOCUMENT, number)
        if birth_date is None:
            errors["birth_date"] = _("没有身份证号时，“出生日期”必须填写。")
        if sex not in Sex.values:
            errors["sex"] = _("没有身份证号时，“性别”必须选择。")
    if birth_date and birth_date > on:
        errors.setdefault("birth_date", _("“出生日期”晚于今天；请核对后重新填写。"))
    if birth_date and birth_date.year < on.year - OLDEST:
        errors.setdefault("birth_date", _("“出生日期”距今超过 %(years)d 年；请核对后重新填写。") % {"years": OLDEST})
    collected(errors)
    assert birth_date is not None
    return Identity(name, sex, birth_date, token, number)


def contacts(*, phone: str = "", account: str = "") -> dict[str, UUID | None]:
    """Tokens of phone and bank account, None for empty ones; ValidationError by field."""
    errors: dict[str, list[str] | str] = {}
    found: dict[str, UUID | None] = {"phone": None, "account": None}
    for field, text, check, kind, label in (
        ("phone", phone, idnumber.check_phone, Kind.PHONE, _("联系电话")),
        ("account", account, idnumber.check_account, Kind.ACCOUNT, _("银行账号")),
    ):
        if text.strip():
            try:
                found[field] = numbers.token_of(kind, check(text))
            except ValueError as error:
                errors[field] = _("“%(label)s”：%(reason)s；请核对后重新填写。") % {"label": label, "reason": error}
    collected(errors)
    return found


def alike(who: Identity) -> list[Person]:
    """People of the scope with the same number, else with the same name and birth date; both indexes hold under row-level security."""
    condition = Q(name=who.name, birth_date=who.birth_date)
    if who.token:
        condition |= Q(token=who.token)
    return list(Person.objects.filter(condition).order_by("id")[:10])


def _refuse_duplicates(who: Identity, *, confirmed: bool, but: int | None = None) -> None:
    found = [person for person in alike(who) if person.pk != but]
    same = [person for person in found if who.token and person.token == who.token]
    if same:
        raise Duplicate(_("“身份证号”已登记在本辖区人员名下，不能重复登记；请核对下方已有人员。"), same, same_number=True)
    if found and not confirmed:
        raise Duplicate(_("已有姓名、出生日期都相同的人员；请核对是否同一人，确认不是后再保存。"), found, same_number=False)


def _elsewhere(who: Identity, area: str) -> ManagedElsewhere:
    """Record the refused entry (it stays whatever becomes of the request), and say no more than that."""
    audit.record_access(what="refused", subject="person", area=area, digest=keys.sealing_digest(who.number), reason="number is held elsewhere")
    return ManagedElsewhere("id_number")


@service("registry.edit")
def register_person(
    *,
    area: str,
    name: str,
    id_number: str = "",
    document: str = "",
    birth_date: date | None = None,
    sex: str = "",
    ethnicity: str = "01",
    registered_area: str = "",
    residence_area: str = "",
    phone: str = "",
    account: str = "",
    bank: str = "",
    confirmed: bool = False,
    on: date,
    now: datetime,
) -> Person:
    """Register a person managed by the village `area`.

    Raises Duplicate for the same number in the scope and, unless `confirmed`, for the same name and birth date;
    ManagedElsewhere where another area holds the number; ValidationError by field for everything else.
    """
    village(area)
    who = identity(name=name, id_number=id_number, document=document, birth_date=birth_date, sex=sex, on=on)
    tokens = contacts(phone=phone, account=account)
    _refuse_duplicates(who, confirmed=confirmed)
    pk = next_id("registry_person")
    pinyin, initials = pinyin_of(who.name)
    person = Person(
        id=pk, area=area, token=who.token or numbers.token_of(Kind.NONE, str(pk)), long_number=numbers.text_to_keep(who.token, who.number), name=who.name,
        pinyin=pinyin, initials=initials, sex=who.sex, birth_date=who.birth_date, ethnicity=ethnicity or "01",
        registered_area=registered_area or area, residence_area=residence_area or area,
        bank=bank, made_at=now, **tokens,
    )  # fmt: skip
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        if "token" not in (error.__cause__.diag.constraint_name or ""):  # type: ignore[union-attr]
            raise
        # Somebody of the scope may have been faster by a moment.
        _refuse_duplicates(who, confirmed=True)
        raise _elsewhere(who, area) from None
    return person


@service("registry.edit")
def correct_person(*, person_id: int, version: int, on: date, now: datetime, confirmed: bool = False, **fields: Any) -> Person:
    """Correct a person: any of name, id_number, birth_date, sex, ethnicity, registered_area, residence_area, phone.

    What is left out stays. The household follows its head's name. Raises Stale where somebody else was faster, otherwise as `register_person`.
    """
    unknown = fields.keys() - {"name", "id_number", "birth_date", "sex", "ethnicity", "registered_area", "residence_area", "phone"}
    if unknown:
        raise TypeError(f"correct_person does not take {sorted(unknown)}")
    person = Person.objects.select_for_update().get(pk=person_id)
    kind, number = numbers.token_key().open(person.token) if _readable(person.token) else (Kind.DOCUMENT, "")
    given = fields.get("id_number") or (number if kind is Kind.CITIZEN_ID else "")
    who = identity(
        name=fields.get("name", person.name), id_number=given, on=on, birth_date=fields.get("birth_date") or (None if given else person.birth_date),
        sex=fields.get("sex") or ("" if given else person.sex),
    )  # fmt: skip
    values: dict[str, Any] = {"name": who.name, "sex": who.sex, "birth_date": who.birth_date, "token": who.token or person.token}
    if who.token and person.long_number:
        values["long_number"] = None
    values["pinyin"], values["initials"] = pinyin_of(who.name)
    values |= {field: fields[field] for field in ("ethnicity", "registered_area", "residence_area") if fields.get(field)}
    if "phone" in fields:
        values["phone"] = contacts(phone=fields["phone"])["phone"]
    if (who.name, who.birth_date, values["token"]) != (person.name, person.birth_date, person.token):
        _refuse_duplicates(who, confirmed=confirmed, but=person.pk)
    try:
        with transaction.atomic():
            changed(Person, person_id, version, **values)
    except IntegrityError as error:
        if "token" not in (error.__cause__.diag.constraint_name or ""):  # type: ignore[union-attr]
            raise
        raise _elsewhere(who, person.area) from None
    if who.name != person.name:
        Household.objects.filter(memberships__person_id=person_id, memberships__ends__isnull=True, memberships__relationship="02").update(
            name=who.name
        )
    return Person.objects.get(pk=person_id)


def _readable(token: UUID) -> bool:
    try:
        numbers.plain(token)
    except ValueError:  # a digest of a long document number
        return False
    return True


@service("registry.edit")
def change_account(*, person_id: int, version: int, account: str, bank: str, on: date, now: datetime) -> Person:
    """Change the bank account (账户变更) that money to this person goes to; empty `account` takes it away."""
    token = contacts(account=account)["account"]
    if token and not bank:
        raise ValidationError({"bank": _("“开户银行”必须选择。")})
    changed(Person, person_id, version, account=token, bank=bank if token else "")
    return Person.objects.get(pk=person_id)


@service("registry.edit")
def record_death(*, person_id: int, version: int, died_on: date, on: date, now: datetime) -> Person:
    """Record a death: membership ends on the day after, awards learn of it by trigger, to-dos are raised.

    The month of death is still paid (integrity.md, "Death"). A dead head leaves a to-do to name a new one, where somebody is left.
    """
    person = Person.objects.select_for_update().get(pk=person_id)
    if died_on > on:
        raise ValidationError({"died_on": _("“死亡日期”晚于今天；请核对证明后重新填写。")})
    if died_on < person.birth_date:
        raise ValidationError({"died_on": _("“死亡日期”早于出生日期 %(day)s；请核对证明后重新填写。") % {"day": person.birth_date}})
    changed(Person, person_id, version, died_on=died_on)
    membership = Membership.objects.select_related("household").filter(person_id=person_id, ends__isnull=True).first()
    if membership:
        ends = max(died_on, membership.starts) + timedelta(days=1)
        Membership.objects.filter(pk=membership.pk).update(ends=ends)
        url = reverse("registry:household", args=[membership.household_id])
        left = Membership.objects.filter(household_id=membership.household_id, ends__isnull=True).exists()
        if not left:
            finish_todos(subject="household", subject_id=membership.household_id, kind="head_died", now=now)
        elif membership.relationship == "02":
            raise_todo(
                kind="head_died", area=person.area, duty=Duty.TOWNSHIP_OFFICER, title="户主去世：请变更户主", url=url, subject="household",
                subject_id=membership.household_id, now=now,
            )  # fmt: skip
        if BenefitStatus.objects.filter(person_id=person_id, state__in=("active", "suspended")).exists():
            raise_todo(
                kind="recipient_died", area=person.area, duty=Duty.TOWNSHIP_OFFICER, title="保障对象去世：请核对待遇和领款人", url=url,
                subject="household", subject_id=membership.household_id, due=on + timedelta(days=30), now=now,
            )  # fmt: skip
    return Person.objects.get(pk=person_id)
