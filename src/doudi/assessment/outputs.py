"""Which results of the law an assessment keeps, and which programme each result belongs to."""

from __future__ import annotations

from doudi.registry.models import Programme

HOUSEHOLD_OUTPUTS = (
    "local_dibao_standard",
    "gross_household_income",
    "household_income",
    "dibao_income_limit",
    "dibao_members",
    "property_eligible",
    "dibao_eligible",
    "dibao_in_gradual_exit",
    "dibao_exit_is_suspended",
    "dibao_pays_by_bands",
    "dibao_amount",
    "marginal_family",
    "rigid_expenditure_family",
    "benefits_total",
)
PERSON_OUTPUTS = (
    "counts_in_dibao_household",
    "countable_income",
    "work_cost_deduction",
    "dibao_uplift",
    "dibao_band_amount",
    "single_person_dibao_amount",
    "tekun_eligible",
    "tekun_living_amount",
    "tekun_care_amount",
    "orphan_allowance",
    "unsupported_child_allowance",
    "disability_living_subsidy",
    "disability_nursing_subsidy",
    "price_subsidy",
)
# Programmes of one person and the results that are added up for their amount; dibao and marginal are of the household.
PERSON_PROGRAMMES: dict[str, tuple[str, ...]] = {
    Programme.DIBAO_SINGLE: ("single_person_dibao_amount",),
    Programme.TEKUN: ("tekun_living_amount", "tekun_care_amount"),
    Programme.ORPHAN: ("orphan_allowance",),
    Programme.UNSUPPORTED_CHILD: ("unsupported_child_allowance",),
    Programme.DISABILITY_LIVING: ("disability_living_subsidy",),
    Programme.DISABILITY_NURSING: ("disability_nursing_subsidy",),
}
HOUSEHOLD_PROGRAMMES = (Programme.DIBAO, Programme.MARGINAL, Programme.RIGID)
# Confirmations of a family without an amount of money, and the result of each.
CONFIRMATIONS: dict[str, str] = {Programme.MARGINAL: "marginal_family", Programme.RIGID: "rigid_expenditure_family"}
