"""Officers for tests: accounts with one posting each, and clients signed in as them."""

from __future__ import annotations

from datetime import date
from itertools import count

from django.test import Client

from doudi.core import scope as scopes
from doudi.core.models import Account, Posting

COUNTY = "410122"
TOWNSHIP = "410122101"
VILLAGE = "410122101201"
_numbers = count(1)


def officer(duty: str, area: str = COUNTY, *, name: str = "测试员") -> scopes.Scope:
    """A new account with one posting since 2022-01-01; its scope."""
    with scopes.acting(scopes.Scope(area="41")):
        account = Account.objects.create_user(f"{duty}{next(_numbers)}", None, name=name)
        posting = Posting.objects.create(account=account, duty=duty, area=area, starts=date(2022, 1, 1))
    return scopes.Scope(area=area, account_id=account.pk, posting_id=posting.pk, duty=duty, page="test")


def client_of(scope: scopes.Scope, **options: object) -> Client:
    client = Client(**options)  # type: ignore[arg-type]
    client.force_login(Account.objects.get(pk=scope.account_id))
    return client
