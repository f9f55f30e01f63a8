"""Minimum living guarantee (最低生活保障, dibao) of a household."""

import numpy as np

from openfisca_henan.base import (
    Count,
    Flag,
    Measure,
    Money,
    below,
    by_residence,
    known,
    local,
    pick,
    province,
    reaches,
    rounded,
    table_of,
)
from openfisca_henan.entities import Household, Person

BANDS = tuple(range(1, 7))


class local_dibao_standard(Money):
    """The place's standard, urban or rural as the family really lives; NaN where there is none yet."""

    entity = Household
    label = "当地低保标准"
    reference = "民发〔2021〕57号"

    def formula(household, period, parameters):
        return by_residence(household, period, "dibao.standard")


class land_rule_applies(Flag):
    """Land rule (土地规则): rural, and farmland per head reaches the place's threshold."""

    entity = Household
    label = "适用土地规则"

    def formula(household, period, parameters):
        threshold = local(household, period, "dibao.land_rule.threshold")
        share = local(household, period, "dibao.land_rule.share")
        rural = np.asarray(household("residence", period)) == 1
        return rural & ~np.isnan(share) & reaches(household("farmland_per_head", period), threshold)


class dibao_standard(Money):
    """The standard for dibao's own test and gap: the local one, or its share under the land rule."""

    entity = Household
    label = "适用低保标准"
    reference = "民发〔2021〕57号"

    def formula(household, period, parameters):
        share = known(local(household, period, "dibao.land_rule.share"), 1.0)
        standard = household("local_dibao_standard", period)
        return np.where(household("land_rule_applies", period), standard * share, standard)


class dibao_test_income(Money):
    """Income for dibao's own test and gap: without land income where the land rule applies."""

    entity = Household
    label = "低保核定收入"

    def formula(household, period, parameters):
        members = household.members
        income = household("household_income", period)
        applies = household("land_rule_applies", period)
        if not applies.any():
            return income
        land = household.sum(members("land_income", period) * members("counts_in_dibao_household", period))
        return np.where(applies, np.maximum(income - land, 0), income)


class dibao_income_limit(Money):
    """Standard times members: the total that income must stay below."""

    entity = Household
    label = "低保标准合计"
    reference = "民发〔2021〕57号"

    def formula(household, period, parameters):
        return household("dibao_standard", period) * household("dibao_members", period)


class dibao_income_eligible(Flag):
    """Income below the standard (totals compared)."""

    entity = Household
    label = "收入低于低保标准"
    reference = "民发〔2021〕57号"

    def formula(household, period, parameters):
        return below(household("dibao_test_income", period), household("dibao_income_limit", period)) & (household("dibao_members", period) > 0)


class dibao_ordinary(Flag):
    """Eligible by income and property, without gradual exit and suspension."""

    entity = Household
    label = "收入和财产符合低保条件"
    reference = "民发〔2021〕57号"

    def formula(household, period, parameters):
        return household("dibao_income_eligible", period) & household("property_eligible", period)


class dibao_gap(Money):
    """Gap (补差) of the household, raised to the floor share where the place has one."""

    entity = Household
    label = "补差"
    reference = "民发〔2021〕57号第二十三条"

    def formula(household, period, parameters):
        limit = household("dibao_income_limit", period)
        floor = known(by_residence(household, period, "dibao.payment.floor_share")) * limit
        gap = known(np.maximum(limit - household("dibao_test_income", period), floor))
        return np.where(household("dibao_ordinary", period), gap, 0)


class dibao_pays_by_bands(Flag):
    """The place pays by bands (按档发放)."""

    entity = Household
    label = "当地按档发放"

    def formula(household, period, parameters):
        return by_residence(household, period, "dibao.payment.mode") == 1


class dibao_bands_decided(Flag):
    """The decision gave a band to every member who counts."""

    entity = Household
    label = "已确定档次"

    def formula(household, period, parameters):
        members = household.members
        if not members("dibao_band", period).any():
            return np.zeros(household.count, dtype=bool)
        without = (members("dibao_band", period) == 0) & members("counts_in_dibao_household", period)
        return household("dibao_pays_by_bands", period) & (household.sum(without) == 0)


class dibao_band_by_income(Count):
    """The band by income per head, where the place has income limits of bands; 0 = none."""

    entity = Household
    label = "按收入确定的档次"

    def formula(household, period, parameters):
        table, day = table_of(household), str(period.start)
        by_bands = household("dibao_pays_by_bands", period)
        limits = [table.stacked(_names("dibao.payment.band_limit", number), day) for number in BANDS]
        if not by_bands.any() or np.isnan(limits).all():
            return np.zeros(household.count, dtype=np.int32)
        income, members = household("dibao_test_income", period), household("dibao_members", period)
        band = np.zeros(household.count, dtype=np.int32)
        any_limit = np.zeros(household.count, dtype=bool)
        highest = np.zeros(household.count, dtype=np.int32)
        for number in reversed(BANDS):
            limit = pick(household, period, limits[number - 1])
            amount = pick(household, period, table.stacked(_names("dibao.payment.band", number), day))
            highest = np.where((highest == 0) & ~np.isnan(amount), number, highest)
            any_limit |= ~np.isnan(limit)
            # "Up to" a limit includes it.
            band = np.where(reaches(limit * members, income), number, band)
        # The last band has no limit of its own: it takes whoever is above all limits and still below the standard.
        band = np.where(any_limit & (band == 0), highest, band)
        return np.where(by_bands, band, 0)


def _names(prefix, number):
    return f"{prefix}.urban.band_{number}", f"{prefix}.rural.band_{number}"


class dibao_paid_by_band(Flag):
    """Bands are paid: decided, or by income."""

    entity = Household
    label = "按档次计算"

    def formula(household, period, parameters):
        return household("dibao_bands_decided", period) | (household("dibao_band_by_income", period) > 0)


class dibao_band_amount(Money):
    """Amount of a member's band (本人档次金额): the band decided, or the household's band by income."""

    entity = Person
    label = "档次金额"
    reference = "民发〔2021〕57号第二十三条"

    def formula(person, period, parameters):
        household = person.household
        amount = np.zeros(person.count)
        if not person.simulation.household("dibao_paid_by_band", period).any():
            return amount
        decided = household("dibao_bands_decided", period)
        band = np.where(decided, person("dibao_band", period), household("dibao_band_by_income", period))
        table, day = table_of(person), str(period.start)
        residence = np.asarray(household("residence", period))
        county = household("county_index", period)
        for number in BANDS:
            here = band == number
            if here.any():
                amounts = table.stacked(_names("dibao.payment.band", number), day)
                amount[here] = known(amounts[residence[here], county[here]])
        return amount * person("counts_in_dibao_household", period)


class dibao_uplift(Money):
    """Uplift by category (分类施保增发): the highest share only, of the local standard. Part of ``dibao_amount``."""

    entity = Person
    label = "分类施保增发"
    reference = "民发〔2021〕57号"

    def formula(person, period, parameters):
        household = person.household
        shares = [f"dibao_uplift_share_{category}" for category in ("old", "minor", "severely_disabled", "seriously_ill")]
        if not any(person.simulation.household(name, period).any() for name in shares):
            return np.zeros(person.count)
        age = person("age", period)
        old_age = province(person, period, "dibao.uplift.old_age")
        adult_age = province(person, period, "children.age")
        share = household("dibao_uplift_share_old", period) * (age >= old_age)
        for belongs, name in (
            (age < adult_age, "dibao_uplift_share_minor"),
            (person("severely_disabled", period), "dibao_uplift_share_severely_disabled"),
            (person("serious_illness", period), "dibao_uplift_share_seriously_ill"),
        ):
            share = np.maximum(share, household(name, period) * belongs)
        uplift = known(share * household("local_dibao_standard", period))
        return np.where(household("dibao_ordinary", period) & person("counts_in_dibao_household", period), uplift, 0)


class dibao_uplift_share_old(Measure):
    entity = Household
    unit = "share"
    label = "增发比例：老年人"

    def formula(household, period, parameters):
        return known(local(household, period, "dibao.uplift.old"))


class dibao_uplift_share_minor(Measure):
    entity = Household
    unit = "share"
    label = "增发比例：未成年人"

    def formula(household, period, parameters):
        return known(local(household, period, "dibao.uplift.minor"))


class dibao_uplift_share_severely_disabled(Measure):
    entity = Household
    unit = "share"
    label = "增发比例：重度残疾人"

    def formula(household, period, parameters):
        return known(local(household, period, "dibao.uplift.severely_disabled"))


class dibao_uplift_share_seriously_ill(Measure):
    entity = Household
    unit = "share"
    label = "增发比例：重病患者"

    def formula(household, period, parameters):
        return known(local(household, period, "dibao.uplift.seriously_ill"))


class dibao_eligible(Flag):
    """On dibao: by income and property, in gradual exit, or because exits are suspended."""

    entity = Household
    label = "低保（整户）"
    reference = "民发〔2021〕57号"

    def formula(household, period, parameters):
        return household("dibao_ordinary", period) | household("dibao_continues", period)


class dibao_amount(Money):
    """Dibao payable to the household (低保金): gap or bands with uplift, or the amount that goes on."""

    entity = Household
    label = "低保金"
    reference = "民发〔2021〕57号第二十三条"

    def formula(household, period, parameters):
        members = household.members
        amount = household("dibao_gap", period)
        by_band = household("dibao_paid_by_band", period)
        if by_band.any():
            amount = np.where(by_band, household.sum(members("dibao_band_amount", period)), amount)
        uplift = members("dibao_uplift", period)
        if uplift.any():
            amount = amount + household.sum(uplift)
        ordinary = household("dibao_ordinary", period)
        amount = np.where(ordinary, amount, household("dibao_continued_amount", period))
        # What goes on was rounded when it was first paid: to the fen at most.
        return rounded(amount, household("dibao_rounding", period) * ordinary)


class dibao_rounding(Measure):
    """How the place rounds dibao: 0 half up to the fen, 1 half up to the yuan."""

    entity = Household
    label = "低保金取整方式"

    def formula(household, period, parameters):
        return known(by_residence(household, period, "dibao.payment.rounding"))
