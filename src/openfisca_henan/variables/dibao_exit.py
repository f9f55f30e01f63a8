"""Dibao that goes on: gradual exit (渐退期, clause 2.5) and suspended exits (暂停退出, clause 2.6)."""

import numpy as np

from openfisca_henan.base import Flag, Measure, Money, known, province
from openfisca_henan.entities import Household

NOT_GIVEN = np.datetime64("1970-01-01")


class gradual_exit_limit_months(Measure):
    """Months of gradual exit at most: what the decision fixed, else the parameter on the first day of the first month. 0 before the rule."""

    entity = Household
    unit = "months"
    label = "渐退期上限月数"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.5"

    def formula(household, period, parameters):
        decided = household("gradual_exit_limit", period)
        start = household("gradual_exit_start", period)
        if (start == NOT_GIVEN).all():
            limit = np.nan_to_num(province(household, period, "dibao.gradual_exit_months"))
            return np.where(decided > 0, decided, limit)
        first = np.datetime64(str(period.start)[:7], "M")
        months = np.where(start == NOT_GIVEN, first, start.astype("datetime64[M]"))
        limit = np.zeros(len(months))
        for month in np.unique(months):
            limit[months == month] = np.nan_to_num(province(household, period, "dibao.gradual_exit_months", on=f"{month}-01"))
        return np.where(decided > 0, decided, limit)


class dibao_in_gradual_exit(Flag):
    """In gradual exit: income passed the standard because someone found work, property still fits, months remain."""

    entity = Household
    label = "处于渐退期"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.5"

    def formula(household, period, parameters):
        was = household("was_on_dibao", period) & household("income_rise_from_work", period)
        if not was.any():
            return was
        passed = ~household("dibao_income_eligible", period) & (household("dibao_members", period) > 0)
        return (
            was
            & passed
            & household("property_eligible", period)
            & (household("gradual_exit_months", period) < household("gradual_exit_limit_months", period))
        )


class dibao_exit_is_suspended(Flag):
    """The area keeps everyone who was on dibao, whatever income and property."""

    entity = Household
    label = "暂停退出期间继续保障"
    reference = "河南省人民政府办公厅通知（2022-11-23），举措2.6"

    def formula(household, period, parameters):
        kept = household("was_on_dibao", period) & household("exit_suspended", period)
        return kept & ~household("dibao_ordinary", period) & (household("dibao_members", period) > 0)


class dibao_continues(Flag):
    entity = Household
    label = "继续享受低保"

    def formula(household, period, parameters):
        return household("dibao_in_gradual_exit", period) | household("dibao_exit_is_suspended", period)


class dibao_continued_amount(Money):
    """The last amount, less for members who left; times the share of gradual exit where only that keeps the household."""

    entity = Household
    label = "继续发放金额"

    def formula(household, period, parameters):
        continues = household("dibao_continues", period)
        if not continues.any():
            return np.zeros(household.count)
        before = np.maximum(household("previous_dibao_members", period), 1)
        stayed = np.minimum(1, household("dibao_members", period) / before)
        share = np.nan_to_num(province(household, period, "dibao.gradual_exit.share"), nan=1.0)
        share = np.where(household("dibao_exit_is_suspended", period), 1.0, share)
        amount = household("previous_dibao_amount", period) * known(share, 1.0) * stayed
        return np.where(continues, amount, 0)
