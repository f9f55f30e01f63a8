"""What an input may be. The web API refuses the rest here; ``doudi.batch.law`` checks whole columns by row before a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from openfisca_core.errors import SituationParsingError

#: Greatest value of each whole number; the smallest is 0 unless named in LEAST.
MOST = {
    "disability_grade": 4,
    "self_care_failures": 6,
    "dibao_band": 6,
    "vehicles": 10_000,
    "dwellings": 10_000,
    "non_residential_property": 10_000,
    "obligor_household_members": 1_000,
    "obligor_supported_people": 1_000,
    "previous_dibao_members": 1_000,
    "gradual_exit_months": 1_200,
    "gradual_exit_limit": 1_200,
    "temporary_residents_in_need": 1_000,
}
LEAST = {"obligor_household_members": 1, "obligor_supported_people": 1}
#: No monthly average or stock of a household comes near this; above it a column was in fen or shifted.
MOST_MONEY = 1e10


def set_checked(holder: Any, period: Any, array: Any) -> None:
    """Take an input, or refuse it with its name and reason: bad input is never silently zero."""
    variable = holder.variable
    values = holder._to_array(array)
    if variable.is_input_variable() and len(values):
        least, most = LEAST.get(variable.name, 0), MOST.get(variable.name, MOST_MONEY)
        if not (values.min() >= least and values.max() <= most):
            wrong = values[~((values >= least) & (values <= most))][0]
            allowed = f"应为 {least} 至 {most}" if variable.name in MOST else "不能为负、缺失或过大"
            raise SituationParsingError([variable.entity.plural, variable.name], f"“{variable.label}”的值 {np.asarray(wrong)} {allowed}")
    holder._set(period, values)
