"""Vagrants' aid, care agreements and funeral costs: services and pages, with their guards."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.payments.models import Grant
from doudi.payments.services import grants
from doudi.payments.tests.test_guards import refused, run
from doudi.payments.tests.world import award, card
from doudi.relief.models import CareAgreement, FuneralCase, VagrantCase
from doudi.relief.services import tekun, vagrants
from doudi.relief.tests.world import NOW, ON, OTHER, Place, id_number

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return Place(money="")


@pytest.fixture
def clerk(place: Place) -> scopes.Scope:
    return officer(Duty.INSTITUTION_CLERK, place.county)


def taken_in(by: scopes.Scope, **changes: Any) -> VagrantCase:
    given = {
        "key": uuid4(), "station": "县救助管理站", "name": "无名氏", "sex": "1", "age": 50, "found_place": "桥下", "brought_by": "派出所", "arrived_at": NOW,
        **changes,
    }  # fmt: skip
    with scopes.acting(by):
        return vagrants.take_in(**given, now=NOW)[0]


def test_a_stay_has_its_clock_a_search_and_a_hand_over(place: Place, clerk: scopes.Scope) -> None:
    row = taken_in(clerk, key=(key := uuid4()))
    assert taken_in(clerk, key=key).pk == row.pk and row.stay_until == date(2022, 12, 16)
    with scopes.acting(clerk):
        assert Todo.objects.get(kind="vagrants.stay", subject_id=row.pk).due == row.stay_until
        with pytest.raises(ValidationError, match="亲属或流出地"):
            vagrants.search(vagrant_id=row.pk, way="face", on=ON, result="比中", found=True, now=NOW)
        vagrants.search(vagrant_id=row.pk, way="face", on=ON, result="比中", found=True, origin="周口市郸城县", now=NOW)
        with pytest.raises(ValidationError, match="交接记录"):
            vagrants.leave(vagrant_id=row.pk, leaving="escorted", left_at=NOW, now=NOW)
        done = vagrants.leave(vagrant_id=row.pk, leaving="escorted", left_at=NOW, receiver="王某", handed_over_by="李某", now=NOW)
        assert (done.state, VagrantCase.objects.get().origin) == ("left", "周口市郸城县")
        assert not Todo.objects.filter(subject="vagrant", done_at=None).exists()
        with pytest.raises(ValidationError, match="已离站"):
            vagrants.leave(vagrant_id=row.pk, leaving="self", left_at=NOW, now=NOW)
        with refused("vagrant_receiver"):
            run("update relief_vagrantcase set receiver = ''")
        with refused("vagrant_left_how"):
            run("update relief_vagrantcase set left_at = null")


def test_a_stay_past_its_limit_goes_to_the_county_and_may_be_extended(place: Place, clerk: scopes.Scope) -> None:
    row = taken_in(clerk)
    worker = scopes.Scope(area=place.county, duty="worker", page="daily", acts=frozenset({"relief.remind"}))
    with scopes.acting(worker):
        assert vagrants.watch_stays(area=place.county, on=row.stay_until, now=NOW) == {"late": 0}
        assert vagrants.watch_stays(area=place.county, on=row.stay_until + timedelta(days=1), now=NOW) == {"late": 1}
        assert vagrants.watch_stays(area=place.county, on=row.stay_until + timedelta(days=1), now=NOW) == {"late": 0}
    with scopes.acting(clerk), pytest.raises(PermissionDenied):
        vagrants.extend_stay(vagrant_id=row.pk, until=date(2022, 12, 30), reason="待 DNA 结果", now=NOW)
    with scopes.acting(place.approver):
        with pytest.raises(ValidationError, match="晚于现期限"):
            vagrants.extend_stay(vagrant_id=row.pk, until=row.stay_until, reason="待 DNA 结果", now=NOW)
        assert vagrants.extend_stay(vagrant_id=row.pk, until=date(2022, 12, 30), reason="待 DNA 结果", now=NOW).stay_until == date(2022, 12, 30)


def test_a_minor_does_not_leave_alone_and_nobody_stays_in_two_stations(place: Place, clerk: scopes.Scope) -> None:
    number = id_number(born=date(2010, 5, 1))
    row = taken_in(clerk, age=12, id_number=number)
    with scopes.acting(clerk), pytest.raises(ValidationError, match="未成年人"):
        vagrants.leave(vagrant_id=row.pk, leaving="self", left_at=NOW, now=NOW)
    with pytest.raises(ValidationError, match="尚未离站"):
        taken_in(officer(Duty.INSTITUTION_CLERK, OTHER), id_number=number)
    for changes, field in (({"age": 50, "name": " "}, "name"), ({"id_number": "41"}, "id_number"), ({"arrived_at": NOW + timedelta(hours=1)}, "arrived_at")):
        with pytest.raises(ValidationError) as caught:
            taken_in(clerk, **changes)
        assert field in caught.value.message_dict


def test_vagrants_pages(place: Place, clerk: scopes.Scope) -> None:
    row, client = taken_in(clerk), client_of(clerk)
    assert "无名氏" in client.get("/vagrants/").content.decode()
    page = client.get(f"/vagrants/{row.pk}/").content.decode()
    assert "登记离站" in page and "延长在站期限" not in page
    assert client.post(f"/vagrants/{row.pk}/search/", {"way": "dna", "on": "2022-12-06", "result": "已采血"}).status_code in (302, 422)
    assert client.post(f"/vagrants/{row.pk}/leave/", {"leaving": "family"}).status_code == 422
    assert client.post("/vagrants/new/", {"name": ""}).status_code == 422
    stranger = client_of(officer(Duty.INSTITUTION_CLERK, OTHER))
    assert stranger.get(f"/vagrants/{row.pk}/").status_code == 404
    assert client_of(place.officer).get("/vagrants/").status_code == 403


def tekun_award(place: Place, *, died_on: date | None = None) -> Any:
    with scopes.acting(place.reviewer):
        given = award(programme="tekun", amount="819.00", shares=["819.00"], area=place.village, starts=date(2022, 1, 1))
        if died_on:
            run("update registry_person set died_on = %s where id = %s", [died_on, given.people[0].pk])
    return given


def test_care_is_agreed_once_at_a_time_for_tekun_recipients_only(place: Place) -> None:
    who = tekun_award(place).people[0]
    common: dict[str, Any] = {
        "support": "home", "carer_kind": "village", "carer": "村委会", "level": "half", "amount": Decimal("320.00"), "signed_on": ON, "starts": ON, "now": NOW,
    }  # fmt: skip
    with scopes.acting(place.officer):
        row = tekun.agree_care(person_id=who.pk, **common)
        with pytest.raises(ValidationError, match="请先终止"):
            tekun.agree_care(person_id=who.pk, **common)
        tekun.end_care(agreement_id=row.pk, on=ON, reason="入住敬老院")
        with pytest.raises(ValidationError, match="供养机构"):
            tekun.agree_care(person_id=who.pk, **{**common, "support": "institution"})
        tekun.agree_care(person_id=who.pk, **{**common, "support": "institution", "place": "郑庵镇敬老院"})
        other = award(area=place.village, by=place.officer.account_id).people[0]
        with pytest.raises(ValidationError, match="没有享受特困"):
            tekun.agree_care(person_id=other.pk, **common)
        assert CareAgreement.objects.count() == 2
    page = client_of(place.officer).get(f"/tekun/care/{who.pk}/").content.decode()
    assert "执行中" in page and "入住敬老院" in page
    assert "郑庵镇敬老院" in client_of(place.officer).get("/tekun/care/").content.decode()


def test_the_funeral_cost_is_paid_once_within_its_ceiling_by_two_officers(place: Place) -> None:
    who = tekun_award(place, died_on=date(2022, 12, 1)).people[0]
    given: dict[str, Any] = {
        "payee_name": "郑庵镇敬老院", "account": card(77), "bank": "C1", "arranged_by": "郑庵镇敬老院", "now": NOW,
    }  # fmt: skip
    top = Decimal("819.00") * 6
    with scopes.acting(place.officer):
        with pytest.raises(ValidationError, match="不超过"):
            tekun.propose_funeral(person_id=who.pk, amount=top + Decimal("0.01"), **given)
        row = tekun.propose_funeral(person_id=who.pk, amount=top, **given)
        with pytest.raises(ValidationError, match="没有重复办理"):
            tekun.propose_funeral(person_id=who.pk, amount=top, **given)
        with pytest.raises(PermissionDenied):
            tekun.decide_funeral(funeral_id=row.pk, agreed=True, now=NOW)
        with refused("funeral_within_ceiling|permission denied"):
            run("update relief_funeralcase set amount = amount * 2")
    both = scopes.Scope(area=place.county, account_id=place.officer.account_id, duty=Duty.COUNTY_APPROVER, page="test")
    with scopes.acting(both), pytest.raises(PermissionDenied):
        tekun.decide_funeral(funeral_id=row.pk, agreed=True, now=NOW)
    assert "丧葬费" in client_of(place.approver).get(f"/tekun/funerals/{row.pk}/").content.decode()
    with scopes.acting(place.approver):
        first = tekun.decide_funeral(funeral_id=row.pk, agreed=True, now=NOW)
        again = tekun.decide_funeral(funeral_id=row.pk, agreed=True, now=NOW)
        assert first.grant_id == again.grant_id and Grant.objects.count() == 1
    with scopes.acting(place.reviewer):
        done = grants.prepare_one_off(area=place.county, month=ON, now=NOW)
        assert (done.lines, done.amount, FuneralCase.objects.get().state) == (1, top, "granted")


def test_the_living_have_no_funeral_cost(place: Place) -> None:
    who = tekun_award(place).people[0]
    with scopes.acting(place.officer), pytest.raises(ValidationError, match="没有登记死亡"):
        tekun.propose_funeral(person_id=who.pk, amount=Decimal(1), payee_name="甲乙", account=card(1), bank="", arranged_by="村委会", now=NOW)
