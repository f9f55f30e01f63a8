"""Statements that are made once: the same rows as the QuerySet gives, for whoever asks, and refused where the text could not be everybody's."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db.models import Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from doudi.core import panels
from doudi.core import scope as scopes
from doudi.core.models import Account, Duty, Posting
from doudi.core.prepared import prepared
from doudi.core.tests.officers import officer

pytestmark = pytest.mark.django_db
ON = date(2022, 12, 1)


def _held(account: int, areas: list[str], on: date, away: bool) -> QuerySet[Posting]:
    rows = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), account_id=account, area__in=areas, account__is_active=not away)
    return rows.select_related("account").order_by("-pk")


def test_prepared_rows_are_those_of_the_queryset_whoever_asks_and_however_often(monkeypatch: Any) -> None:
    first, second = officer(Duty.TOWNSHIP_OFFICER, "410122001"), officer(Duty.VISITOR, "410122001001")
    made: list[int] = []
    ask, as_sql = prepared(_held), SQLCompiler.as_sql

    def counted(self: Any, *args: Any, **more: Any) -> Any:
        made.append(1)
        return as_sql(self, *args, **more)

    monkeypatch.setattr(SQLCompiler, "as_sql", counted)
    seen, lists = set(), (["410122001", "410122001001"], ["410122001001", "410122001"], ["410122001"])
    for acting in (first, second, first):
        for areas in lists:
            with scopes.acting(acting):
                wanted = list(_held(acting.account_id, areas, ON, away=False))
                made.clear()
                rows = ask(acting.account_id, areas, ON, away=False)
                assert rows == wanted and all(row.account.pk == acting.account_id for row in rows)
                assert ask(acting.account_id, areas, date(1900, 1, 1), away=False) == wanted and ask(acting.account_id, areas, ON, away=True) == []
                seen |= {row.pk for row in rows}
    assert seen == {first.posting_id, second.posting_id} and not made  # the third asker's text was made by the first


def test_prepared_takes_values_unions_and_slices_and_asks_the_long_way_for_what_changes_the_text() -> None:
    acting = officer(Duty.TOWNSHIP_OFFICER, "410122001")

    @prepared
    def said(account: int, name: str) -> QuerySet[Account, Any]:
        one = Account.objects.filter(pk=account).order_by().values(of=Value("account"))
        return one[:1].union(Posting.objects.filter(account_id=account, area=name).order_by().values(of=Value("posting"))[:1], all=True)

    @prepared
    def among(accounts: list[int], ends: date | None) -> QuerySet[Posting, Any]:
        return Posting.objects.filter(account_id__in=accounts, ends=ends).values_list("pk", flat=True)[:3]

    with scopes.acting(acting):
        for _again in range(2):
            assert sorted(row["of"] for row in said(acting.account_id, "410122001")) == ["account", "posting"]
            assert [row["of"] for row in said(acting.account_id, "410122")] == ["account"]
            assert among([acting.account_id], None) == [acting.posting_id] and among([], None) == [] and among([acting.account_id, 1 << 70], None) == [acting.posting_id]
            assert among([acting.account_id] * 200, None) == [acting.posting_id] and among([acting.account_id], ON) == []


def test_prepared_sees_what_the_scope_of_each_use_sees() -> None:
    inside, outside = officer(Duty.TOWNSHIP_OFFICER, "410122001"), officer(Duty.TOWNSHIP_OFFICER, "410102001")

    @prepared
    def of(account: int) -> QuerySet[Posting]:
        return Posting.objects.filter(account_id=account)

    for acting, seen in ((inside, [inside.posting_id]), (outside, []), (inside, [inside.posting_id])):
        with scopes.acting(acting):
            assert [row.pk for row in of(inside.account_id)] == seen


@pytest.mark.parametrize(
    ("build", "refused"),
    [
        (lambda account: Posting.objects.filter(account_id=account + 1), TypeError),
        (lambda account: Posting.objects.filter(account_id=account, starts__lte=timezone.localdate()), TypeError),
        (lambda account: Posting.objects.filter(account_id=account, made_at__lte=timezone.now()), TypeError),
        (lambda account: Posting.objects.filter(account_id=account, area=scopes.current().area), scopes.NoScope),
        (lambda account: Posting.objects.filter(account_id=account).prefetch_related("account"), TypeError),
        (lambda account: Posting.objects.filter(account_id=account) if account % 2 else Posting.objects.filter(pk=account), TypeError),
    ],
    ids=["worked out", "day", "moment", "scope", "prefetch", "looked at"],
)
def test_prepared_refuses_what_would_freeze_the_first_asker(build: Any, refused: type[Exception]) -> None:
    acting = officer(Duty.TOWNSHIP_OFFICER, "410122001")
    with scopes.acting(acting), pytest.raises(refused):
        prepared(build)(acting.account_id)
    with pytest.raises(scopes.NoScope):
        scopes.current()  # and the scope of whoever asked is as it was


def test_every_panel_says_where_its_rows_are_without_the_scope() -> None:
    """`there` is put into words once for everybody: one that read the scope would show one duty's panels to another."""
    from doudi.registry.models import Household

    for panel in panels._panels:
        if panel.there is not None:
            with scopes.unread():
                panel.there(Household(pk=1))
