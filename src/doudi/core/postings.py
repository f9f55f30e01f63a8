"""Which posting acts (任职): read at sign-in and at each request, switched in the header."""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.home import SetupError
from doudi.core.models import Account, Posting
from doudi.core.prepared import prepared


@prepared
def _held(account: int, on: date) -> QuerySet[Posting]:
    return Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), account_id=account, starts__lte=on).order_by("starts", "id")


def postings_of(*, account: Account, on: date) -> list[Posting]:
    """Postings that hold on a day, the first taken first. One query; the account sees its own postings by policy."""
    return _held(account.pk, on)


def chosen(held: list[Posting], wanted: int | None) -> Posting | None:
    """The posting chosen in the session if it still holds, else the first; None where none holds."""
    return next((posting for posting in held if posting.pk == wanted), held[0] if held else None)


def scope_of(*, username: str, act: str, on: date, page: str) -> scopes.Scope:
    """The scope under which a command acts for an account: its first posting whose duty may do `act`. Raises SetupError where there is none."""
    account = Account.objects.filter(username=username, is_active=True).first()
    if account is None:
        raise SetupError(f"没有账号“{username}”，或账号已停用；请用 --as 指定在用账号。")
    with scopes.acting(scopes.Scope(area="", account_id=account.pk, page=page)):
        held = postings_of(account=account, on=on)
    for posting in held:
        if posting.duty in duties.MAY[act]:
            return scopes.Scope(area=posting.area, account_id=account.pk, posting_id=posting.pk, duty=posting.duty, page=page)
    raise SetupError(f"账号“{username}”没有可办理此项业务的在任岗位；请换一个账号，或由系统管理员任命岗位。")
