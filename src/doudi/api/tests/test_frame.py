"""The frame of the API: tokens, rights, places, limits, keys, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client

from doudi.api import services
from doudi.api.models import ApiAnswer, ApiCall, ApiClient, ApiUsage
from doudi.api.rights import RIGHTS, Caller, Right
from doudi.api.tests.conftest import NOW, System, citizen_file, error_of
from doudi.core import duties, side
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import Delivery

pytestmark = pytest.mark.django_db
Make = Callable[..., System]
OTHER = "410724"


def deliver(system: System, content: bytes | None = None, *, query: str = "dataset=deaths&period=2022-11", **headers: Any) -> Any:
    return system.call("post", f"/deliveries?{query}", content if content is not None else citizen_file(), **headers)


@pytest.fixture
def deaths(system: Make) -> System:
    return system(datasets=["deaths"])


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_call_without_a_token_or_with_a_wrong_one_is_refused_in_both_languages(deaths: System) -> None:
    for given, code in [
        ("", "missing_token"), ("Basic eDp5", "missing_token"), ("Bearer ", "missing_token"), ("Bearer doudi_wrong", "unknown_token"),
        ("Bearer " + "x" * 5000, "unknown_token"), ("Bearer 令牌", "unknown_token"), (f"Bearer {deaths.token}x", "unknown_token"),
    ]:  # fmt: skip
        response = Client().get("/api/v1/contracts", headers={"Authorization": given} if given else {})
        assert response.status_code == 401 and response["WWW-Authenticate"] == "Bearer"
        error = error_of(response)
        assert (
            error["code"] == code and "令牌" in error["message"] and "oken" in error["message_en"] and error["request_id"] == response["X-Request-Id"]
        )


def test_an_expired_token_ends_with_the_day_before_its_date(deaths: System, clock: Any) -> None:
    clock.move_to(NOW.replace(year=2023, month=5, day=31, hour=23, minute=59))
    assert deaths.call("get", "/contracts").status_code == 200
    clock.move_to(NOW.replace(year=2023, month=6, day=1, hour=0, minute=0))
    assert error_of(deaths.call("get", "/contracts"))["code"] == "expired_token"


def test_a_revoked_token_is_refused_at_its_next_call(deaths: System) -> None:
    assert deaths.call("get", "/contracts").status_code == 200
    with scopes.acting(deaths.admin):
        services.revoke_client(client_id=deaths.client.pk, version=1, now=NOW)
    assert error_of(deaths.call("get", "/contracts"))["code"] == "revoked_token"


def test_a_new_token_ends_the_old_one(deaths: System) -> None:
    with scopes.acting(deaths.admin):
        _client, token = services.renew_token(client_id=deaths.client.pk, version=1, expires=date(2023, 8, 1), now=NOW)
    assert error_of(deaths.call("get", "/contracts"))["code"] == "unknown_token"
    assert System(deaths.client, token, deaths.admin).call("get", "/contracts").status_code == 200


def test_the_token_itself_stands_nowhere(deaths: System) -> None:
    with scopes.acting(deaths.admin), connection.cursor() as cursor:
        for table in ("api_apiclient", "api_apiclienthistoryevent", "core_account"):
            cursor.execute(f"select string_agg(t::text, ' ') from {table} t")
            assert deaths.token not in cursor.fetchone()[0] and deaths.token[6:] not in str(cursor.fetchall())


def test_a_session_counts_nothing_and_no_cookie_is_set(deaths: System) -> None:
    browser = client_of(officer(Duty.DATA_CHECKER))
    assert browser.get("/deliveries/").status_code == 200
    assert browser.get("/api/v1/contracts").status_code == 401
    response = deaths.call("get", "/contracts")
    assert not response.cookies and response["Cache-Control"] == "no-store"


def test_a_post_needs_no_csrf_token(deaths: System) -> None:
    http = Client(enforce_csrf_checks=True)
    response = http.post(
        "/api/v1/deliveries?dataset=deaths&period=2022-11",
        citizen_file(),
        content_type="text/csv",
        headers={"Authorization": f"Bearer {deaths.token}"},
    )
    assert response.status_code == 201


# --- rights and places ------------------------------------------------------------------------------------------------


def test_a_token_without_the_right_is_refused(system: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RIGHTS, "test:other", Right("test:other", "别的", "别的", frozenset({"discovery.deliver"})))
    other = system(rights=["test:other"], datasets=["deaths"])
    for response in (deliver(other), other.call("get", "/deliveries/1")):
        assert response.status_code == 403 and error_of(response)["code"] == "missing_scope" and "deliveries:write" in error_of(response)["message"]
    assert other.call("get", "/contracts").status_code == 200


def test_every_right_names_acts_that_exist() -> None:
    assert RIGHTS and not [right.name for right in RIGHTS.values() if right.acts - duties.MAY.keys()]


def test_a_dataset_that_is_not_the_tokens_is_neither_delivered_nor_read(system: Make) -> None:
    police, federation = system(datasets=["deaths"]), system(datasets=["disability"])
    assert error_of(deliver(federation))["code"] == "dataset_not_allowed"
    number = deliver(police).json()["id"]
    assert police.call("get", f"/deliveries/{number}").status_code == 200
    assert federation.call("get", f"/deliveries/{number}").status_code == 404
    assert federation.call("get", f"/deliveries/{number}/rejects").status_code == 404


def test_another_area_is_refused_and_its_deliveries_do_not_exist(system: Make) -> None:
    here, there = system(datasets=["deaths"]), system(area=OTHER, datasets=["deaths"])
    response = deliver(here, query=f"dataset=deaths&area={OTHER}")
    assert response.status_code == 422 and "辖区" in error_of(response)["message"] and error_of(response)["message_en"]
    number = deliver(there).json()["id"]
    assert here.call("get", f"/deliveries/{number}").status_code == 404


def test_a_client_may_do_what_its_rights_say_and_nothing_else() -> None:
    caller = Caller(1, "410122", 1, "x", frozenset({"deliveries:write"}), frozenset(), 10)
    allowed = {act for act in duties.MAY if duties.may(act, scope=caller.acting("test"))}
    assert allowed == {"discovery.deliver"}
    assert not any(
        duties.may(act, scope=scopes.Scope(area="41", duty="county_reviewer", acts=frozenset({act}))) for act in ("staff.manage", "audit.view")
    )


# --- limits -------------------------------------------------------------------------------------------------------------


def test_over_the_limit_answers_429_until_the_minute_is_over(system: Make, clock: Any) -> None:
    few = system(per_minute=2)
    assert [few.call("get", "/contracts").status_code for _call in range(3)] == [200, 200, 429]
    refused = few.call("get", "/contracts")
    assert error_of(refused)["code"] == "too_many_calls" and refused["Retry-After"] == "40" and refused["X-RateLimit-Remaining"] == "0"
    clock.shift(timedelta(seconds=40))
    assert few.call("get", "/contracts").status_code == 200


def test_a_call_that_fails_counts_and_is_logged_without_its_query(deaths: System) -> None:
    response = deliver(deaths, query="dataset=deaths&period=王建国")
    assert response.status_code == 422
    with scopes.acting(deaths.admin):
        call = ApiCall.objects.get(client_number=deaths.client.pk)
        assert (call.method, call.path, call.status, call.code) == ("POST", "api/v1/deliveries", 422, "invalid")
        assert ApiUsage.objects.get(client_number=deaths.client.pk).total == 1
    assert str(call.request_id) == response["X-Request-Id"]
    assert [(fault["field"], fault["reason"]) for fault in error_of(response)["fields"]] == [("period", "格式不正确")]
    assert "王建国" not in response.content.decode()


def test_an_address_that_is_none_answers_in_the_same_form(deaths: System) -> None:
    for method, path, status in [
        ("get", "/people/410122199001011234", 404),
        ("delete", "/deliveries", 405),
        ("get", "/deliveries/99999999999999999999", 404),
    ]:
        response = deaths.call(method, path)
        assert response.status_code == status and error_of(response)["request_id"] == response["X-Request-Id"]
    with scopes.acting(deaths.admin):
        assert not ApiCall.objects.filter(client_number=deaths.client.pk, path__contains="1990").exists()


# --- deliveries ---------------------------------------------------------------------------------------------------------


def test_1_1_a_file_delivered_twice_is_taken_once(deaths: System) -> None:
    first, again = deliver(deaths), deliver(deaths)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | {"new": False} == again.json()
    assert (first.json()["state"], first.json()["accepted"], first.json()["rejected"]) == ("accepted", 2, 0)


def test_1_1_a_form_with_a_file_is_the_same(deaths: System) -> None:
    response = deaths.call("post", "/deliveries?dataset=deaths", {"file": SimpleUploadedFile("死亡.csv", citizen_file())})
    assert response.status_code == 201 and response.json()["name"] == "死亡.csv"
    with scopes.acting(deaths.admin):
        assert Delivery.objects.get().received_by_id == deaths.client.account_id


def test_1_1_contracts_and_their_schemas(deaths: System) -> None:
    listed = {each["code"]: each["allowed"] for each in deaths.call("get", "/contracts").json()}
    assert listed["deaths"] and not listed["disability"]
    schema = deaths.call("get", "/contracts/deaths/schema").json()
    assert schema["primaryKey"] == ["身份证号"] and "死亡日期" in [field["name"] for field in schema["fields"]]
    assert deaths.call("get", "/contracts/cars/schema").status_code == 404


def test_1_1_rejected_rows_come_back_as_a_sheet_and_the_look_is_recorded(deaths: System) -> None:
    response = deliver(deaths, citizen_file(good=9, bad=1))
    assert (response.json()["accepted"], response.json()["rejected"]) == (9, 1)
    sheet = deaths.call("get", response.json()["rejects_url"].removeprefix("/api/v1"))
    assert sheet.status_code == 200 and sheet.content[:2] == b"PK"
    with scopes.acting(deaths.admin):
        record = AccessRecord.objects.get(account_id=deaths.client.account_id)
    assert (record.what, record.subject_id) == ("export", response.json()["id"])


def test_1_1_a_file_refused_whole_says_why_and_its_sheet_comes_back(deaths: System) -> None:
    response = deliver(deaths, citizen_file(good=2, bad=8))
    body = response.json()
    assert response.status_code == 201 and (body["state"], body["accepted"]) == ("refused", 0) and "整批退回" in body["reason"]
    assert deaths.call("get", f"/deliveries/{body['id']}/rejects").content[:2] == b"PK"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\ncut off', "multipart/form-data; boundary=x"),
        (b"anything", "multipart/form-data"),
        (b"\x00\xff" * 40, "multipart/form-data; boundary=\xff"),
        (b"", "text/csv"),
        (b"{}", "application/json"),
    ],
)
def test_a_malformed_body_is_refused_and_leaves_nothing(deaths: System, content: bytes, kind: str, home: Any) -> None:
    response = deliver(deaths, content, content_type=kind)
    assert response.status_code in (400, 422) and error_of(response)["message"]
    with scopes.acting(deaths.admin):
        assert not Delivery.objects.exists()
    assert not list((home / "incoming").glob("*") if (home / "incoming").exists() else [])


def test_a_huge_file_is_refused_before_it_is_read(deaths: System) -> None:
    http = Client(headers={"Authorization": f"Bearer {deaths.token}"})
    response = http.post("/api/v1/deliveries?dataset=deaths", b"x", content_type="text/csv", headers={"Content-Length": str(1 << 40)})
    assert response.status_code == 413 and error_of(response)["code"] == "too_large"


# --- keys ---------------------------------------------------------------------------------------------------------------


def test_the_same_key_answers_the_same_and_another_content_is_refused(deaths: System) -> None:
    first = deliver(deaths, Idempotency_Key="monthly-2022-11")
    again = deliver(deaths, Idempotency_Key="monthly-2022-11")
    assert (first.status_code, again.status_code) == (201, 201) and again["Idempotent-Replay"] == "true" and first.content == again.content
    other = deliver(deaths, citizen_file(good=3), Idempotency_Key="monthly-2022-11")
    assert other.status_code == 409 and error_of(other)["code"] == "key_reused"
    assert deliver(deaths, Idempotency_Key="a b").status_code == 400


def test_a_key_of_a_call_that_failed_is_free_again(deaths: System) -> None:
    assert deliver(deaths, query="dataset=deaths&period=2022-13", Idempotency_Key="monthly-2022-11").status_code == 422
    assert deliver(deaths, Idempotency_Key="monthly-2022-11").status_code == 201


def test_keys_of_two_clients_are_apart(system: Make) -> None:
    one, two = system(datasets=["deaths"]), system(datasets=["deaths"])
    assert deliver(one, Idempotency_Key="same-key-1").status_code == 201
    assert "Idempotent-Replay" not in deliver(two, Idempotency_Key="same-key-1")


@pytest.mark.django_db(transaction=True)
def test_the_same_key_twice_at_once_does_the_work_once(committed_db: None, deaths: System) -> None:
    gate = Barrier(2)

    def call() -> tuple[int, bytes]:
        gate.wait()
        try:
            response = deliver(deaths, Idempotency_Key="both-at-once")
            return response.status_code, response.content
        finally:
            side.close_now()
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = [each.result() for each in [pool.submit(call), pool.submit(call)]]
    assert answers[0] == answers[1] and answers[0][0] == 201
    with scopes.acting(deaths.admin):
        assert Delivery.objects.count() == 1 and ApiAnswer.objects.count() == 1


# --- guards of the tables ---------------------------------------------------------------------------------------------------


def test_a_client_of_another_area_is_not_seen(deaths: System) -> None:
    assert deliver(deaths, Idempotency_Key="monthly-2022-11").status_code == 201
    for admin, seen in ((deaths.admin, True), (officer(Duty.ADMINISTRATOR, OTHER), False)):
        with scopes.acting(admin):
            mine = [ApiUsage.objects.filter(client_number=deaths.client.pk), ApiCall.objects.filter(client_number=deaths.client.pk)]
            assert [rows.exists() for rows in (ApiClient.objects.all(), ApiAnswer.objects.all(), *mine)] == [seen] * 4


@pytest.mark.parametrize(
    "attack",
    [
        "delete from api_apiclient", "delete from api_apicall", "update api_apicall set status = 200", "delete from api_apianswer",
        "update api_apiclient set area = '410122101'", "update api_apiclient set datasets = '[\"medical\"]'",
        "update api_apiclient set token_digest = 'short'", "update api_apiclienthistoryevent set version = 9",
    ],
)  # fmt: skip
def test_what_was_written_down_stays(deaths: System, attack: str) -> None:
    with scopes.acting(deaths.admin), connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(attack)


def test_a_revoked_client_does_not_come_back(deaths: System) -> None:
    with scopes.acting(deaths.admin):
        services.revoke_client(client_id=deaths.client.pk, version=1, now=NOW)
        for change in ("revoked_at = null", "expires = '2030-01-01'", "token_digest = sha256('x')"):
            with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(f"update api_apiclient set {change}")


def test_an_answer_cannot_be_put_under_another_areas_client(system: Make) -> None:
    here, there = system(), system(area=OTHER)
    with pytest.raises(DatabaseError), scopes.acting(here.admin), connection.cursor() as cursor:
        cursor.execute(
            "insert into api_apianswer (client_id, area, key, digest, status, made_at) values (%s, '410122', 'k', 'd', 0, now())", [there.client.pk]
        )
        scopes.check_constraints()


def test_old_calls_go_and_young_ones_stay_whatever_day_is_told(deaths: System) -> None:
    deaths.call("get", "/contracts")
    with scopes.acting(deaths.admin):
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into api_apicall (client_number, area, at, method, path, status, code, took_ms, request_id)"
                " select client_number, area, now() - days * interval '1 day', method, path, status, code, took_ms, request_id"
                " from api_apicall, (values (1), (179), (181)) old (days) where client_number = %s",
                [deaths.client.pk],
            )
        services.forget(now=NOW + timedelta(days=36500))
        left = ApiCall.objects.filter(client_number=deaths.client.pk)
        assert left.filter(status=200).count() >= 2 and not left.filter(at__lt=NOW - timedelta(days=181)).exclude(at=NOW).exists()


# --- pages ---------------------------------------------------------------------------------------------------------------


def test_the_administrator_opens_a_client_and_sees_its_token_once(home: Any, clock: Any) -> None:
    admin = officer(Duty.ADMINISTRATOR)
    browser = client_of(admin)
    given = {
        "organisation": "残联系统", "contact": "王工", "area": "410122", "expires": "2023-06-01", "per_minute": 60, "rights": ["deliveries:write"],
        "datasets": ["disability"],
    }  # fmt: skip
    page = browser.post("/api-clients/new/", given)
    assert page.status_code == 200
    token = page.context["token"]
    assert token in page.content.decode()
    with scopes.acting(admin):
        client = ApiClient.objects.get()
    shown = browser.get(f"/api-clients/{client.pk}/")
    assert shown.status_code == 200 and token not in shown.content.decode()
    assert browser.post(f"/api-clients/{client.pk}/revoke/", {"version": 7}).status_code == 302
    browser.post(f"/api-clients/{client.pk}/revoke/", {"version": 1})
    with scopes.acting(admin):
        assert ApiClient.objects.get().revoked_by_id == admin.account_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("organisation", " "), ("area", "410724"), ("area", "王村"), ("expires", "2022-11-28"), ("expires", "2099-01-01"), ("rights", ["all"]),
        ("datasets", []), ("datasets", ["x"]), ("per_minute", 0),
    ],
)  # fmt: skip
def test_a_client_with_a_wrong_field_is_not_opened(home: Any, clock: Any, field: str, value: Any) -> None:
    admin = officer(Duty.ADMINISTRATOR)
    given = {
        "organisation": "残联系统", "contact": "王工", "area": "410122", "expires": "2023-06-01", "per_minute": 60, "rights": ["deliveries:write"],
        "datasets": ["disability"],
    }  # fmt: skip
    page = client_of(admin).post("/api-clients/new/", given | {field: value})
    assert page.status_code == 422 and page.context["form"].errors[field]


def test_pages_of_clients_are_the_administrators(deaths: System) -> None:
    for duty in (Duty.DATA_CHECKER, Duty.COUNTY_APPROVER, Duty.AUDITOR):
        browser = client_of(officer(duty))
        assert [browser.get(path).status_code for path in ("/api-clients/", "/api-clients/new/", f"/api-clients/{deaths.client.pk}/")] == [403] * 3
    other = client_of(officer(Duty.ADMINISTRATOR, OTHER))
    assert other.get(f"/api-clients/{deaths.client.pk}/").status_code == 404
    assert other.post(f"/api-clients/{deaths.client.pk}/renew/", {"version": 1, "expires": "2023-06-01"}).status_code == 404


def test_the_documentation_needs_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs")
    text = page.content.decode()
    assert page.status_code == 200 and "/api/v1/deliveries" in text and "deliveries:write" in text
    assert "<script>" not in text and "https://" not in text.replace("https://testserver", "")
    described = json.loads(Client().get("/api/v1/openapi.json").content)
    assert "/api/v1/deliveries" in described["paths"]
