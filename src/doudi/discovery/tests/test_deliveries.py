"""1.1: departments' files are taken in once, whole or with the bad rows sent back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied

from doudi.batch.datasets import CONTRACTS
from doudi.batch.idnumber import check_character
from doudi.core import postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.discovery import services
from doudi.discovery.models import Delivery
from doudi.discovery.services.deliveries import lake

pytestmark = pytest.mark.django_db
NOW = datetime(2022, 11, 28, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
COUNTY = "410122"
GOOD = "姓名,身份证号,死亡日期,死亡原因\n王建国,{id},2022-11-03,疾病\n"


def citizen(seventeen: str) -> str:
    return seventeen + check_character(seventeen)


@pytest.fixture
def checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> scopes.Scope:
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    return officer(Duty.DATA_CHECKER, COUNTY)


@pytest.fixture
def deaths(tmp_path: Path) -> Path:
    file = tmp_path / "死亡 2022-11.csv"
    file.write_text(GOOD.format(id=citizen("41012219500203101")), encoding="gb18030")
    return file


def test_1_1_a_file_is_checked_and_kept_encrypted(checker: scopes.Scope, deaths: Path) -> None:
    with scopes.acting(checker):
        delivery, new = services.deliver(path=deaths, dataset="deaths", area=COUNTY, now=NOW)
    assert new and (delivery.state, delivery.accepted, delivery.rejected, delivery.period) == ("accepted", 1, 0, "2022-11")
    assert (lake().root / delivery.lake_path).exists()
    kept = (lake().root / delivery.original_path).read_bytes()
    assert "王建国".encode() not in kept and b"41012219500203101" not in kept
    assert b"41012219500203101" not in (lake().root / delivery.lake_path).read_bytes()


def test_1_1_the_same_file_again_changes_nothing(checker: scopes.Scope, deaths: Path) -> None:
    with scopes.acting(checker):
        first, _ = services.deliver(path=deaths, dataset="deaths", area=COUNTY, now=NOW)
        second, new = services.deliver(path=deaths, dataset="deaths", area=COUNTY, now=NOW)
        assert not new and first.pk == second.pk and Delivery.objects.count() == 1
    assert len(list(lake().root.rglob("*.parquet"))) == 1


def test_1_1_a_file_that_is_none_is_recorded_as_refused(checker: scopes.Scope, tmp_path: Path) -> None:
    file = tmp_path / "deaths.xlsx"
    file.write_bytes(b"\0" * 4000)
    with scopes.acting(checker):
        delivery, new = services.deliver(path=file, dataset="deaths", area=COUNTY, now=NOW)
    assert new and delivery.state == "refused" and delivery.reason and not delivery.lake_path


def test_1_1_a_refused_file_is_checked_anew_when_the_contract_was_corrected(
    checker: scopes.Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "deaths.csv"
    lines = [f"王建国,{citizen(f'4101221950020310{n}')},2022-11-03,疾病" for n in range(4)]
    lines += [f"李四,4101221950020310{n},2022-11-03,疾病" for n in range(4)]  # 17 digits
    file.write_text("\n".join(["姓名,身份证号,死亡日期,死亡原因", *lines]), encoding="utf-8")
    with scopes.acting(checker):
        refused, new = services.deliver(path=file, dataset="deaths", area=COUNTY, now=NOW)
        assert new and refused.state == "refused" and "整批退回" in refused.reason
        again, new = services.deliver(path=file, dataset="deaths", area=COUNTY, now=NOW)
        assert not new and again.pk == refused.pk
        monkeypatch.setitem(CONTRACTS, "deaths", replace(CONTRACTS["deaths"], max_bad_share=0.6))
        taken, new = services.deliver(path=file, dataset="deaths", area=COUNTY, now=NOW)
        assert new and (taken.state, taken.accepted, taken.rejected) == ("accepted", 4, 4)
        assert services.deliver(path=file, dataset="deaths", area=COUNTY, now=NOW) == (taken, False)
        assert Delivery.objects.count() == 2


def test_1_1_of_two_lists_of_one_month_the_later_one_counts(checker: scopes.Scope, tmp_path: Path) -> None:
    with scopes.acting(checker):
        for minute in range(6):
            file = tmp_path / f"deaths-{minute}.csv"
            file.write_text(GOOD.format(id=citizen(f"4101221950020310{minute}")), encoding="utf-8")
            services.deliver(path=file, dataset="deaths", area=COUNTY, now=NOW + timedelta(minutes=minute))
    assert [entry.name for entry in lake().entries("deaths")] == [f"deaths-{minute}.csv" for minute in range(6)]


def test_1_1_bad_rows_come_back_as_a_sheet_that_nobody_can_read_on_disk(checker: scopes.Scope, tmp_path: Path) -> None:
    good = "".join(f"王建国,{citizen(f'4101221950020310{n}')},2022-11-0{n + 1},疾病\n" for n in range(9))
    file = tmp_path / "deaths.csv"
    file.write_text("姓名,身份证号,死亡日期,死亡原因\n" + good + "李四,410122195002031018,2022-11-03,疾病\n", encoding="utf-8")
    with scopes.acting(checker):
        delivery, _ = services.deliver(path=file, dataset="deaths", area=COUNTY, now=NOW)
    assert (delivery.accepted, delivery.rejected) == (9, 1)
    assert (lake().root / delivery.rejects_path).read_bytes()[:2] != b"PK"


def test_1_1_another_county_and_another_duty_are_refused(checker: scopes.Scope, deaths: Path) -> None:
    with scopes.acting(checker), pytest.raises(services.DeliveryError, match="辖区"):
        services.deliver(path=deaths, dataset="deaths", area="410102", now=NOW)
    visitor = scopes.Scope(area=COUNTY, account_id=checker.account_id, duty=Duty.VISITOR.value)
    with scopes.acting(visitor), pytest.raises(PermissionDenied):
        services.deliver(path=deaths, dataset="deaths", area=COUNTY, now=NOW)


def test_a_delivery_of_one_county_is_not_seen_by_another(checker: scopes.Scope, deaths: Path) -> None:
    with scopes.acting(checker):
        services.deliver(path=deaths, dataset="deaths", area=COUNTY, now=NOW)
    with scopes.acting(scopes.Scope(area="410102", account_id=checker.account_id, duty=Duty.DATA_CHECKER.value)):
        assert not Delivery.objects.exists()
