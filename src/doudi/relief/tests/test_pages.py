"""Pages of relief: relief first by phone in one form, a case from end to end, the reserve; wrong duties and areas."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.test_attachments import photo
from doudi.payments.models import ReservePayout
from doudi.payments.services import reserves
from doudi.payments.tests.world import household, person
from doudi.relief.models import CaseMeeting, ReliefCase
from doudi.relief.services import Someone
from doudi.relief.tests.world import NOW, Place, id_number

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return Place()


def form(place: Place, **changes: Any) -> dict[str, Any]:
    return {
        "key": str(uuid4()), "area": place.township, "name": "孙外地", "id_number": id_number(prefix="320102"), "phone": "138 1234 5678",
        "registered_place": "江苏省南京市", "others": "", "kind": "emergency", "cause": "stranded", "event_on": "2022-12-06", "place": "客运站",
        "facts": "钱物被盗，滞留车站", "amount": "300.00", "means": "cash", "goods": "", "received_by": "", "relation": "self",
        "signature": "data:image/png;base64," + base64.b64encode(photo("PNG")).decode(), **changes,
    }  # fmt: skip


def test_3_2_relief_first_from_one_form_with_receipt_and_signature(place: Place) -> None:
    client, given = client_of(place.officer), form(place)
    page = client.get("/relief/first/").content.decode()
    assert "备用金结存 25,000.00 元" in page and "乡镇审批上限" in page
    answer = client.post("/relief/first/", {**given, "photos": SimpleUploadedFile("收据.jpg", photo())})
    assert answer.status_code == 302, answer.content.decode()
    page = client.get(answer.headers["Location"]).content.decode()
    assert "孙外地" in page and "外地户籍" in page and "已发放 300.00 元" in page and "事后补充说明" in page and "缺凭据" not in page
    with scopes.acting(place.officer):
        assert reserves.balance_of(place.township).held == 24700
        assert Attachment.objects.filter(subject="reserve_payout").count() == 2
    again = client.post("/relief/first/", given)
    assert again.headers["Location"] == answer.headers["Location"]
    with scopes.acting(place.officer):
        assert ReservePayout.objects.count() == 1
        case = ReliefCase.objects.get()
    for bad in ({"text": "短", "version": case.version}, {"text": "", "version": case.version}):
        assert client.post(f"/relief/{case.pk}/explain/", bad).status_code == 422
    done = client.post(f"/relief/{case.pk}/explain/", {"text": "车站派出所核实，钱物确系被盗，身无分文", "version": case.version}, follow=True)
    assert "已补充说明" in done.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": "999999"}, "请报县级审批"),
        ({"amount": "0"}, ""),
        ({"amount": "10.001"}, ""),
        ({"id_number": "320102197503010012"}, "校验位"),
        ({"signature": "data:image/png;base64,!!"}, "签名没有保存成功"),
        ({"means": "goods"}, "品名"),
        ({"phone": "12ab"}, "联系电话"),
        ({"event_on": "2022-12-07"}, "不能晚于今天"),
        ({"kind": "expenditure", "cause": "medical"}, "先核实再救助"),
        ({"area": "410123101"}, ""),
        ({"name": ""}, ""),
        ({"key": "x"}, ""),
        ({"others": "孙外地 320102197503010012"}, "校验位"),
    ],
)
def test_a_form_that_cannot_stand_pays_nothing_and_says_why(place: Place, changes: dict[str, str], words: str) -> None:
    answer = client_of(place.officer).post("/relief/first/", form(place, **changes))
    assert answer.status_code == 422 and words in answer.content.decode()
    with scopes.acting(place.officer):
        assert not ReliefCase.objects.exists() and reserves.balance_of(place.township).held == 25000


def test_a_case_of_a_household_from_application_to_county(place: Place) -> None:
    with scopes.acting(place.reviewer):
        people = [person(area=place.village), person(area=place.village)]
        home = household(*people, area=place.village)
        from doudi.registry.models import Membership

        for relationship, one in zip(("02", "10"), people, strict=True):
            Membership.objects.create(area=place.village, household=home, person=one, relationship=relationship, starts="2022-01-01")
    client = client_of(place.officer)
    page = client.get(f"/relief/new/?household={home.pk}").content.decode()
    assert people[1].name in page and "身份证号" not in page
    given = {name: form(place)[name] for name in ("key", "area", "phone", "kind", "cause", "event_on", "place", "facts")}
    answer = client.post(f"/relief/new/?household={home.pk}", {**given, "cause": "fire", "members": [one.pk for one in people]})
    assert answer.status_code == 302
    with scopes.acting(place.officer):
        case = ReliefCase.objects.get()
        assert (case.people, case.household_id) == (2, home.pk)
    url = f"/relief/{case.pk}/"
    over = {"version": case.version, "amount": str(case.township_ceiling + 1), "way": "payroll", "checked": "入户核实"}
    refused = client.post(url + "grant/", over)
    assert refused.status_code == 422 and "请报县级审批" in refused.content.decode()
    assert client.post(url + "propose/", over).status_code == 302
    assert "待县级审批" in client.get(url).content.decode()
    approver = client_of(place.approver)
    assert "同意救助" in approver.get(url).content.decode()
    with scopes.acting(place.officer):
        version = ReliefCase.objects.get().version
    assert approver.post(url + "approve/", {"version": version, "note": "同意"}).status_code == 302
    assert "县级审批" in approver.get(url).content.decode()
    assert "临时救助" in client.get(f"/households/{home.pk}/").content.decode()
    assert "待发 1 笔" in client_of(place.reviewer).get("/payments/").content.decode()


def test_3_4_a_clash_is_met_by_a_meeting(place: Place) -> None:
    given = form(place)
    client = client_of(place.officer)
    client.post("/relief/first/", given)
    answer = client.post("/relief/first/", {**given, "key": str(uuid4())}, follow=True)
    page = answer.content.decode()
    assert "没有发放" in page and "待一事一议" in page and "中牟县民政部门" in page
    url = answer.redirect_chain[-1][0]
    reviewer = client_of(place.reviewer)
    with scopes.acting(place.officer):
        version = ReliefCase.objects.get(state="meeting").version
    record = {
        "version": version, "held_on": "2022-12-06", "place": "县民政局", "participants": "李民政 县民政局 副局长\n王财政 县财政局，科长",
        "facts": "再次被盗", "reason": "无其他渠道", "opinions": "同意", "resolution": "grant", "amount": "200", "way": "reserve",
    }  # fmt: skip
    assert "至少 3 人" in reviewer.post(url + "meeting/", record).content.decode()
    record["participants"] += "\n赵乡镇 郑庵镇 镇长"
    assert reviewer.post(url + "meeting/", record).status_code == 302
    with scopes.acting(place.officer):
        version, meeting = ReliefCase.objects.get(state="meeting").version, CaseMeeting.objects.get()
        assert [one["unit"] for one in meeting.participants] == ["县民政局", "县财政局", "郑庵镇"]
    approver = client_of(place.approver)
    assert approver.post(url + "approve/", {"version": version}).status_code == 302
    assert "已救助" in approver.get(url).content.decode()
    # the township hands it over from the case's page
    page = client.get(url).content.decode()
    assert "发放 200.00 元" in page
    with scopes.acting(place.officer):
        one = ReliefCase.objects.get(level="meeting").helps.get()
    assert client.post(f"{url}pay/{one.pk}/", {"means": "cash", "relation": "self", "received_by": ""}).status_code == 302
    assert "缺凭据" in client.get(url).content.decode()


def test_the_look_up_on_the_page_is_answered_and_its_refusal_too(place: Place) -> None:
    number = id_number()
    case = place.granted(Someone("赵急难", number))
    client = client_of(place.officer)
    answer = client.post(f"/relief/{case.pk}/look-up/", {"id_number": number, "reason": "申请人自述曾获救助"})
    assert "中牟县民政部门" in answer.content.decode()
    assert client.post(f"/relief/{case.pk}/look-up/", {"id_number": number, "reason": "查"}).status_code == 422


def test_the_reserve_is_funded_paid_and_settled_on_its_pages(place: Place) -> None:
    client_of(place.officer).post("/relief/first/", form(place))
    finance = client_of(place.finance)
    page = finance.get("/payments/reserve/").content.decode()
    assert "24,700.00" in page and "300.00" in page
    url = f"/payments/reserve/{place.township}/"
    assert "待核销" in finance.get(url).content.decode()
    bad = finance.post(url, {"kind": "received", "year": "2022", "amount": "9999999", "document": "拨2"})
    assert bad.status_code == 422 and "不足以拨付" in bad.content.decode()
    assert finance.post(url, {"kind": "received", "year": "2022", "amount": "1000", "document": "拨2"}).status_code == 302
    with scopes.acting(place.officer):
        payout = ReservePayout.objects.get()
    assert finance.post(url + "settle/", {"payout": ["x", str(payout.pk)]}).status_code == 302
    page = finance.get(url).content.decode()
    assert "已核销" in page and "25,700.00" in page
    assert "查看救助" not in finance.get(f"/payments/reserve/payouts/{payout.pk}/").content.decode()
    township = client_of(place.officer)
    assert "查看救助" in township.get(f"/payments/reserve/payouts/{payout.pk}/").content.decode()
    assert township.get("/payments/reserve/").headers["Location"] == url
    assert township.post(url, {"kind": "received"}).status_code == 404
    assert "备用金结存" in finance.get("/payments/ledger/").content.decode()


def test_wrong_area_and_duty(place: Place) -> None:
    case = place.granted(Someone("赵急难", id_number()))
    stranger: Client = client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102"))
    assert stranger.get(f"/relief/{case.pk}/").status_code == 404
    assert stranger.get(f"/payments/reserve/{place.township}/").status_code == 404
    assert stranger.get("/payments/reserve/payouts/1/").status_code == 404
    finance = client_of(place.finance)
    for path in ("/relief/", "/relief/new/", "/relief/first/", f"/relief/{case.pk}/"):
        assert finance.get(path).status_code == 403
    for path in ("grant", "propose", "approve", "explain", "refuse", "withdraw", "revoke", "to-meeting", "send-back", "look-up"):
        assert stranger.post(f"/relief/{case.pk}/{path}/", {}).status_code in (403, 404)
    assert client_of(place.reviewer).get("/relief/first/").status_code == 403


def test_lists_and_the_case_make_a_bounded_number_of_queries(place: Place, django_assert_max_num_queries: Any) -> None:
    for _ in range(12):
        place.granted(Someone("赵急难", id_number()), amount="100")
    client = client_of(place.officer)
    client.get("/relief/")
    with django_assert_max_num_queries(22):
        page = client.get("/relief/?which=first").content.decode()
    assert page.count("赵急难") == 12
    assert client.get("/relief/?which=late&state=granted").status_code == 200
    masked = client_of(place.reviewer).get("/relief/").content.decode()
    assert "赵急难" not in masked and "赵*难" in masked
    with scopes.acting(place.officer):
        case = ReliefCase.objects.order_by("pk")[0]
    with django_assert_max_num_queries(40):
        client.get(f"/relief/{case.pk}/")
