"""6.3 on the pages: asked for, taken, sent, confirmed; a transfer from the list to the arrival; the overview whose numbers open their lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.institutions.models import Request, RequestDelivery, Transfer, TransferPerson
from doudi.institutions.tests.coordination_world import Office

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def december() -> Iterator[None]:
    with time_machine.travel(datetime(2022, 12, 6, 2, tzinfo=UTC), tick=False):
        yield


def test_6_3_from_asking_to_the_stock_on_the_pages(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    office = Office()
    clerk, reviewer, health = (client_of(each) for each in (office.clerk, office.reviewer, office.health))
    new, form = reverse("institutions:request_new"), {"key": uuid4(), "institution": office.house.pk, "kind": "supplies", "what": "氧气瓶", "urgency": "red"}
    bad = ({}, {"item": "oxygen", "quantity": "-1"}, {"item": "oxygen", "quantity": "1e99"}, {"item": "x", "quantity": "3"}, {"institution": office.other.pk})
    for wrong in bad:
        assert clerk.post(new, form | wrong).status_code == 422
    done = clerk.post(new, form | {"item": "oxygen", "quantity": "20"})
    assert done.status_code == 302 and clerk.post(new, form | {"item": "oxygen", "quantity": "20"})["Location"] == done["Location"]
    with scopes.acting(office.reviewer):
        row = Request.objects.get()
    url, act = reverse("institutions:request", args=[row.pk]), reverse("institutions:request_act", args=[row.pk])
    assert "县卫生健康委 孙玲" in reviewer.get(url).content.decode()
    assert reviewer.post(act, {"act": "assign", "version": "1", "members": [office.by_health.pk, office.by_control.pk]}).status_code == 302
    with scopes.acting(office.health):
        offer = row.offers.get(member=office.by_health)
    assert "刚由他人办理" in health.post(act, {"act": "accept", "version": "1", "offer": offer.pk}).content.decode()
    assert health.post(act, {"act": "accept", "version": "2", "offer": offer.pk}).status_code == 302
    assert "超过了需要的数量" in health.post(act, {"act": "send", "version": "3", "key": uuid4(), "quantity": "21"}).content.decode()
    assert health.post(act, {"act": "send", "version": "3", "key": uuid4(), "quantity": "20", "carrier": "豫A12345"}).status_code == 302
    with scopes.acting(office.clerk):
        part = RequestDelivery.objects.get()
    for refused in ({"act": "fly"}, {"act": "receive", "delivery": "²"}, {"act": "receive", "delivery": part.pk, "received": "NaN"}, {"act": "accept", "offer": "9" * 40}):
        assert clerk.post(act, {"version": "4"} | refused).status_code in (422, 403)
    assert clerk.post(act, {"act": "receive", "version": "4", "delivery": part.pk, "received": "20"}).status_code == 302
    with django_assert_max_num_queries(40):
        assert "已办结" in clerk.get(url).content.decode()
    with django_assert_max_num_queries(25):
        assert row.number in reviewer.get(reverse("institutions:requests")).content.decode()
    assert "氧气瓶" in clerk.get(reverse("institutions:institution", args=[office.house.pk])).content.decode()
    for scope in (office.stranger, officer(Duty.COUNTY_REVIEWER, "410181")):
        assert client_of(scope).get(url).status_code == 404 and client_of(scope).post(act, {"act": "decline", "version": "5", "reason": "不"}).status_code == 404
        assert row.number not in client_of(scope).get(reverse("institutions:requests")).content.decode()
    assert client_of(officer(Duty.VISITOR, "410122101205")).get(url).status_code == 403


def test_6_3_a_transfer_from_the_list_to_the_arrival_on_the_pages(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    office = Office()
    people = office.admitted(2, kin_name="张小兰", kin_phone="13900001111")
    reviewer, clerk, there = (client_of(each) for each in (office.reviewer, office.clerk, office.stranger))
    new = reverse("institutions:transfer_new", args=[office.house.pk])
    assert "夕阳红养老院" in reviewer.get(new).content.decode()
    form = {"key": uuid4(), "to": office.other.pk, "bed": "", "leaves_at": "2022-12-06T15:00", "reason": "洪水将至", "people": [each.pk for each in people]}
    assert reviewer.post(new, form | {"people": []}).status_code == 422
    assert reviewer.post(new, form).status_code == 302 and reviewer.post(new, form).status_code == 302
    with scopes.acting(office.reviewer):
        row = Transfer.objects.get()
        listed = list(TransferPerson.objects.values_list("pk", flat=True))
    url, act = reverse("institutions:transfer", args=[row.pk]), reverse("institutions:transfer_act", args=[row.pk])
    assert "同意接收" in there.get(url).content.decode()
    assert there.post(act, {"act": "agree", "version": "1"}).status_code == 302
    assert clerk.post(act, {"act": "vehicle", "kind": "bus", "plate": "豫A1", "seats": "0", "driver": "李", "phone": "1"}).status_code == 422
    assert clerk.post(act, {"act": "vehicle", "kind": "bus", "plate": "豫A1", "seats": "9", "driver": "李", "phone": "13800001111"}).status_code == 302
    with scopes.acting(office.clerk):
        bus = row.vehicles.get()
    assert clerk.post(act, {"act": "depart", "people": ["x"], "vehicle": bus.pk}).status_code == 422
    assert clerk.post(act, {"act": "depart", "people": listed, "vehicle": bus.pk}).status_code == 302
    assert clerk.post(act, {"act": "told", "people": listed, "how": "电话"}).status_code == 302
    assert there.post(act, {"act": "not_arrived", "people": listed[:1]}).status_code == 422
    assert there.post(act, {"act": "arrive", "people": listed}).status_code == 302
    with django_assert_max_num_queries(35):
        said = there.get(url).content.decode()
    assert "已完成" in said and "已告知 张小兰" in said and "显示电话" in said
    kin = reverse("institutions:transfer_kin", args=[row.pk, listed[0]])
    assert "13900001111" in clerk.post(kin).content.decode() and client_of(officer(Duty.COUNTY_REVIEWER, "410181")).post(kin).status_code == 404
    assert client_of(office.city).post(reverse("institutions:transfer_kin", args=[row.pk + 1, listed[0]])).status_code == 404
    with django_assert_max_num_queries(25):
        assert row.number in reviewer.get(reverse("institutions:transfers")).content.decode()
    assert client_of(officer(Duty.COUNTY_REVIEWER, "410181")).get(url).status_code == 404


def test_6_3_the_overview_counts_within_scope_and_its_numbers_open_their_lists(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    office = Office()
    office.raised()
    for scope in (office.city, office.reviewer, officer(Duty.SUPERVISOR, "41")):
        client = client_of(scope)
        with django_assert_max_num_queries(25):
            said = client.get(reverse("institutions:overview")).content.decode()
        assert "各地机构风险" in said and "state=open" in said
    city = client_of(office.city)
    assert "氧气瓶" in city.get(reverse("institutions:requests") + "?area=410122&state=open").content.decode()
    assert "氧气瓶" not in city.get(reverse("institutions:requests") + "?area=410181&state=open").content.decode()
    listed = city.get(reverse("institutions:requests") + "?area=%27x&state=open").content.decode()
    assert "氧气瓶" not in listed and '<option value="410122">中牟县</option>' in listed  # a place that is none opens nothing; places are chosen by name
    assert office.house.name in city.get(reverse("institutions:institutions") + "?area=410122").content.decode()
    assert office.house.name not in city.get(reverse("institutions:institutions") + "?area=410181").content.decode()
    assert office.house.name not in city.get(reverse("institutions:institutions") + "?area=410122-").content.decode()  # of the county itself, not of its villages
    assert city.get(reverse("institutions:overview") + "?area=41x").status_code == 200
    assert city.get(reverse("institutions:overview") + "?area=4102").status_code == 200
    assert client_of(office.clerk).get(reverse("institutions:overview")).status_code == 403
    assert client_of(office.reviewer).get(reverse("institutions:request_proposals")).status_code == 200
    assert client_of(office.reviewer).get(reverse("institutions:reports")).status_code == 200
