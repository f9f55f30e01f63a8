"""Account numbers against the rules of their banks (`BankRule`), one at a time or a whole column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.numbers import Kind
from doudi.enrolment.models import BankRule
from doudi.registry.codes import BANKS


@dataclass(frozen=True)
class Rules:
    """The rules in force. `cards`: by first digits; `passbooks`: by class code of the bank."""

    cards: dict[str, BankRule]
    passbooks: dict[str, list[BankRule]]

    def card(self, number: str) -> BankRule | None:
        """The rule with the longest first digits of this number."""
        return next((self.cards[number[:size]] for size in range(min(len(number), 10), 1, -1) if number[:size] in self.cards), None)

    def problem(self, number: str, bank: str) -> tuple[str, str]:
        """What is wrong with a number of digits at a bank: (code, in words), or two empty texts. Codes: `form`, `length`, `check`, `bank`, `passbook`.

        A card whose first digits nobody has entered passes: a table of rules is never complete, and the check digit still holds.
        """
        if not number.isascii() or not number.isdigit() or not 8 <= len(number) <= 28:
            return "form", str(_("应为 8 至 28 位数字"))
        rule = self.card(number)
        if rule is not None or (number.startswith("62") and 16 <= len(number) <= 19):
            if rule is not None and not rule.least <= len(number) <= rule.most:
                return "length", str(_("%(bank)s卡号应为 %(size)s 位，现为 %(n)s 位")) % {"bank": rule.name, "size": rule.most, "n": len(number)}
            if number[-1] != idnumber.luhn_digit(number[:-1]):
                return "check", str(_("银行卡号校验位不正确"))
            if rule is not None and bank[:3] in BANKS and rule.bank != bank[:3]:
                return "bank", str(_("卡号是%(found)s的，开户银行却是%(given)s")) % {"found": rule.name, "given": BANKS[bank[:3]]}
            return "", ""
        forms = self.passbooks.get(bank[:3], [])
        if forms and not any(each.least <= len(number) <= each.most and number.startswith(each.prefix) for each in forms):
            sizes = "、".join(str(each.least) if each.least == each.most else f"{each.least}–{each.most}" for each in forms)
            return "passbook", str(_("不符合%(bank)s存折账号的规则（%(sizes)s 位）")) % {"bank": forms[0].name, "sizes": sizes}
        return "", ""


def rules() -> Rules:
    """All rules in force; one query."""
    cards: dict[str, BankRule] = {}
    passbooks: dict[str, list[BankRule]] = {}
    for rule in BankRule.objects.filter(retired_at=None).order_by("id"):
        if rule.kind == BankRule.Kind.CARD:
            cards[rule.prefix] = rule
        else:
            passbooks.setdefault(rule.bank, []).append(rule)
    return Rules(cards, passbooks)


def account_token(number: str, bank: str, *, field: str = "account") -> UUID:
    """Token of an account number that its bank can have; ValidationError at `field` for one that it cannot."""
    plain = idnumber.normalise(number).replace("-", "")
    if not plain:
        raise ValidationError({field: _("请填写收款账号。")})
    _code, words = rules().problem(plain, bank)
    if words:
        raise ValidationError({field: _("“银行账号”：%(reason)s；请对照存折或银行卡核对后重新填写。") % {"reason": words}})
    return numbers.token_of(Kind.ACCOUNT, plain)


@transaction.atomic
def add_rule(*, kind: str, bank: str, prefix: str, least: int, most: int, source: str, now: datetime) -> BankRule:
    """Add a rule with its source. Raises ValidationError by field; the same rule twice is refused."""
    duties.require("enrolment.bank_rules")
    prefix, source = prefix.strip(), source.strip()
    errors: dict[str, str] = {}
    if kind not in BankRule.Kind.values:
        errors["kind"] = _("请选择银行卡或存折。")
    if bank not in BANKS:
        errors["bank"] = _("请选择银行。")
    if (prefix and not (prefix.isascii() and prefix.isdigit())) or len(prefix) > 10 or (kind == BankRule.Kind.CARD and len(prefix) < 3):
        errors["prefix"] = _("开头数字应为 3 至 10 位数字（存折可以不填）。")
    if not 8 <= least <= most <= 28:
        errors["most"] = _("位数应在 8 至 28 之间，且最多不小于最少。")
    if not source:
        errors["source"] = _("请写明来源，例如银行来函文号。")
    if errors:
        raise ValidationError(errors)  # type: ignore[arg-type]
    try:
        with transaction.atomic():
            return BankRule.objects.create(
                kind=kind, bank=bank, name=BANKS[bank], prefix=prefix, least=least, most=most, source=source[:200], made_by_id=scopes.current().account_id, made_at=now
            )
    except IntegrityError:
        raise ValidationError({"prefix": _("这条规则已经有了；如需改动，请先停用原有的。")}) from None


@transaction.atomic
def retire_rule(*, rule_id: int, reason: str, now: datetime) -> BankRule:
    """Take a rule out of force, with the reason; again by anybody it stays as it was."""
    duties.require("enrolment.bank_rules")
    if not reason.strip():
        raise ValidationError({"reason": _("请填写停用原因。")})
    row = BankRule.objects.select_for_update(of=("self",)).filter(pk=rule_id).first()
    if row is None:
        raise ValidationError(_("没有这条规则。"))
    if row.retired_at is None:
        row.retired_by_id, row.retired_at, row.retired_reason = scopes.current().account_id, now, reason.strip()[:200]
        row.save(update_fields=["retired_by", "retired_at", "retired_reason"])
    return row

