"""Accounts of people from elsewhere (3.1), notices, and case meetings that deal with several cases (3.4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.payments.models import Grant, PayrollLine
from doudi.payments.services import grants
from doudi.payments.tests.world import card
from doudi.relief import services
from doudi.relief.letters import notices
from doudi.relief.models import CaseMeeting, ReliefCase, ReliefStep
from doudi.relief.services import Participant, Someone
from doudi.relief.services.meetings import digest_of
from doudi.relief.tests.world import NOW, ON, OTHER, Place, cash, id_number

pytestmark = pytest.mark.django_db
PEOPLE = [Participant("王局", "县民政局", "局长"), Participant("李股", "县民政局", "股长"), Participant("赵镇", "镇政府", "副镇长")]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return Place()


def stranger(place: Place, name: str = "贺远山", **more: Any) -> ReliefCase:
    case = place.opened(Someone(name, id_number(prefix="341203")), registered_place="安徽省阜阳市", relief_first=False, **more)
    with scopes.acting(place.officer):
        return services.grant_by_township(case_id=case.pk, version=case.version, helps=[cash("800.00", "payroll")], checked="派出所核实", now=NOW)


def test_3_1_a_person_from_elsewhere_is_paid_by_payroll_to_the_account_taken_with_the_grant(place: Place) -> None:
    case = stranger(place)
    with scopes.acting(place.reviewer), pytest.raises(ValidationError, match="没有领款账户"):
        grants.prepare_one_off(area=place.county, month=ON, now=NOW)
    client = client_of(place.officer)
    assert "登记账户" in client.get(f"/relief/{case.pk}/").content.decode()
    with scopes.acting(place.officer):
        assert Todo.objects.filter(kind="relief.account", done_at=None).count() == 1
    given = {"version": case.version, "holder": "贺远山", "account": card(5), "bank": "", "basis": "核对本人银行卡"}
    wrong = client.post(f"/relief/{case.pk}/account/", {**given, "account": "123"})
    assert wrong.status_code == 422 and "银行账号" in wrong.content.decode()
    for _twice in range(2):
        client.post(f"/relief/{case.pk}/account/", given)
    with scopes.acting(place.officer):
        assert ReliefStep.objects.filter(case=case, what="account").count() == 1
        assert not Todo.objects.filter(kind="relief.account", done_at=None).exists()
    with scopes.acting(place.reviewer):
        assert grants.prepare_one_off(area=place.county, month=ON, now=NOW).lines == 1
        line = PayrollLine.objects.get()
        assert (line.payee_name, line.account, line.payee) == ("贺远山", Grant.objects.get().account, case.token)


def test_an_account_is_taken_once_for_an_open_grant_of_the_own_area(place: Place) -> None:
    case = stranger(place)
    given: dict[str, Any] = {"case_id": case.pk, "holder": "贺远山", "account": card(5), "bank": "", "basis": "核对本人银行卡", "now": NOW}
    with scopes.acting(Place(OTHER, money="").officer), pytest.raises(ValidationError, match="没有这件"):
        services.take_account(version=case.version, **given)
    with scopes.acting(place.officer):
        for field, value in (("holder", "贺|山"), ("account", " "), ("basis", "看过")):
            with pytest.raises(ValidationError) as caught:
                services.take_account(version=case.version, **{**given, field: value})
            assert field in caught.value.message_dict
        services.take_account(version=case.version, **given)
        with pytest.raises(ValidationError) as caught:
            services.take_account(version=None, **{**given, "account": card(6)})
        assert caught.value.code == "stale"


def test_notices_say_what_is_given_how_and_what_can_be_done_against_it(place: Place) -> None:
    granted, refused = stranger(place), place.opened(Someone("赵急难", id_number()), relief_first=False)
    with scopes.acting(place.officer):
        services.refuse(case_id=refused.pk, version=refused.version, reason="家庭存款较多，不符合条件", now=NOW)
    client = client_of(place.officer)
    for answer in (client.post(f"/relief/{granted.pk}/notice/"), client.post("/relief/notices/?kind=emergency")):
        assert answer["Content-Type"] == "application/pdf", [str(each) for each in get_messages(answer.wsgi_request)] and answer.content.startswith(b"%PDF")
    with scopes.acting(place.officer):
        assert ReliefStep.objects.filter(what="notice").count() == 3
        yes, no = notices([ReliefCase.objects.get(pk=granted.pk), ReliefCase.objects.get(pk=refused.pk)])
    assert "800.00 元" in "".join(yes["paragraphs"]) and "银行账户" in "".join(yes["paragraphs"]) and yes["title"] == "临时救助告知书"
    assert yes["office"] != no["office"] and no["reasons"] == ["家庭存款较多，不符合条件"] and "行政复议" in "".join(no["remedies"])
    assert "行政复议" in "".join(yes["remedies"]) and "341203" not in str(yes)


def test_a_notice_of_an_open_case_or_of_another_area_is_not_made(place: Place) -> None:
    case = place.opened(Someone("赵急难", id_number()))
    with scopes.acting(place.officer), pytest.raises(ValidationError, match="还没有决定"):
        services.issue_notices(case_ids=[case.pk], now=NOW)
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).post(f"/relief/{stranger(place).pk}/notice/").status_code == 404
    assert client_of(place.finance).post(f"/relief/{case.pk}/notice/").status_code == 403


def test_3_4_one_meeting_deals_with_several_cases_each_with_its_resolution(place: Place) -> None:
    cases = [place.opened(Someone(name, id_number()), cause="other", relief_first=False) for name in ("甲某", "乙某", "丙某")]
    with scopes.acting(place.officer):
        for case in cases:
            services.to_meeting(case_id=case.pk, version=case.version, reason="没有规定可依", now=NOW)
    client = client_of(place.reviewer)
    words = {
        "held_on": "2022-12-06", "place": "三楼会议室", "participants": "王局 县民政局 局长\n李股 县民政局 股长\n赵镇 镇政府 副镇长", "facts": "情况属实",
        "reason": "没有规定可依", "opinions": "一致同意", "resolution": "grant", "amount": "3000", "way": "payroll", "version": cases[0].version + 1,
    }  # fmt: skip
    first = client.post(f"/relief/{cases[0].pk}/meeting/", words)
    page = client.get(first["Location"]).content.decode()
    assert "甲某" in page and f"/relief/{cases[1].pk}/meeting/?sitting=" in page
    with scopes.acting(place.reviewer):
        sitting = CaseMeeting.objects.get().sitting
    form = client.get(f"/relief/{cases[1].pk}/meeting/?sitting={sitting}").content.decode()
    assert f'value="{sitting}" selected' in form
    second = client.post(
        f"/relief/{cases[1].pk}/meeting/",
        {"sitting": str(sitting), "facts": "证据不足", "reason": "没有规定可依", "opinions": "不同意", "resolution": "refuse", "version": cases[1].version + 1},
    )
    assert second["Location"] == first["Location"]
    with scopes.acting(place.reviewer):
        made = list(CaseMeeting.objects.order_by("id"))
        assert [row.resolution for row in made] == ["grant", "refuse"] and made[0].participants == made[1].participants and made[1].place == "三楼会议室"
        assert [row.content_hash == digest_of(row) for row in made] == [True, True]
    with scopes.acting(place.approver):
        assert [services.approve_meeting(case_id=case.pk, version=place.fresh(case).version, now=NOW).state for case in cases[:2]] == ["granted", "refused"]
    assert client_of(Place(OTHER, money="").reviewer).get(first["Location"]).status_code == 404
    with scopes.acting(place.reviewer), pytest.raises(ValidationError) as caught:
        services.record_meeting(
            case_id=cases[2].pk, version=place.fresh(cases[2]).version, held_on=ON, place="x", participants=PEOPLE, facts="x", opinions="x", resolution="refuse",
            reason="x", sitting=cases[2].key, now=NOW,
        )  # fmt: skip
    assert "sitting" in caught.value.message_dict
