"""The recipient's own word by the code on their phone, a provider's sheet with its row errors, and every page (8.2)."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import xlsxwriter
from django.core.exceptions import ValidationError
from django.test import Client

from doudi.core import scope as scopes
from doudi.core.models import Message, Todo
from doudi.core.tests.officers import client_of
from doudi.registry.tests.helpers import VILLAGE, household, id_number
from doudi.resources.models import PurchasedService
from doudi.resources.services import answering, recording, sheet
from doudi.resources.services.contracts import Line
from doudi.resources.tests.world import COUNTY, NOW, World, fresh

pytestmark = pytest.mark.django_db
HEAD = ["服务项目", "服务日期", "数量", "服务人员", "服务对象", "身份证号", "村代码", "人数", "联系电话", "服务内容"]


@pytest.fixture
def world() -> World:
    return World()


def book(tmp_path: Path, rows: list[list[Any]], head: list[str] | None = None, name: str = "s.xlsx") -> Path:
    path = tmp_path / name
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as made:
        page = made.add_worksheet("服务记录")
        for at, row in enumerate([HEAD if head is None else head, *rows]):
            for column, cell in enumerate(row):
                page.write(at, column, cell)
    return path


def sum_of(page: str) -> dict[str, str]:
    """What the form's small sum wants."""
    first, second = re.search(r"(\d+) \+ (\d+) = \?", page).groups()  # type: ignore[union-attr]
    sealed = re.search(r'name="sealed" value="([^"]+)"', page).group(1)  # type: ignore[union-attr]
    return {"sealed": sealed, "answer": str(int(first) + int(second))}


def test_8_2_a_recipient_confirms_by_the_address_on_the_phone_once(world: World, client: Client) -> None:
    row = world.contract()
    made, bad = world.recorded(row, day=date(2022, 11, 1)), world.recorded(row, person=1)
    assert answering.send_codes(now=NOW) == 2 and answering.send_codes(now=NOW) == 0
    with scopes.acting(scopes.Scope(area=COUNTY)):
        assert Message.objects.filter(template="service.confirm").count() == 2
    page = client.get(f"/service/{made.code}/").content.decode()
    assert "心理疏导" in page and "王建国" not in page and "13800000000" not in page
    assert client.post(f"/service/{made.code}/", {"right": "yes", "sealed": "x", "answer": "1"}).status_code == 422
    given = {"right": "yes", "satisfaction": "5", **sum_of(page)}
    for _again in range(2):
        assert client.post(f"/service/{made.code}/", given).status_code == 200
    assert client.post(f"/service/{made.code}/", given | {"right": "no"}).status_code == 422
    waiting = Todo.objects.filter(kind="purchases.confirm", done_at__isnull=True)
    with scopes.acting(world.town):
        assert waiting.exists()
    page = client.get(f"/service/{bad.code}/").content.decode()
    assert client.post(f"/service/{bad.code}/", {"right": "no", "words": "没人来过", **sum_of(page)}).status_code == 200
    with scopes.acting(world.town):
        assert not waiting.exists(), "everything of the place is answered"
        assert (fresh(made).state, fresh(made).confirmed, fresh(made).satisfaction) == ("confirmed", "code", 5)
        assert (fresh(bad).state, fresh(bad).objection) == ("disputed", "没人来过")
        cleared = Todo.objects.filter(kind="purchases.dispute", done_at__isnull=True)
        assert cleared.exists()
    with scopes.acting(world.reviewer):
        recording.drop(service_id=bad.pk, version=fresh(bad).version, reason="经核实未提供服务", now=NOW)
        assert not cleared.exists()
    assert client.post("/service/", {"code": "../a"}).status_code == 200 and client.post("/service/", {"code": made.code.lower()}).status_code == 302
    codes = ("A" * 12, "23456789ABCD", "x", "１２３４５６７８９０１２")
    answers = [client.get(f"/service/{code}/") for code in codes]
    texts = {re.sub(r"<[^>]*>", "", each.content.decode()) for each in answers}
    assert {each.status_code for each in answers} == {404} and len(texts) == 1, "whatever the wrong code looks like, the answer is one"


def test_8_2_a_sheet_comes_in_whole_and_only_once(world: World, tmp_path: Path) -> None:
    numbers = [id_number() for _at in range(3)]
    for at, (name, number) in enumerate(zip(("买买提·吐尔逊", "欧阳修远", "𠮷永"), numbers, strict=True)):
        household(world.town, name=name, id_number=number, phone=f"1390000{at:04d}")
    row = world.contract()
    rows: list[list[Any]] = [
        ["心理疏导", "2022-11-01", "1", "林静", "买买提·吐尔逊", numbers[0], "", "", "", "谈心"],
        ["心理疏导", "2022/11/2", 2, "林静", "欧阳修远", numbers[1], "", "", "13500001111", ""],
        ["陪伴探访", "2022年11月3日", "1.5", "周强", "重阳联欢", "", VILLAGE, "30", "", "集体活动"], ["", "", "", "", "", "", "", "", "", ""],
    ]  # fmt: skip
    with scopes.acting(world.coordinator):
        path = book(tmp_path, rows)
        assert sheet.import_sheet(contract_id=row.pk, path=path, now=NOW) == (3, [])
        assert sheet.import_sheet(contract_id=row.pk, path=path, now=NOW) == (0, [])
        made = PurchasedService.objects.filter(contract=row).order_by("id")
        assert [(each.recipient, each.amount, each.people) for each in made] == [
            ("买买提·吐尔逊", Decimal("120.50"), 1), ("欧阳修远", Decimal("241.00"), 1), ("重阳联欢", Decimal("50.00"), 30),
        ]  # fmt: skip


def test_8_2_each_wrong_row_says_where_why_and_what_next_and_nothing_is_saved(world: World, tmp_path: Path) -> None:
    number = id_number()
    household(world.town, name="赵六", id_number=number)
    row = world.contract()
    good = ["心理疏导", "2022-11-01", "1", "林静", "赵六", number, "", "", "", ""]
    rows: list[list[Any]] = [
        good, [*good[:1], "2022-11-31", *good[2:]], [*good[:2], "-1", *good[3:]], ["理发", *good[1:]], [*good[:4], "钱七", *good[5:]],
        [*good[:5], number[:17] + ("0" if number[17] != "0" else "1"), *good[6:]], ["心理疏导", "2022-11-02", "1", "林静", "联欢", "", "410102001002", "5", "", ""],
        ["心理疏导", "2022-11-02", "1", "", "赵六", number, "", "", "1", ""], ["心理疏导", "2022-11-03", "99", "林静", "赵六", number, "", "", "", ""], good,
        ["心理疏导", "2022-11-04", "1", "=1+1", "赵六", number, "", "", "", ""],
    ]  # fmt: skip
    with scopes.acting(world.coordinator):
        made, said = sheet.import_sheet(contract_id=row.pk, path=book(tmp_path, rows), now=NOW)
        assert made == 0 and not PurchasedService.objects.exists()
    expected = (
        "第 3 行“服务日期”", "第 4 行“数量”", "第 5 行“服务项目”不是合同中的服务", "第 6 行“服务对象”与登记的姓名不一致", "第 7 行“身份证号”",
        "第 8 行“村代码”", "第 9 行“服务人员”没有填写", "第 9 行“联系电话”", "第 10 行“数量”超过合同余量", "第 11 行“服务对象”与上面的行重复",
        "第 12 行“服务人员”以公式符号开头",
    )  # fmt: skip
    for words in expected:
        assert any(each.startswith(words) for each in said), (words, said)
    assert not any(each.startswith("第 2 行") for each in said)


def test_8_2_files_that_are_no_sheet_are_refused_in_words(world: World, tmp_path: Path) -> None:
    row = world.contract()
    broken, empty = tmp_path / "b.xlsx", book(tmp_path, [], name="e.xlsx")
    broken.write_bytes(b"PK\x03\x04 not a workbook")
    missing = book(tmp_path, [["x"]], head=["服务项目"], name="m.xlsx")
    with scopes.acting(world.coordinator):
        for path in (broken, empty, missing):
            with pytest.raises(ValidationError):
                sheet.import_sheet(contract_id=row.pk, path=path, now=NOW)


def test_8_2_pages_show_what_each_duty_may_do(world: World, django_assert_max_num_queries: Any) -> None:
    world.funded()
    row = world.contract()
    for day in range(1, 4):
        world.confirmed(row, day=date(2022, 11, day))
    waiting = world.recorded(row, day=date(2022, 11, 9))
    taken = world.opened(row)
    reviewer, finance, town, coordinator = (client_of(each) for each in (world.reviewer, world.finance, world.town, world.coordinator))
    with django_assert_max_num_queries(45):
        assert "开始一期验收" in reviewer.get(f"/purchases/{row.pk}/").content.decode()
    with django_assert_max_num_queries(40):
        assert "待抽查" in reviewer.get(f"/purchases/acceptances/{taken.pk}/").content.decode()
    with django_assert_max_num_queries(40):
        assert "重置" in reviewer.get("/purchases/services/").content.decode()
    assert "确认属实" in town.get(f"/purchases/services/{waiting.pk}/").content.decode()
    assert "确认属实" not in coordinator.get(f"/purchases/services/{waiting.pk}/").content.decode()
    for address in (
        "/purchases/",
        "/purchases/new/",
        f"/purchases/{row.pk}/record/",
        f"/purchases/{row.pk}/import/",
        "/donations/manage/",
        "/resources/",
        "/resources/new/",
    ):
        assert coordinator.get(address).status_code == 200, address
    assert coordinator.get(f"/purchases/{row.pk}/template/").content[:2] == b"PK"
    assert town.get("/purchases/").status_code == 403 and town.get("/donations/manage/").status_code == 403
    world.checked(taken)
    assert reviewer.post(f"/purchases/acceptances/{taken.pk}/", {"act": "submit", "version": "1", "deduction": "0"}).status_code == 302
    page = finance.get(f"/purchases/acceptances/{taken.pk}/").content.decode()
    assert "361.50" in page and 'value="settle"' in page
    assert finance.post(f"/purchases/acceptances/{taken.pk}/", {"act": "settle", "version": "2"}).status_code == 302
    assert "相符" in finance.get("/purchases/").content.decode()
    assert (
        "不能这样办理" in finance.post(f"/purchases/acceptances/{taken.pk}/", {"act": "send_back", "version": "3", "reason": "晚了"}).content.decode()
    )


def test_8_2_a_contract_is_proposed_on_the_page(world: World) -> None:
    coordinator = client_of(world.coordinator)
    given = {
        "key": str(uuid4()), "number": "HT-9", "title": "关爱服务", "organisation": str(world.organisation.pk), "fund": "services", "starts": "2022-11-01", "until": "2022-12-31",
        "document": "会议纪要3", "lines-TOTAL_FORMS": "2", "lines-INITIAL_FORMS": "0", "lines-0-kind": "comfort", "lines-0-name": "探访", "lines-0-unit": "次",
        "lines-0-unit_price": "50", "lines-0-quantity": "20",
    }  # fmt: skip
    assert coordinator.post("/purchases/new/", given | {"lines-0-unit": ""}).status_code == 422
    assert coordinator.post("/purchases/new/", given).status_code == 302 and coordinator.post("/purchases/new/", given).status_code == 302
    with scopes.acting(world.reviewer):
        assert type(world.contract()).objects.filter(number="HT-9").get().amount == 1000
    assert Line("comfort", "x", "次", Decimal("0.335"), Decimal(1)).amount == Decimal("0.34") and io


def test_donation_pages_from_receipt_to_arrival(world: World) -> None:
    coordinator, visitor, finance = client_of(world.coordinator), client_of(world.visitor), client_of(world.finance)
    given = {
        "key": str(uuid4()),
        "number": "S-1",
        "item": "棉被",
        "quantity": "10",
        "unit": "床",
        "purpose": "winter",
        "received_on": "2022-11-20",
        "donor": "张三丰",
    }
    assert coordinator.post("/donations/manage/new/goods/", given | {"donor": ""}).status_code == 422
    reply = coordinator.post("/donations/manage/new/goods/", given)
    assert (
        reply.status_code == 302
        and coordinator.get("/donations/manage/new/money/").status_code == 403
        and finance.get("/donations/manage/new/money/").status_code == 200
    )
    page = reply["Location"]
    assert (
        coordinator.post(
            page, {"act": "allocate", "key": str(uuid4()), "target": "community", "area": VILLAGE, "quantity": "11", "purpose": ""}
        ).status_code
        == 422
    )
    assert (
        coordinator.post(
            page, {"act": "allocate", "key": str(uuid4()), "target": "community", "area": VILLAGE, "quantity": "6", "purpose": ""}
        ).status_code
        == 302
    )
    with scopes.acting(world.coordinator):
        from doudi.resources.models import DonationAllocation

        one = DonationAllocation.objects.get()
    assert coordinator.post(page, {"act": "send", "allocation": str(one.pk), "version": "1", "carrier": "志愿者车队"}).status_code == 302
    there = f"/donations/allocations/{one.pk}/"
    shown = visitor.get(there).content.decode()
    assert "确认收到" in shown and "张三丰" not in shown
    assert visitor.post(there, {"version": "2", "received": "5", "taker": "杨建国", "proof": "signature"}).status_code == 422
    assert visitor.post(there, {"version": "2", "received": "6", "taker": "杨建国", "proof": "signature"}).status_code == 302
    assert visitor.get("/donations/allocations/").status_code == 200 and coordinator.get(page).status_code == 200
