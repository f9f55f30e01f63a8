"""Attachments: type by content, stripped, encrypted, visible with their record only."""

import io
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from doudi.core import leftovers
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import AccessRecord, Attachment, Duty, Setting
from doudi.core.services import attachments
from doudi.core.services import settings as settings_service
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(attachments, "folder", lambda: tmp_path / "attachments")
    yield


def photo(kind: str = "JPEG", size: tuple[int, int] = (64, 48), *, gps: bool = False) -> bytes:
    image = Image.new("RGB", size, (200, 30, 30))
    exif = Image.Exif()
    if gps:
        exif[Base.Make] = "PhoneMaker"
        exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (34.0, 45.0, 0.0)
    out = io.BytesIO()
    image.save(out, kind, **({"exif": exif} if gps else {}))
    return out.getvalue()


PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def packed(objects: bytes, words: bytes = b"/Filter/FlateDecode") -> bytes:
    """A PDF whose objects stand in a compressed stream."""
    data = zlib.compress(objects)
    return PDF.replace(b"1 0 obj<<>>", b"1 0 obj<</Type/ObjStm/N 1/First 5" + words + b"/Length %d>>stream\n" % len(data) + data + b"\nendstream")


# three letters that stand by chance in a scanned page
SCAN = PDF.replace(b"<<>>", b"<</Subtype/Image/Filter/DCTDecode/Length 12>>stream\n\xff\xd8\x11/JS \x9b/AA\nendstream", 1)


def attach(scope: scopes.Scope, content: bytes, name: str = "a.jpg") -> Attachment:
    with scopes.acting(scope):
        return attachments.attach(subject="setting", subject_id=1, area=scope.area, name=name, content=content, now=timezone.now())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (photo(), "image/jpeg"), (photo("PNG"), "image/png"), (photo("WEBP"), "image/jpeg"), (PDF, "application/pdf"), (SCAN, "application/pdf"),
        (packed(b"1 0 <</Type/Page>>"), "application/pdf"),
    ],
)
def test_the_type_is_that_of_the_content(content: bytes, kind: str) -> None:
    row = attach(officer(Duty.COUNTY_REVIEWER), content, "表格.exe")
    assert row.content_type == kind and not row.name.endswith("exe")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00 a program",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"PK\x03\x04 archive",
        b"\xff\xd8\xff\xe0 broken picture",
        b"\x89PNG\r\n\x1a\n broken",
        b"GIF89a",
        b"%PDF-1.4 cut off",
        PDF.replace(b"<<>>", b"<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>", 1),
        PDF.replace(b"<<>>", b"<</S/Launch/F(cmd.exe)>>", 1),
        PDF.replace(b"<<>>", b"<</S/J#61va#53cript/JS 3 0 R>>", 1),
        PDF.replace(b"<<>>", b"<</Encrypt 5 0 R>>", 1),
        packed(b"1 0 <</S/JavaScript/JS(app.alert(1))>>"),
        packed(b"1 0 <<>>", b"/Filter[/ASCIIHexDecode/FlateDecode]"),
        b"\xff\xd8\xff" + b"0" * attachments.LARGEST,
    ],
)
def test_hostile_and_broken_files_are_refused(content: bytes) -> None:
    with pytest.raises(ValidationError):
        attach(officer(Duty.COUNTY_REVIEWER), content)
    assert not attachments.folder().exists()


def test_a_picture_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(ValidationError):
        attach(officer(Duty.COUNTY_REVIEWER), photo("PNG", (9000, 9000)))


def test_place_and_camera_are_taken_off_and_large_pictures_made_smaller() -> None:
    scope = officer(Duty.COUNTY_REVIEWER)
    content = photo(size=(4000, 100), gps=True)
    assert b"PhoneMaker" in content
    row = attach(scope, content)
    with scopes.acting(scope):
        _row, kept = attachments.open_attachment(identifier=row.pk)
    with Image.open(io.BytesIO(kept)) as picture:
        assert picture.width == attachments.LONGEST_SIDE and not picture.getexif()
    assert b"PhoneMaker" not in kept


def test_the_stored_file_is_ciphertext_and_bound_to_its_row() -> None:
    scope = officer(Duty.COUNTY_REVIEWER)
    first, second = attach(scope, PDF, "a.pdf"), attach(scope, PDF + b" ", "b.pdf")
    paths = [attachments._path(row.pk) for row in (first, second)]
    assert all(b"PDF" not in path.read_bytes() and path.stat().st_mode & 0o077 == 0 for path in paths)
    paths[0].write_bytes(paths[1].read_bytes())
    with scopes.acting(scope), pytest.raises(ValueError, match="differs"):
        attachments.open_attachment(identifier=first.pk)
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    with scopes.acting(scope), pytest.raises(ValueError, match="does not open"):
        attachments.open_attachment(identifier=second.pk)


def test_a_name_leads_nowhere() -> None:
    row = attach(officer(Duty.COUNTY_REVIEWER), PDF, "../../etc/passwd\r\nX: y.pdf")
    assert "/" not in row.name and "\n" not in row.name and ".." not in row.name


def test_another_county_cannot_open_it_and_cannot_attach_here() -> None:
    row = attach(officer(Duty.COUNTY_REVIEWER), PDF)
    other = officer(Duty.COUNTY_REVIEWER, "410102")
    with scopes.acting(other):
        with pytest.raises(Attachment.DoesNotExist):
            attachments.open_attachment(identifier=row.pk)
        with pytest.raises(ValidationError, match="管辖"):
            attachments.attach(subject="setting", subject_id=1, area=COUNTY, name="a", content=PDF, now=timezone.now())
    assert client_of(other).get(f"/attachment/{row.pk}/").status_code == 404
    assert client_of(other).post(f"/attachment/{row.pk}/remove/").status_code == 404


def _proposal(scope: scopes.Scope) -> Setting:
    with scopes.acting(scope):
        return settings_service.propose_setting(
            parameter="dibao.standard.urban", area=COUNTY, starts=timezone.localdate(), value="660", document="文", now=timezone.now()
        )


def test_upload_open_and_remove_on_the_page() -> None:
    scope = officer(Duty.COUNTY_REVIEWER)
    proposal = _proposal(scope)
    client = client_of(scope)
    url = f"/attachments/setting/{proposal.pk}/"
    answer = client.post(url, {"files": [SimpleUploadedFile("扫描.pdf", PDF), SimpleUploadedFile("x.exe", b"MZ")]}, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "扫描.pdf" in text and "只接受照片" in text
    with scopes.acting(scope):
        row = Attachment.objects.get(subject="setting", subject_id=proposal.pk)
    opened = client.get(f"/attachment/{row.pk}/")
    assert opened.content == PDF and opened["Content-Type"] == "application/pdf" and "sandbox" in opened["Content-Security-Policy"]
    assert opened["X-Content-Type-Options"] == "nosniff"
    with scopes.acting(scope):  # committed on its own: this test's transaction sees it all the same
        assert AccessRecord.objects.filter(what="open", subject="attachment", reason=str(row.pk)).count() == 1
    # the approver sees the file, but who may not change the record adds none, and who did not upload it removes none
    approver = client_of(officer(Duty.COUNTY_APPROVER))
    assert approver.get(f"/attachment/{row.pk}/").status_code == 200
    assert approver.post(url, {"files": [SimpleUploadedFile("b.pdf", PDF)]}).status_code == 403
    assert client_of(officer(Duty.COUNTY_REVIEWER)).post(f"/attachment/{row.pk}/remove/").status_code == 403
    client.post(f"/attachment/{row.pk}/remove/")
    assert client.get(f"/attachment/{row.pk}/").status_code == 404


@pytest.mark.parametrize("url", ["/attachments/setting/999999/", "/attachments/account/1/", "/attachments/nothing/1/"])
def test_a_record_that_is_not_there_or_takes_no_files(url: str) -> None:
    assert client_of(officer(Duty.COUNTY_REVIEWER)).post(url, {"files": [SimpleUploadedFile("b.pdf", PDF)]}).status_code == 404


def test_a_made_up_id() -> None:
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)).get(f"/attachment/{uuid4()}/").status_code == 404


# --- files without a row ---


def _file(identifier: UUID, days: float) -> Path:
    """A file in the store, written so many days ago."""
    path = attachments._path(identifier)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.read_bytes() if path.exists() else b"left over")
    then = (timezone.now() - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))
    return path


def _clear() -> dict[str, int]:
    """The daily job until each folder was seen, in sum."""
    now, found = timezone.now(), Counter[str]()
    for day in range(leftovers.PARTS):
        with scopes.acting(scopes.Scope(area="41", duty=WORKER, acts=frozenset({"records.forget"}))):
            found.update(leftovers.clear(area="41", on=timezone.localdate(now) + timedelta(days=day), now=now))
    return dict(found)


def test_a_file_whose_request_was_rolled_back_goes_after_its_time_and_no_other_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PARTS", 2)  # two days see every folder
    scope = officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)
    rows = [attach(scope, photo()) for _ in range(3)]
    gone = attach(scope, photo())
    with scopes.acting(scope):
        attachments.remove(identifier=gone.pk, now=timezone.now())
    before = set(attachments.folder().glob("*/*"))
    with pytest.raises(RuntimeError), scopes.acting(scope), transaction.atomic():
        attachments.attach(subject="setting", subject_id=1, area=scope.area, name="a.jpg", content=photo(), now=timezone.now())
        raise RuntimeError
    (left,) = set(attachments.folder().glob("*/*")) - before
    kept = [_file(row.pk, 90) for row in (*rows, gone)]
    young, strange = _file(UUID(left.name), 29), attachments.folder() / "00" / "README"
    strange.parent.mkdir(exist_ok=True)
    strange.touch()
    os.utime(strange, (0, 0))
    assert _clear() == {"files": 0, "kept": 0} and young.exists(), "a request may still be under way, a restore may come back to it"
    _file(UUID(left.name), 31)
    assert _clear()["files"] == 1 and not left.exists()
    assert all(path.exists() for path in (*kept, strange)) and _clear()["files"] == 0
    with scopes.acting(scope):
        assert attachments.open_attachment(identifier=rows[0].pk)[1]


def test_files_of_a_database_that_does_not_know_them_are_left_alone() -> None:
    paths = [_file(uuid4(), 400) for _ in range(5)]
    done = _clear()
    assert done == {"files": 0, "kept": 5} and all(path.exists() for path in paths)


def test_only_the_daily_job_clears_files() -> None:
    with pytest.raises(PermissionDenied), scopes.acting(officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP)):
        leftovers.clear(area="41", on=timezone.localdate(), now=timezone.now())
