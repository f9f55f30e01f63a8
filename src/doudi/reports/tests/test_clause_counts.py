"""The eight measures as counted in the night: the same figures as live, within the area and duty of the reader, by the same few queries at every size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from doudi.core import measures, periodic
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, client_of, officer
from doudi.discovery.models import Delivery, Lead
from doudi.discovery.services import raise_lead, record_visit
from doudi.discovery.services.visits import Result
from doudi.payments.services import funds, ledger
from doudi.payments.tests.world import NOW as PAYMENTS_NOW
from doudi.payments.tests.world import Officers, award
from doudi.protection import services as protection
from doudi.protection.services import Minor
from doudi.registry.tests.helpers import VILLAGE
from doudi.reports import clause_counts, queries
from doudi.reports.models import MeasureFigure

pytestmark = pytest.mark.django_db
OTHER = "410105"
LIVE = {"2.6", "3.3", "4.1", "6.1", "6.2", "8.1"}
"""What does not add up over places, or belongs to today."""


def count(*areas: str) -> None:
    for area in areas:
        with scopes.acting(scopes.Scope(area=area, duty=WORKER, page="test", acts=frozenset({"reports.count"}))):
            clause_counts.count(area=area, now=timezone.now())


def night() -> None:
    count(COUNTY, OTHER, "41")


def figures(area: str, duty: Duty, *, kept: bool) -> dict[str, tuple[object, str]]:
    with scopes.acting(officer(duty, area)):
        known = clause_counts.counted(area)
        assert known is not None
        return {clause.number: (clause.value, clause.unit) for _m, _t, clauses in queries.clauses(known if kept else None) for clause in clauses}


@pytest.fixture
def busy() -> Iterator[Officers]:
    """Two counties with something under most clauses, a plan of the city's own, and a minor's case."""
    officers = Officers()
    today = timezone.localdate()
    with scopes.acting(officers.approver):
        given = [award(programme=programme, area=VILLAGE) for programme in ("dibao_single", "dibao", "tekun", "disability_living")]
    with scopes.acting(officer(Duty.COUNTY_APPROVER, OTHER)):
        award(area=f"{OTHER}001001")
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)):
        record_visit(uuid=uuid4(), household_id=given[0].household.pk, done_at=timezone.now(), now=timezone.now(), result=Result("self", "steady"))
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])):
        for at, days in enumerate((0, 40)):
            lead = raise_lead(
                channel="team", source=f"team:{at}", area=VILLAGE, reason="生活困难", urgency="red", now=timezone.now() - timedelta(days=days)
            )
            Lead.objects.filter(pk=lead.pk).update(contacted_at=timezone.now(), state="contacted")
    with scopes.acting(officers.finance):
        plan = {"fund": "assistance", "year": today.year, "level": "city", "issuer": "city", "document": "指标", "document_date": today, "on": today, "now": PAYMENTS_NOW}
        funds.register_plan(area=COUNTY, amount=Decimal(400), **plan)
        ledger.receive_appropriation(fund="assistance", area=COUNTY, year=today.year, amount=Decimal(100), document="到", level="city", on=today, now=PAYMENTS_NOW)
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)):
        protection.open_case(
            now=timezone.now(), area=VILLAGE, category="gap", source="visit", urgency="red", reported="家中无人照料", uuid=uuid4(),
            minor=Minor(name="郭小阳", birth_date=date(2012, 5, 1), sex="1"),
        )  # fmt: skip
    yield officers


@pytest.mark.usefixtures("busy")
def test_right_after_the_night_every_figure_is_what_live_counting_gives() -> None:
    night()
    for area, duty in (("41", Duty.SUPERVISOR), ("4101", Duty.SUPERVISOR), (COUNTY, Duty.COUNTY_APPROVER), (COUNTY, Duty.COUNTY_REVIEWER), (OTHER, Duty.COUNTY_REVIEWER)):
        assert figures(area, duty, kept=True) == figures(area, duty, kept=False), (area, duty)
    found = figures("41", Duty.SUPERVISOR, kept=True)
    assert [found[clause][0] for clause in ("1.5", "2.2", "2.3", "4.2", "4.5", "5.4", "1.7")] == ["50.0%", 4, 1, "25.0%", 1, 1, 1]
    assert figures(OTHER, Duty.COUNTY_REVIEWER, kept=True)["2.2"][0] == 1, "another county's are not in it"


def test_every_clause_is_counted_in_the_night_or_named_as_live() -> None:
    served = {clause: there for clause in measures.CLAUSES if (there := measures.served(clause))}
    assert {clause for clause, there in served.items() if there.says is None} == LIVE
    assert {clause for clause, there in served.items() if there.confidential} == {"5.1", "5.2", "5.3", "5.4"}
    for clause, there in served.items():
        for name, rows in there.counts.items():
            assert "area" in {field.name for field in rows().model._meta.fields} and len(f"{clause}.{name}") <= 40


@pytest.mark.usefixtures("busy")
def test_what_came_since_stands_still_until_the_next_night_and_the_page_says_of_when() -> None:
    night()
    client = client_of(officer(Duty.SUPERVISOR, "41"))
    before = client.get(reverse("reports:measures")).content.decode()
    assert re.search(r"截至 \d{4}-\d\d-\d\d \d\d:\d\d（夜间统计，2 个县、市、区）", before) and before.count("实时</small>") == len(LIVE)
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        award(programme="dibao_single", area=VILLAGE)
    kept, live = (figures("41", Duty.SUPERVISOR, kept=kept)["2.3"][0] for kept in (True, False))
    assert (kept, live) == (1, 2)
    count(COUNTY)
    assert figures("41", Duty.SUPERVISOR, kept=True)["2.3"][0] == 2
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        assert MeasureFigure.objects.filter(key="2.3.n").count() == 1, "counted anew in its place"


@pytest.mark.usefixtures("busy")
def test_a_reader_sees_no_figure_of_another_area_and_none_of_minors_without_the_duty() -> None:
    night()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, OTHER)):
        assert set(MeasureFigure.objects.values_list("area", flat=True)) == {OTHER}
        assert clause_counts.counted("4101").numbers["2.2"]["n"] == 1, "a wider question is answered within the scope"  # type: ignore[union-attr]
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        assert MeasureFigure.objects.exists() and not MeasureFigure.objects.filter(key__startswith="5.").exists()
    for duty, told in ((Duty.COUNTY_APPROVER, True), (Duty.COUNTY_REVIEWER, False), (Duty.FINANCE_OFFICER, False)):
        assert (figures(COUNTY, duty, kept=True)["5.4"] == (1, "件个案在办")) == told
        assert told or figures(COUNTY, duty, kept=False)["5.4"][0] == "—"
        page = client_of(officer(duty)).get(reverse("reports:measures")).content.decode()
        assert ("件个案在办" in page) == told
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)), pytest.raises(PermissionDenied):
        clause_counts.count(area=COUNTY, now=timezone.now())
    for area in ("4101", VILLAGE[:9]):
        with scopes.acting(scopes.Scope(area=area, duty=WORKER, page="test", acts=frozenset({"reports.count"}))), pytest.raises(ValueError, match=area):
            clause_counts.count(area=area, now=timezone.now())


@pytest.mark.usefixtures("busy")
def test_the_page_asks_as_many_queries_of_a_province_as_of_a_county_however_many_counties_there_are() -> None:
    night()
    clients = [client_of(officer(duty, area)) for duty, area in ((Duty.COUNTY_APPROVER, COUNTY), (Duty.SUPERVISOR, "41"))]

    def asked() -> list[int]:
        found = []
        for client in clients:
            client.get(reverse("reports:measures"))  # what is kept in memory
            with CaptureQueriesContext(connection) as queries_of:
                client.get(reverse("reports:measures"))
            found.append(len(queries_of))
        return found

    few = asked()
    with scopes.acting(scopes.Scope(area="41", duty=WORKER, page="test")):
        rows = list(MeasureFigure.objects.filter(area=COUNTY))
        MeasureFigure.objects.bulk_create(
            MeasureFigure(area=f"{area}", key=row.key, value=row.value, counted_at=row.counted_at) for area in range(410200, 410300) for row in rows
        )
    assert asked() == few and max(few) < 30
    assert figures("41", Duty.SUPERVISOR, kept=True)["2.3"][0] == 101


@pytest.mark.usefixtures("busy")
def test_the_nightly_jobs_count_each_county_and_what_is_a_city_s_own() -> None:
    today, city = timezone.localdate(), officer(Duty.SUPERVISOR, "4101")
    with scopes.acting(city):
        Delivery.objects.create(area="4101", dataset="medical", period="2022-12", name="医保.csv", sha256="a" * 64, state="accepted", received_at=timezone.now())
        live = measures.served("1.1").figure()  # type: ignore[union-attr]
    for name, area, more in (("reports.measures", COUNTY, True), ("reports.measures_above", "41", False)):
        done = periodic.run_daily(job=periodic.jobs()[name], area=area, on=today, now=timezone.now())
        assert done is not None and (done["figures"] > 20) == more
        assert periodic.run_daily(job=periodic.jobs()[name], area=area, on=today, now=timezone.now()) is None, "once a day"
    with scopes.acting(city):
        assert clause_counts.figure("1.1", measures.served("1.1"), clause_counts.counted("4101")) == (*live, True) and live[0] == 1  # type: ignore[arg-type]
        assert clause_counts.counted("4101").counties == 1, "what is the city's own is no county"  # type: ignore[union-attr]
        assert clause_counts.counted(VILLAGE[:9]) is None and clause_counts.counted("4102") is None, "what is small or was never counted is counted live"
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        assert set(MeasureFigure.objects.values_list("area", flat=True)) == {COUNTY}, "the city's is not the county's to see"
