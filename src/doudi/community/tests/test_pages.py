"""Pages of community care: bounded queries, wrong areas, nested ids, what a form's refusal says."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from doudi.community import services
from doudi.community.models import CarePerson, GroupByHand
from doudi.community.tests.world import NOW, VILLAGE, Village
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer

pytestmark = pytest.mark.django_db


def test_7_5_the_list_shows_people_without_a_contact_first_in_bounded_queries(django_assert_max_num_queries: object) -> None:
    village = Village()
    rows = [village.old_man(f"老{name}", born=date(1940, 1, 1 + at)) for at, name in enumerate("甲乙丙丁戊己")]
    contact = village.contact()
    with scopes.acting(village.town):
        for row in rows[:3]:
            services.assign_contact(care_id=row.pk, version=row.version, contact_id=contact.pk, now=NOW)
    client = client_of(village.town)
    client.get("/community/")
    with django_assert_max_num_queries(26):  # type: ignore[operator]
        page = client.get("/community/").content.decode()
    assert page.index("老丁") < page.index("老甲") and "未落实" in page
    assert "老甲" not in client.get("/community/?contact=none").content.decode()
    assert client.get("/community/?group=old_alone&name=老甲").content.decode().count("老甲") == 2  # in the box and in the row
    with django_assert_max_num_queries(26):  # type: ignore[operator]
        assert client.get(f"/community/assign/?area={VILLAGE}").status_code == 200


def test_7_1_a_members_page_leads_to_raising_a_lead_and_to_a_visit() -> None:
    village = Village()
    row = village.old_man()
    page = client_of(village.visitor).get(f"/community/{row.pk}/").content.decode()
    for name in ("discovery:lead_report", "discovery:visit_new"):
        assert reverse(name, args=[row.household_id]) in page


def test_7_5_assigning_and_taking_out_on_the_page() -> None:
    village = Village()
    row, contact = village.old_man(), village.contact()
    client = client_of(village.town)
    answer = client.post(f"/community/{row.pk}/assign/", {"version": row.version, "contact": contact.pk})
    assert answer.status_code == 302
    stale = client.post(f"/community/{row.pk}/assign/", {"version": row.version, "contact": "", "reason": "换人"})
    assert stale.status_code == 422 and "他人" in stale.content.decode()
    empty = client.post(f"/community/{row.pk}/out/", {"version": row.version + 1, "group": "old_alone", "reason": ""})
    assert empty.status_code == 422
    assert client.post(f"/community/{row.pk}/out/", {"version": row.version + 1, "group": "old_alone", "reason": "女儿接走"}).status_code == 302
    with scopes.acting(village.town):
        hand = GroupByHand.objects.get(kind="out")
    assert "不再属于任何一类" in client.get(f"/community/{row.pk}/").content.decode()
    assert client.post(f"/community/by-hand/{hand.pk}/lift/", {"reason": "回来了"}).status_code == 302
    with scopes.acting(village.town):
        assert CarePerson.objects.filter(ends__isnull=True).count() == 1


def test_7_5_other_areas_and_nested_ids_are_not_found() -> None:
    village = Village()
    row, contact, other = village.old_man(), village.contact(), village.contact("赵敏")
    with scopes.acting(village.town):
        absence = services.set_absence(contact_id=contact.pk, substitute_id=other.pk, starts=date(2023, 1, 1), ends=date(2023, 1, 3), now=NOW)
    foreign = client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102"))
    assert [foreign.get(url).status_code for url in (f"/community/{row.pk}/", f"/community/contacts/{contact.pk}/", f"/community/add/{row.person_id}/")] == [404] * 3
    assert foreign.post(f"/community/{row.pk}/assign/", {"version": 1, "contact": contact.pk}).status_code == 404
    assert client_of(village.town).post(f"/community/contacts/{other.pk}/absence/{absence.pk}/back/").status_code == 404
    assert client_of(officer(Duty.FINANCE_OFFICER)).get("/community/").status_code == 403


def test_7_4_the_groups_page_says_the_places_conditions_and_adds_one() -> None:
    village = Village()
    client = client_of(village.town)
    assert "满 60 周岁" in client.get("/community/groups/").content.decode()
    given = {"area": "410122101", "name": "失独老人", "starts": "2999-01-01", "age_from": "60", "age_to": "50"}
    assert "不能小于" in client.post("/community/groups/", given).content.decode()
    assert client.post("/community/groups/", given | {"age_to": ""}).status_code == 302
    assert "失独老人" in client.get("/community/groups/").content.decode()
    assert client_of(village.visitor).post("/community/groups/", given).status_code == 403


def test_7_5_a_contact_sees_own_people_and_those_of_whom_it_stands_in_for() -> None:
    village = Village()
    row = village.old_man()
    assert "还不是帮扶责任人" in client_of(village.visitor).get("/community/mine/").content.decode()
    page = client_of(village.town).post("/community/contacts/new/", {"area": VILLAGE, "name": "李桂英", "kind": "volunteer", "phone": "1"})
    assert page.status_code == 422 and "电话" in page.content.decode()
    assert row.pk
