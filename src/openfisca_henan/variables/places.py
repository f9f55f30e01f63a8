"""Where a household stands, and how old people are."""

from functools import lru_cache

import numpy as np

from openfisca_henan.base import Count, Flag
from openfisca_henan.entities import Household, Person
from openfisca_henan.places import county_index as index_of


@lru_cache(maxsize=256)
def ages_by_day(on):
    """Age on a first of a month of people born on each day since 1880, and the number of the first of those days.

    Looking the age up is thirty times faster than working it out from each birth date.
    """
    born = np.arange(np.datetime64("1880-01-01"), np.datetime64(on[:7], "M") + 1, dtype="datetime64[D]")
    months = born.astype("datetime64[M]")
    # On the first of a month only a birthday on a first has come in that month.
    later_in_month = born > months.astype("datetime64[D]")
    lived = np.datetime64(on[:7], "M").astype(np.int64) - months.astype(np.int64) - later_in_month
    return np.floor_divide(lived, 12).clip(min=0).astype(np.int32), int(born[0].astype(np.int64))


class county_index(Count):
    """Place of the county in the package's list of counties; every place-dependent value is taken by it."""

    entity = Household
    label = "县序号"

    def formula(household, period, parameters):
        codes = household("county", period)
        index = index_of(codes)
        if (index < 0).any():
            unknown = sorted({str(code) for code in np.asarray(codes)[index < 0]})
            raise ValueError(f"县（市、区）代码不在本省：{'、'.join(unknown[:5])}；请填写六位县级代码")
        return index


class age(Count):
    """Completed years on the first day of the month."""

    entity = Person
    label = "周岁"

    def formula(person, period, parameters):
        born = person("birth_date", period).astype("datetime64[D]").astype(np.int64)
        ages, first = ages_by_day(str(period.start))
        return ages[(born - first).clip(0, len(ages) - 1)]


class severely_disabled(Flag):
    """Severely disabled (重度残疾): grade 1 or 2."""

    entity = Person
    label = "重度残疾"
    reference = "豫政〔2016〕60号"

    def formula(person, period, parameters):
        grade = person("disability_grade", period)
        return (grade >= 1) & (grade <= 2)


class members_count(Count):
    """All members of the household, tekun members included."""

    entity = Household
    label = "家庭人口"

    def formula(household, period, parameters):
        return household.nb_persons()
