"""4.3: what an earlier system paid is not paid again: loaded awards are paid from the month after they were loaded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from doudi.batch.synth import generate
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer
from doudi.enrolment.loading import load_awards
from doudi.enrolment.models import Award
from doudi.payments.models import PayrollLine
from doudi.payments.services import payrolls
from doudi.registry import loading

NOW = datetime(2022, 10, 31, 17, tzinfo=UTC)  # 1 November in China


@pytest.mark.django_db
def test_4_3_loaded_awards_are_not_paid_for_months_before_the_system(tmp_path: Path) -> None:
    generate(COUNTY, 1000, 5, tmp_path, on=date(2022, 11, 25))
    one, other = officer(Duty.COUNTY_REVIEWER), officer(Duty.COUNTY_APPROVER)
    with scopes.acting(one):
        loading.load_area(tmp_path, on=date(2022, 11, 25), now=NOW)
        load_awards(tmp_path, proposer_id=one.account_id, approver_id=other.account_id, now=NOW)
        assert Award.objects.filter(starts__lt=date(2022, 10, 1)).exists()
        found = payrolls.prepare_payroll(area=COUNTY, month=date(2023, 1, 1), now=NOW)
        months = set(PayrollLine.objects.filter(payroll=found.payroll).values_list("month_entitled", flat=True))
    assert found.lines > 0 and months == {date(2022, 12, 1), date(2023, 1, 1)}
