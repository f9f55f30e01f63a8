"""7.5: medicines are brought with their papers: prescription as a picture, money to the fen, somebody who took them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Attachment
from doudi.core.services import attachments
from doudi.core.tests.officers import client_of
from doudi.core.tests.together import as_, together
from doudi.needs import services
from doudi.needs.models import MedicineDelivery, NeedAnswer
from doudi.needs.services import Medicine
from doudi.needs.tests.world import NOW, Place, now_at, picture

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(attachments, "folder", lambda: tmp_path / "attachments")
    yield


@pytest.fixture
def place(db: None) -> Place:
    return Place()


def add(place: Place, row: MedicineDelivery, content: bytes, subject: str = "delivery_prescription") -> Attachment:
    with scopes.acting(place.visitor):
        return services.add_picture(delivery_id=row.pk, subject=subject, name="处方.jpg", content=content, now=NOW)


def test_7_5_an_upload_that_is_no_picture_is_refused_and_says_so(place: Place) -> None:
    row = place.prepared(prescription=True)
    for content in (PDF, b"MZ\x90\x00" * 30, "处方：硝苯地平".encode(), b"\xff\xd8\xff\xe0broken", b""):
        with pytest.raises(ValidationError, match=r"照片|图片|空的"):
            add(place, row, content)
    said = client_of(place.visitor).post(
        reverse("attach", args=["delivery_prescription", row.pk]), {"files": SimpleUploadedFile("chufang.jpg", PDF, "image/jpeg")}, follow=True
    )
    assert "这里只接受照片" in said.content.decode() and not Attachment.objects.exists()
    with scopes.acting(place.visitor), pytest.raises(ValidationError, match="先上传处方照片"):
        services.bought(delivery_id=row.pk, version=row.version, received=Decimal(50), paid=Decimal("38.60"), now=NOW)
    add(place, row, picture())
    with scopes.acting(place.visitor):
        assert services.bought(delivery_id=row.pk, version=row.version, received=Decimal(50), paid=Decimal("38.60"), now=NOW).returned == Decimal("11.40")


def test_7_5_money_agrees_to_the_fen_and_somebody_took_it(place: Place) -> None:
    row = place.prepared()
    with scopes.acting(place.visitor):
        for paid in (Decimal("38.605"), Decimal(-1), Decimal("NaN"), Decimal("1e9")):
            with pytest.raises(ValidationError, match="精确到分"):
                services.bought(delivery_id=row.pk, version=row.version, received=Decimal(50), paid=paid, now=NOW)
        row = services.bought(delivery_id=row.pk, version=row.version, received=Decimal(50), paid=Decimal("38.65"), now=NOW)
        with pytest.raises(ValidationError, match="不能再改"):
            services.prepare(answer_id=row.answer_id, source="home", source_name="家里", medicines=[Medicine("阿司匹林")], prescription=False, now=NOW)
        for words, field in (
            ({"returned": Decimal("11.34")}, "returned"), ({"taker": ""}, "taker"), ({"proof": "recipient"}, "proof"), ({"proof": "signature"}, "picture"),
            ({"witness": "王建国"}, "witness"), ({"witness": ""}, "witness"), ({"proof": "photo", "picture": ("a.jpg", PDF)}, "picture"),
        ):  # fmt: skip
            given = {"proof": "witness", "taker": "王建国", "witness": "李会计", "returned": Decimal("11.35")} | words
            with pytest.raises(ValidationError) as refused:
                services.hand_over(delivery_id=row.pk, version=row.version, now=NOW, **given)
            assert field in refused.value.message_dict
        done = services.hand_over(
            delivery_id=row.pk, version=row.version, proof="signature", taker="王建国", returned=Decimal("11.35"), picture=("签收.jpg", picture()), now=NOW
        )
        need = now_at(done.answer.need, place.visitor)
        assert (need.state, need.met) == ("done", 1)
        with pytest.raises(IntegrityError, match="stays"), transaction.atomic():
            MedicineDelivery.objects.filter(pk=row.pk).update(taker="别人")
    with scopes.acting(place.visitor), pytest.raises(IntegrityError), transaction.atomic():
        other = place.prepared()
        MedicineDelivery.objects.filter(pk=other.pk).update(received=Decimal(10), paid=Decimal(9))


def test_7_5_who_lays_money_out_is_owed_it(place: Place) -> None:
    row = place.prepared()
    with scopes.acting(place.visitor):
        row = services.bought(delivery_id=row.pk, version=row.version, received=Decimal(20), paid=Decimal("38.65"), now=NOW)
    assert (row.returned, row.advanced) == (Decimal(0), Decimal("18.65"))


def test_7_5_a_delivery_is_done_by_its_answerer_and_cannot_skip_its_papers(place: Place) -> None:
    need = place.raised(kind="medicine", what="胰岛素用完了", urgency="red")
    offer = place.offered(need)
    with scopes.acting(place.visitor):
        answer = services.accept(answer_id=offer.pk, version=offer.version, now=NOW)
    with scopes.acting(place.helper), pytest.raises(ValidationError, match="登记取药和送达"):
        services.report_done(answer_id=answer.pk, version=answer.version, note="已经送去", now=NOW)
    with scopes.acting(place.helper):
        row = services.prepare(answer_id=answer.pk, source="hospital", source_name="县医院", medicines=[Medicine("胰岛素", "1 支")], prescription=True, now=NOW)
    with scopes.acting(place.other_helper):
        assert not MedicineDelivery.objects.exists()
        with pytest.raises(ValidationError, match="没有这次"):
            services.bought(delivery_id=row.pk, version=row.version, received=Decimal(0), paid=Decimal(0), now=NOW)
        with pytest.raises(PermissionDenied):
            services.prepare(answer_id=answer.pk, source="home", source_name="家里", medicines=[Medicine("水")], prescription=False, now=NOW)
    with scopes.acting(place.helper), pytest.raises(ValidationError, match="每行一种"):
        services.prepare(answer_id=answer.pk, source="home", source_name="家里", medicines=[], prescription=False, now=NOW)


def test_7_5_handed_over_twice_at_once_counts_once(committed_db: None) -> None:
    place = Place()
    row = place.prepared()
    with scopes.acting(place.visitor):
        row = services.bought(delivery_id=row.pk, version=row.version, received=Decimal(0), paid=Decimal(12), now=NOW)
    given = {"delivery_id": row.pk, "version": row.version, "proof": "witness", "taker": "王建国", "witness": "李会计", "returned": Decimal(0), "now": NOW}
    made, told = together(as_(place.visitor, services.hand_over, **given), as_(place.town, services.hand_over, **given))
    assert len(made) == 1 and "刷新页面" in told[0]


def test_7_5_the_walk_on_the_pages(place: Place) -> None:
    client = client_of(place.visitor)
    form = {
        "uuid": str(uuid4()), "kind": "medicine", "urgency": "red", "what": "降压药只剩两天，走不动路", "wanted": "1", "source": "phone", "skills": ["driving"],
    }  # fmt: skip
    page = f"{reverse('needs:new')}?household={place.home.pk}"
    assert client.get(page).status_code == 200
    assert client.post(page, form | {"wanted": "0"}).status_code == 422
    first, again = client.post(page, form), client.post(page, form)
    assert first.status_code == 302 and first["Location"] == again["Location"]
    said = client.get(first["Location"]).content.decode()
    assert "降压药只剩两天" in said and "13800001111" not in said
    pk = int(first["Location"].rstrip("/").rsplit("/", 1)[1])
    assert client.post(reverse("needs:act", args=[pk]), {"act": "offer", "uuid": str(uuid4()), "kind": "officer", "quantity": "1"}).status_code == 302
    assert "13800001111" in client.post(reverse("needs:contact", args=[pk])).content.decode()
    with scopes.acting(place.visitor):
        answer = NeedAnswer.objects.get(need=pk).pk
    delivery = reverse("needs:delivery", args=[answer])
    assert "药品清单" in client.get(delivery).content.decode()
    assert client.post(delivery, {"act": "prepare", "source": "pharmacy", "source_name": "仁和药店", "medicines": "硝苯地平缓释片，2 盒，每日一次\n阿司匹林"}).status_code == 302
    assert client.post(delivery, {"act": "bought", "version": "1", "received": "50", "paid": "38.60"}).status_code == 302
    bad = client.post(delivery, {
        "act": "hand_over", "version": "2", "proof": "photo", "taker": "王建国", "returned": "11.40", "picture": SimpleUploadedFile("a.jpg", PDF, "image/jpeg"),
    })  # fmt: skip
    assert bad.status_code == 422 and "这里只接受照片" in bad.content.decode()
    good = {"act": "hand_over", "version": "2", "proof": "photo", "taker": "王建国", "returned": "11.40", "picture": SimpleUploadedFile("a.jpg", picture(), "image/jpeg")}
    assert client.post(delivery, good).status_code == 302
    assert "已送达" in client.get(delivery).content.decode()
    assert "已满足" in client.get(reverse("registry:household", args=[place.home.pk])).content.decode()
    assert client_of(place.helper).get(delivery).status_code == 200, "a coordinator sees the answer"
    assert "硝苯地平" not in client_of(place.helper).get(delivery).content.decode()

