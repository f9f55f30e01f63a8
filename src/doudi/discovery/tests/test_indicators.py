"""1.2: an indicator's thresholds are settings of places, and are tried on past data before they are set."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from doudi.batch.indicators import INDICATORS
from doudi.core import scope as scopes
from doudi.core.models import Duty, TaskProgress
from doudi.core.parameters import PROCEDURES
from doudi.core.services.settings import confirm_setting, propose_setting
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import services, thresholds
from doudi.discovery.models import IndicatorTrial, Lead

from .conftest import COUNTY, NOW, ON

NURSING = "disability_no_nursing_subsidy"


def set_threshold(name: str, value: str, starts: date = date(2022, 12, 1), area: str = COUNTY) -> None:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, area)):
        row = propose_setting(parameter=name, area=area, starts=starts, value=value, document="登民〔2022〕8号", now=NOW)
    with scopes.acting(officer(Duty.COUNTY_APPROVER, area)):
        confirm_setting(setting_id=row.pk, now=NOW)


def test_1_2_every_threshold_and_switch_is_a_declared_parameter() -> None:
    for indicator in INDICATORS.values():
        assert PROCEDURES[thresholds.parameter(indicator.code, "on")].default == 1
        for name, each in indicator.parameters.items():
            declared = PROCEDURES[thresholds.parameter(indicator.code, name)]
            assert declared.default == Decimal(str(each.default)) and declared.problem(str(each.default)) is None
            assert declared.problem(str(each.most + 1)) and str(declared.label)


@pytest.mark.django_db
def test_1_2_a_countys_threshold_counts_from_its_day_and_nowhere_else(compared: scopes.Scope) -> None:
    set_threshold(thresholds.parameter(NURSING, "grade"), "1")
    before, _switches = thresholds.in_force(date(2022, 11, 30), COUNTY)
    after, _switches = thresholds.in_force(date(2022, 12, 1), COUNTY)
    assert before == {} and after[NURSING]["grade"] == {COUNTY: 1.0, "": 1.0}
    elsewhere, _switches = thresholds.in_force(date(2022, 12, 1), "410181")
    assert "" not in elsewhere[NURSING]["grade"]
    with scopes.acting(compared):
        found = services.compare(area=COUNTY, on=ON, now=NOW).by_indicator
        later = services.compare(area=COUNTY, on=date(2022, 12, 5), now=NOW).by_indicator
    assert 0 < later[NURSING] < found[NURSING]


@pytest.mark.django_db
def test_1_2_an_indicator_that_is_switched_off_finds_nothing(compared: scopes.Scope) -> None:
    set_threshold(thresholds.parameter(NURSING, "on"), "0")
    with scopes.acting(compared):
        assert NURSING not in services.compare(area=COUNTY, on=date(2022, 12, 5), now=NOW).by_indicator
        assert NURSING in services.compare(area=COUNTY, on=ON, now=NOW).by_indicator


@pytest.mark.django_db
def test_1_2_a_trial_counts_known_leads_and_raises_none(compared: scopes.Scope) -> None:
    with scopes.acting(compared):
        leads = Lead.objects.filter(indicator=NURSING)
        first, all_leads = leads.order_by("id")[0], Lead.objects.count()
        known = leads.count()
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, first.area[:9])):
        services.advance_lead(lead_id=first.pk, version=None, after="contacted", note="", now=NOW)
        services.advance_lead(lead_id=first.pk, version=None, after="not_in_need", note="残疾证已注销", now=NOW)
    with scopes.acting(compared):
        same = services.try_indicator(indicator=NURSING, area=COUNTY, on=ON, given={"grade": "2"}, now=NOW)
        wider = services.try_indicator(indicator=NURSING, area=COUNTY, on=ON, given={"grade": "4"}, now=NOW)
        assert (same.found, same.known, same.refuted, same.confirmed, same.helped) == (known, known, 1, 0, 0)
        assert wider.found > wider.known == known
        assert sum(wider.places.values()) == wider.found and all(len(place) == 9 for place in wider.places)
        assert Lead.objects.count() == all_leads


@pytest.mark.django_db
def test_1_2_a_trial_refuses_what_makes_no_sense_by_field(compared: scopes.Scope) -> None:
    with scopes.acting(compared):
        for given, word in (({"grade": "九"}, "不是数字"), ({"grade": "9"}, "1 至 4"), ({"grade": "1.5"}, "整数"), ({"size": "1"}, "阈值")):
            with pytest.raises(ValidationError, match=word):
                services.try_indicator(indicator=NURSING, area=COUNTY, on=ON, given=given, now=NOW)
        with pytest.raises(ValidationError, match="晚于今天"):
            services.try_indicator(indicator=NURSING, area=COUNTY, on=date(2023, 1, 1), given={}, now=NOW)
        with pytest.raises(ValidationError, match="辖区"):
            services.try_indicator(indicator=NURSING, area="410102", on=ON, given={}, now=NOW)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, COUNTY + "101")), pytest.raises(PermissionDenied):
        services.try_indicator(indicator=NURSING, area=COUNTY + "101", on=ON, given={}, now=NOW)
    with scopes.acting(officer(Duty.DATA_CHECKER, "410102")):
        assert not IndicatorTrial.objects.exists()


@pytest.mark.django_db
def test_1_2_pages_show_hits_and_confirmation_and_start_a_trial(compared: scopes.Scope, django_assert_max_num_queries) -> None:
    with scopes.acting(compared):
        services.try_indicator(indicator=NURSING, area=COUNTY, on=ON, given={"grade": "3"}, now=NOW)
        client = client_of(compared)
    with django_assert_max_num_queries(20):
        page = client.get(reverse("discovery:indicators"))
    assert page.status_code == 200 and "重度残疾人未享受护理补贴" in page.content.decode()
    url = reverse("discovery:indicator", args=[NURSING])
    with django_assert_max_num_queries(25):
        page = client.get(url)
    assert "等级不低于 3" in page.content.decode()
    assert client.post(url, {"on": "2022-11-28", "grade": "7"}).status_code == 422
    assert client.post(url, {"on": "2022-11-28", "grade": "3"}).status_code == 302
    with scopes.acting(compared):
        task = TaskProgress.objects.get(task_path="doudi.discovery.tasks.try_indicator")
        assert task.arguments["given"] == {"grade": "3"}
    assert client.get(reverse("discovery:indicator", args=["nothing"])).status_code == 404
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, COUNTY + "101")) as town:
        reader = client_of(town)
    assert "data-trial" not in reader.get(url).content.decode() and "data-trial" in client.get(url).content.decode()
    assert reader.post(url, {"on": "2022-11-28", "grade": "3"}).status_code == 403
