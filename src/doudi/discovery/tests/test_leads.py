"""1.2, 1.5: one situation is one lead; every step says who and why; nobody moves a lead that somebody else has moved."""

from __future__ import annotations

import threading
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.urls import reverse

from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services.settings import confirm_setting, propose_setting
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import services
from doudi.discovery.clocks import deadlines
from doudi.discovery.models import Lead, LeadEvent
from doudi.registry.loading import load_area

NOW = datetime(2022, 11, 28, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
ON = date(2022, 11, 28)
COUNTY = "410122"
OTHER = "410102"


def first_lead(scope: scopes.Scope) -> Lead:
    with scopes.acting(scope):
        return Lead.objects.select_related("person").filter(merged_into=None).exclude(person=None).order_by("id")[0]


@pytest.mark.django_db
def test_1_2_comparison_raises_leads_with_evidence_clock_and_to_do(compared: scopes.Scope) -> None:
    with scopes.acting(compared):
        lead = Lead.objects.filter(merged_into=None).order_by("id")[0]
        assert Lead.objects.count() > 10
        assert lead.reason and lead.evidence["dataset"] and lead.area.startswith(COUNTY) and lead.contact_due > ON
        assert LeadEvent.objects.filter(lead=lead).count() == 1
        assert Todo.objects.filter(duty=Duty.TOWNSHIP_OFFICER, subject="lead").count() == Lead.objects.filter(merged_into=None).count()


@pytest.mark.django_db
def test_1_2_the_same_situation_is_one_lead_and_not_one_a_month(compared: scopes.Scope) -> None:
    with scopes.acting(compared):
        before = Lead.objects.count()
        again = services.compare(area=COUNTY, on=date(2022, 12, 28), now=NOW)
        assert (again.raised, again.known, Lead.objects.count()) == (0, again.found, before)


@pytest.mark.django_db
def test_1_5_the_clock_counts_working_days() -> None:
    # Friday 30 September 2022: the holiday week follows, Saturday 8 and Sunday 9 October are worked
    assert deadlines("red", date(2022, 9, 30), COUNTY).contact == date(2022, 10, 8)
    assert deadlines("orange", date(2022, 9, 30), COUNTY).contact == date(2022, 10, 10)


@pytest.mark.django_db
def test_1_5_every_step_says_who_and_why_and_ends_the_to_do(compared: scopes.Scope) -> None:
    lead = first_lead(compared)
    town = officer(Duty.TOWNSHIP_OFFICER, lead.area[:9])
    with scopes.acting(town):
        services.advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=NOW)
        with pytest.raises(ValidationError, match="情况或理由"):
            services.advance_lead(lead_id=lead.pk, version=2, after="verified", note=" ", now=NOW)
        services.advance_lead(lead_id=lead.pk, version=2, after="verified", note="入户核实，情况属实", now=NOW)
        events = list(LeadEvent.objects.filter(lead=lead).order_by("id").values_list("before", "after", "account_id"))
        assert events[1:] == [("new", "contacted", town.account_id), ("contacted", "verified", town.account_id)]
        assert not Todo.objects.filter(subject="lead", subject_id=lead.pk, done_at__isnull=True).exists()


@pytest.mark.django_db
def test_a_page_read_before_somebody_else_moved_the_lead_changes_nothing(compared: scopes.Scope) -> None:
    lead = first_lead(compared)
    town = officer(Duty.TOWNSHIP_OFFICER, lead.area[:9])
    with scopes.acting(town):
        services.advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=NOW)
        with pytest.raises(services.StaleLead):
            services.advance_lead(lead_id=lead.pk, version=1, after="unreachable", note="电话不通", now=NOW)
        assert Lead.objects.get(pk=lead.pk).state == "contacted"


@pytest.mark.django_db
def test_a_step_that_is_not_open_is_refused_in_words(compared: scopes.Scope) -> None:
    lead = first_lead(compared)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, lead.area[:9])), pytest.raises(ValidationError, match="待签收"):
        services.advance_lead(lead_id=lead.pk, version=1, after="helped", note="已救助", now=NOW)


@pytest.mark.django_db
def test_many_at_once_move_on_and_the_rest_is_named(compared: scopes.Scope) -> None:
    with scopes.acting(compared):
        ids = list(Lead.objects.filter(merged_into=None).order_by("id").values_list("id", flat=True)[:3])
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        services.advance_leads(lead_ids=ids[:1], after="contacted", note="", now=NOW)
        outcome = services.advance_leads(lead_ids=[*ids, 10**9], after="assigned", note="", now=NOW)
    assert outcome.done == ids[1:] and set(outcome.refused) == {ids[0], 10**9}


@pytest.mark.django_db
def test_wrong_area_list_detail_count_search_export_and_nested_id(compared: scopes.Scope) -> None:
    lead = first_lead(compared)
    stranger = officer(Duty.TOWNSHIP_OFFICER, OTHER + "001")
    with scopes.acting(stranger):
        assert not Lead.objects.exists() and not LeadEvent.objects.exists() and not Todo.objects.filter(subject="lead").exists()
        with pytest.raises(Lead.DoesNotExist):
            services.advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=NOW)
    client = client_of(stranger)
    listed = client.get(reverse("discovery:leads"), {"name": lead.person.name})
    assert listed.status_code == 200 and lead.number not in listed.content.decode()
    assert client.get(reverse("discovery:lead", args=[lead.pk])).status_code == 404
    assert client.post(reverse("discovery:lead_step", args=[lead.pk]), {"after": "contacted", "version": 1}).status_code == 404
    exported = b"".join(client.get(reverse("discovery:leads"), {"export": "csv"}).streaming_content)  # type: ignore[attr-defined]
    assert lead.number.encode() not in exported


@pytest.mark.django_db
def test_a_duty_that_only_reads_moves_nothing(compared: scopes.Scope) -> None:
    lead = first_lead(compared)
    with scopes.acting(officer(Duty.SUPERVISOR, "4101")), pytest.raises(PermissionDenied):
        services.advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=NOW)


@pytest.mark.django_db
def test_names_are_masked_above_the_township(compared: scopes.Scope) -> None:
    with scopes.acting(compared):
        lead = Lead.objects.select_related("person").exclude(person=None).order_by("contact_due", "id")[0]
    county_page = client_of(officer(Duty.COUNTY_REVIEWER, COUNTY)).get(reverse("discovery:leads")).content.decode()
    town_page = client_of(officer(Duty.TOWNSHIP_OFFICER, lead.area[:9])).get(reverse("discovery:leads"), {"name": lead.person.name}).content.decode()
    assert lead.number in county_page and f">{lead.person.name}<" not in county_page and lead.person.name in town_page


@pytest.mark.django_db
def test_the_number_of_queries_of_the_list_is_bounded(compared: scopes.Scope, django_assert_max_num_queries: object) -> None:
    client = client_of(officer(Duty.COUNTY_REVIEWER, COUNTY))
    client.get(reverse("discovery:leads"))
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        client.get(reverse("discovery:leads"))


def test_two_officers_at_once_one_wins_and_the_other_is_told(
    committed_db: None, county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        load_area(county, on=ON, now=NOW)
    checker = officer(Duty.DATA_CHECKER, COUNTY)
    with scopes.acting(checker):
        for file in sorted((county / "deliveries").glob("*disability*")):
            services.deliver(path=file, dataset="disability", area=COUNTY, now=NOW, period="2022-11")
        services.compare(area=COUNTY, on=ON, now=NOW)
    lead = first_lead(checker)
    town = [officer(Duty.TOWNSHIP_OFFICER, lead.area[:9]) for _ in range(2)]
    start, results = threading.Barrier(2), []

    def move(scope: scopes.Scope) -> None:
        try:
            with scopes.acting(scope):
                start.wait(10)
                services.advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=NOW)
            results.append("done")
        except services.StaleLead:
            results.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=move, args=(scope,)) for scope in town]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["done", "told"]
    with scopes.acting(checker):
        assert LeadEvent.objects.filter(lead_id=lead.pk, after="contacted").count() == 1


@pytest.mark.django_db
def test_the_page_of_a_lead_shows_reason_evidence_and_way_and_moves_it_on(compared: scopes.Scope) -> None:
    lead = first_lead(compared)
    client = client_of(officer(Duty.TOWNSHIP_OFFICER, lead.area[:9]))
    page = client.get(reverse("discovery:lead", args=[lead.pk])).content.decode()
    assert lead.reason in page and "比对依据" in page and "信息比对发现" in page
    step = reverse("discovery:lead_step", args=[lead.pk])
    assert client.post(step, {"after": "contacted", "note": "已通电话", "version": 1}).status_code == 302
    again = client.post(step, {"after": "contacted", "note": "已通电话", "version": 1})
    assert again.status_code == 422 and "刚刚由其他工作人员办理过" in again.content.decode()


@pytest.mark.django_db
def test_1_5_an_approved_grant_closes_the_leads_that_it_answers_and_no_others(compared: scopes.Scope) -> None:
    with scopes.acting(compared):
        lead = Lead.objects.filter(programme="disability_nursing").exclude(person=None).order_by("id")[0]
        others = Lead.objects.filter(state="new").exclude(pk=lead.pk).count()
    with scopes.acting(officer(Duty.COUNTY_APPROVER, COUNTY)):
        assert services.leads_helped(grants=[(lead.household_id, "disability_nursing", lead.person_id, None)], now=NOW) == 1
        assert services.leads_helped(grants=[(lead.household_id, "disability_nursing", lead.person_id, None)], now=NOW) == 0
        assert Lead.objects.get(pk=lead.pk).state == "helped" and Lead.objects.filter(state="new").count() == others
        assert not Todo.objects.filter(subject="lead", subject_id=lead.pk, done_at__isnull=True).exists()


@pytest.mark.django_db
def test_1_5_a_county_sets_its_own_clock_and_it_counts_from_its_date() -> None:
    proposer, other = officer(Duty.COUNTY_REVIEWER, COUNTY), officer(Duty.COUNTY_APPROVER, COUNTY)
    with scopes.acting(proposer):
        row = propose_setting(
            parameter="procedure.lead.contact_days.red", area=COUNTY, starts=date(2022, 12, 1), value="2", document="牟民文〔2022〕9号", now=NOW
        )
    with scopes.acting(other):
        confirm_setting(setting_id=row.pk, now=NOW)
    assert deadlines("red", date(2022, 11, 30), COUNTY).contact == date(2022, 12, 1)
    assert deadlines("red", date(2022, 12, 1), COUNTY).contact == date(2022, 12, 5)
    assert deadlines("red", date(2022, 12, 1), OTHER).contact == date(2022, 12, 2)
