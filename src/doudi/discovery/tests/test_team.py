"""1.3: the discovery team by place, its training, its import, its reports by phone and what became of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from doudi.core import scope as scopes
from doudi.core.models import Account, Attachment, Duty
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import Lead, TeamMember, TeamTraining
from doudi.discovery.services import (
    StaleLead,
    advance_lead,
    end_member,
    enrol_member,
    import_roster,
    record_training,
    report_by_team,
    team_import,
)
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE

NOW = datetime(2022, 11, 28, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
ON = date(2022, 11, 28)
TOWN = VILLAGE[:9]


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWN)


def member(**given: Any) -> TeamMember:
    values = {"area": VILLAGE, "name": "徐国华", "kind": "grid", "phone": "13800001111", "starts": ON, "now": NOW} | given
    return enrol_member(**values)


def report(**given: Any) -> Lead:
    return report_by_team(**{"key": uuid4(), "area": VILLAGE, "need": "elderly", "urgency": "orange", "now": NOW} | given)


@pytest.mark.django_db
def test_1_3_a_member_is_enrolled_once_at_a_place_with_a_token_for_a_phone(town: scopes.Scope) -> None:
    with scopes.acting(town):
        made = member()
        assert "13800001111" not in str(made.phone)
        with pytest.raises(ValidationError, match="在册队员"):
            member(name="别名")
        assert member(area=OTHER_VILLAGE).pk != made.pk
        for wrong, field in (({"area": ELSEWHERE}, "area"), ({"phone": "1"}, "phone"), ({"kind": "x"}, "kind"), ({"name": ""}, "name"),
                             ({"username": "nobody"}, "username")):  # fmt: skip
            with pytest.raises(ValidationError) as error:
                member(**{"phone": "13800002222"} | wrong)
            assert list(error.value.message_dict) == [field]
    with scopes.acting(officer(Duty.VISITOR, VILLAGE)), pytest.raises(PermissionDenied):
        member(phone="13800003333")
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])):
        assert not TeamMember.objects.exists()


@pytest.mark.django_db
def test_1_3_who_leaves_keeps_the_record_and_may_come_back_and_two_officers_do_not_both_end_it(town: scopes.Scope) -> None:
    with scopes.acting(town):
        made = member(starts=date(2022, 1, 1))
        with pytest.raises(ValidationError, match="晚于"):
            end_member(member_id=made.pk, version=1, ends=date(2022, 1, 1), now=NOW)
        end_member(member_id=made.pk, version=1, ends=ON, now=NOW)
        with pytest.raises(StaleLead):
            end_member(member_id=made.pk, version=1, ends=ON, now=NOW)
        assert member().pk != made.pk and TeamMember.objects.count() == 2


@pytest.mark.django_db
def test_1_3_a_training_is_noted_once(town: scopes.Scope) -> None:
    with scopes.acting(town):
        ids = [member().pk, member(phone="13800002222", name="李红").pk]
        values: dict[str, Any] = {"on": ON, "title": "主动发现业务培训", "hours": Decimal("2.5"), "now": NOW}
        assert (record_training(member_ids=ids[:1], **values), record_training(member_ids=ids, **values)) == (1, 1)
        assert TeamTraining.objects.count() == 2
        with pytest.raises(ValidationError):
            record_training(member_ids=ids, **values | {"on": date(2022, 12, 1)})


@pytest.mark.django_db
def test_1_3_a_member_reports_by_phone_somebody_unknown_and_hears_what_became_of_it(town: scopes.Scope, tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    grid = officer(Duty.DISCOVERY_MEMBER, VILLAGE)
    with scopes.acting(town):
        member(username=Account.objects.get(pk=grid.account_id).username)
    client = client_of(grid)
    page = client.get(reverse("discovery:team_report"))
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    form = {
        "key": str(page.context["form"].initial["key"]), "need": "elderly", "urgency": "red", "area": VILLAGE, "detail": "老人独居三天没出门",
        "photo": SimpleUploadedFile("a.jpg", picture.getvalue(), "image/jpeg"),
    }  # fmt: skip
    assert client.post(reverse("discovery:team_report"), form).status_code == 302
    form["photo"] = SimpleUploadedFile("a.jpg", picture.getvalue(), "image/jpeg")
    assert client.post(reverse("discovery:team_report"), form).status_code == 302  # sent twice
    with scopes.acting(town):
        lead = Lead.objects.get()
        assert (lead.channel, lead.member.name, lead.urgency, lead.area) == ("team", "徐国华", "red", VILLAGE)
        assert Attachment.objects.filter(subject="lead", subject_id=lead.pk).count() == 1
        advance_lead(lead_id=lead.pk, version=None, after="contacted", note="", now=NOW)
    assert "工作人员已联系上" in client.get(reverse("discovery:team_reports")).content.decode()
    other = client_of(officer(Duty.DISCOVERY_MEMBER, VILLAGE)).get(reverse("discovery:team_reports")).content.decode()
    assert lead.number not in other


@pytest.mark.django_db
def test_1_3_a_bad_photo_or_a_missing_kind_is_told_and_nothing_is_raised(town: scopes.Scope) -> None:
    client = client_of(officer(Duty.DISCOVERY_MEMBER, VILLAGE))
    form = {"key": str(uuid4()), "need": "elderly", "urgency": "red", "area": VILLAGE}
    bad = client.post(reverse("discovery:team_report"), form | {"photo": SimpleUploadedFile("a.jpg", b"#!/bin/sh", "image/jpeg")})
    assert bad.status_code == 422 and "只接受照片" in bad.content.decode()
    assert client.post(reverse("discovery:team_report"), form | {"need": ""}).status_code == 422
    assert client.post(reverse("discovery:team_report"), form | {"area": OTHER_VILLAGE}).status_code == 422
    with scopes.acting(town):
        assert not Lead.objects.exists()


@pytest.mark.django_db
def test_1_3_the_same_person_reported_twice_on_one_day_is_one_piece_of_work(town: scopes.Scope) -> None:
    members = [officer(Duty.DISCOVERY_MEMBER, VILLAGE) for _ in range(2)]
    with scopes.acting(members[0]):
        first = report(name="陈大山")
    with scopes.acting(members[1]):
        assert report(name="陈 大山").merged_into_id == first.pk
        assert report(name="陈大山", now=NOW.replace(day=29)).merged_into_id is None


@pytest.mark.django_db
def test_1_3_an_officer_registers_the_report_of_a_member_without_an_account(town: scopes.Scope) -> None:
    with scopes.acting(town):
        made = member()
        assert report(member_id=made.pk).member_id == made.pk
        end_member(member_id=made.pk, version=1, ends=date(2022, 11, 29), now=NOW)
        with pytest.raises(ValidationError, match="离队"):
            report(member_id=made.pk, now=NOW.replace(day=29))
    with scopes.acting(officer(Duty.DISCOVERY_MEMBER, VILLAGE)), pytest.raises(PermissionDenied):
        report(member_id=made.pk)


def sheet(tmp_path: Path, *rows: list[str]) -> Path:
    path = tmp_path / "roster.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for line, row in enumerate([[column.header_zh for column in team_import.COLUMNS], *rows]):
            for at, cell in enumerate(row):
                page.write_string(line, at, cell)
    return path


@pytest.mark.django_db
def test_1_3_a_roster_comes_in_whole_and_again_adds_nobody(town: scopes.Scope, tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        ["徐国华", "网格员", VILLAGE, "13800001111", "第一网格", "2022-03-01", "", "业务培训", "2022-06-01", "4"],
        ["王芳", "志愿者", TOWN, "0371-62345678", "", "", "周末可联系", "", "", ""],
    )
    with scopes.acting(town):
        first, again = (import_roster(path=path, on=ON, now=NOW) for _ in range(2))
        assert (len(first.members), first.known, first.errors) == (2, 0, []) and (len(again.members), again.known) == (0, 2)
        assert TeamTraining.objects.get().hours == 4 and set(TeamMember.objects.values_list("area", flat=True)) == {VILLAGE, TOWN}


@pytest.mark.django_db
def test_1_3_a_bad_row_keeps_the_whole_roster_out_and_says_row_field_reason(town: scopes.Scope, tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        ["徐国华", "网格员", VILLAGE, "13800001111"],
        ["徐国华", "网格员", VILLAGE, "13800001111"],
        ["", "队长", ELSEWHERE, "12", "", "昨天", "", "", "2023-01-01", "很多"],
    )
    with scopes.acting(town):
        roster = import_roster(path=path, on=ON, now=NOW)
        assert not TeamMember.objects.exists()
    assert roster.errors[0] == "第 3 行“联系电话”与第 2 行重复；请删去一行后重新上传"
    assert {text.split("”")[0] for text in roster.errors[1:]} == {
        f"第 4 行“{name}" for name in ("姓名", "类别", "区划代码", "联系电话", "加入日期", "培训内容", "培训日期", "培训学时")
    }
    client = client_of(town)
    page = client.post(reverse("discovery:team_import"), {"file": SimpleUploadedFile("r.xlsx", path.read_bytes())})
    assert page.status_code == 422 and "第 3 行" in page.content.decode()
    broken = client.post(reverse("discovery:team_import"), {"file": SimpleUploadedFile("r.xlsx", b"no workbook")})
    assert broken.status_code == 422


@pytest.mark.django_db
def test_1_3_the_pages_of_the_team_are_bounded_and_belong_to_their_area(town: scopes.Scope, django_assert_max_num_queries: Any) -> None:
    with scopes.acting(town):
        made = [member(phone=f"138000011{number:02}") for number in range(25)]
    client = client_of(town)
    client.get(reverse("discovery:team"))
    with django_assert_max_num_queries(25):
        assert "徐国华" in client.get(reverse("discovery:team")).content.decode()
    assert client.get(reverse("discovery:team_member", args=[made[0].pk])).status_code == 200
    stranger = client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9]))
    assert stranger.get(reverse("discovery:team_member", args=[made[0].pk])).status_code == 404
    assert stranger.post(reverse("discovery:team_reveal", args=[made[0].pk])).status_code == 404
    shown = client.post(reverse("discovery:team_reveal", args=[made[0].pk])).content.decode()
    assert "13800001100" in shown and "13800001100" not in client.get(reverse("discovery:team_member", args=[made[0].pk])).content.decode()
