"""The file for the national platform: who is in it, what keeps a household out, that the same content is the same file, and who may have it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.urls import reverse

from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import AccessRecord, Duty
from doudi.core.numbers import Kind
from doudi.core.tests.officers import COUNTY, VILLAGE, client_of, officer
from doudi.enrolment.models import AwardMember
from doudi.payments.tests.world import MONTH, NOVEMBER, NOW, award
from doudi.registry.models import Household, Membership, Person
from doudi.reports import national
from doudi.reports.models import NationalExport, NationalFault

pytestmark = pytest.mark.django_db
OTHER = "410122102201"


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Any) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def families() -> None:
    """Two members on dibao with a third in the household, a marginal family elsewhere, one on a disability subsidy alone (no low-income category)."""
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        award(members=2, starts=NOVEMBER)
        award(programme="marginal", area=OTHER, starts=NOVEMBER)
        award(programme="disability_living", starts=NOVEMBER)
        for household in Household.objects.all():
            for at, person in enumerate(AwardMember.objects.filter(award__household=household).order_by("id").values_list("person_id", flat=True)):
                Membership.objects.create(area=household.area, household=household, person_id=person, relationship="02" if at == 0 else "10", starts=date(2020, 1, 1))
        dibao = Household.objects.get(pk=AwardMember.objects.filter(award__programme="dibao").values("award__household")[:1])
        child = Person.objects.create(
            area=VILLAGE, token=numbers.id_token("410122201601010013"), name="=王小明", sex="1", birth_date=date(2016, 1, 1), registered_area=VILLAGE, residence_area=VILLAGE,
            made_at=NOW,
        )  # fmt: skip
        Membership.objects.create(area=VILLAGE, household=dibao, person=child, relationship="20", starts=date(2020, 1, 1))


def make(area: str = COUNTY, month: date = MONTH, duty: Duty = Duty.COUNTY_REVIEWER) -> national.Made:
    with scopes.acting(officer(duty, area)):
        return national.make_export(area=area, month=month, now=NOW)


def parts(export: NationalExport) -> dict[str, list[list[str]]]:
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        data = b"".join(national.opened(export))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig")))) for name in archive.namelist() if name.endswith(".csv")}


@pytest.mark.usefixtures("families")
def test_2_2_households_and_members_of_the_low_income_population_with_codes_and_full_numbers() -> None:
    made = make()
    assert made.made and (made.export.households, made.export.people, made.export.faults) == (2, 4, 0)
    found = parts(made.export)
    titles, *homes = found["families.csv"]
    assert titles == [field.title for field in national.HOUSEHOLDS]
    assert [(row[1], row[4], row[5], row[6], row[7]) for row in homes] == [(VILLAGE, "3", "01", "202211", ""), (OTHER, "1", "04", "202211", "")]
    people = [dict(zip(found["people.csv"][0], row, strict=True)) for row in found["people.csv"][1:]]
    child = next(row for row in people if row["与户主关系"] == "20")
    assert (child["证件号码"], child["证件类型"], child["姓名"], child["是否救助对象"], child["低收入类别"]) == ("410122201601010013", "1", "'=王小明", "0", "")
    assert sorted((row["是否救助对象"], row["低收入类别"]) for row in people) == [("0", ""), ("1", "01"), ("1", "01"), ("1", "04")]
    check = dict(found["check.csv"])
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)), zipfile.ZipFile(io.BytesIO(b"".join(national.opened(made.export)))) as archive:
        assert check["people.csv SHA-256"] == hashlib.sha256(archive.read("people.csv")).hexdigest() and check["人数"] == "4"
        assert hashlib.sha256(archive.read("check.csv")).hexdigest() == made.export.sha256
        assert hashlib.sha256(archive.read("layout.json")).hexdigest() == check["layout.json SHA-256"]
        declared = json.loads(archive.read("layout.json"))["parts"]
    for name, columns in declared.items():
        assert [each["name"] for each in columns] == found[name][0] and len(found[name]) > 1
        assert all(re.search(each["pattern"], cell) for row in found[name][1:] for each, cell in zip(columns, row, strict=True))


@pytest.mark.usefixtures("families")
def test_a_cell_that_is_not_as_the_layout_says_leaves_no_file() -> None:
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        Person.objects.filter(name="=王小明").update(registered_area="河南")
    with pytest.raises(ValidationError, match="户籍地行政区划代码"):
        make()
    with scopes.acting(officer(Duty.COUNTY_REVIEWER)):
        assert not NationalExport.objects.exists() and not list(national.folder().iterdir())


@pytest.mark.parametrize(("title", "good", "bad"), [
    ("起始年月", ["202212", ""], ["202213", "2022-12", " "]), ("其他待遇", ["", "11", "11;21"], ["11;", "orphan", ";", "13"]), ("性别", ["1"], ["", "3", "12"]),
    ("姓名", ["'=王小明", "阿卜杜拉·买买提"], ["", " "]), ("低收入类别", ["", "05"], ["06", "0"]),
])  # fmt: skip
def test_the_layout_says_what_a_cell_may_be(title: str, good: list[str], bad: list[str]) -> None:
    form = next(each.form for each in national.PEOPLE if each.title == title)
    assert all(re.search(form, cell) for cell in good) and not any(re.search(form, cell) for cell in bad)


@pytest.mark.usefixtures("families")
def test_the_same_content_is_the_same_file_and_a_change_is_another() -> None:
    first, again = make(), make()
    assert again.export == first.export and not again.made
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        Person.objects.filter(name="=王小明").update(died_on=date(2022, 11, 30))
    changed = make()
    assert changed.made and changed.export.people == 3 and changed.export.number.endswith("-02") and len(parts(first.export)["people.csv"]) == 5
    with pytest.raises(ValidationError):
        make(month=date(2022, 9, 1))  # nobody yet
    with pytest.raises(ValidationError):
        make(month=date(2023, 1, 1))  # not begun


@pytest.mark.usefixtures("families")
def test_a_row_that_lacks_something_keeps_its_household_out_and_is_named() -> None:
    with scopes.acting(officer(Duty.COUNTY_APPROVER)):
        child = Person.objects.get(name="=王小明")
        Person.objects.filter(pk=child.pk).update(token=numbers.token_of(Kind.NONE, str(child.pk)), ethnicity="99")
        Membership.objects.filter(area=OTHER).update(relationship="10")
        before = NationalExport.objects.count()
        with pytest.raises(ValidationError):
            make(month=date(2022, 10, 1))
        assert NationalExport.objects.count() == before
    made = make()
    assert (made.export.households, made.export.people, made.export.left_out, made.export.faults) == (0, 0, 2, 3)
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])):
        assert sorted(NationalFault.objects.values_list("field", "reason")) == [("民族", "unknown"), ("证件号码", "no_number")]
    page = client_of(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])).get(reverse("reports:faults")).content.decode()
    assert page.count("没有证件号码") == 2 and page.count("没有户主或本人") == 1  # the choice of the form, and the township's own row
    page = client_of(officer(Duty.COUNTY_REVIEWER)).get(reverse("reports:national")).content.decode()
    assert made.export.number in page and "未报家庭" in page


@pytest.mark.usefixtures("families")
def test_who_made_it_and_who_took_it_is_recorded_and_others_get_nothing(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(60):
        made = make()
    address = reverse("reports:national_file", args=[made.export.pk])
    reviewer = officer(Duty.COUNTY_REVIEWER)
    answer = client_of(reviewer).get(address)
    assert b"".join(answer.streaming_content)[:2] == b"PK" and "no-store" in answer["Cache-Control"]
    with scopes.acting(officer(Duty.AUDITOR, "41")):
        whose = list(AccessRecord.objects.filter(subject="national_export", subject_id=made.export.pk).values_list("account_id", "what", "field"))
        assert whose == [(reviewer.account_id, "export", "zip")]
        assert AccessRecord.objects.filter(subject="national_export", subject_id=None, area=COUNTY, field=national.LAYOUT).exists()
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410105")).get(address).status_code == 404
    assert client_of(officer(Duty.COUNTY_APPROVER)).get(address).status_code == 403
    for duty, area, asked in ((Duty.COUNTY_APPROVER, COUNTY, COUNTY), (Duty.COUNTY_REVIEWER, "410105", COUNTY), (Duty.COUNTY_REVIEWER, COUNTY, VILLAGE[:9])):
        with scopes.acting(officer(duty, area)), pytest.raises((PermissionDenied, ValidationError)):
            national.make_export(area=asked, month=MONTH, now=NOW)
    sealed = (national.folder() / made.export.file).read_bytes()
    assert b"PK\x03\x04" not in sealed and b"families" not in sealed
    with scopes.acting(reviewer), pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update reports_nationalexport set people = 1")


@pytest.mark.usefixtures("families")
def test_the_command_line_has_no_account_and_makes_the_file_all_the_same() -> None:
    acting = scopes.Scope(area=COUNTY, duty=WORKER, page="doudi national-export", acts=frozenset({"reports.national"}))
    with scopes.acting(acting):
        made = national.make_export(area=COUNTY, month=MONTH, now=NOW).export
    with scopes.acting(acting):
        assert next(national.opened(made))[:2] == b"PK"
    with scopes.acting(officer(Duty.AUDITOR, "41")):
        assert NationalExport.objects.get().made_by_id is None
        assert AccessRecord.objects.filter(subject="national_export", subject_id=made.pk, field="zip", page="doudi national-export").exists()
