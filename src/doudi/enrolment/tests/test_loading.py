"""Running awards of a synthetic county become awards with decisions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.core.exceptions import ValidationError
from django.db.models import Count, F, Sum

from doudi.assessment import services as assessing
from doudi.batch.synth import generate
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.enrolment.loading import DOCUMENT, load_awards, load_refusals
from doudi.enrolment.models import Award, AwardAmount, AwardMember, Decision
from doudi.registry import loading
from doudi.registry.models import BenefitStatus

pytestmark = pytest.mark.django_db
ON, NOW = date(2022, 11, 25), datetime(2022, 11, 25, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("county")
    generate(COUNTY, 3000, 5, made, on=ON)
    return made


def test_2_2_running_awards_arrive_with_decisions_and_a_second_run_adds_nothing(folder: Path) -> None:
    one, other = officer(Duty.TOWNSHIP_OFFICER), officer(Duty.COUNTY_APPROVER)
    awards = pq.read_table(folder / "awards.parquet").to_pandas()
    with scopes.acting(scopes.Scope(area=COUNTY, account_id=one.account_id, duty=Duty.COUNTY_REVIEWER)):
        loading.load_area(folder, on=ON, now=NOW)
        with pytest.raises(ValidationError):
            load_awards(folder, proposer_id=1, approver_id=1, now=NOW)
        made = load_awards(folder, proposer_id=one.account_id, approver_id=other.account_id, now=NOW)
        assert made.awards == Award.objects.count() == Decision.objects.count() > 0.97 * awards.award_no.nunique()
        assert made.members == AwardMember.objects.count() > 0.97 * len(awards)
        assert made.awards + made.skipped == awards.award_no.nunique()
        assert not Award.objects.filter(starts__gte=date(2022, 12, 1)).exists()
        decision = Decision.objects.first()
        assert decision.content["document"] == DOCUMENT == decision.decision_note and decision.decided_by_id == other.account_id
        known = Decimal(int(awards.drop_duplicates("award_no").amount_fen.sum())) / 100
        assert Decimal("0.95") * known < AwardAmount.objects.aggregate(x=Sum("amount"))["x"] <= known
        assert BenefitStatus.objects.values("award_id").annotate(n=Count("id")).count() == made.awards
        assert not Award.objects.exclude(decision__household=F("household")).exists()
        again = load_awards(folder, proposer_id=one.account_id, approver_id=other.account_id, now=NOW)
        assert (again.awards, again.members) == (0, 0) and Award.objects.count() == made.awards
        run = assessing.assess_all(area=COUNTY, month=date(2022, 12, 1), now=NOW)
        assert run.summary["bad"] == 0, run.summary["bad_facts"][:3]
        assert run.summary["programmes"]["dibao"]["people"] > 0


def test_2_2_earlier_refusals_arrive_as_decisions_and_stand_in_the_benefit_status(folder: Path) -> None:
    one, other = officer(Duty.TOWNSHIP_OFFICER), officer(Duty.COUNTY_APPROVER)
    refused = pq.read_table(folder / "refusals.parquet").to_pandas()
    assert len(refused) > 5
    with scopes.acting(scopes.Scope(area=COUNTY, account_id=one.account_id, duty=Duty.COUNTY_REVIEWER)):
        loading.load_area(folder, on=ON, now=NOW)
        with pytest.raises(ValidationError):
            load_refusals(folder, proposer_id=1, approver_id=1, now=NOW)
        made = load_refusals(folder, proposer_id=one.account_id, approver_id=other.account_id, now=NOW)
        assert made == refused.household_no.nunique() == Decision.objects.filter(kind="refuse", state="approved").count()
        told = BenefitStatus.objects.filter(state="refused")
        assert told.count() == len(refused) and set(told.values_list("starts", flat=True)) == set(refused.starts)
        assert load_refusals(folder, proposer_id=one.account_id, approver_id=other.account_id, now=NOW) == 0
        assert told.count() == len(refused)
