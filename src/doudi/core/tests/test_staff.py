"""Accounts and postings: nobody changes their own rights or reaches beyond the own area."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.core import scope as scopes
from doudi.core.models import Account, Duty, Posting
from doudi.core.services import staff
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer

pytestmark = pytest.mark.django_db
ON = date(2022, 12, 1)
OTHER = "410102"


@pytest.fixture
def admin() -> scopes.Scope:
    return officer(Duty.ADMINISTRATOR, COUNTY)


def _create(**more: Any) -> tuple[Account, str]:
    return staff.create_account(**({"username": "wang.li", "name": "王丽", "duty": Duty.TOWNSHIP_OFFICER, "area": TOWNSHIP, "starts": ON} | more))


def test_a_new_account_has_one_posting_and_must_change_its_password(admin: scopes.Scope) -> None:
    with scopes.acting(admin):
        account, password = _create()
        posting = Posting.objects.get(account=account)
        assert (posting.area, posting.duty, posting.made_by_id) == (TOWNSHIP, Duty.TOWNSHIP_OFFICER, admin.account_id)
    assert account.check_password(password) and account.must_change_password
    client = client_of(scopes.Scope(area=TOWNSHIP, account_id=account.pk))
    answer = client.get("/")
    assert answer.status_code == 302 and answer["Location"] == "/accounts/password/change/"
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": password, "password1": "brand-new-pass-22", "password2": "brand-new-pass-22"}, follow=True
    )
    account.refresh_from_db()
    assert not account.must_change_password and account.check_password("brand-new-pass-22")
    assert answer.status_code == 200 and "工作台" in answer.content.decode()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"area": OTHER}, "area"),
        ({"area": "410122999"}, "area"),
        ({"area": COUNTY}, "area"),
        ({"duty": "king"}, "duty"),
        ({"duty": Duty.SUPERVISOR}, "area"),
        ({"username": "王丽"}, "username"),
        ({"username": "a'; drop"}, "username"),
        ({"name": " "}, "name"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(admin: scopes.Scope, more: dict[str, Any], field: str) -> None:
    with scopes.acting(admin), pytest.raises(ValidationError) as refused:
        _create(**more)
    assert field in refused.value.message_dict


def test_a_taken_username_is_refused(admin: scopes.Scope) -> None:
    with scopes.acting(admin):
        _create()
        with pytest.raises(ValidationError, match="已有人使用"):
            _create()


@pytest.mark.parametrize(
    "act",
    [
        lambda me: staff.add_posting(account_id=me.account_id, duty=Duty.COUNTY_APPROVER, area=COUNTY, starts=ON),
        lambda me: staff.end_posting(posting_id=me.posting_id, ends=ON),
        lambda me: staff.set_active(account_id=me.account_id, active=False, on=ON),
        lambda me: staff.reset_password(account_id=me.account_id, on=ON),
    ],
)
def test_nobody_changes_their_own_rights(admin: scopes.Scope, act: Callable[[scopes.Scope], Any]) -> None:
    with scopes.acting(admin), pytest.raises(PermissionDenied):
        act(admin)


@pytest.mark.parametrize("duty", [Duty.COUNTY_APPROVER, Duty.AUDITOR, Duty.COUNTY_REVIEWER])
def test_other_duties_cannot_manage_staff(duty: str) -> None:
    scope = officer(duty, COUNTY)
    with scopes.acting(scope), pytest.raises(PermissionDenied):
        _create()
    client = client_of(scope)
    assert client.get("/staff/").status_code == client.get("/staff/new/").status_code == 403
    assert client.post(f"/staff/{scope.account_id}/change/", {"action": "password"}).status_code == 403


def test_an_account_of_another_county_is_out_of_reach(admin: scopes.Scope) -> None:
    other = officer(Duty.COUNTY_APPROVER, OTHER)
    with scopes.acting(admin):
        for act in (
            lambda: staff.reset_password(account_id=other.account_id, on=ON),
            lambda: staff.set_active(account_id=other.account_id, active=False, on=ON),
        ):
            with pytest.raises(ValidationError):
                act()
        with pytest.raises(ValidationError):
            staff.end_posting(posting_id=other.posting_id, ends=ON)
    client = client_of(admin)
    assert client.get(f"/staff/{other.account_id}/").status_code == 404
    assert client.post(f"/staff/postings/{other.posting_id}/end/").status_code == 404


def test_a_posting_here_does_not_open_an_account_that_also_works_elsewhere(admin: scopes.Scope) -> None:
    """Else an administrator could appoint a neighbour's approver here, reset the password and act there."""
    other = officer(Duty.COUNTY_APPROVER, OTHER)
    with scopes.acting(admin):
        staff.add_posting(account_id=other.account_id, duty=Duty.COUNTY_REVIEWER, area=COUNTY, starts=ON)
        with pytest.raises(PermissionDenied, match="管辖范围之外"):
            staff.reset_password(account_id=other.account_id, on=ON)
        with pytest.raises(PermissionDenied, match="管辖范围之外"):
            staff.set_active(account_id=other.account_id, active=False, on=ON)


def test_a_closed_account_is_out_at_once(admin: scopes.Scope) -> None:
    scope = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    client = client_of(scope)
    assert client.get("/").status_code == 200
    with scopes.acting(admin):
        staff.set_active(account_id=scope.account_id, active=False, on=ON)
    assert client.get("/").status_code == 302


def test_a_new_password_ends_the_sessions(admin: scopes.Scope) -> None:
    scope = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    client = client_of(scope)
    with scopes.acting(admin):
        staff.reset_password(account_id=scope.account_id, on=ON)
    assert client.get("/todos/")["Location"].startswith("/accounts/login/")


def test_an_ended_posting_gives_nothing(admin: scopes.Scope) -> None:
    scope = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    with scopes.acting(admin):
        staff.end_posting(posting_id=scope.posting_id, ends=ON)
        with pytest.raises(ValidationError, match="已经结束"):
            staff.end_posting(posting_id=scope.posting_id, ends=ON)
    answer = client_of(scope).get("/")
    assert answer.status_code == 403 and "没有在任岗位" in answer.content.decode()


def test_the_page_shows_the_password_once(admin: scopes.Scope) -> None:
    client = client_of(admin)
    answer = client.post(
        "/staff/new/", {"username": "zhang3", "name": "张三", "duty": Duty.TOWNSHIP_OFFICER, "area": TOWNSHIP, "starts": "2022-12-01"}
    )
    text = answer.content.decode()
    assert "no-store" in answer["Cache-Control"] and 'class="once"' in text
    password = text.split('class="once">')[1].split("<")[0]
    account = Account.objects.get(username="zhang3")
    assert account.check_password(password)
    assert password not in client.get(f"/staff/{account.pk}/").content.decode()


def test_a_posting_of_somebody_else_cannot_be_switched_to() -> None:
    mine, other = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP), officer(Duty.COUNTY_APPROVER, COUNTY)
    client = client_of(mine)
    client.post("/posting/", {"posting": other.posting_id})
    assert client.get("/").context["posting"].pk == mine.posting_id
    session = client.session
    session["posting"] = other.posting_id
    session.save()
    assert client.get("/").context["posting"].pk == mine.posting_id


def test_the_administrator_sees_no_other_menu(admin: scopes.Scope) -> None:
    page = client_of(admin).get("/").content.decode()
    assert "账号与岗位" in client_of(admin).get("/staff/").content.decode()
    assert "标准与参数" not in page and "查阅记录" not in page


def test_the_first_administrator_comes_from_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """`doudi add-administrator`: with nobody there yet; the account signs in, must change its password and manages its area."""
    import json
    from contextlib import nullcontext

    from typer.testing import CliRunner

    from doudi.core import commands
    from doudi.core.home import SetupError

    monkeypatch.setattr(commands, "ready", nullcontext)
    run = CliRunner()
    answer = run.invoke(commands.app, ["add-administrator", "first.admin", "--name", "林涛", "--area", "4101", "--json"])
    assert answer.exit_code == 0, answer.output
    account = Account.objects.get(username="first.admin")
    assert account.check_password(json.loads(answer.output)["password"]) and account.must_change_password
    with scopes.acting(scopes.Scope(area="", account_id=account.pk)):
        (posting,) = Posting.objects.filter(account=account)
    assert (posting.duty, posting.area, posting.made_by_id) == (Duty.ADMINISTRATOR, "4101", None)
    with scopes.acting(scopes.Scope(area="4101", account_id=account.pk, posting_id=posting.pk, duty=Duty.ADMINISTRATOR)):
        _create()
    again = run.invoke(commands.app, ["add-administrator", "first.admin", "--name", "林涛", "--area", "4101"])
    assert isinstance(again.exception, SetupError) and "已有人使用" in str(again.exception)
    nowhere = run.invoke(commands.app, ["add-administrator", "second", "--name", "林涛", "--area", "9999"])
    assert isinstance(nowhere.exception, SetupError) and not Account.objects.filter(username="second").exists()
