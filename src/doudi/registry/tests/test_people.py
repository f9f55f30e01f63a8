"""Registering and correcting people: numbers, names, duplicates, other areas."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.core import keys, numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import officer
from doudi.registry import services
from doudi.registry.models import Household, Membership, Person
from doudi.registry.names import pinyin_of
from doudi.registry.services.people import identity
from doudi.registry.tests.helpers import ELSEWHERE, NOW, ON, OTHER_VILLAGE, VILLAGE, household, id_number

MAN = {"area": VILLAGE, "name": "王建国", "on": ON, "now": NOW}


@pytest.fixture
def township(db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, "410122001")


def _register(scope: scopes.Scope, **values: object) -> Person:
    with scopes.acting(scope):
        return services.register_person(**{**MAN, **values})  # type: ignore[arg-type]


def _errors(scope: scopes.Scope, **values: object) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        _register(scope, **values)
    return caught.value.message_dict


def test_birth_date_and_sex_come_from_the_number_and_only_a_token_is_kept(township: scopes.Scope) -> None:
    number = id_number(date(1972, 2, 29), male=False)
    person = _register(township, name="李秀英", id_number=number, phone="138 0000 5678")
    assert (person.birth_date, person.sex) == (date(1972, 2, 29), "2")
    assert numbers.plain(person.token) == number and numbers.plain(person.phone) == "13800005678"
    assert (person.pinyin, person.initials) == ("lixiuying", "lxy")


def test_old_number_of_15_digits_is_the_same_person_as_its_18_digits(township: scopes.Scope) -> None:
    person = _register(township, id_number="410122600504101")
    assert person.birth_date == date(1960, 5, 4)
    from doudi.batch.idnumber import parse

    with pytest.raises(services.Duplicate) as caught:
        _register(township, name="王建囯", id_number=parse("410122600504101").number18)
    assert caught.value.same_number and caught.value.people == [person]


@pytest.mark.parametrize("name", ["𠮷田", "王䶮", "阿依古丽·买买提", "Anna Smith-O'Neil"])
def test_names_with_rare_characters_and_middle_dots_are_kept(township: scopes.Scope, name: str) -> None:
    assert Person(name=_register(township, name=name, id_number=id_number()).name).name == name


def test_middle_dots_become_one_and_readings_of_surnames_hold() -> None:
    assert identity(name="买买提•阿里", id_number="", birth_date=ON, sex="1", on=ON).name == "买买提·阿里"
    assert pinyin_of("单小明") == ("shanxiaoming", "sxm")
    assert pinyin_of("欧阳修")[0] == "ouyangxiu"
    assert pinyin_of("尉迟恭") == ("yuchigong", "ycg")
    assert pinyin_of("王𠮷")[0].startswith("wang")


@pytest.mark.parametrize("name", ["", "  ", "王<script>", "张3", "🙂"])
def test_what_is_no_name_is_refused(township: scopes.Scope, name: str) -> None:
    assert "name" in _errors(township, name=name, id_number=id_number())


def test_errors_name_every_wrong_field_with_what_to_do(township: scopes.Scope) -> None:
    number = id_number()
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    errors = _errors(township, name="", id_number=wrong)
    assert "name" in errors and f"应为 {number[17]}" in errors["id_number"][0] and "请核对证件" in errors["id_number"][0]
    assert "birth_date" in _errors(township, id_number=number, birth_date=date(1961, 5, 4))
    assert "sex" in _errors(township, id_number=number, sex="2")
    assert {"birth_date", "sex"} == _errors(township).keys()
    assert "phone" in _errors(township, id_number=number, phone="12345")
    assert "birth_date" in _errors(township, sex="1", birth_date=date(2022, 11, 26))


def test_who_has_no_number_gets_a_token_of_the_kind_none(township: scopes.Scope) -> None:
    first = _register(township, name="王小宝", birth_date=date(2022, 11, 1), sex="1")
    second = _register(township, name="王小贝", birth_date=date(2022, 11, 1), sex="1")
    assert first.token != second.token
    assert numbers.token_key().open(first.token) == (numbers.Kind.NONE, str(first.pk))


def test_same_name_and_birth_date_must_be_confirmed(township: scopes.Scope) -> None:
    person = _register(township, id_number=id_number())
    with pytest.raises(services.Duplicate) as caught:
        _register(township, id_number=id_number())
    assert not caught.value.same_number and caught.value.people == [person]
    assert _register(township, id_number=id_number(), confirmed=True).pk != person.pk


def test_a_number_held_elsewhere_is_refused_without_telling_more_and_the_attempt_stays_on_record(committed_db: None) -> None:
    other = officer(Duty.TOWNSHIP_OFFICER, "410102001")
    number = id_number()
    _register(other, area=ELSEWHERE, id_number=number)
    township = officer(Duty.TOWNSHIP_OFFICER, "410122001")
    with pytest.raises(services.ManagedElsewhere) as caught:
        _register(township, name="别的名字", id_number=number)
    assert "410102" not in str(caught.value) and number not in str(caught.value)
    with scopes.acting(township):
        record = AccessRecord.objects.get(what="refused", account_id=township.account_id)
        assert bytes(record.digest) == keys.sealing_digest(number) and not Person.objects.exists()


def test_registering_twice_by_a_double_click_leaves_one_person(township: scopes.Scope) -> None:
    number = id_number()
    _register(township, id_number=number)
    with pytest.raises(services.Duplicate):
        _register(township, id_number=number)
    with scopes.acting(township):
        assert Person.objects.count() == 1


def test_duty_and_area_are_checked_by_the_service(township: scopes.Scope) -> None:
    with pytest.raises(PermissionDenied):
        _register(officer(Duty.AUDITOR, "410122"), id_number=id_number())
    assert "area" in _errors(township, area="410122002001", id_number=id_number())
    assert "area" in _errors(township, area="410122001", id_number=id_number())
    assert "area" in _errors(township, area="410122001999", id_number=id_number())


def test_of_two_officers_who_correct_at_once_one_wins_and_the_other_is_told(township: scopes.Scope) -> None:
    person = _register(township, id_number=id_number())
    values = {"person_id": person.pk, "version": person.version, "on": ON, "now": NOW}
    with scopes.acting(township):
        services.correct_person(**values, phone="13800005678")
        with pytest.raises(services.Stale):
            services.correct_person(**values, phone="13900005678")
        assert numbers.plain(Person.objects.get().phone) == "13800005678"


def test_correcting_the_heads_name_renames_the_household_and_its_search_words(township: scopes.Scope) -> None:
    found = household(township, name="王建国")
    with scopes.acting(township):
        person = Person.objects.get()
        services.correct_person(person_id=person.pk, version=1, on=ON, now=NOW, name="汪建国")
        assert Household.objects.get(pk=found.pk).name == "汪建国"
        assert Person.objects.get().initials == "wjg" and Person.objects.get().version == 2
        with pytest.raises(ValidationError) as caught:
            services.correct_person(person_id=person.pk, version=2, on=ON, now=NOW, birth_date=date(1990, 1, 1))
        assert "birth_date" in caught.value.message_dict


def test_account_change_needs_a_bank_and_a_valid_number(township: scopes.Scope) -> None:
    person = _register(township, id_number=id_number())
    values = {"person_id": person.pk, "version": 1, "on": ON, "now": NOW}
    with scopes.acting(township):
        for account, bank in (("6217000012346789", "105"), ("12345678", ""), ("abc", "105")):
            with pytest.raises(ValidationError):
                services.change_account(**values, account=account, bank=bank)
        changed = services.change_account(**values, account="1234567890", bank="403")
        assert numbers.plain(changed.account) == "1234567890"


def test_death_ends_membership_and_asks_for_a_new_head(township: scopes.Scope) -> None:
    from doudi.core.models import Todo

    found = household(township, members=[{"relationship": "10", "name": "李秀英", "id_number": id_number(male=False)}])
    with scopes.acting(township):
        head = Person.objects.get(name="王建国")
        with pytest.raises(ValidationError):
            services.record_death(person_id=head.pk, version=1, died_on=date(2022, 11, 26), on=ON, now=NOW)
        services.record_death(person_id=head.pk, version=1, died_on=ON, on=ON, now=NOW)
        assert Membership.objects.get(person=head).ends == date(2022, 11, 26)
        assert Todo.objects.get().kind == "head_died"
        wife = Person.objects.get(name="李秀英")
        services.change_head(household_id=found.pk, version=1, person_id=wife.pk, relationships={}, on=ON, now=NOW)
        assert Household.objects.get().name == "李秀英" and Todo.objects.get().done_at == NOW


def test_where_nobody_is_left_there_is_no_head_to_name(township: scopes.Scope) -> None:
    from doudi.core.models import Todo

    household(township, members=[{"relationship": "10", "name": "李秀英", "id_number": id_number(male=False)}])
    with scopes.acting(township):
        for name, waiting in (("王建国", 1), ("李秀英", 0)):
            services.record_death(person_id=Person.objects.get(name=name).pk, version=1, died_on=ON, on=ON, now=NOW)
            assert Todo.objects.filter(kind="head_died", done_at=None).count() == waiting


def test_a_head_that_died_is_no_longer_asked_for_when_the_last_member_has_left(township: scopes.Scope) -> None:
    from doudi.core.models import Todo

    members = [{"relationship": "10", "name": name, "id_number": id_number(birth, male=False)} for name, birth in (("李秀英", date(1961, 2, 3)), ("王小花", date(1990, 4, 5)))]
    household(township, members=members)
    with scopes.acting(township):
        services.record_death(person_id=Person.objects.get(name="王建国").pk, version=1, died_on=ON, on=ON, now=NOW)
        for name, waiting in (("王小花", 1), ("李秀英", 0)):
            services.end_membership(membership_id=Membership.objects.get(person__name=name).pk, ends=ON + timedelta(days=1), on=ON + timedelta(days=1), now=NOW)
            assert Todo.objects.filter(kind="head_died", done_at=None).count() == waiting


def test_born_on_29_february_is_read_and_a_29_february_that_never_was_is_not(township: scopes.Scope) -> None:
    assert _register(township, name="闰生", id_number=id_number(date(2020, 2, 29))).birth_date == date(2020, 2, 29)
    assert "不存在" in _errors(township, id_number="410122190002291018")["id_number"][0]


def test_one_village_never_sees_the_others_duplicates(township: scopes.Scope) -> None:
    _register(township, id_number=id_number())
    visitor_of_other = officer(Duty.TOWNSHIP_OFFICER, OTHER_VILLAGE)
    assert _register(visitor_of_other, area=OTHER_VILLAGE, id_number=id_number()).pk
