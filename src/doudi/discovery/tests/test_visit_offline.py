"""1.7, 7.3: the phone's calls. A phone holds its own posting's visits only; what it sends counts once; whoever is not trusted any more gets nothing."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone
from PIL import Image

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Account, Attachment, Duty, Posting
from doudi.core.services.attachments import open_attachment
from doudi.core.tests.officers import client_of, officer
from doudi.discovery.models import Visit, VisitConflict, VisitDevice
from doudi.discovery.services import make_due, record_visit, revoke_device
from doudi.discovery.services.visit_devices import CALLS_A_MINUTE, MOST_DEVICES, close_devices
from doudi.discovery.services.visits import Result
from doudi.discovery.tests.test_visit_plans import COUNTY, ROBOT, ill
from doudi.discovery.tests.test_visits import photo
from doudi.registry.models import Household
from doudi.registry.tests.helpers import OTHER_VILLAGE, VILLAGE

PHONE = "/visits/phone/"
WELL = {"met": "self", "living": "steady"}


@pytest.fixture
def home(town: scopes.Scope, visitor: scopes.Scope) -> Household:
    found = ill(town)
    with scopes.acting(ROBOT):
        make_due(area=COUNTY, on=timezone.localdate(), now=timezone.now())
    return found


class Phone:
    """A phone in a signed-in visitor's hand."""

    def __init__(self, scope: scopes.Scope, device: UUID | None = None) -> None:
        self.client, self.device, self.scope = client_of(scope), device or uuid4(), scope

    def post(self, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
        answer = self.client.post(PHONE + path, json.dumps({"device": str(self.device)} | body, default=str), content_type="application/json")
        assert answer.status_code == status, (answer.status_code, answer.content.decode()[:400])
        found: dict[str, Any] = answer.json()
        return found

    def open(self, status: int = 200) -> dict[str, Any]:
        return self.post("open/", status, label="Android 11 Chrome")

    def items(self, **body: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post("list/", **body)["items"]
        return found

    def send(self, item: dict[str, Any], status: int = 200, **body: Any) -> dict[str, Any]:
        given = {"uuid": uuid4(), "visit": item["visit"], "household": item["household"], "version": item["version"], "done_at": timezone.now().isoformat(), "result": WELL}
        return self.post("record/", status, **(given | body))

    def photo(self, uuid: UUID, content: bytes, status: int = 200, **fields: Any) -> dict[str, Any]:
        body = {"device": str(self.device), "uuid": str(uuid), "photo_uuid": str(uuid4()), "photo": SimpleUploadedFile("a.jpg", content)} | fields
        answer = self.client.post(PHONE + "photo/", body)
        assert answer.status_code == status, answer.content.decode()[:400]
        found: dict[str, Any] = answer.json()
        return found

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"{PHONE}state/?device={self.device}").json()
        return found


@pytest.fixture
def phone(visitor: scopes.Scope, home: Household) -> Phone:
    made = Phone(visitor)
    made.open()
    return made


def stored(phone: Phone) -> VisitDevice:
    with scopes.acting(ROBOT):
        return VisitDevice.objects.get(pk=phone.device)


def test_1_7_the_phone_takes_its_own_list_with_the_least_that_is_needed(phone: Phone, home: Household) -> None:
    with scopes.acting(ROBOT):
        before = AccessRecord.objects.count()
    (item,) = phone.items()
    assert item["household"] == home.pk and item["name"] == home.name and item["version"] == 1 and item["address"] == "东街3号"
    words = json.dumps(item, ensure_ascii=False)
    assert not {"phone", "id_number", "account", "birth", "note"} & set(item) and "4101" not in words
    with scopes.acting(ROBOT):
        records = AccessRecord.objects.filter(subject="household", subject_id=home.pk, what="open")
        assert AccessRecord.objects.count() == before + 1
        last = records.latest("id")
        assert (last.account_id, last.area, last.page) == (phone.scope.account_id, home.area, f"POST {PHONE}list/")


def test_1_7_a_household_that_the_phone_has_is_not_sent_and_not_recorded_again(phone: Phone, home: Household) -> None:
    (item,) = phone.items()
    with scopes.acting(ROBOT):
        before = AccessRecord.objects.count()
    answer = phone.post("list/", have={item["key"]: item["digest"], "v999": "0"})
    assert answer["items"] == [] and answer["gone"] == ["v999"]
    with scopes.acting(ROBOT):
        assert AccessRecord.objects.count() == before
    assert phone.items(have={item["key"]: "other"}) == [item]
    assert phone.items(have="nonsense") == [item]


def test_1_7_the_list_is_the_postings_own_and_bounded_in_queries(phone: Phone, town: scopes.Scope, home: Household, django_assert_max_num_queries: Any) -> None:
    other = officer(Duty.VISITOR, VILLAGE)
    given, away = ill(town, name="李二"), ill(town, area=OTHER_VILLAGE, name="赵三")
    with scopes.acting(ROBOT):
        make_due(area=COUNTY, on=timezone.localdate(), now=timezone.now())
        Visit.objects.filter(household=given).update(posting_id=other.posting_id)
        assert Visit.objects.filter(household=away, state="due").exists()
    with django_assert_max_num_queries(40):
        assert [item["household"] for item in phone.items()] == [home.pk]


def test_1_7_a_record_counts_once_however_often_the_phone_sends_it(phone: Phone, home: Household) -> None:
    (item,), uuid = phone.items(), uuid4()
    assert [phone.send(item, uuid=uuid)["outcome"] for _turn in range(3)] == ["recorded", "known", "known"]
    first = uuid4()
    for _turn in range(2):
        phone.photo(uuid, photo(gps=True), photo_uuid=str(first))
    phone.photo(uuid, photo(), signature="1")
    with scopes.acting(phone.scope):
        visit = Visit.objects.get(uuid=uuid)
        files = {each.pk: each for each in Attachment.objects.filter(subject="visit", subject_id=visit.pk)}
        assert visit.state == "done" and len(files) == 2
        _row, content = open_attachment(identifier=first)
    with Image.open(io.BytesIO(content)) as kept:
        assert not kept.getexif(), "the place where it was taken stays on the phone"
    assert phone.items() == [] and stored(phone).waiting == 0


def test_1_7_what_somebody_else_recorded_meanwhile_is_kept_as_a_conflict(phone: Phone, town: scopes.Scope, home: Household) -> None:
    (item,), uuid, now = phone.items(), uuid4(), timezone.now()
    with scopes.acting(town):
        record_visit(uuid=uuid4(), visit_id=item["visit"], base_version=1, done_at=now, result=Result("absent"), now=now)
    assert phone.send(item, uuid=uuid, result=WELL | {"note": "家里都好"})["outcome"] == "conflict"
    assert phone.send(item, uuid=uuid)["outcome"] == "conflict"
    phone.photo(uuid, photo())
    with scopes.acting(phone.scope):
        conflict = VisitConflict.objects.get()
        assert Result.from_json(str(conflict.content)).note == "家里都好"
        assert Attachment.objects.filter(subject="visit_conflict", subject_id=conflict.pk).count() == 1


def test_1_7_one_bad_record_is_named_by_field_and_the_next_goes_through(phone: Phone, home: Household) -> None:
    (item,) = phone.items()
    answer = phone.send(item, 422, result={"met": "self"})
    assert answer["code"] == "invalid" and set(answer["errors"]) == {"living"}
    for bad in (
        {"result": {"met": "nobody"}}, {"result": {"met": 1}}, {"result": "x"}, {"result": WELL | {"needs": [1]}}, {"done_at": "gestern"}, {"done_at": "0001-01-01T00:00:00+14:00"},
        {"done_at": "2022-11-28T09:00:00"}, {"uuid": "1"}, {"visit": "1"}, {"visit": True}, {"visit": -1}, {"visit": 2**70}, {"version": "a"},
        {"done_at": (timezone.now() + timedelta(hours=2)).isoformat()}, {"result": WELL | {"note": "a\x00b"}}, {"visit": None, "household": None},
    ):  # fmt: skip
        phone.send(item, 422, **bad)
    with scopes.acting(phone.scope):
        assert not Visit.objects.exclude(uuid=None).exists()
    assert phone.send(item)["outcome"] == "recorded"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"device": 1}', b"\xff\xfe", b"[" * 60_000])
def test_1_7_nonsense_is_refused_calmly(phone: Phone, body: bytes) -> None:
    for path in ("open/", "list/", "record/", "wiped/"):
        answer = phone.client.post(PHONE + path, body, content_type="application/json")
        assert answer.status_code == 422 and answer.json()["message"]
    assert phone.client.post(PHONE + "record/", b"x" * 70_000, content_type="application/json").status_code == 413
    assert phone.client.get(PHONE + "list/").status_code == 405


def test_1_7_another_villages_household_is_out_of_reach(phone: Phone, town: scopes.Scope) -> None:
    away = ill(town, area=OTHER_VILLAGE, name="赵三")
    with scopes.acting(ROBOT):
        make_due(area=COUNTY, on=timezone.localdate(), now=timezone.now())
        visit = Visit.objects.get(household=away)
    answer = phone.send({"visit": visit.pk, "household": away.pk, "version": 1}, 404)
    assert answer["code"] == "gone"
    assert phone.send({"visit": None, "household": away.pk, "version": None}, 404)["code"] == "gone"
    with scopes.acting(ROBOT):
        assert Visit.objects.get(pk=visit.pk).state == "due"


def test_1_7_the_share_goes_to_its_own_posting_only(phone: Phone, visitor: scopes.Scope, town: scopes.Scope) -> None:
    share = phone.open()["share"]
    assert share == stored(phone).share and len(bytes.fromhex(share)) == 32
    colleague, beyond = officer(Duty.VISITOR, VILLAGE), officer(Duty.VISITOR, OTHER_VILLAGE)
    for scope in (colleague, beyond):
        thief = Phone(scope, phone.device)
        for path in ("open/", "list/", "record/"):
            answer = thief.post(path, 409, uuid=uuid4())
            assert answer["code"] == "elsewhere" and "share" not in answer
    assert Phone(town, phone.device).open(403)["code"] == "duty"
    nobody = Client().post(PHONE + "open/", json.dumps({"device": str(phone.device)}), content_type="application/json")
    assert nobody.status_code == 401 and nobody.json()["code"] == "signin" and share not in nobody.content.decode()


def test_1_7_the_same_account_under_another_posting_does_not_get_the_share(phone: Phone, visitor: scopes.Scope) -> None:
    with scopes.acting(scopes.Scope(area="41")):
        second = Posting.objects.create(account_id=visitor.account_id, duty=Duty.VISITOR, area=OTHER_VILLAGE, starts=timezone.localdate())
    session = phone.client.session
    session["posting"] = second.pk
    session.save()
    assert phone.open(409)["code"] == "elsewhere"
    assert phone.post("list/", 409)["code"] == "elsewhere"
    assert phone.state()["wipe"] == "" and phone.state()["posting"] == second.pk


def test_1_7_a_call_without_the_forms_token_is_refused(visitor: scopes.Scope, home: Household) -> None:
    client = client_of(visitor, enforce_csrf_checks=True)
    body = json.dumps({"device": str(uuid4())})
    assert client.post(PHONE + "open/", body, content_type="application/json").status_code == 403
    token = client.get(PHONE + "state/").json()["token"]
    assert client.post(PHONE + "open/", body, content_type="application/json", headers={"X-CSRFToken": token}).status_code == 200


def test_1_7_the_share_is_encrypted_at_rest_and_a_closed_phone_has_none(phone: Phone, owner_connection: Any) -> None:
    share = phone.open()["share"]
    from django.db import connection

    with scopes.acting(ROBOT), connection.cursor() as cursor:
        cursor.execute("select share from discovery_visitdevice where id = %s", [phone.device])
        kept = bytes(cursor.fetchone()[0])
    assert share.encode() not in kept and bytes.fromhex(share) not in kept
    with scopes.acting(ROBOT), pytest.raises(IntegrityError):
        VisitDevice.objects.filter(pk=phone.device).update(state="revoked")


def test_1_7_a_revoked_phone_is_told_to_wipe_even_without_a_sign_in(phone: Phone, town: scopes.Scope) -> None:
    (item,) = phone.items()
    with scopes.acting(town):
        with pytest.raises(ValidationError, match="原因"):
            revoke_device(device=phone.device, reason=" ", now=timezone.now())
        for _turn in range(2):
            revoke_device(device=phone.device, reason="手机丢失", now=timezone.now())
    found = stored(phone)
    assert (found.state, found.share, found.reason, found.closed_by_id) == ("revoked", None, "手机丢失", town.account_id)
    for path in ("open/", "list/", "record/"):
        assert phone.post(path, 410, uuid=uuid4())["why"] == "revoked"
    assert phone.send(item, 410)["code"] == "wipe"
    assert Client().get(f"{PHONE}state/?device={phone.device}").json()["wipe"] == "revoked"
    assert Client().get(f"{PHONE}state/?device={uuid4()}").json()["wipe"] == ""
    assert Client().get(f"{PHONE}state/?device=nonsense").json()["wipe"] == ""
    with scopes.acting(phone.scope), pytest.raises(PermissionDenied):
        revoke_device(device=phone.device, reason="x", now=timezone.now())
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122101")), pytest.raises(VisitDevice.DoesNotExist):
        revoke_device(device=phone.device, reason="x", now=timezone.now())


def test_1_7_the_end_of_the_posting_wipes_and_the_daily_job_destroys_the_share(phone: Phone, visitor: scopes.Scope) -> None:
    today = timezone.localdate()
    with scopes.acting(scopes.Scope(area="41")):
        Posting.objects.filter(pk=visitor.posting_id).update(ends=today)
        Posting.objects.create(account_id=visitor.account_id, duty=Duty.VISITOR, area=VILLAGE, starts=today)
    assert phone.state()["wipe"] == "ended"
    assert phone.post("list/", 410)["why"] == "ended"
    with scopes.acting(ROBOT):
        assert close_devices(area=COUNTY, on=today, now=timezone.now()) == 1
        assert close_devices(area=COUNTY, on=today, now=timezone.now()) == 0
    assert (stored(phone).state, stored(phone).share) == ("ended", None)


def test_1_7_seven_days_without_a_sync_or_a_closed_account_end_it_too(phone: Phone, visitor: scopes.Scope) -> None:
    now = timezone.now()
    with scopes.acting(ROBOT):
        VisitDevice.objects.filter(pk=phone.device).update(synced_at=now - timedelta(days=6, hours=23))
    assert phone.state()["wipe"] == ""
    with scopes.acting(ROBOT):
        VisitDevice.objects.filter(pk=phone.device).update(synced_at=now - timedelta(days=7, minutes=1))
    assert phone.state()["wipe"] == "stale" and phone.open(410)["why"] == "stale"
    second = Phone(visitor)
    second.open()
    Account.objects.filter(pk=visitor.account_id).update(is_active=False)
    assert Client().get(f"{PHONE}state/?device={second.device}").json()["wipe"] == "ended"
    with scopes.acting(ROBOT):
        close_devices(area=COUNTY, on=timezone.localdate(), now=now)
        assert {each.state for each in VisitDevice.objects.all()} == {"ended"}


def test_1_7_a_phone_that_wiped_itself_cannot_come_back(phone: Phone, visitor: scopes.Scope) -> None:
    stranger = Phone(officer(Duty.VISITOR, VILLAGE), phone.device)
    stranger.post("wiped/", why="pin")
    assert stored(phone).state == "active", "only its own visitor says so"
    for _turn in range(2):
        phone.post("wiped/", why="pin")
    assert (stored(phone).state, stored(phone).reason) == ("wiped", "密码连续输错 5 次，手机已自动清除")
    assert phone.open(410)["why"] == "wiped"


def test_1_7_a_posting_has_three_phones_at_most_and_calls_are_bounded(phone: Phone, visitor: scopes.Scope) -> None:
    for _more in range(MOST_DEVICES - 1):
        Phone(visitor).open()
    assert "注销" in Phone(visitor).open(422)["message"]
    with scopes.acting(ROBOT):
        VisitDevice.objects.filter(pk=phone.device).update(calls=CALLS_A_MINUTE, calls_from=timezone.now())
    (status,) = {phone.post("list/", 429)["code"]}
    assert status == "slower" and stored(phone).calls == CALLS_A_MINUTE + 1
    with scopes.acting(ROBOT):
        VisitDevice.objects.filter(pk=phone.device).update(calls_from=timezone.now() - timedelta(seconds=61))
    assert len(phone.items()) == 1 and stored(phone).calls == 1


def test_1_7_photos_are_checked_by_size_and_content_and_belong_to_a_record(phone: Phone, visitor: scopes.Scope) -> None:
    (item,), uuid = phone.items(), uuid4()
    assert "走访记录" in phone.photo(uuid, photo(), 422)["message"], "its record comes first"
    phone.send(item, uuid=uuid)
    for bad in (b"", b"GIF89a" + b"0" * 40, b"%PDF-1.4 %%EOF", b"\xff\xd8\xff" + b"0" * 99, b"<svg onload=alert(1)>", photo()[:200]):
        assert phone.photo(uuid, bad, 422)["message"]
    assert phone.photo(uuid, photo() + b"0" * (10 * 1024 * 1024), 413)["code"] == "large"
    assert phone.photo(uuid, photo(), 422, photo_uuid="x")["code"] == "invalid"
    other = Phone(officer(Duty.VISITOR, VILLAGE))
    other.open()
    assert other.photo(uuid, photo(), 422)["code"] == "invalid", "a record of somebody else"
    with scopes.acting(visitor):
        assert not Attachment.objects.exists()
    assert phone.photo(uuid, photo())["outcome"] == "recorded"


def test_1_7_a_uuid_that_another_village_used_is_refused_and_stops_nothing_else(phone: Phone, town: scopes.Scope) -> None:
    away, uuid, now = ill(town, area=OTHER_VILLAGE, name="赵三"), uuid4(), timezone.now()
    with scopes.acting(town):
        record_visit(uuid=uuid, household_id=away.pk, done_at=now, result=Result("self", "steady"), now=now)
    (item,) = phone.items()
    assert phone.send(item, 409, uuid=uuid)["code"] == "taken"
    assert phone.send(item)["outcome"] == "recorded"


def test_1_7_the_shell_says_nothing_about_anybody_and_its_worker_covers_these_pages_only(phone: Phone, home: Household) -> None:
    anonymous, signed = Client().get(PHONE), phone.client.get(PHONE)
    assert anonymous.status_code == 200 and anonymous.content == signed.content
    assert "csrfmiddlewaretoken" not in signed.content.decode() and home.name not in signed.content.decode() and "杨建国" not in signed.content.decode()
    worker = Client().get(PHONE + "worker.js")
    words = worker.content.decode()
    assert worker["Content-Type"].startswith("text/javascript") and "no-cache" in worker["Cache-Control"] and "Service-Worker-Allowed" not in worker
    assert f"'{PHONE}'" in words and "/static/discovery/phone/vault.js" in words and "default-src 'self'" in worker["Content-Security-Policy"]
    for path in [line.strip(" '\",") for line in words.split("const FILES = [")[1].split("]")[0].split(",")]:
        assert Client().get(path).status_code == 200, path
    manifest = Client().get(PHONE + "app.webmanifest").json()
    assert manifest["scope"] == manifest["start_url"] == PHONE and {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}


def test_1_7_the_worker_changes_with_any_of_its_files(phone: Phone, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from doudi.discovery.views import visit_phone

    before = Client().get(PHONE + "worker.js").content
    assert Client().get(PHONE + "worker.js").content == before
    changed, real = tmp_path / "sync.js", visit_phone._file
    changed.write_text("// a new release")
    monkeypatch.setattr(visit_phone, "_file", lambda name: changed if name.endswith("sync.js") else real(name))
    assert Client().get(PHONE + "worker.js").content != before


def test_1_7_phones_are_listed_and_revoked_on_their_pages(phone: Phone, town: scopes.Scope) -> None:
    client = client_of(town)
    page = client.get("/visits/devices/").content.decode()
    assert "杨建国" in page and "使用中" in page and phone.open()["share"] not in page
    address = f"/visits/devices/{phone.device}/"
    assert "注销设备" in client.get(address).content.decode()
    assert client.post(address + "revoke/", {"reason": ""}).status_code == 422
    assert client.post(address + "revoke/", {"reason": "更换手机"}).status_code == 302
    words = client.get(address).content.decode()
    assert "更换手机" in words and "已注销" in words and "注销的原因" not in words
    assert client_of(officer(Duty.ADMINISTRATOR, COUNTY)).get(address).status_code == 200
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122101")).get(address).status_code == 404
    assert client_of(phone.scope).get(address).status_code == 403
