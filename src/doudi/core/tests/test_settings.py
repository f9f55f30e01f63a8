"""Settings: entered by one, confirmed by another of the same place; the nearest row wins."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting, Todo
from doudi.core.services import settings as service
from doudi.core.settings_overlay import get_setting, overlay
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, client_of, officer

pytestmark = pytest.mark.django_db
STANDARD = "dibao.standard.urban"
DAYS = "procedure.lead.contact_days.yellow"


def propose(scope: scopes.Scope, **more: Any) -> Setting:
    given = {"parameter": STANDARD, "area": scope.area, "starts": date(2023, 1, 1), "value": "660", "document": "牟政文〔2022〕31号"} | more
    with scopes.acting(scope):
        return service.propose_setting(**given, now=timezone.now())


def confirm(scope: scopes.Scope, row: Setting) -> Setting:
    with scopes.acting(scope):
        return service.confirm_setting(setting_id=row.pk, now=timezone.now())


def test_a_confirmed_value_lies_over_the_law(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = propose(reviewer)
    before = overlay(date(2023, 1, 1)).hash
    confirm(approver, row)
    after = overlay(date(2023, 1, 1))
    assert [(r.parameter, r.area, r.start, r.value) for r in after.rows] == [(STANDARD, COUNTY, "2023-01-01", 660.0)]
    assert after.hash != before
    assert overlay(date(2022, 12, 31)).rows == ()


def test_a_proposal_counts_for_nothing(reviewer: scopes.Scope) -> None:
    propose(reviewer)
    assert overlay(date(2023, 6, 1)).rows == ()


def test_nobody_confirms_the_own_proposal() -> None:
    """A supervisor may do both acts, but not both in one case."""
    first, second = officer(Duty.SUPERVISOR, "41"), officer(Duty.SUPERVISOR, "41")
    row = propose(first)
    with pytest.raises(PermissionDenied):
        confirm(first, row)
    confirm(second, row)


def test_the_database_refuses_one_officer_for_both(reviewer: scopes.Scope) -> None:
    row = propose(reviewer)
    with pytest.raises(IntegrityError), scopes.acting(reviewer), transaction.atomic():
        Setting.objects.filter(pk=row.pk).update(state="confirmed", decided_by_id=reviewer.account_id)


def test_the_application_cannot_change_a_proposed_value(reviewer: scopes.Scope) -> None:
    row = propose(reviewer)
    with pytest.raises(Exception, match="permission denied"), scopes.acting(reviewer), transaction.atomic():
        Setting.objects.filter(pk=row.pk).update(value="9999")


@pytest.mark.parametrize("area", ["41", "4101", "410102", "410122101"])
def test_a_county_cannot_propose_for_another_level(reviewer: scopes.Scope, area: str) -> None:
    with pytest.raises(ValidationError, match="本级"):
        propose(reviewer, area=area)


def test_a_county_cannot_confirm_what_the_province_proposed(approver: scopes.Scope) -> None:
    row = propose(officer(Duty.SUPERVISOR, "41"))
    with pytest.raises(ValidationError, match="另一级"):
        confirm(approver, row)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"value": "六百"}, "value"),
        ({"value": "-1"}, "value"),
        ({"value": "nan"}, "value"),
        ({"value": "1e999"}, "value"),
        ({"parameter": "dibao.payment.mode.rural", "value": "免费"}, "value"),
        ({"parameter": "no.such"}, "value"),
        ({"parameter": DAYS, "value": "7.5"}, "value"),
        ({"parameter": DAYS, "value": "400"}, "value"),
        ({"document": " "}, "document"),
    ],
)
def test_what_cannot_stand_is_refused_with_its_field(reviewer: scopes.Scope, more: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        propose(reviewer, **more)
    assert field in refused.value.message_dict


def test_one_open_proposal_a_date_and_no_second_confirmed(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = propose(reviewer)
    with pytest.raises(ValidationError, match="待确认"):
        propose(reviewer, value="670")
    confirm(approver, row)
    with pytest.raises(ValidationError, match="已有确认"):
        propose(reviewer, value="670")
    with pytest.raises(ValidationError, match="他人办理"):
        confirm(approver, row)


def test_sent_back_with_a_reason_and_proposed_again(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = propose(reviewer)
    with scopes.acting(approver):
        with pytest.raises(ValidationError):
            service.refuse_setting(setting_id=row.pk, note=" ", now=timezone.now())
        service.refuse_setting(setting_id=row.pk, note="文号有误", now=timezone.now())
    confirm(approver, propose(reviewer, document="牟政文〔2022〕32号"))


def test_a_wrong_value_is_withdrawn_and_stays_in_the_history(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = confirm(approver, propose(reviewer))
    with scopes.acting(reviewer), pytest.raises(PermissionDenied):
        service.withdraw_setting(setting_id=row.pk, note="误", now=timezone.now())
    with scopes.acting(approver):
        service.withdraw_setting(setting_id=row.pk, note="金额录错", now=timezone.now())
    assert overlay(date(2023, 6, 1)).rows == ()
    assert Setting.objects.get(pk=row.pk).decision_note == "金额录错"


def test_the_approver_gets_a_todo_that_ends_with_the_decision(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = propose(reviewer)
    with scopes.acting(approver):
        todo = Todo.objects.get(subject="setting", subject_id=row.pk)
        assert (todo.duty, todo.done_at) == (Duty.COUNTY_APPROVER, None)
    confirm(approver, row)
    with scopes.acting(approver):
        assert Todo.objects.get(pk=todo.pk).done_by_id == approver.account_id


def test_the_nearest_place_wins_and_the_default_is_last(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    on = date(2023, 6, 1)
    assert get_setting(DAYS, VILLAGE, on) == 5
    first, second = officer(Duty.SUPERVISOR, "41"), officer(Duty.SUPERVISOR, "41")
    confirm(second, propose(first, parameter=DAYS, value="8", starts=date(2023, 5, 1)))
    assert get_setting(DAYS, VILLAGE, on) == 8
    confirm(approver, propose(reviewer, parameter=DAYS, value="6", starts=date(2022, 1, 1)))
    assert get_setting(DAYS, VILLAGE, on) == get_setting(DAYS, TOWNSHIP, on) == Decimal(6)
    assert get_setting(DAYS, "410102001", on) == 8
    assert get_setting(DAYS, VILLAGE, date(2021, 1, 1)) == 5
    with pytest.raises(KeyError):
        get_setting("procedure.no_such", VILLAGE, on)


@pytest.mark.parametrize(
    "page",
    [lambda row: f"/settings/?parameter={STANDARD}", lambda row: "/settings/?q=低保标准", lambda row: f"/settings/?parameter={DAYS}&area=4101"],
)
def test_pages_of_settings(reviewer: scopes.Scope, approver: scopes.Scope, page: Callable[[Setting], str]) -> None:
    row = propose(reviewer)
    for scope in (reviewer, approver, officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP), officer(Duty.SUPERVISOR, "41")):
        assert client_of(scope).get(page(row)).status_code == 200
    assert client_of(officer(Duty.ADMINISTRATOR, COUNTY)).get("/settings/").status_code == 403


def test_confirming_on_the_page_wants_every_tick(reviewer: scopes.Scope, approver: scopes.Scope) -> None:
    row = propose(reviewer)
    client = client_of(approver)
    assert "确认，自 2023-01-01 生效" in client.get(f"/settings/?parameter={STANDARD}").content.decode()
    client.post(f"/settings/{row.pk}/decide/", {"action": "confirm", "checked": ["amount"]})
    assert Setting.objects.get(pk=row.pk).state == "proposed"
    client.post(f"/settings/{row.pk}/decide/", {"action": "confirm", "checked": ["amount", "date", "number"]})
    assert Setting.objects.get(pk=row.pk).state == "confirmed"
    assert client_of(reviewer).post(f"/settings/{row.pk}/decide/", {"action": "confirm", "checked": ["amount", "date", "number"]}).status_code in (
        302,
        403,
    )


def test_a_proposal_from_the_page(reviewer: scopes.Scope) -> None:
    client = client_of(reviewer)
    url = f"/settings/propose/{STANDARD}/"
    bad = client.post(url, {"starts": "2023-01-01", "value": "六百", "document": "x"})
    assert bad.status_code == 200 and "不是数字" in bad.content.decode()
    client.post(url, {"starts": "2023-01-01", "value": "660.00", "document": "牟政文〔2022〕31号"})
    assert Setting.objects.get(parameter=STANDARD, area=COUNTY).value == "660.00"
