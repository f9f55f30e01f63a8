"""Two officers of the county, for what one proposes and another confirms."""

from __future__ import annotations

import pytest

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, officer


@pytest.fixture
def reviewer() -> scopes.Scope:
    return officer(Duty.COUNTY_REVIEWER, COUNTY, name="赵敏")


@pytest.fixture
def approver() -> scopes.Scope:
    return officer(Duty.COUNTY_APPROVER, COUNTY, name="张卫东")
