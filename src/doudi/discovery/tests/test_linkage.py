"""1.2: rows without a usable ID number: linked, asked about, decided once and for all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.urls import reverse

from doudi.core import numbers, postgres
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import linkage_queries, services
from doudi.discovery.models import ComparisonRun, Delivery, Lead, LinkageDecision, LinkagePair
from doudi.discovery.services.leads import StaleLead
from doudi.registry.models import Household, Person
from doudi.registry.services import NewFact, record_facts
from doudi.registry.tests.helpers import OTHER_VILLAGE, VILLAGE, household, id_number

from .conftest import COUNTY, NOW, ON

HEADER = "姓名,身份证号,病种,确诊日期,性别,出生日期,联系电话,户籍地,户主或监护人"
BORN = date(1978, 6, 7)
State = LinkagePair.State


def slip(number: str) -> str:
    """The number with one digit of its sequence mistyped."""
    return number[:15] + str((int(number[15]) + 3) % 10) + number[16:]


def line(person: Person, number: str = "", name: str = "", disease: str = "尿毒症", phone: str = "", born: str = "") -> str:
    return f"{name or person.name},{number},{disease},2022-11-01,,{born or person.birth_date},{phone},{person.area},"


def deliver(folder: Path, *lines: str, name: str = "a.csv") -> Delivery:
    path = folder / name
    path.write_text("\n".join([HEADER, *lines]), "utf-8")
    return services.deliver(path=path, dataset="serious_illness", area=COUNTY, now=NOW, period="2022-11")[0]


def compare(hours: int = 0) -> ComparisonRun:
    return services.compare(area=COUNTY, on=ON, now=NOW + timedelta(hours=hours)).run


def own_number(person: Person) -> str:
    return str(numbers.plain(person.token))


def arrange(folder: Path, monkeypatch: pytest.MonkeyPatch) -> scopes.Scope:
    """Three households of low income; the data-check officer's scope."""
    monkeypatch.setattr(postgres, "home", lambda: folder)
    reviewer = officer(Duty.COUNTY_REVIEWER, COUNTY)
    homes = [
        household(reviewer, name="赵玉珍", id_number=id_number(date(1940, 10, 1), male=False), phone="13811110001"),
        household(reviewer, name="张建军", id_number=id_number(date(1968, 3, 12)), phone="13811110002", area=OTHER_VILLAGE),
        household(
            reviewer, name="王建国",
            members=[{"name": name, "id_number": id_number(BORN), "relationship": "子"} for name in ("王大双", "王小双")],
        ),
        household(reviewer, name="王喆峰", members=[{"name": "李𰀀", "id_number": id_number(date(1966, 2, 3)), "relationship": "配偶"}]),
    ]  # fmt: skip
    with scopes.acting(reviewer):
        for home in homes:
            head = home.memberships.get(relationship="02").person_id
            record_facts(facts=[NewFact(kind="wage_income", person_id=head, number=Decimal(1200), starts=ON, source="declared")], on=ON, now=NOW)
    return officer(Duty.DATA_CHECKER, COUNTY)


@pytest.fixture
def checker(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> scopes.Scope:
    return arrange(tmp_path, monkeypatch)


@pytest.fixture
def asked(checker: scopes.Scope, tmp_path: Path) -> scopes.Scope:
    """A pair on the desk: a row about 赵玉珍 whose number has one wrong digit."""
    with scopes.acting(checker):
        person = who("赵玉珍")
        deliver(tmp_path, line(person, slip(own_number(person))))
        compare()
    return checker


def who(name: str) -> Person:
    return Person.objects.get(name=name)


def pair_of(name: str) -> LinkagePair:
    return LinkagePair.objects.get(person__name=name)


def decide(choice: str, at: datetime = NOW, name: str = "赵玉珍") -> LinkagePair:
    pair = pair_of(name)
    return services.decide_pair(pair_id=pair.pk, version=pair.version, choice=choice, now=at)


def test_1_2_a_row_without_a_number_is_linked_when_only_one_person_fits_and_raises_its_lead(checker: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(checker):
        delivery = deliver(tmp_path, line(who("赵玉珍"), phone="13811110001"))
        assert (delivery.accepted, delivery.rejected, delivery.kept, delivery.state) == (0, 1, 1, "accepted")
        run = compare()
        assert (pair_of("赵玉珍").state, run.linked, run.by_indicator) == (State.LINKED, 1, {"serious_illness_listed": 1})
        lead = Lead.objects.get(person=who("赵玉珍"))
        assert lead.evidence["linked"] == "linked" and "由系统按姓名等关联，请先核对身份" in lead.reason and lead.evidence["row"] == 2
        assert compare(1).raised == 0


def test_1_2_a_corrected_check_digit_is_offered_never_linked(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of("赵玉珍")
        assert pair.state == State.OPEN and pair.levels["number"][0] == "slip" and pair.score > 0.99
        assert not Lead.objects.exists() and Todo.objects.filter(kind="linkage.review", done_at=None).count() == 1


def test_1_2_same_makes_the_row_count_in_the_next_comparison_and_says_so(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        decide("same")
        assert not Todo.objects.filter(kind="linkage.review", done_at=None).exists()
        assert (compare(1).linked, Lead.objects.count()) == (1, 1)
        lead = Lead.objects.get()
        assert lead.person == who("赵玉珍") and lead.evidence["linked"] == "same" and "经人工核查认定为本人" in lead.reason


def test_1_2_the_same_pair_is_never_asked_again_also_when_the_row_comes_again(asked: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(asked):
        decide("different")
        deliver(tmp_path, line(who("赵玉珍"), slip(own_number(who("赵玉珍")))), line(who("张建军")), name="b.csv")
        assert compare(1).linked in (0, 1)
        assert pair_of("赵玉珍").state == State.DIFFERENT and not Lead.objects.filter(person=who("赵玉珍")).exists()


def test_1_2_same_stands_for_the_row_of_a_later_delivery(asked: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(asked):
        decide("same")
        person = who("赵玉珍")
        deliver(tmp_path, line(person, slip(own_number(person)), disease="白血病"), name="b.csv")
        assert compare(1).linked == 2
        assert {lead.evidence["disease"] for lead in Lead.objects.filter(person=person)} == {"尿毒症", "白血病"}
        assert not LinkagePair.objects.filter(state=State.OPEN).exists()


def test_1_2_the_second_officer_is_told_and_the_same_click_twice_counts_once(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of("赵玉珍")
        for _time in range(2):
            done = services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)
        assert done.version == pair.version + 1 and LinkageDecision.objects.count() == 1
        with pytest.raises(ValidationError):
            services.decide_pair(pair_id=pair.pk, version=done.version, choice="perhaps", now=NOW)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)), pytest.raises(StaleLead):
        services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)


def test_1_2_undo_within_a_week_brings_the_pair_back_and_later_is_refused(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        done = decide("different")
        back = services.undo_decision(pair_id=done.pk, version=done.version, now=NOW + timedelta(days=7))
        assert back.state == State.OPEN and back.decided_at is None
        with pytest.raises(StaleLead):
            services.undo_decision(pair_id=done.pk, version=done.version, now=NOW)
        done = decide("same")
        with pytest.raises(ValidationError, match="7 天"):
            services.undo_decision(pair_id=done.pk, version=done.version, now=NOW + timedelta(days=7, seconds=1))
        assert [row.after for row in LinkageDecision.objects.order_by("pk")] == ["different", "open", "same"]


def test_1_2_do_not_know_goes_to_the_township_with_a_limit(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        done = decide("unsure")
        assert done.due == date(2022, 12, 5)  # five working days from Monday 28 November
        compare(24)
        assert pair_of("赵玉珍").state == State.UNSURE
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])):
        todo = Todo.objects.get(kind="linkage.verify", done_at=None)
        assert todo.subject_id == done.pk and "赵玉珍" not in todo.title
        with pytest.raises(StaleLead):
            decide("unsure")
        decide("same")
        assert not Todo.objects.filter(kind="linkage.verify", done_at=None).exists()


def test_1_2_another_area_and_another_duty_see_nothing_of_a_pair(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of("赵玉珍")
    for duty, area in ((Duty.DATA_CHECKER, "410181"), (Duty.TOWNSHIP_OFFICER, "410122101")):
        stranger = officer(duty, area)
        with scopes.acting(stranger):
            assert not LinkagePair.objects.exists()
            with pytest.raises(LinkagePair.DoesNotExist):
                services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)
        assert client_of(stranger).get(reverse("discovery:linkage_pair", args=[pair.pk])).status_code == 404
    with scopes.acting(officer(Duty.FINANCE_OFFICER, COUNTY)), pytest.raises(PermissionDenied):
        services.decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=NOW)


def test_1_2_twins_are_asked_about_never_guessed(checker: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(checker):
        deliver(tmp_path, line(who("王大双"), name="王双"), line(who("王小双"), disease="白血病"))
        compare()
        assert {pair.person.name for pair in LinkagePair.objects.filter(state=State.LINKED)} <= {"王小双"}
        found = LinkagePair.objects.get(person__name="王小双", levels__name__0="same")
        assert any("双胞胎" in sentence for sentence, _strength, _colour in linkage_queries.evidence(found, linkage_queries.content_of(found)))


def test_1_2_same_on_one_of_two_people_settles_the_other_and_undo_brings_both_back(checker: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(checker):
        deliver(tmp_path, line(who("王大双"), slip(own_number(who("王大双"))), name="王双"))
        compare()
        assert LinkagePair.objects.count() == 2
        done = decide("same", name="王大双")
        assert pair_of("王小双").state == State.SETTLED
        services.undo_decision(pair_id=done.pk, version=done.version, now=NOW)
        assert {pair.state for pair in LinkagePair.objects.all()} == {State.OPEN}


def test_1_2_a_name_alone_is_nobody_and_goes_back(checker: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(checker):
        delivery = deliver(tmp_path, *[line(who(name)) for name in ("赵玉珍", "张建军", "王大双", "王小双", "李𰀀")], "赵玉珍,,尿毒症,2022-11-01,,,,,")
        assert (delivery.rejected, delivery.kept) == (6, 5)


def test_1_2_rare_and_variant_characters_still_find_their_person(checker: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(checker):
        deliver(tmp_path, line(who("王喆峰"), name="王哲峯"), line(who("李𰀀")))
        compare()
        assert pair_of("王喆峰").levels["name"][0] == "variant" and pair_of("李𰀀").levels["name"][0] == "same"


def test_1_2_a_row_that_comes_with_its_number_later_raises_nothing_twice(asked: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(asked):
        decide("same")
        compare(1)
        deliver(tmp_path, line(who("赵玉珍"), own_number(who("赵玉珍"))), name="b.csv")
        assert compare(2).raised == 0 and Lead.objects.count() == 1


def test_1_2_the_desk_shows_masked_numbers_the_keys_and_records_who_opened(asked: scopes.Scope, django_assert_max_num_queries: Any) -> None:
    with scopes.acting(asked):
        pair, number = pair_of("赵玉珍"), own_number(who("赵玉珍"))
    client, url = client_of(asked), reverse("discovery:linkage_pair", args=[pair.pk])
    with django_assert_max_num_queries(45):
        page = client.get(url).content.decode()
    assert number not in page and slip(number) not in page and "4101**********" in page
    for word in ('data-key="1"', 'data-key="2"', 'data-key="3"', "7 天内可撤回", "校验位不符", "分数只用于排序"):
        assert word in page
    shown = client.post(reverse("discovery:linkage_reveal", args=[pair.pk, "number"])).content.decode()
    assert slip(number) in shown and client.post(reverse("discovery:linkage_reveal", args=[pair.pk, "score"])).status_code == 404
    with scopes.acting(officer(Duty.AUDITOR, COUNTY)):
        assert list(AccessRecord.objects.filter(subject="linkage_pair").order_by("pk").values_list("what", flat=True)) == ["open", "reveal"]


def test_1_2_the_desk_decides_and_takes_back(asked: scopes.Scope) -> None:
    with scopes.acting(asked):
        pair = pair_of("赵玉珍")
    client, url = client_of(asked), reverse("discovery:linkage_pair", args=[pair.pk])
    assert client.get(reverse("discovery:linkage_first")).url == url  # type: ignore[attr-defined]
    for wrong in ("", "-1", "９", "1e9", "9" * 30):
        assert client.post(url, {"choice": "same", "version": wrong}).status_code == 422
    done = client.post(url, {"choice": "same", "version": pair.version}, follow=True).content.decode()
    assert "下次信息比对起计入" in done and "没有待核查的数据了" in done
    assert "撤回认定" in client.get(url).content.decode()
    assert "已撤回" in client.post(reverse("discovery:linkage_undo", args=[pair.pk]), {"version": pair.version + 1}, follow=True).content.decode()
    assert client.post(reverse("discovery:linkage_undo", args=[10**12]), {"version": "1"}).status_code == 404
    listed = client.get(reverse("discovery:linkage"), {"state": "waiting", "dataset": "serious_illness"}).content.decode()
    assert "赵*珍" in listed and "赵玉珍" not in listed


def test_1_2_two_officers_at_one_moment_make_one_decision(committed_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checker = arrange(tmp_path, monkeypatch)
    with scopes.acting(checker):
        person = who("赵玉珍")
        deliver(tmp_path, line(person, slip(own_number(person))))
        compare()
        pair = pair_of("赵玉珍")
    said: list[str] = []
    start = threading.Barrier(2)

    def choose(choice: str, scope: scopes.Scope) -> Callable[[], None]:
        def work() -> None:
            try:
                start.wait(30)
                with scopes.acting(scope):
                    services.decide_pair(pair_id=pair.pk, version=pair.version, choice=choice, now=NOW)
                said.append(choice)
            except StaleLead:
                said.append("stale")
            finally:
                connection.close()

        return work

    threads = [threading.Thread(target=choose("same", checker)), threading.Thread(target=choose("different", officer(Duty.COUNTY_REVIEWER, COUNTY)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(said).count("stale") == 1 and len(said) == 2
    with scopes.acting(checker):
        assert pair_of("赵玉珍").state in said and LinkageDecision.objects.count() == 1


def test_1_2_registry_fields_leave_no_file_behind(asked: scopes.Scope, tmp_path: Path) -> None:
    assert not list((tmp_path / "scratch").rglob("*.parquet"))
    with scopes.acting(asked):
        assert Household.objects.exists()
