"""Where money goes that a payroll pays to somebody who has no account in the registry: a person from elsewhere above all (3.1)."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.services.todos import finish_todos
from doudi.payments.models import Grant
from doudi.payments.services import grants
from doudi.registry.services.people import contacts
from doudi.relief.models import ReliefCase
from doudi.relief.services.base import locked, step


def waiting(case: ReliefCase) -> list[int]:
    """The case's grants that a payroll pays and that have no account."""
    rows = Grant.objects.filter(pk__in=case.helps.exclude(grant=None).values("grant_id"), way=Grant.Way.PAYROLL, account__isnull=True, void=False)
    return sorted(rows.values_list("pk", flat=True))


@transaction.atomic
def take_account(*, case_id: int, version: int, holder: str, account: str, bank: str, basis: str, now: datetime) -> ReliefCase:
    """Take down the account (收款账户) for what a granted case is paid by payroll. `holder`: name at the bank; `basis`: what was seen, and whose
    account it is where it is not the applicant's. The payroll's three signatures follow. Raises ValidationError by field."""
    case = locked(case_id=case_id, act="relief.grant", version=version, states=(ReliefCase.State.GRANTED,))
    owed = waiting(case)
    if not owed:
        raise ValidationError(_("这件救助没有待补充的收款账户。"), code="stale")
    name = holder.strip()
    if not 1 < len(name) <= 60 or any(mark in name for mark in "|\t\n\\"):
        raise ValidationError({"holder": _("请填写与银行账户一致的户名。")})
    token = contacts(account=account)["account"]
    if token is None:
        raise ValidationError({"account": _("请填写收款账号。")})
    if len(basis.strip()) < 4:
        raise ValidationError({"basis": _("请写明依据，如“核对本人银行卡”；不是本人账户的写明关系和委托情况。")})
    for entitlement in owed:
        grants.take_account(act="relief.grant", entitlement_id=entitlement, payee=grants.Payee(name, account=token, bank=bank.strip()))
    case.version += 1
    case.save(update_fields=["version"])
    step(case, before=case.state, what="account", note=f"{name}：{basis.strip()}", now=now)
    finish_todos(subject="relief", subject_id=case.pk, kind="relief.account", now=now)
    scopes.check_constraints()
    return case
