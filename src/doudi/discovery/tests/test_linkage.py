"""1.2: rows without a usable ID number: linked, asked about, decided once and for all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import officer
from doudi.discovery import linkage_queries, services
from doudi.discovery.models import Delivery, Lead, LinkageDecision, LinkagePair
from doudi.discovery.services.leads import StaleLead
from doudi.registry.models import Household, Person
from doudi.registry.services import add_member

from .conftest import COUNTY, NOW, ON

HEADER = "姓名,身份证号,病种,确诊日期,性别,出生日期,联系电话,户籍地,户主或监护人"
State = LinkagePair.State
pytestmark = pytest.mark.django_db


def slip(number: str) -> str:
    """The number with one digit of its sequence mistyped."""
    return number[:15] + str((int(number[15]) + 3) % 10) + number[16:]


def line(person: Person, number: str = "", name: str = "", disease: str = "尿毒症", phone: bool = False) -> str:
    from doudi.core import numbers

    sex = "男" if person.sex == "1" else "女"
    told = numbers.plain(person.phone) or "" if phone else ""
    return f"{name or person.name},{number},{disease},2022-11-01,{sex},{person.birth_date},{told},{person.area},"


def deliver(folder: Path, lines: list[str], name: str = "a.csv") -> Delivery:
    path = folder / name
    path.write_text("\n".join([HEADER, *lines]), "utf-8")
    return services.deliver(path=path, dataset="serious_illness", area=COUNTY, now=NOW, period="2022-11")[0]


def compare(now=NOW):
    return services.compare(area=COUNTY, on=ON, now=now)


def someone(at: int = 0) -> Person:
    """A living adult with a number of their own, alone with this birth date."""
    return Person.objects.filter(died_on=None, birth_date__lt="1990-01-01", phone__isnull=False).order_by("pk")[at * 7]


def id_number(person: Person) -> str:
    from doudi.core import numbers

    return str(numbers.plain(person.token))


@pytest.fixture
def asked(compared: scopes.Scope, tmp_path: Path) -> scopes.Scope:
    """A pair on the desk: a row whose number has one wrong digit."""
    with scopes.acting(compared):
        deliver(tmp_path, [line(someone(), slip(id_number(someone())))])
        compare()
    return compared


def pair_of(person: Person) -> LinkagePair:
    return LinkagePair.objects.get(person=person, dataset="serious_illness")


def test_1_2_a_row_without_a_number_is_linked_when_only_one_person_fits(compared: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(compared):
        person = someone()
        delivery = deliver(tmp_path, [line(person, phone=True)])
        assert (delivery.accepted, delivery.rejected, delivery.kept) == (0, 1, 1)
        run = compare().run
        pair = pair_of(person)
        assert pair.state == State.LINKED and pair.score > 0.995 and run.linked >= 1
        assert linkage_queries.verdict(pair) == "很可能是同一人"


def test_1_2_a_corrected_check_digit_is_offered_never_linked(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of(someone())
        assert pair.state == State.OPEN and pair.levels["number"][0] == "slip"
        assert Todo.objects.filter(kind="linkage.review", done_at=None).exists()
        assert not Lead.objects.filter(person=someone(), evidence__dataset="serious_illness").exists()


def test_1_2_same_makes_the_row_count_in_the_next_comparison_and_says_so(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        person = someone()
        pair = pair_of(person)
        before = compare().run.linked
        services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)
        after = compare(NOW + timedelta(hours=1)).run
        assert after.linked == before + 1
        for lead in Lead.objects.filter(person=person, evidence__dataset="serious_illness"):
            assert lead.evidence["linked"] == "same" and "人工核查认定为本人" in lead.reason


def test_1_2_the_same_pair_is_never_asked_again_also_when_the_row_comes_again(asked: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(asked):
        person = someone()
        pair = pair_of(person)
        services.decide_pair(pair_id=pair.pk, version=pair.version, choice="different", now=NOW)
        deliver(tmp_path, [line(person, slip(id_number(person))), line(someone(3))], "b.csv")
        compare(NOW + timedelta(days=1))
        assert pair_of(person).state == State.DIFFERENT
        assert not LinkagePair.objects.filter(person=person, state__in=LinkagePair.WAITING).exists()


def test_1_2_two_officers_at_once_the_second_is_told_and_the_same_click_twice_counts_once(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of(someone())
        first = services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)
        assert services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW).version == first.version
        assert LinkageDecision.objects.filter(pair=pair).count() == 1
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)), pytest.raises(StaleLead):
        services.decide_pair(pair_id=pair.pk, version=pair.version, choice="different", now=NOW)


def test_1_2_undo_within_a_week_brings_the_pair_back_and_later_is_refused(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of(someone())
        done = services.decide_pair(pair_id=pair.pk, version=pair.version, choice="different", now=NOW)
        back = services.undo_decision(pair_id=pair.pk, version=done.version, now=NOW + timedelta(days=7))
        assert back.state == State.OPEN and back.decided_at is None
        done = services.decide_pair(pair_id=pair.pk, version=back.version, choice="same", now=NOW)
        with pytest.raises(ValidationError, match="7 天"):
            services.undo_decision(pair_id=pair.pk, version=done.version, now=NOW + timedelta(days=7, seconds=1))
        assert LinkageDecision.objects.filter(pair=pair).count() == 3


def test_1_2_do_not_know_goes_to_the_township_with_a_limit(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of(someone())
        done = services.decide_pair(pair_id=pair.pk, version=pair.version, choice="unsure", now=NOW)
        assert str(done.due) == "2022-12-05"
        compare(NOW + timedelta(days=1))
        assert pair_of(someone()).state == State.UNSURE
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, pair.area[:9])):
        todo = Todo.objects.get(kind="linkage.verify", done_at=None)
        assert todo.subject_id == pair.pk and someone().name not in todo.title
        services.decide_pair(pair_id=pair.pk, version=done.version, choice="same", now=NOW)
        assert not Todo.objects.filter(kind="linkage.verify", done_at=None).exists()


def test_1_2_another_area_sees_nothing_of_a_pair(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of(someone())
    with scopes.acting(officer(Duty.DATA_CHECKER, "410181")):
        assert not LinkagePair.objects.exists()
        with pytest.raises(LinkagePair.DoesNotExist):
            services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)
    with scopes.acting(officer(Duty.FINANCE_OFFICER, COUNTY)), pytest.raises(PermissionDenied):
        services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)


def newcomer(name: str, serial: int, born: str = "19780607", relationship: str = "其他亲属") -> Person:
    """Somebody new in the first household, with a number of their own."""
    household = Household.objects.order_by("pk").first()
    assert household is not None
    first17 = f"410122{born}{serial:03}"
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        who = {"name": name, "id_number": first17 + check_character(first17)}
        return add_member(household_id=household.pk, relationship=relationship, person=who, on=ON, now=NOW).person


def test_1_2_twins_are_asked_about_never_guessed(compared: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(compared):
        twins = [newcomer("常大双", 111), newcomer("常小双", 113)]
        deliver(tmp_path, [line(twins[0], name="常双")])
        compare()
        found = LinkagePair.objects.filter(dataset="serious_illness")
        assert {pair.person_id for pair in found} <= {twin.pk for twin in twins}
        assert all(pair.state == State.OPEN for pair in found)
        deliver(tmp_path, [line(twins[1], disease="白血病")], "b.csv")
        compare(NOW + timedelta(hours=1))
        assert LinkagePair.objects.filter(dataset="serious_illness", levels__name__0="same").get().person == twins[1]
        assert not LinkagePair.objects.filter(person=twins[0], state=State.LINKED).exists()
        words = [sentence for sentence, _strength, _colour in linkage_queries.evidence(LinkagePair.objects.get(dataset="serious_illness", levels__name__0="same"))]
        assert any("双胞胎" in sentence for sentence in words)


def test_1_2_a_name_alone_is_nobody_and_goes_back(compared: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(compared):
        lines = [line(someone(3)), f"{someone().name},,尿毒症,2022-11-01,,,,,"]
        delivery = deliver(tmp_path, lines)
        assert delivery.rejected - delivery.kept == 1 or delivery.state == "refused"


def test_1_2_rare_and_variant_characters_still_find_their_person(compared: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(compared):
        variant, rare = newcomer("王喆峰", 115), newcomer("李𰀀", 117, "19660203")
        deliver(tmp_path, [line(variant, name="王哲峯"), line(rare)])
        compare()
        assert pair_of(variant).levels["name"][0] == "variant"
        assert pair_of(rare).levels["name"][0] == "same"
