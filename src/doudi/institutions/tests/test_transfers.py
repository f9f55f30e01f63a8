"""6.3: residents transferred: confirmed at both ends person by person, never in two places, never beyond the beds, also between counties."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from doudi.core import scope as scopes
from doudi.core.models import Division, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import as_, together
from doudi.institutions import services as houses
from doudi.institutions.models import Institution, Resident, Transfer, TransferPerson
from doudi.institutions.services import moving, transfers
from doudi.institutions.services.transfers import Vehicle
from doudi.institutions.tests.world import NOW, TODAY, Home
from doudi.payments.tests.world import award

pytestmark = pytest.mark.django_db
BUS = Vehicle("bus", "豫A12345", 40, "李师傅", "13800007777")


class Road(Home):
    """The home full of people, and a home in another county with free beds, its clerk and reviewer."""

    def __init__(self, people: int = 3) -> None:
        super().__init__(beds={"full": 40})
        self.far = officer(Duty.COUNTY_REVIEWER, "410181")
        village = "410181"
        self.there = self.registered(by=self.far, area=village, name="巩义市福利院", beds={"full": 35, "self": 1})
        self.far_clerk = officer(Duty.INSTITUTION_CLERK, "410181")
        with scopes.acting(self.far):
            houses.appoint_clerk(institution_id=self.there.pk, account_id=self.far_clerk.account_id, now=NOW)
        self.people = self.admitted(people, kin_name="张小兰", kin_relation="女儿")

    def planned(self, *, to: Institution | None = None, **words: Any) -> Transfer:
        given = {"key": uuid4(), "from_id": self.house.pk, "to_id": (to or self.there).pk, "resident_ids": [each.pk for each in self.people], "reason": "洪水将至"} | words
        with scopes.acting(self.reviewer):
            return transfers.plan(leaves_at=NOW + timedelta(hours=1), now=NOW, **given)

    def ready(self, **words: Any) -> Transfer:
        row = self.planned(**words)
        with scopes.acting(self.far_clerk):
            transfers.agree(transfer_id=row.pk, version=row.version, now=NOW)
        with scopes.acting(self.clerk):
            self.bus = transfers.add_vehicle(transfer_id=row.pk, vehicle=BUS, now=NOW)
        return row

    def listed(self, row: Transfer) -> list[int]:
        with scopes.acting(self.reviewer):
            return list(TransferPerson.objects.filter(transfer=row).order_by("pk").values_list("pk", flat=True))

    def departed(self, row: Transfer, people: list[int] | None = None) -> int:
        with scopes.acting(self.clerk):
            return moving.depart(transfer_id=row.pk, people=people or self.listed(row), vehicle_id=self.bus.pk, now=NOW)


def test_6_3_thirty_are_transferred_to_another_county_with_bounded_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    road = Road(30)
    with django_assert_max_num_queries(45):
        row = road.planned()
    with scopes.acting(road.far_clerk):
        assert not Resident.objects.exists()  # of the stay at the other end nothing is seen but the list
        assert TransferPerson.objects.filter(transfer=row, kin_name="张小兰").count() == 30
        transfers.agree(transfer_id=row.pk, version=row.version, now=NOW)
    with scopes.acting(road.clerk):
        road.bus = transfers.add_vehicle(transfer_id=row.pk, vehicle=BUS, now=NOW)
    people = road.listed(row)
    with django_assert_max_num_queries(40):
        assert road.departed(row) == 30
    with scopes.acting(road.clerk), django_assert_max_num_queries(30):
        assert moving.told(transfer_id=row.pk, people=people, whom="", how="电话", now=NOW) == 30
    with scopes.acting(road.far_clerk):
        with django_assert_max_num_queries(30):
            assert moving.arrive(transfer_id=row.pk, people=people[:29], now=NOW) == 29
        assert moving.not_arrived(transfer_id=row.pk, people=people[29:], note="车在服务区等候", now=NOW) == 1
        assert Transfer.objects.get(pk=row.pk).state == "moving"  # not arrived: open
        assert moving.arrive(transfer_id=row.pk, people=people[29:], now=NOW) == 1
        assert Transfer.objects.get(pk=row.pk).state == "done"
        assert Resident.objects.filter(institution=road.there, ends=None, kin_name="张小兰", area="410181").count() == 30
    with scopes.acting(road.reviewer):
        assert not Resident.objects.filter(institution=road.house, ends=None).exists()
        assert Resident.objects.filter(institution=road.house, leaving="transfer", left_to="巩义市福利院", ends=TODAY).count() == 30
        one = TransferPerson.objects.filter(transfer=row).first()
        assert one is not None and one.told_whom == "张小兰（女儿）" and one.told_by_id == road.clerk.account_id


def test_6_3_who_is_found_is_looked_for_no_longer_at_either_end() -> None:
    road = Road(2)
    row = road.ready()
    people = road.listed(row)
    road.departed(row)

    def looking() -> set[str]:
        with scopes.acting(scopes.Scope(area="41", duty="worker")):
            moving.tell_ends(now=NOW)
            return {area[:6] for area in Todo.objects.filter(kind__startswith="transfer.missing", done_at=None).values_list("area", flat=True)}

    with scopes.acting(road.far_clerk):
        moving.not_arrived(transfer_id=row.pk, people=people[1:], note="车在服务区等候", now=NOW)
    assert looking() == {"410122", "410181"}
    with scopes.acting(road.far_clerk):
        moving.arrive(transfer_id=row.pk, people=people, now=NOW)
    assert looking() == set()


def test_6_3_the_support_of_who_came_back_need_not_be_checked_but_that_of_who_moved_in_or_out() -> None:
    road = Road(1)
    with scopes.acting(scopes.Scope(area="41", account_id=road.reviewer.account_id)):
        given = [award(programme="tekun").people[0] for _each in range(2)]
    there, back = (road.admitted(id_number="", token=each.token, sex="1")[0] for each in given)

    def asked() -> set[tuple[int, bool]]:
        with scopes.acting(road.reviewer):
            found = Todo.objects.filter(kind="institutions.support", done_at=None).values_list("subject_id", "title")
            return {(person, "转往" in title) for person, title in found}

    with scopes.acting(road.reviewer):
        Todo.objects.filter(kind="institutions.support", subject_id=back.person_id).update(done_at=NOW)
    assert asked() == {(there.person_id, False)}
    row = road.ready(resident_ids=[there.pk, back.pk])
    people = road.listed(row)
    road.departed(row)
    assert asked() == {(there.person_id, False), (back.person_id, True)}
    with scopes.acting(road.clerk):
        moving.stay(transfer_id=row.pk, people=people, note="道路不通，返回原机构", now=NOW)
    assert asked() == {(there.person_id, False)}, "that somebody moved in is still to be checked"


def test_6_3_each_end_confirms_its_own_and_in_order() -> None:
    road = Road()
    row = road.planned()
    people = road.listed(row)
    with scopes.acting(road.clerk), pytest.raises(ValidationError, match="接收机构"):
        transfers.agree(transfer_id=row.pk, version=row.version, now=NOW)
    row = road.ready(key=row.key)
    with scopes.acting(road.far_clerk):
        with pytest.raises(ValidationError, match="不能这样办理"):
            moving.arrive(transfer_id=row.pk, people=people, now=NOW)
        with pytest.raises(ValidationError, match="转出机构"):
            moving.depart(transfer_id=row.pk, people=people, vehicle_id=road.bus.pk, now=NOW)
    road.departed(row, people[:2])
    with scopes.acting(road.clerk):
        with pytest.raises(ValidationError, match="接收机构"):
            moving.arrive(transfer_id=row.pk, people=people[:1], now=NOW)
        with pytest.raises(ValidationError, match="刷新页面"):
            moving.depart(transfer_id=row.pk, people=people[:1], vehicle_id=road.bus.pk, now=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():  # nobody arrives but by both stays at once
            TransferPerson.objects.filter(pk=people[0]).update(state="arrived")
    with scopes.acting(road.far_clerk):
        for wrong in ([people[2]], [987654], [people[0], 987654]):
            with pytest.raises(ValidationError, match="刷新页面"):
                moving.arrive(transfer_id=row.pk, people=wrong, now=NOW)
        moving.arrive(transfer_id=row.pk, people=people[:2], now=NOW)
        with pytest.raises(ValidationError, match="刷新页面"):
            moving.arrive(transfer_id=row.pk, people=people[:2], now=NOW)
    with scopes.acting(road.clerk):
        moving.stay(transfer_id=row.pk, people=people[2:], note="突发高热，留院观察", now=NOW)
        assert Transfer.objects.get(pk=row.pk).state == "done"
        assert Resident.objects.filter(institution=road.house, ends=None).count() == 1


def test_6_3_beds_are_kept_for_those_on_the_list_and_given_back_when_it_is_cancelled() -> None:
    road = Road(3)
    with scopes.acting(road.reviewer):
        free = {each.bed: each.free for each in transfers.free_beds(within="41") if each.institution_id == road.there.pk}
        assert free == {"full": 35, "self": 1}
    with pytest.raises(ValidationError, match="床位不够"):
        road.planned(bed="self")
    row = road.planned(bed="self", resident_ids=[road.people[0].pk])
    with pytest.raises(ValidationError, match="这类床位已满"):  # the kept bed is not given to somebody else
        road.admitted(house=road.there, by=road.far_clerk, bed="self")
    with pytest.raises(ValidationError, match="未完成的转移名单"):
        road.planned()
    with scopes.acting(road.reviewer):
        transfers.cancel(transfer_id=row.pk, version=row.version, reason="雨停了", now=NOW)
    assert road.admitted(house=road.there, by=road.far_clerk, bed="self")
    again = road.planned()
    with scopes.acting(road.far_clerk):
        transfers.refuse(transfer_id=again.pk, version=again.version, reason="本院有疫情", now=NOW)
    assert road.planned().state == "planned"


def test_6_3_seats_families_and_malformed_lists() -> None:
    road = Road(3)
    row = road.ready()
    people = road.listed(row)
    with scopes.acting(road.clerk):
        small = transfers.add_vehicle(transfer_id=row.pk, vehicle=Vehicle("van", "豫A00001", 2, "王师傅", "13800008888"), now=NOW)
        with pytest.raises(ValidationError, match="坐不下"):
            moving.depart(transfer_id=row.pk, people=people, vehicle_id=small.pk, now=NOW)
        for vehicle in (Vehicle("ship", "x", 4, "a", "13800008888"), Vehicle("bus", "x", 0, "a", "13800008888"), Vehicle("bus", "x", 4, "a", "1")):
            with pytest.raises(ValidationError):
                transfers.add_vehicle(transfer_id=row.pk, vehicle=vehicle, now=NOW)
        moving.told(transfer_id=row.pk, people=people[:1], whom="村支书", how="上门", now=NOW)
        with pytest.raises(ValidationError, match="都已告知"):
            moving.told(transfer_id=row.pk, people=people[:1], whom="别人", how="电话", now=NOW)
    for words in ({"resident_ids": []}, {"resident_ids": [987654]}, {"reason": " "}, {"to_id": road.house.pk}, {"to_id": 987654}, {"bed": "throne"}, {"request_id": 987654}):
        with pytest.raises(ValidationError):
            road.planned(key=uuid4(), **words)


def test_6_3_a_third_county_and_other_houses_see_nothing_and_the_far_end_is_told() -> None:
    road = Road()
    row = road.planned()
    for scope in (road.stranger, officer(Duty.COUNTY_REVIEWER, "410182"), officer(Duty.INSTITUTION_CLERK, "410181")):
        with scopes.acting(scope):
            assert not Transfer.objects.filter(pk=row.pk).exists() and not TransferPerson.objects.filter(transfer_id=row.pk).exists()
            with pytest.raises(ValidationError, match="不在您的范围内"):
                moving.arrive(transfer_id=row.pk, people=[1], now=NOW)
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert moving.tell_ends(now=NOW) == 2 and moving.tell_ends(now=NOW) == 0
    with scopes.acting(road.far):
        assert set(Todo.objects.filter(subject="institution_transfer", done_at=None).values_list("duty", flat=True)) == {"county_reviewer", "institution_clerk"}
        own = Todo.objects.get(subject="institution_transfer", done_at=None, duty="institution_clerk")
        assert own.posting is not None and own.posting.account_id == road.far_clerk.account_id, "not told to clerks of other houses"
        second = officer(Duty.INSTITUTION_CLERK, "410181")
    with scopes.acting(road.far):
        houses.appoint_clerk(institution_id=road.there.pk, account_id=second.account_id, now=NOW)
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert moving.tell_ends(now=NOW) == 1 and moving.tell_ends(now=NOW) == 0, "named after the transfer was planned"
        theirs = Todo.objects.filter(subject="institution_transfer", done_at=None, kind__startswith="transfer.agree.to#")
        assert {todo.posting_id for todo in theirs} == {road.far_clerk.posting_id, second.posting_id}, "whoever is named sees it"
    third = officer(Duty.INSTITUTION_CLERK)
    with scopes.acting(road.reviewer):
        houses.appoint_clerk(institution_id=road.house.pk, account_id=third.account_id, now=NOW)
    with scopes.acting(scopes.Scope(area="41", duty="worker")):
        assert moving.tell_ends(now=NOW) == 1 and moving.tell_ends(now=NOW) == 0, "at the house that they leave too"
    with scopes.acting(road.reviewer):
        houses.release_clerk(institution_id=road.house.pk, account_id=third.account_id, now=NOW)
        assert not Todo.objects.filter(posting_id=third.posting_id, done_at=None).exists()
    link = f'href="/institutions/transfers/{row.pk}/"'
    for who, seen in ((road.clerk, True), (road.stranger, False), (third, False)):
        html = client_of(who).get("/todos/?done=1").content.decode() + client_of(who).get("/todos/?all=1").content.decode()
        assert row.number in html and (link in html) == seen, "a link only where the page opens"
    assert Division.objects.filter(code="410181").exists()


def test_6_3_two_transfers_or_two_confirmations_at_once(committed_db: None) -> None:
    road = Road(4)
    lists = [[each.pk for each in road.people[:1]], [each.pk for each in road.people[1:2]]]
    given = {"from_id": road.house.pk, "to_id": road.there.pk, "reason": "洪水", "leaves_at": NOW + timedelta(hours=1), "bed": "self", "now": NOW}
    made, said = together(*(as_(road.reviewer, transfers.plan, key=uuid4(), resident_ids=ids, **given) for ids in lists))
    assert len(made) == 1 and "床位" in said[0]  # one bed, two transfers
    row = road.ready(resident_ids=[each.pk for each in road.people[2:]])
    people = road.listed(row)
    road.departed(row)
    made, said = together(*(as_(who, moving.arrive, transfer_id=row.pk, people=people, now=NOW) for who in (road.far, road.far_clerk)))
    assert made == [2] and "刷新页面" in said[0]
    with scopes.acting(road.far):
        assert Resident.objects.filter(institution=road.there, ends=None).count() == 2
