"""Pages: what each shows, to whom, with how many queries; wrong area in every way."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import client_of, officer
from doudi.registry import services
from doudi.registry.models import Household, Membership, Person
from doudi.registry.tests.helpers import ELSEWHERE, NOW, ON, household, id_number

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def township(committed_db: None) -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, "410122001")


@pytest.fixture
def client(township: scopes.Scope) -> Client:
    return client_of(township)


def _text(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, response.content.decode()[:2000]
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode()


def _family(scope: scopes.Scope, **more: Any) -> tuple[Household, Person]:
    wife = {"relationship": "10", "name": "李秀英", "id_number": id_number(male=False)}
    found = household(scope, members=[wife], phone="13800005678", account="1234567890", bank="402", **more)
    with scopes.acting(scope):
        fact = services.NewFact("financial_assets", ON, "declared", household_id=found.pk, number=Decimal(12000))
        services.record_fact(fact=fact, on=ON, now=NOW)
        return found, Person.objects.get(name=more.get("name", "王建国"), area=found.area)


def test_search_finds_by_name_pinyin_initials_number_phone_and_member(township: scopes.Scope, client: Client) -> None:
    number = id_number()
    _family(township, id_number=number)
    household(township, name="赵铁柱", id_number=id_number())
    for word in ("王建", "wangjian", "WJG", number, "138 0000 5678", "李秀英", "lxy", f"{number[:6]} {number[6:]}"):
        page = _text(client, f"/households/?q={word}")
        assert "王建国" in page and "赵铁柱" not in page, word
    assert "没有符合条件的记录" in _text(client, "/households/?q=不存在")
    assert "可能不全" in _text(client, "/people/?q=wj") and "可能不全" not in _text(client, "/people/?q=wangjianguo")
    assert "赵铁柱" in _text(client, "/people/?q=ztz") and "王建国" not in _text(client, "/people/?q=ztz")
    for hostile in ("%25", "'; drop table x", "_", "\x00", "a" * 3000, "𠮷"):
        assert client.get("/households/", {"q": hostile}).status_code == 200


def test_the_household_page_shows_the_family_masked_and_is_recorded(township: scopes.Scope, client: Client) -> None:
    number = id_number()
    found, person = _family(township, id_number=number)
    page = _text(client, f"/households/{found.pk}/")
    assert "王建国" in page and "李秀英" in page and "东街3号" in page and "138****5678" in page and "12,000.00" in page and "登记家庭" in page
    assert number not in page and "13800005678" not in page
    assert "金融资产" in _text(client, f"/households/{found.pk}/?tab=facts")
    page = _text(client, f"/people/{person.pk}/")
    assert number not in page and "1234567890" not in page and f"{number[:4]}**********{number[-4:]}" in page
    with scopes.acting(township):
        assert list(AccessRecord.objects.filter(account_id=township.account_id).order_by("id").values_list("what", "subject")) == [("open", "household")] * 2 + [("open", "person")]


def test_a_reveal_is_recorded_before_the_number_is_shown(township: scopes.Scope, client: Client) -> None:
    number = id_number()
    _found, person = _family(township, id_number=number)
    answer = client.post(f"/people/{person.pk}/reveal/id_number/", headers={"HX-Request": "true"})
    assert number in answer.content.decode()
    with scopes.acting(township):
        assert AccessRecord.objects.get(what="reveal", account_id=township.account_id).field == "id_number"
    assert client.get(f"/people/{person.pk}/reveal/id_number/").status_code == 405
    assert client.post(f"/people/{person.pk}/reveal/token/").status_code == 404
    assert client_of(officer(Duty.VISITOR, "410122001001")).post(f"/people/{person.pk}/reveal/phone/").status_code == 403


def test_nothing_of_another_area_is_reached_by_any_way(township: scopes.Scope) -> None:
    number = id_number()
    found, person = _family(township, id_number=number)
    with scopes.acting(township):
        membership = Membership.objects.first()
        assert membership
    stranger = client_of(officer(Duty.TOWNSHIP_OFFICER, "410102001"))
    for path in (
        f"households/{found.pk}/", f"households/{found.pk}/change/", f"households/{found.pk}/members/new/", f"households/{found.pk}/head/",
        f"households/{found.pk}/facts/new/", f"households/{found.pk}/facts/new/?owner={person.pk}", f"memberships/{membership.pk}/end/",
        f"people/{person.pk}/", f"people/{person.pk}/correct/", f"people/{person.pk}/account/", f"people/{person.pk}/death/",
    ):  # fmt: skip
        assert stranger.get(f"/{path}").status_code == 404, path
    assert stranger.post(f"/people/{person.pk}/reveal/phone/").status_code == 404
    for path in ("households/", "people/", f"households/?q={number}", f"people/?q={number}", "households/?area=410122001001"):
        page = _text(stranger, f"/{path}")
        assert "王建国" not in page and "王*国" not in page, path
    for kind in ("csv", "xlsx"):
        response = stranger.get(f"/households/?export={kind}")
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        assert "王建国".encode() not in content
    assert "410122" not in _text(stranger, "/places/?field=q&q=4101") and "东大街" not in _text(stranger, "/places/?field=q&q=ddj")
    # a member's id of another area, nested in a form of the own area
    own = household(officer(Duty.TOWNSHIP_OFFICER, "410102001"), area=ELSEWHERE, name="孙大", id_number=id_number())
    values = {"relationship": "10", "name": "王建国", "ethnicity": "01", "starts": "2022-11-25", "person_id": str(person.pk)}
    assert stranger.post(f"/households/{own.pk}/members/new/", values).status_code == 422


def test_lists_above_the_township_mask_names_and_others_may_not_look(township: scopes.Scope) -> None:
    _family(township)
    county = client_of(officer(Duty.COUNTY_REVIEWER, "410122"))
    page = _text(county, "/households/")
    assert "王*国" in page and "王建国" not in page
    for duty in (Duty.ADMINISTRATOR, Duty.AUDITOR, Duty.FINANCE_OFFICER):
        assert client_of(officer(duty, "410122")).get("/households/").status_code == 403
    assert Client().get("/households/").status_code == 302


def test_queries_do_not_grow_with_rows_members_or_history(township: scopes.Scope, client: Client, django_assert_max_num_queries: Any) -> None:
    found, person = _family(township)
    for n in range(8):
        household(township, name=f"周{chr(0x4E00 + 40 + n)}", id_number=id_number(), members=[
            {"relationship": "20", "name": f"周{chr(0x5EFA + 9 * n + m)}", "id_number": id_number(date(1990, 1, 1 + m))} for m in range(n % 3)
        ])  # fmt: skip
    client.get("/")
    # the page of a household asks once whether the panels of other rooms have rows, and then once for each that has
    for url, most in (("/households/", 13), ("/people/", 12), (f"/households/{found.pk}/", 23), (f"/people/{person.pk}/", 25), ("/moves/", 11)):
        with django_assert_max_num_queries(most, info=url):
            client.get(url)


def test_a_household_is_registered_by_the_form_member_by_member(township: scopes.Scope, client: Client) -> None:
    page = _text(client, "/households/new/")
    assert "东大街社区" in page  # villages of the township
    values = {"area": "410122001001", "residence": "rural", "address": "", "members": "0", "head-name": "钱多多", "head-id_number": id_number(),
              "head-ethnicity": "01"}  # fmt: skip
    grown = client.post("/households/new/", {**values, "add": "1"})
    assert grown.status_code == 200 and 'name="m1-name"' in grown.content.decode() and "钱多多" in grown.content.decode()
    wrong = client.post(
        "/households/new/", {**values, "members": "1", "m1-name": "钱小", "m1-id_number": "123", "m1-relationship": "20", "m1-ethnicity": "01"}
    )
    assert (wrong.status_code == 422 and "位数不正确" in wrong.content.decode()) or "应为 18 位" in wrong.content.decode()
    right = {**values, "members": "1", "m1-name": "钱小", "m1-id_number": id_number(date(1990, 1, 1)), "m1-relationship": "20", "m1-ethnicity": "01"}
    assert client.post("/households/new/", right).status_code == 302
    again = client.post("/households/new/", right)
    assert again.status_code == 422 and "不能重复登记" in again.content.decode() and "已登记的相同人员" in again.content.decode()
    assert "已核对，不是同一人" not in page and "已核对，不是同一人" not in again.content.decode()
    with scopes.acting(township):
        assert Household.objects.count() == 1 and Person.objects.count() == 2
    twin = {**values, "head-id_number": id_number()}
    alike = client.post("/households/new/", twin)
    assert alike.status_code == 422 and "已核对，不是同一人" in alike.content.decode()
    assert client.post("/households/new/", {**twin, "head-confirmed": "on"}).status_code == 302


def test_forms_change_what_they_say_and_a_stale_page_is_told(township: scopes.Scope, client: Client) -> None:
    found, person = _family(township)
    assert client.post(f"/households/{found.pk}/change/", {"residence": "urban", "address": "西街", "version": "1"}).status_code == 302
    stale = client.post(f"/households/{found.pk}/change/", {"residence": "rural", "address": "", "version": "1"})
    assert stale.status_code == 409 and "刚被他人修改" in stale.content.decode()
    assert client.post(f"/people/{person.pk}/account/", {"bank": "403", "account": "87654321", "version": "1"}).status_code == 302
    assert client.post(f"/people/{person.pk}/correct/", {
        "name": "汪建国", "birth_date": "1960-05-04", "sex": "1", "ethnicity": "03", "version": "2"}).status_code == 302  # fmt: skip
    url = f"/households/{found.pk}/facts/new/?owner={person.pk}&kind=disability"
    assert client.post(url, {"text": "physical", "number": "2", "starts": "2022-11-01", "source": "document", "replaces": "0"}).status_code == 302
    assert "肢体残疾 二级" in _text(client, f"/households/{found.pk}/")
    twice = client.post(url, {"text": "visual", "number": "1", "starts": "2022-11-01", "source": "document", "replaces": "0"})
    assert twice.status_code == 422 and "刷新页面" in twice.content.decode()
    assert client.post(f"/people/{person.pk}/death/", {"died_on": "2022-11-20", "version": "3"}).status_code == 302
    page = _text(client, f"/households/{found.pk}/")
    assert "曾是成员" in page and "变更户主" in page
    with scopes.acting(township):
        wife = Person.objects.get(name="李秀英")
    assert client.post(f"/households/{found.pk}/head/", {"person_id": str(wife.pk), "version": "2"}).status_code == 302
    assert "李秀英 家庭" in _text(client, f"/households/{found.pk}/")


def test_pages_open_in_the_drawer_and_in_english(township: scopes.Scope, client: Client) -> None:
    found, _person = _family(township)
    answer = client.get(f"/households/{found.pk}/", headers={"HX-Request": "true", "HX-Target": "drawer-body"}).content.decode()
    assert "王建国" in answer and "<html" not in answer
    assert client.get(f"/households/{found.pk}/", headers={"Accept-Language": "en"}).status_code == 200


def test_every_kind_of_fact_has_a_form_that_works(township: scopes.Scope, client: Client) -> None:
    from doudi.registry.forms import kind_choices

    found, person = _family(township)
    for owner, household_kinds in (("0", True), (str(person.pk), False)):
        for kind, _label in kind_choices(household_kinds):
            assert client.get(f"/households/{found.pk}/facts/new/?owner={owner}&kind={kind}").status_code == 200, kind
    assert client.get(f"/households/{found.pk}/facts/new/?owner=999999").status_code == 404
    assert client.get(f"/households/{found.pk}/facts/new/?kind=hacked").status_code == 200
