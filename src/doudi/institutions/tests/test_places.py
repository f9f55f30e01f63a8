"""6.1: institutions, who lives and works in them, what they have in store; who sees which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting, Todo
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.institutions import queries, services
from doudi.institutions.models import (
    DailyReport,
    Institution,
    InstitutionContact,
    InstitutionEvent,
    IsolationStay,
    ReportDue,
    Resident,
    StaffMember,
    StockMovement,
    SupplyStock,
    VisitState,
)  # fmt: skip
from doudi.institutions.services import Newcomer
from doudi.institutions.tests.world import COUNTY, NOW, TODAY, VILLAGE, Home, id_number
from doudi.payments.tests.world import award

pytestmark = pytest.mark.django_db
TABLES = [Institution, InstitutionContact, InstitutionEvent, IsolationStay, Resident, StaffMember, StockMovement, SupplyStock]


def full(home: Home) -> None:
    """One row in each table of the house."""
    resident = home.admitted()[0]
    with scopes.acting(home.clerk):
        services.add_staff(institution_id=home.house.pk, name="刘护理", role="carer", starts=TODAY, now=NOW)
        services.set_contact(institution_id=home.house.pk, role="director", name="钱院长", phone="13803711234", now=NOW)
        room = services.set_room(institution_id=home.house.pk, name="西侧一室", beds=1, now=NOW)
        services.isolate(institution_id=home.house.pk, room_id=room.pk, reason="发热", resident_id=resident.pk, now=NOW)
        move(home, "received", "4")


def move(home: Home, kind: str, quantity: str, **words: Any) -> StockMovement:
    words = {"key": uuid4(), "item": "oxygen", "institution_id": home.house.pk, "on": TODAY, "now": NOW} | words
    return services.move_stock(kind=kind, quantity=Decimal(quantity), **words)


def test_6_1_a_clerk_sees_the_own_house_alone_and_officers_those_of_their_area() -> None:
    home = Home()
    full(home)

    def seen(scope: scopes.Scope) -> list[int]:
        with scopes.acting(scope):
            return [model.objects.filter(**({"pk": home.house.pk} if model is Institution else {"area": VILLAGE})).count() for model in TABLES]

    for scope in (home.clerk, home.reviewer, home.city, officer(Duty.TOWNSHIP_OFFICER, VILLAGE[:9])):
        assert min(seen(scope)) >= 1
    assert seen(home.stranger) == [0, 0, 3, 0, 0, 0, 0, 0]  # the events are the own house's: registered, its beds, its clerk
    for scope in (officer(Duty.INSTITUTION_CLERK), officer(Duty.COUNTY_REVIEWER, "410123"), officer(Duty.TOWNSHIP_OFFICER, "410122102")):
        assert seen(scope) == [0] * len(TABLES)


def test_6_1_a_clerk_cannot_write_for_another_house_nor_appoint_nor_close_the_doors() -> None:
    home = Home()
    with scopes.acting(home.stranger):
        with pytest.raises(ValidationError, match="没有这家机构"):
            services.add_staff(institution_id=home.house.pk, name="刘护理", role="carer", starts=TODAY, now=NOW)
        for rows in (
            lambda: StaffMember.objects.create(institution_id=home.house.pk, area=VILLAGE, name="刘", role="carer", starts=TODAY, made_at=NOW),
            lambda: DailyReport.objects.create(institution_id=home.house.pk, area=VILLAGE, on=TODAY, channel="page", residents=1, staff=1, staff_on_site=1, made_at=NOW),
            lambda: ReportDue.objects.create(institution_id=home.house.pk, area=VILLAGE, on=TODAY, due_at=NOW, why="emergency"),
            lambda: home.house.clerks.create(area=VILLAGE, account_id=home.stranger.account_id, started_at=NOW),
            lambda: VisitState.objects.create(institution_id=home.other.pk, area=VILLAGE, state="open", starts=TODAY, document="x", reason="y", made_at=NOW),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                rows()
        with pytest.raises(PermissionDenied):
            services.appoint_clerk(institution_id=home.other.pk, account_id=home.clerk.account_id, now=NOW)


def test_6_1_the_sight_ends_with_the_clerk_and_begins_with_the_posting() -> None:
    home = Home()
    with scopes.acting(home.reviewer):
        with pytest.raises(ValidationError, match="没有机构填报员岗位"):
            services.appoint_clerk(institution_id=home.house.pk, account_id=home.approver.account_id, now=NOW)
        Posting.objects.filter(account_id=home.stranger.account_id).update(ends=TODAY)
        with pytest.raises(ValidationError, match="没有机构填报员岗位"):
            services.appoint_clerk(institution_id=home.house.pk, account_id=home.stranger.account_id, now=NOW)
        services.release_clerk(institution_id=home.house.pk, account_id=home.clerk.account_id, now=NOW)
    with scopes.acting(home.clerk):
        assert not Institution.objects.exists()


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"area": "410123"}, "area"), ({"area": "4101"}, "area"), ({"phone": "call me<script>"}, "phone"), ({"kind": "hotel"}, "kind"), ({"name": "  "}, "name"),
        ({"beds": {"full": -1}}, "beds"), ({"beds": {"bunk": 3}}, "beds"),
    ],
)  # fmt: skip
def test_6_1_what_cannot_be_registered_is_named_by_field(words: dict[str, Any], field: str) -> None:
    home = Home.__new__(Home)
    home.reviewer = officer(Duty.COUNTY_REVIEWER)
    with pytest.raises(ValidationError) as raised:
        home.registered(**words)
    assert field in raised.value.message_dict


def test_6_1_one_code_is_one_house_in_the_whole_province() -> None:
    home, elsewhere = Home(), officer(Duty.COUNTY_REVIEWER, "410724")
    with scopes.acting(elsewhere), pytest.raises(ValidationError, match="已经登记过"):
        services.register_institution(code=home.house.code, name="另一家", kind="care_home", area="410724", address="某街", phone="0371-1234567", now=NOW)


def test_6_1_nobody_is_taken_in_beyond_the_beds_and_beds_do_not_go_below_who_lives_there() -> None:
    home = Home()
    people = home.admitted(4)
    with pytest.raises(ValidationError, match="已满"):
        home.admitted()
    with pytest.raises(ValidationError, match="已满"):
        home.admitted(bed="shelter")  # the house has none
    with scopes.acting(home.reviewer):
        with pytest.raises(ValidationError, match="现住人数多于"):
            changed(home, beds={"full": 3})
        changed(home, beds={"full": 5})
    home.admitted()
    with scopes.acting(home.clerk):
        services.leave(institution_id=home.house.pk, resident_id=people[0].pk, leaving="family", on=TODAY, now=NOW)
    home.admitted()


def changed(home: Home, **words: Any) -> Institution:
    row = Institution.objects.get(pk=home.house.pk)
    words = {"name": row.name, "address": row.address, "phone": row.phone, "state": row.state, "reason": "核定", "version": row.version} | words
    return services.change_institution(institution_id=row.pk, now=NOW, **words)


def test_6_1_a_house_in_which_people_live_is_not_closed_and_a_stale_page_is_told() -> None:
    home = Home()
    person = home.admitted()[0]
    with scopes.acting(home.reviewer):
        with pytest.raises(ValidationError, match="还有人住"):
            changed(home, state="closed")
        with pytest.raises(ValidationError, match="刚被他人修改"):
            changed(home, version=7)
        services.leave(institution_id=home.house.pk, resident_id=person.pk, leaving="transfer", left_to="夕阳红养老院", on=TODAY, now=NOW)
        assert changed(home, state="closed").state == "closed"
        with pytest.raises(ValidationError, match="已撤销"):
            move(home, "received", "1")


def test_6_1_one_place_at_a_time_and_the_day_of_the_move_belongs_to_the_new_house() -> None:
    home, number = Home(), id_number()
    first = home.admitted(id_number=number)[0]
    with pytest.raises(ValidationError, match="尚未办理离院") as raised:
        home.admitted(house=home.other, by=home.stranger, id_number=number)
    assert home.house.name not in str(raised.value)  # where somebody lives is not told to another house
    with scopes.acting(home.clerk):
        with pytest.raises(ValidationError, match="去向"):
            services.leave(institution_id=home.house.pk, resident_id=first.pk, leaving="transfer", on=TODAY, now=NOW)
        services.leave(institution_id=home.house.pk, resident_id=first.pk, leaving="transfer", left_to="夕阳红", on=TODAY, now=NOW)
        with pytest.raises(ValidationError, match="已不在"):
            services.leave(institution_id=home.house.pk, resident_id=first.pk, leaving="family", on=TODAY, now=NOW)
    with scopes.acting(home.stranger):
        with pytest.raises(ValidationError, match="尚未办理离院"):  # the days before the move are the old house's
            services.admit(institution_id=home.other.pk, newcomer=Newcomer(uuid4(), "张守田", "full", id_number=number), starts=TODAY - timedelta(days=1), now=NOW)
        services.admit(institution_id=home.other.pk, newcomer=Newcomer(uuid4(), "张守田", "full", id_number=number), starts=TODAY, now=NOW)


def test_6_1_the_same_form_twice_is_one_stay_and_a_wrong_number_none() -> None:
    home = Home()
    given = Newcomer(uuid4(), "欧阳㛃", "half", id_number=id_number())
    with scopes.acting(home.clerk):
        rows = [services.admit(institution_id=home.house.pk, newcomer=given, starts=TODAY, now=NOW) for _ in range(2)]
        assert rows[0].pk == rows[1].pk
        for wrong, field in (({"id_number": "41012219450302123"}, "id_number"), ({}, "sex"), ({"sex": "1", "birth_date": date(2023, 1, 1)}, "birth_date")):
            with pytest.raises(ValidationError) as raised:
                services.admit(institution_id=home.house.pk, newcomer=Newcomer(uuid4(), "王某", "half", **wrong), starts=TODAY, now=NOW)
            assert field in raised.value.message_dict
        with pytest.raises(ValidationError, match="不能晚于今天"):
            services.admit(institution_id=home.house.pk, newcomer=Newcomer(uuid4(), "王某", "half", sex="1"), starts=TODAY + timedelta(days=1), now=NOW)


def test_6_1_thirty_people_are_taken_in_with_as_many_statements_as_three(django_assert_max_num_queries: Callable[..., Any]) -> None:
    home = Home(beds={"full": 40})
    with django_assert_max_num_queries(20):
        rows = home.admitted(30)
    with scopes.acting(home.clerk), django_assert_max_num_queries(20):
        left = services.leave_many(
            institution_id=home.house.pk, resident_ids=[row.pk for row in rows], leaving="transfer", left_to="县福利院", on=TODAY, now=NOW
        )
    assert len(left) == 30


def test_6_1_a_room_holds_no_more_than_its_places_and_leaving_ends_isolation() -> None:
    home = Home()
    one, two = home.admitted(2)
    with scopes.acting(home.clerk):
        room = services.set_room(institution_id=home.house.pk, name="西侧一室", beds=1, now=NOW)
        services.isolate(institution_id=home.house.pk, room_id=room.pk, reason="发热", resident_id=one.pk, now=NOW)
        with pytest.raises(ValidationError, match="已满"):
            services.isolate(institution_id=home.house.pk, room_id=room.pk, reason="发热", resident_id=two.pk, now=NOW)
        services.leave(institution_id=home.house.pk, resident_id=one.pk, leaving="hospital", left_to="县医院", on=TODAY, now=NOW)
        stay = services.isolate(institution_id=home.house.pk, room_id=room.pk, reason="发热", resident_id=two.pk, now=NOW)
        services.end_isolation(institution_id=home.house.pk, stay_id=stay.pk, now=NOW)
        with pytest.raises(ValidationError, match="已解除"):
            services.end_isolation(institution_id=home.house.pk, stay_id=stay.pk, now=NOW)


def test_6_1_stock_is_the_sum_of_its_movements_and_never_below_nought() -> None:
    home, key = Home(), uuid4()
    with scopes.acting(home.clerk):
        first = move(home, "received", "10", key=key)
        assert move(home, "received", "10", key=key).pk == first.pk
        move(home, "used", "2.5")
        with pytest.raises(ValidationError, match="库存不足"):
            move(home, "given", "7.51")
        assert move(home, "count", "6").quantity == Decimal("-1.50")
        for wrong in ("-1", "NaN", "0", "0.001", "99999999"):
            with pytest.raises(ValidationError):
                move(home, "used", wrong)
        stock = services.set_daily_use(institution_id=home.house.pk, item="oxygen", daily_use=Decimal("2.5"), now=NOW)
        assert (stock.balance, stock.days) == (StockMovement.objects.aggregate(sum=Sum("quantity"))["sum"], 2)
        for attack in (
            "update institutions_supplystock set balance = 99", "update institutions_stockmovement set quantity = 99", "delete from institutions_stockmovement",
            "insert into institutions_supplystock (area, institution_id, item_id, balance, daily_use)"
            f" select '{VILLAGE}', {home.house.pk}, id, 5, 0 from institutions_supplyitem where code = 'coal'",
        ):  # fmt: skip
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(attack)


def test_6_1_a_row_of_another_place_than_its_house_is_refused() -> None:
    home = Home()
    with scopes.acting(home.reviewer), pytest.raises(DatabaseError), transaction.atomic():
        StaffMember.objects.create(institution_id=home.house.pk, area=COUNTY, name="刘", role="carer", starts=TODAY, made_at=NOW)
        scopes.check_constraints()


def test_6_1_of_two_admissions_at_once_one_is_told(committed_db: None) -> None:
    home, number = Home(beds={"full": 1, "half": 2}), id_number()

    def taken(house: Institution, by: scopes.Scope, **words: Any) -> Callable[[], Any]:
        given = Newcomer(uuid4(), "张守田", **({"bed": "full", "id_number": id_number()} | words))
        return as_(by, services.admit, institution_id=house.pk, newcomer=given, starts=TODAY, now=NOW)

    made, told = together(taken(home.house, home.clerk), taken(home.house, home.clerk))
    assert (len(made), [("已满" in text) for text in told]) == (1, [True])
    made, told = together(taken(home.house, home.clerk, bed="half", id_number=number), taken(home.other, home.stranger, bed="half", id_number=number))
    assert (len(made), [("尚未办理离院" in text) for text in told]) == (1, [True])


def test_6_1_who_moves_in_with_tekun_support_is_linked_and_the_township_checks_the_payee() -> None:
    home = Home()
    with scopes.acting(scopes.Scope(area="41", account_id=home.reviewer.account_id)):
        given = award(programme="tekun")
    who = given.people[0]
    row = home.admitted(name="写错的名字", id_number="", token=who.token, sex="1")[0]
    assert (row.person_id, row.name) == (who.pk, who.name)
    with scopes.acting(home.reviewer):
        assert queries.support_of(row, TODAY) == ("特困人员救助供养", "领款人不是本机构")
        assert Todo.objects.get(kind="institutions.support").area == who.area
        Institution.objects.filter(pk=home.house.pk).update(account=given.award.account)
        assert queries.support_of(Resident.objects.get(pk=row.pk), TODAY)[1] == ""
    with scopes.acting(home.clerk):
        services.leave(institution_id=home.house.pk, resident_id=row.pk, leaving="died", on=TODAY, now=NOW)
    with scopes.acting(home.reviewer):
        assert Todo.objects.get(kind="institutions.died").duty == Duty.TOWNSHIP_OFFICER


def test_6_1_support_that_came_to_its_end_is_not_checked_when_somebody_moves_in() -> None:
    home = Home()
    with scopes.acting(scopes.Scope(area="41", account_id=home.reviewer.account_id)):
        given = [award(programme="tekun", starts=date(2022, 6, 1), ends=ends) for ends in (date(2022, 12, 1), date(2023, 1, 1))]
    for each in given:
        home.admitted(id_number="", token=each.people[0].token, sex="1")
    with scopes.acting(home.reviewer):
        assert [todo.subject_id for todo in Todo.objects.filter(kind="institutions.support")] == [given[1].people[0].pk]
