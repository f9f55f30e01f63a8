"""Bulk loading of a synthetic area under the scope."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import connection

from doudi.batch.synth import generate
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.registry import loading
from doudi.registry.models import Fact, Household, Membership, Person

ON, NOW = date(2022, 11, 25), datetime(2022, 11, 25, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county")
    generate("410122", 1500, 3, folder, on=ON)
    return folder


def test_everything_of_the_county_arrives_and_a_second_run_inserts_nothing(db: None, county: Path) -> None:
    import pyarrow.parquet as pq

    people = pq.read_table(county / "people.parquet")
    with scopes.acting(scopes.Scope(area="410122")):
        loaded = loading.load_area(county, on=ON, now=NOW)
        assert loaded.people == people.num_rows == Person.objects.count() and loaded.skipped == 0
        assert loaded.households == Household.objects.count() == pq.read_metadata(county / "households.parquet").num_rows
        assert loaded.memberships == Membership.objects.count() > 0.97 * loaded.people
        assert loaded.facts == Fact.objects.count() == pq.read_metadata(county / "facts.parquet").num_rows
        again = loading.load_area(county, on=ON, now=NOW)
        assert (again.households, again.people, again.memberships, again.facts) == (0, 0, 0, 0)
        assert again.skipped == people.num_rows
        first = people.slice(0, 1).to_pylist()[0]
        person = Person.objects.get(token=numbers.id_token(first["id_number"]))
        assert (person.name, person.birth_date, person.sex, person.area) == (first["name"], first["birth_date"], first["sex"], first["area"])
        assert numbers.plain(person.phone) == first["phone"] and person.pinyin and person.initials
        assert Household.objects.exclude(address=None).first().address


def test_a_township_scope_cannot_load_the_whole_county(db: None, county: Path) -> None:
    from django.db import DatabaseError

    with pytest.raises(DatabaseError), scopes.acting(scopes.Scope(area="410122001")):
        loading.load_area(county, on=ON, now=NOW)


def test_staged_ids_point_at_the_loaded_rows(db: None, county: Path) -> None:
    with scopes.acting(scopes.Scope(area="410122")):
        loaded = loading.load_area(county, on=ON, now=NOW)
        loading.stage_ids(county)
        with connection.cursor() as cursor:
            cursor.execute("select count(*), count(distinct person_id) from pg_temp.synthetic_person")
            assert cursor.fetchone() == (loaded.people, loaded.people)
            cursor.execute(
                "select count(*) from pg_temp.synthetic_household s join registry_household h on h.id = s.household_id and h.area = s.area"
            )
            assert cursor.fetchone() == (loaded.households,)


def test_facts_of_the_county_keep_their_certificate_as_a_token(db: None, county: Path) -> None:
    with scopes.acting(scopes.Scope(area="410122")):
        loading.load_area(county, on=ON, now=NOW)
        certificates = Fact.objects.filter(kind="disability_certificate")
        assert certificates.exists() and not certificates.exclude(text="").exists()
        assert len(numbers.plain(certificates[0].token) or "") == 20
