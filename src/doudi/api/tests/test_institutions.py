"""6.1: an institution's own system reports its day; twice is one, a correction needs its reason, other places are not found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.api.tests.conftest import NOW, System, error_of
from doudi.core import scope as scopes
from doudi.core.duties import API_CLIENT
from doudi.core.scope import Scope
from doudi.core.tests.officers import client_of
from doudi.institutions import services
from doudi.institutions.models import DailyReport, Institution, InstitutionClerk
from doudi.institutions.tests.world import Home

Make = Callable[..., System]
FIGURES = {"residents": 42, "staff": 9, "staff_on_site": 7}


@pytest.fixture
def home(db: None) -> Home:
    return Home()


@pytest.fixture
def sender(system: Make, home: Home) -> System:
    return system(organisation="县养老信息平台", rights=["institutions:report"], datasets=[], houses=[home.house.code])


def tell(sender: System, home: Home, **changes: Any) -> Any:
    body = {"code": home.house.code, "on": f"{NOW:%Y-%m-%d}", "figures": FIGURES, "supplies": [{"item": "oxygen", "quantity": "6", "daily_use": "2.5"}]} | changes
    headers = {"Idempotency_Key": body.pop("key")} if "key" in body else {}
    return sender.call("post", "/institutions/reports", json.dumps(body).encode(), content_type="application/json", **headers)


def test_6_1_a_report_by_another_system_twice_is_one_and_a_correction_keeps_the_first(home: Home, sender: System) -> None:
    first = tell(sender, home, key="institution-0001")
    assert (first.status_code, first.json()["revision"], first.json()["risk_reasons"]) == (201, 1, ["supplies"])
    assert [tell(sender, home, key="institution-0001").status_code, tell(sender, home).status_code] == [201, 200]
    refused = tell(sender, home, figures=FIGURES | {"residents": 41})
    assert refused.status_code == 422 and "reason" in json.dumps(error_of(refused))
    assert tell(sender, home, figures=FIGURES | {"residents": 41}, reason="漏登一人离院").json()["revision"] == 2
    seen = sender.call("get", f"/institutions/reports?code={home.house.code}&on={NOW:%Y-%m-%d}").json()
    assert (seen["figures"]["residents"], seen["revision"]) == (41, 2)
    with scopes.acting(home.clerk):
        assert list(DailyReport.objects.order_by("revision").values_list("residents", "channel")) == [(42, "api"), (41, "api")]


@pytest.mark.parametrize(
    "changes",
    [
        {"figures": FIGURES | {"isolated_residents": 43}}, {"figures": FIGURES | {"beds": 1}}, {"figures": {"residents": 42}}, {"on": "2022-11-29"}, {"on": "2022-02-30"},
        {"supplies": [{"item": "gold", "quantity": "1"}]}, {"supplies": [{"item": "oxygen", "quantity": "NaN"}]}, {"incidents": "\x00"}, {"code": "x"},
    ],
)  # fmt: skip
def test_6_1_what_cannot_be_is_refused_and_nothing_is_written(home: Home, sender: System, changes: dict[str, Any]) -> None:
    assert tell(sender, home, **changes).status_code == 422
    with scopes.acting(home.clerk):
        assert not DailyReport.objects.exists() and Institution.objects.get().last_report_on is None


def test_6_1_another_place_or_right_reports_nothing(home: Home, system: Make) -> None:
    with pytest.raises(ValidationError) as refused:
        system(area="410724", organisation="外县", rights=["institutions:report"], datasets=[], houses=[home.house.code])
    assert home.house.code in str(refused.value)
    without = system(organisation="呼叫中心", rights=["calls:write"], datasets=[])
    assert tell(without, home).status_code == 403
    assert without.call("get", f"/institutions/reports?code={home.house.code}&on={NOW:%Y-%m-%d}").status_code == 403
    there = system(organisation="县平台", rights=["institutions:report"], datasets=[], houses=[home.house.code])
    with scopes.acting(home.reviewer):
        services.change_institution(institution_id=home.house.pk, version=1, name="x", address="y", phone="0371-1234567", state="closed", reason="撤并", now=NOW)
    assert tell(there, home).status_code == 422


def test_6_1_a_system_sees_the_institutions_alone_that_it_reports_for(home: Home, sender: System, system: Make) -> None:
    with pytest.raises(ValidationError) as refused:
        system(organisation="县平台", rights=["institutions:report"], datasets=[])
    assert "houses" in refused.value.message_dict
    other = home.registered(name="春晖养老中心")
    assert tell(sender, home).status_code == 201
    assert tell(sender, home, code=other.code).status_code == 404
    assert sender.call("get", f"/institutions/reports?code={other.code}&on={NOW:%Y-%m-%d}").status_code == 404
    with scopes.acting(Scope(area="410122", account_id=sender.client.account_id, duty=API_CLIENT, acts=frozenset({"institutions.report"}))):
        assert [row.pk for row in Institution.objects.all()] == [home.house.pk] and InstitutionClerk.objects.count() == 1
        with pytest.raises(ValidationError, match="没有这家机构"):
            services.report_day(institution_id=other.pk, on=NOW.date(), figures=FIGURES, channel="api", now=NOW)
        with pytest.raises(DatabaseError), transaction.atomic():  # the database itself
            InstitutionClerk.objects.create(institution_id=other.pk, area=other.area, account_id=sender.client.account_id, started_at=NOW)
            Institution.objects.get(pk=other.pk)
    page, admin = f"/api-clients/{sender.client.pk}/", client_of(sender.admin)
    assert home.house.code in admin.get(page).content.decode()
    for codes, status in (("", 422), ("12410122XXXXXXXXXX", 422), (f" {other.code.lower()}，{home.house.code}", 302), (other.code, 422)):
        assert admin.post(f"{page}houses/", {"houses": codes, "version": 1}).status_code == status, codes
    assert tell(sender, home, code=other.code).status_code == 201
    with scopes.acting(home.reviewer):  # the county ends it at the institution
        services.release_clerk(institution_id=other.pk, account_id=sender.client.account_id, now=NOW)
    assert tell(sender, home, code=other.code, figures=FIGURES | {"residents": 1}, reason="更正").json()["error"]["code"] == "not_found"
    with scopes.acting(home.reviewer):
        services.release_clerk(institution_id=home.house.pk, account_id=sender.client.account_id, now=NOW)
    refused = tell(sender, home, figures=FIGURES | {"residents": 1}, reason="更正")
    assert refused.status_code == 404 and refused.json()["error"]["code"] == "no_institutions", "it hears why it sees nothing"
    assert "还不能上报" in admin.get(page).content.decode() and "还不能上报" in admin.get("/api-clients/").content.decode()


@pytest.mark.django_db
def test_6_1_every_guard_that_narrows_clerks_narrows_systems() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*), count(*) filter (where coalesce(qual, '') || coalesce(with_check, '') like '%api_client%') from pg_policies"
            " where tablename like 'institutions_%' and coalesce(qual, '') || coalesce(with_check, '') like '%institution_clerk%'"
        )
        clerks, systems = cursor.fetchone()
    assert clerks == systems >= 30
