"""The law's formulas straight in NumPy, for one month after 2022-12: the yardstick of ``bench/law.py``.

Written as one would write them without OpenFisca: no variables, no periods, no cache, parameters read once by the same place table. It leaves out
what cannot matter in the benchmark's population (bands, uplift, land rule, gradual exit: no such facts are drawn) and computes every other benefit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openfisca_henan.places import PlaceTable
from openfisca_henan.rules import price_linkage, tekun_care, tekun_living

Columns = dict[str, NDArray[Any]]


def below(amount: Any, limit: Any) -> Any:
    return np.round(amount, 6) < np.round(limit, 6)


def fen(amount: Any) -> Any:
    return np.floor(amount * 100 + (0.5 + 1e-6)) / 100


def law(p: Columns, h: Columns, of: NDArray[np.int64], month: str, table: PlaceTable) -> Columns:
    """Benefits of persons ``p`` in households ``h``; ``of`` is each person's household."""
    day, county, residence = f"{month}-01", h["county_index"], np.asarray(h["residence"])
    size = len(county)

    def both(name: str, on: str = day) -> Any:
        return table.stacked((f"{name}.urban", f"{name}.rural"), on)[residence, county]

    def local(name: str) -> Any:
        return table.at(name, day).values[county]

    def whole(name: str) -> float:
        return table.province(name, day)

    def per_household(values: Any) -> Any:
        return np.bincount(of, weights=values, minlength=size)

    standard = both("dibao.standard")
    members_all = np.bincount(of, minlength=size)
    born = p["birth_date"]
    born_month = born.astype("datetime64[M]")
    later = (born - born_month.astype("datetime64[D]")).astype(np.int64) > 0
    age = (np.datetime64(month, "M").astype(np.int64) - born_month.astype(np.int64) - later) // 12
    # property
    fits = below(h["financial_assets"], whole("marginal.financial_assets") * 12 * standard * members_all)
    fits &= h["vehicles"] <= whole("marginal.vehicles")
    fits &= h["dwellings"] <= whole("marginal.dwellings")
    # income of persons
    workplace = np.where(p["workplace_urban_dibao_standard"] > 0, p["workplace_urban_dibao_standard"], whole("dibao.standard.urban"))
    work_cost = np.where(p["works_away"], np.minimum(whole("dibao.work_cost_rate") * workplace, p["wage_income"]), 0)
    income = np.maximum(p["wage_income"] + p["business_income"] + p["transfer_income"] + p["maintenance_income"] - work_cost, 0)
    # children and tekun
    institution = table.at("children.institution", day).values[county][of]
    amount = np.where(p["in_institution"], institution, both("children.dispersed")[of])
    child = (p["orphan"] | p["de_facto_unsupported_child"]) & ((age < whole("children.age")) | p["in_school"]) & (amount > 0)
    grade, kind = p["disability_grade"], np.asarray(p["disability_kind"])
    unable = (age >= whole("tekun.age.old")) | (age < whole("tekun.age.child"))
    for name, number in (("visual", 1), ("physical", 4), ("intellectual", 5), ("mental", 6)):
        unable |= (kind == number) & (grade >= 1) & (grade <= whole(f"tekun.disability_grade.{name}"))
    urban, rural = tekun_living(table, day)
    living = np.where(residence == 0, urban.values[county], rural.values[county])
    tekun = unable & below(income, standard[of]) & fits[of] & (np.asarray(p["support_obligor"]) != 2) & ~child
    orphan_allowance = np.where(child & p["orphan"] & ~tekun, fen(amount), 0)
    unsupported = np.where(child & ~p["orphan"] & ~tekun, fen(amount), 0)
    failed = p["self_care_failures"]
    level = (failed >= whole("tekun.self_care.partly_unable")).astype(int) + (failed >= whole("tekun.self_care.unable"))
    care = np.stack([derived.values for derived in tekun_care(table, day)])[level, county[of]]
    tekun_living_amount = np.where(tekun, fen(living)[of], 0)
    tekun_care_amount = np.where(tekun, fen(care), 0)
    # dibao, marginal and rigid-expenditure families
    counted = ~tekun
    members = per_household(counted)
    gross = per_household((income + orphan_allowance + unsupported) * counted)
    net = np.maximum(gross - h["rigid_expenditure"], 0)
    limit = standard * members
    dibao = below(net, limit) & (members > 0) & fits
    dibao_amount = fen(np.where(dibao, limit - net, 0))
    marginal = ~dibao & fits & below(net, whole("marginal.income_multiple") * standard * members)
    before = f"{int(month[:4]) - 1}{month[4:]}-01"
    rigid = ~(dibao | marginal) & (members > 0) & fits & below(gross, both("disposable_income", before) * members) & (h["rigid_expenditure"] > 0)
    rigid &= np.round(h["rigid_expenditure"], 6) >= np.round(local("rigid_expenditure.share") * gross, 6)
    # alone
    window = ~dibao & fits & below(net, local("dibao.single_person.income_multiple") * standard * members)
    category = (grade >= 1) & ((grade <= 2) | (((kind == 5) | (kind == 6)) & (grade <= 3))) | p["serious_illness"]
    which, rule = table.alternatives(("dibao.single_person.amount_share", "dibao.single_person.gap", "dibao.single_person.amount"), day)
    alone_amount = fen(np.where(which[county] == 2, rule.values[county], rule.values[county] * standard))
    alone = window[of] & category & counted
    single = np.where(alone, alone_amount[of], 0)
    # disability
    on_dibao = (dibao[of] & counted) | alone
    living_subsidy = np.where((grade >= 1) & on_dibao & ~tekun & (orphan_allowance == 0), fen(local("disability.living"))[of], 0)
    nursing = (grade >= 1) & (grade <= 2) & p["needs_long_care"] & ~tekun & ~p["work_injury_nursing"]
    nursing_subsidy = np.where(nursing, fen(local("disability.nursing"))[of], 0)
    # prices
    rise = price_linkage(table, day).rise[county]
    child_base = table.at("dibao.standard.urban", day).values[county]
    covered = marginal & (whole("price_linkage.covered.marginal") == 1)
    base = np.where((orphan_allowance > 0) | (unsupported > 0), child_base[of], 0)
    base = np.where(tekun | on_dibao | covered[of] & counted, np.maximum(base, standard[of]), base)
    raw = np.where(np.isnan(rise), 0, rise)[of] * base / 100
    price = np.where((base > 0) & (rise >= 0)[of], np.floor(raw + (0.5 + 1e-8)), 0)
    persons = single + tekun_living_amount + tekun_care_amount + orphan_allowance + unsupported + living_subsidy + nursing_subsidy + price
    return {
        "dibao_amount": dibao_amount,
        "marginal_family": marginal,
        "rigid_expenditure_family": rigid,
        "single_person_dibao_amount": single,
        "tekun_living_amount": tekun_living_amount,
        "tekun_care_amount": tekun_care_amount,
        "orphan_allowance": orphan_allowance,
        "unsupported_child_allowance": unsupported,
        "disability_living_subsidy": living_subsidy,
        "disability_nursing_subsidy": nursing_subsidy,
        "price_subsidy": price,
        "benefits_total": dibao_amount + per_household(persons),
    }
