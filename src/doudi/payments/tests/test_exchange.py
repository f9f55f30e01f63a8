"""Files by chosen layouts and the bank's answers on their way back: split, sealed, refused whole, in halves and out of order (measures 4.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from doudi.core import scope as scopes
from doudi.core.models import Todo
from doudi.enrolment.models import Award
from doudi.payments import answers, layout_io, layouts
from doudi.payments.models import BankAnswer, BankFile, BankResult, Fund, Payroll
from doudi.payments.services import channels, envelopes, exchange, files, ledger
from doudi.payments.tests.bankside import TODAY, booked, bytes_of, choose, exported, looked_at, nothing_is_booked, receipt_of, received, released
from doudi.payments.tests.world import COUNTY, MONTH, NOW, ON, Officers, award

pytestmark = pytest.mark.django_db


# --- files -----------------------------------------------------------------------------------------------------------


def test_4_3_files_of_a_limit_are_named_by_date_and_serial_and_hold_every_line_once(officers: Officers, small: None) -> None:
    choose(officers, "bank_fen")
    payroll = released(officers, 5)
    made = exported(officers, payroll)
    assert [row.name for row in made] == ["2022120500001.txt", "2022120500002.txt", "2022120500003.txt"]
    assert [(row.part, row.parts, row.lines) for row in made] == [(1, 3, 2), (2, 3, 2), (3, 3, 1)]
    read = [layout_io.read(layouts.LAYOUTS["bank_fen"], bytes_of(officers, row), name=row.name) for row in made]
    assert sum(one.lines for one in read) == payroll.lines and sum(one.amount for one in read) == payroll.amount
    with scopes.acting(officers.finance):
        assert sorted(int(row["流水号"]) for one in read for row in one.rows) == sorted(payroll.payroll_lines.values_list("id", flat=True))
    again = exported(officers, payroll)
    assert [row.pk for row in again] == [row.pk for row in made] and [bytes_of(officers, row) for row in again] == [
        bytes_of(officers, row) for row in made
    ]
    assert [hashlib.sha256(bytes_of(officers, row)).hexdigest() for row in made] == [row.sha256 for row in made]
    with scopes.acting(officers.finance):
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]


def test_each_line_goes_to_one_bank_by_the_choice_that_says_most(officers: Officers) -> None:
    choose(officers, "one_card_csv")
    with scopes.acting(officers.finance):
        fund = Fund.objects.get(code="disability")
    choose(officers, "bank_batch", fund=fund)
    choose(officers, "bank_batch_gbk", bank="C999")
    payroll = released(officers, 2, programme="disability_nursing")
    with scopes.acting(officers.reviewer):
        found = channels.channels_of(payroll)
    assert sorted((one.layout.code, one.lines, one.amount) for one in found) == [
        ("bank_batch", 1, Decimal("75.00")), ("one_card_csv", 2, Decimal("600.00")),
    ]  # fmt: skip
    made = exported(officers, payroll)
    assert len({row.number for row in made}) == 2 and sum(row.lines for row in made) == 3
    with scopes.acting(officers.finance), pytest.raises(ValidationError, match="按整批生成"):
        files.export_file(payroll_id=payroll.pk, layout="one_card_xlsx", now=NOW)


def test_a_county_that_chose_makes_no_other_file_and_a_whole_one_is_not_made_again_by_choice(officers: Officers) -> None:
    payroll = released(officers)
    officers.exported(payroll, "bank_batch")
    choose(officers, "bank_fen", starts=ON)
    with scopes.acting(officers.finance), pytest.raises(ValidationError, match="可能发放两次"):
        files.export_chosen(payroll_id=payroll.pk, now=NOW)
    other = Officers("410123")
    with scopes.acting(other.finance), pytest.raises(ValidationError, match="不存在"):
        files.export_chosen(payroll_id=payroll.pk, now=NOW)


def test_rare_names_are_written_whole_or_refused_before_anything_is_signed(officers: Officers) -> None:
    choose(officers, "bank_batch_gbk")
    with scopes.acting(officers.reviewer):
        given, _other = award(), award()
        Award.objects.filter(pk=given.award.pk).update(payee_name="测试\U00020bb7")
    officers.money()
    payroll = officers.prepared().payroll
    with pytest.raises(ValidationError, match=r"“测试𠮷”中的“𠮷”（U\+20BB7）.*文件没有生成"):
        officers.checked(payroll)
    with scopes.acting(officers.reviewer):
        assert Payroll.objects.get(pk=payroll.pk).state == "draft"
        Award.objects.filter(pk=given.award.pk).update(payee_name="测试镕")
    made = exported(officers, officers.released(officers.prepared().payroll))
    assert "测试镕".encode("gbk") in bytes_of(officers, made[0])


@pytest.mark.parametrize(("layout", "name"), [("bank_batch_gbk", "甲\U00020bb7"), ("bank_batch", "甲|乙"), ("bank_fen", "甲|乙")])
def test_a_name_that_cannot_be_written_leaves_no_file(officers: Officers, layout: str, name: str) -> None:
    with scopes.acting(officers.reviewer):
        given = award()
        Award.objects.filter(pk=given.award.pk).update(payee_name=name)
    officers.money()
    payroll = officers.released(officers.prepared().payroll)
    with scopes.acting(officers.finance), pytest.raises(ValidationError, match="写不出这些户名"):
        files.export_file(payroll_id=payroll.pk, layout=layout, now=NOW)
    with scopes.acting(officers.finance):
        assert not BankFile.objects.exists()


# --- choices ---------------------------------------------------------------------------------------------------------


def test_a_choice_takes_two_officers_and_never_changes(officers: Officers) -> None:
    with scopes.acting(officers.finance):
        row = exchange.propose_choice(area=COUNTY, layout="bank_fen", starts=ON, document="协议", on=TODAY, now=NOW)
        with pytest.raises(PermissionDenied):
            exchange.decide_choice(choice_id=row.pk, decision="confirmed", note="", now=NOW)
        with pytest.raises(ValidationError, match="待确认或已确认"):
            exchange.propose_choice(area=COUNTY, layout="bank_batch", starts=ON, document="协议", on=TODAY, now=NOW)
        with pytest.raises(ValidationError, match="不能早于今天"):
            exchange.propose_choice(area=COUNTY, layout="bank_batch", starts=date(2022, 12, 4), document="协议", on=TODAY, now=NOW)
        with pytest.raises(ValidationError, match="银行证书"):
            exchange.propose_choice(area=COUNTY, layout="bank_batch", starts=ON, document="协议", on=TODAY, now=NOW, encrypted=True)
        assert channels.choices_on(COUNTY, ON) == []
        with pytest.raises(DatabaseError, match="layout_choice_two_officers"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update payments_layoutchoice set state = 'confirmed', decided_by_id = proposed_by_id where id = %s", [row.pk])
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update payments_layoutchoice set layout = 'bank_batch' where id = %s", [row.pk])
    with scopes.acting(officers.approver):
        exchange.decide_choice(choice_id=row.pk, decision="confirmed", note="", now=NOW)
        exchange.decide_choice(choice_id=row.pk, decision="confirmed", note="", now=NOW)  # a double click
        with pytest.raises(ValidationError, match="由他人办理"):
            exchange.decide_choice(choice_id=row.pk, decision="refused", note="x", now=NOW)
        assert [one.pk for one in channels.choices_on(COUNTY, ON)] == [row.pk] and channels.choices_on(COUNTY, TODAY) == []
        exchange.decide_choice(choice_id=row.pk, decision="withdrawn", note="协议终止", now=NOW)
        assert channels.choices_on(COUNTY, ON) == []
    with scopes.acting(Officers("410123").approver), pytest.raises(ValidationError, match="管辖范围"):
        exchange.decide_choice(choice_id=row.pk, decision="withdrawn", note="x", now=NOW)
    with scopes.acting(officers.reviewer), pytest.raises(PermissionDenied):
        exchange.propose_choice(area=COUNTY, layout="bank_fen", starts=ON, document="x", on=TODAY, now=NOW)


# --- answers ---------------------------------------------------------------------------------------------------------


def test_parts_come_in_any_order_and_are_booked_when_all_are_there(officers: Officers, small: None) -> None:
    choose(officers, "bank_fen")
    payroll = released(officers, 5)
    one, two, three = exported(officers, payroll)
    with scopes.acting(officers.finance):
        back = list(payroll.payroll_lines.order_by("id").values_list("id", flat=True))[1]
    data = {file.name: receipt_of(officers, file, back) for file in (one, two, three)}
    assert received(officers, payroll, ("三.txt", data[three.name])).new == 1
    seen = looked_at(officers, payroll)
    assert (seen.lines, seen.missing_lines, seen.ready, seen.problems) == (1, 4, False, [])
    with pytest.raises(ValidationError, match="不相符，未记账"):
        booked(officers, payroll)
    assert received(officers, payroll, ("一.txt", data[one.name]), ("三又.txt", data[three.name])) == exchange.Received(1, 1, [])
    nothing_is_booked(officers, payroll)
    received(officers, payroll, ("二.txt", data[two.name]))
    seen = looked_at(officers, payroll)
    assert seen.ready and (seen.lines, seen.returned) == (5, 1) and [row["reason"] for row in seen.reasons] == ["已销户"]
    done = booked(officers, payroll)
    assert (done.paid, done.returned, done.returned_amount, done.changed) == (4, 1, Decimal("300.00"), True)
    assert not booked(officers, payroll).changed
    assert received(officers, payroll, ("一.txt", data[one.name])) == exchange.Received(0, 1, [])
    with scopes.acting(officers.finance):
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"] and BankResult.objects.count() == 3
        assert set(BankAnswer.objects.values_list("state", flat=True)) == {"booked"}
        with pytest.raises(ValidationError, match="不能作废"):
            exchange.set_aside(answer_id=BankAnswer.objects.first().pk, reason="x", now=NOW)  # type: ignore[union-attr]


def test_two_halves_of_a_rural_bank_come_on_two_days_the_failures_first(officers: Officers) -> None:
    payroll = released(officers, 3)
    head, *rows = officers.exported(payroll, "bank_batch").decode("gb18030").splitlines()
    cells = head.split("|")
    halves = {}
    for name, part, tail in (("F", rows[:1], "|R03|已销户"), ("S", rows[1:], "")):
        total = f"{sum(Decimal(row.split('|')[2]) for row in part):.2f}"
        halves[name] = "\n".join(["|".join([*cells[:6], str(len(part)), total]), *[row + tail for row in part], ""]).encode("gb18030")
    received(officers, payroll, ("F.txt", halves["F"]))
    assert looked_at(officers, payroll).missing_lines == 2
    received(officers, payroll, ("S.txt", halves["S"]))
    assert looked_at(officers, payroll).ready
    done = booked(officers, payroll)
    assert (done.paid, done.returned) == (2, 1)


@pytest.mark.parametrize("what", ["fen", "unknown", "duplicate", "cut", "twice"])
def test_an_answer_that_does_not_fit_is_shown_with_its_line_and_booked_never(officers: Officers, small: None, what: str) -> None:
    choose(officers, "bank_fen")
    payroll = released(officers, 4)
    one, two = exported(officers, payroll)
    good, bad = receipt_of(officers, one), receipt_of(officers, two)
    words = {
        "fen": "二.txt：第 2 行“金额”为 300.01，发放明细为 300.00",
        "unknown": "二.txt：第 2 行“流水号”不在批次",
        "duplicate": "第 2 行是同一笔明细",
        "twice": "结果为 4 笔",
    }
    lines = bad.decode().splitlines()
    if what == "fen":
        bad = receipt_of(officers, two, cheat=1)
    elif what == "unknown":
        cells = lines[1].split("|")
        bad = "\n".join([lines[0], "|".join([cells[0], "999999999", *cells[2:]]), lines[2], ""]).encode()
    elif what == "duplicate":
        bad = "\n".join([lines[0], lines[1], lines[1], ""]).encode()
    elif what == "cut":
        with pytest.raises(ValidationError, match="明细实有 1 笔"):
            received(officers, payroll, ("二.txt", "\n".join(lines[:2]).encode()))
        bad = b""
    elif what == "twice":  # the first part's answer again under the second's number
        bad = good.replace(one.number.encode(), two.number.encode()) + b""
        words["twice"] = "一.txt 第 2 行是同一笔明细"
    received(officers, payroll, ("一.txt", good), *([("二.txt", bad)] if bad else []))
    seen = looked_at(officers, payroll)
    assert not seen.ready
    if what != "cut":
        assert any(words[what] in problem for problem in seen.problems), seen.problems
        with pytest.raises(ValidationError, match="未记账"):
            booked(officers, payroll)
        with scopes.acting(officers.finance):
            wrong = BankAnswer.objects.get(name="二.txt")
            with pytest.raises(ValidationError, match="原因"):
                exchange.set_aside(answer_id=wrong.pk, reason=" ", now=NOW)
            exchange.set_aside(answer_id=wrong.pk, reason="银行已更正", now=NOW)
    nothing_is_booked(officers, payroll)
    received(officers, payroll, ("二-更正.txt", receipt_of(officers, two)))
    assert booked(officers, payroll).paid == 4


def test_a_batch_refused_whole_is_made_anew_under_another_number(officers: Officers, small: None) -> None:
    choose(officers, "bank_fen")
    payroll = released(officers, 3)
    one, two = exported(officers, payroll)
    refusal = f"整批拒绝|{two.number}|B03|日期不是当日\n".encode()
    assert [row.pk for row in received(officers, payroll, ("拒.txt", refusal)).refused] == [two.pk]
    assert received(officers, payroll, ("拒又.txt", refusal)).refused == []
    with scopes.acting(officers.finance):
        assert Todo.objects.filter(kind="payments.refused", done_at__isnull=True).count() == 1
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]  # the proof of the file waits for the new one
        again = [row.file for row in files.export_chosen(payroll_id=payroll.pk, now=NOW + timedelta(days=1))]
    assert again[0].pk == one.pk and (again[1].part, again[1].attempt, again[1].name) == (2, 2, "2022120600001.txt")
    with pytest.raises(ValidationError, match="已被银行整批拒绝"):
        received(officers, payroll, ("旧.txt", receipt_of(officers, two)))
    received(officers, payroll, ("一.txt", receipt_of(officers, one)), ("二.txt", receipt_of(officers, again[1])))
    assert booked(officers, payroll).paid == 3
    with scopes.acting(officers.finance):
        assert ledger.check_ledger(area=COUNTY, month=MONTH)["holds"]
    with pytest.raises(ValidationError, match="已记账"):
        received(officers, payroll, ("迟.txt", f"整批拒绝|{one.number}|B03|x".encode()))


@pytest.mark.parametrize("data", [b"", b"\x00\xff", "整批拒绝|410122|B01".encode(), b"HD|x|1|1\n", b"HD|2022120500001|1|30000\n1|5|x|6|-1|0||\n"])
def test_what_is_no_answer_is_not_taken_in(officers: Officers, data: bytes) -> None:
    payroll = released(officers, 1)
    with pytest.raises(ValidationError):
        received(officers, payroll, ("x.txt", data))


def test_another_countys_officer_takes_nothing_in(officers: Officers) -> None:
    payroll = released(officers, 1)
    data = officers.answer(payroll)
    with pytest.raises(ValidationError, match="管辖范围"), scopes.acting(Officers("410123").finance):
        exchange.receive(payroll_id=payroll.pk, data=[("x.csv", data)], now=NOW)
    with pytest.raises(PermissionDenied), scopes.acting(officers.approver):
        exchange.receive(payroll_id=payroll.pk, data=[("x.csv", data)], now=NOW)


# --- guards ----------------------------------------------------------------------------------------------------------


def test_a_recorded_file_stays_and_a_second_needs_a_refusal(officers: Officers) -> None:
    payroll = released(officers, 1)
    officers.exported(payroll, "bank_batch")
    copy = (
        "insert into payments_bankfile (area, payroll_id, layout, number, part, parts, attempt, name, path, sha256, lines, amount, made_by_id, made_at, refused_reason)"
        " select area, payroll_id, {layout}, number, {part}, 2, {attempt}, name, path, sha256, {lines}, amount, made_by_id, made_at, '' from payments_bankfile"
    )
    same = {"layout": "layout", "part": "part", "attempt": "attempt", "lines": "lines"}
    with scopes.acting(officers.finance):
        for change, words in (
            ({"attempt": "2"}, "only when the bank refused it whole"),
            ({"part": "2"}, "more than the payroll"),
            ({"layout": "'one_card_csv'", "lines": "lines + 1"}, "more than the payroll"),
        ):
            with pytest.raises(DatabaseError, match=words), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(copy.format(**{**same, **change}))
        for sql in ("update payments_bankfile set lines = 2", "delete from payments_bankfile", "update payments_bankanswer set amount = 1"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


def test_a_result_counts_once_and_never_for_more_than_the_payroll(officers: Officers) -> None:
    payroll = released(officers, 2)
    insert = (
        "insert into payments_bankresult (area, payroll_id, name, path, sha256, paid_lines, paid_amount, returned_lines, returned_amount, booked_on, booked_by_id,"
        " booked_at) values (%s, %s, 'x', 'x', %s, %s, %s, 0, 0, '2022-12-08', %s, now())"
    )

    def put(sha: str, lines: int, amount: str, area: str = COUNTY) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(insert, [area, payroll.pk, sha, lines, amount, officers.finance.account_id])

    with scopes.acting(officers.finance):
        for lines, amount in ((3, "600.00"), (2, "600.01"), (-1, "0.00")):
            with pytest.raises(DatabaseError, match="does not fit the payroll"):
                put("a", lines, amount)
        put("a", 1, "300.00")
        with pytest.raises(DatabaseError, match="sha256"):
            put("a", 1, "300.00")
        with pytest.raises(DatabaseError, match="row-level security"):
            put("b", 1, "300.00", "410123")
        with pytest.raises(DatabaseError, match="has not answered for every line"), transaction.atomic():
            Payroll.objects.filter(pk=payroll.pk).update(state="booked")


def test_an_answer_is_not_called_booked_without_a_result(officers: Officers) -> None:
    payroll = released(officers, 1)
    received(officers, payroll, ("r.csv", officers.answer(payroll)))
    with scopes.acting(officers.finance), pytest.raises(DatabaseError, match="stays as it came"), transaction.atomic():
        BankAnswer.objects.update(state="booked", decided_by_id=officers.finance.account_id, decided_at=NOW)


# --- encryption and signature ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bank() -> Iterator[tuple[rsa.RSAPrivateKey, x509.Certificate]]:
    """A bank with a key and a certificate of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "县农商银行")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2022, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    yield key, made


def test_files_are_sealed_for_the_bank_and_its_signed_answers_proved(officers: Officers, bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes, "BITS", 2048)
    key, certificate = bank
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    with scopes.acting(officers.finance):
        with pytest.raises(ValidationError, match="签名密钥"):
            exchange.propose_choice(area=COUNTY, layout="bank_fen", starts=ON, document="x", on=TODAY, now=NOW, signed=True, certificate=pem)
        with pytest.raises(ValidationError, match="有效期"):
            exchange.propose_choice(
                area=COUNTY, layout="bank_fen", starts=date(2030, 1, 1), document="x", on=TODAY, now=NOW, encrypted=True, certificate=pem
            )
        own = envelopes.make_key(area=COUNTY, now=NOW)
    choose(officers, "bank_fen", encrypted=True, signed=True, certificate=pem)
    payroll = released(officers, 2)
    (file,) = exported(officers, payroll)
    data = bytes_of(officers, file)
    assert file.name == "2022120500001.txt.p7m" and bytes_of(officers, exported(officers, payroll)[0]) == data
    ours = x509.load_pem_x509_certificate(own.certificate.encode())
    ours.public_key().verify(bytes(file.signature or b""), data, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr,call-arg]
    plain = pkcs7.pkcs7_decrypt_der(data, certificate, key, [])
    read = layout_io.read(layouts.LAYOUTS["bank_fen"], plain, name=file.name)
    assert (read.number, read.lines, read.amount) == (file.number, 2, Decimal("600.00"))
    answer = answers.receipt(number=file.number, rows=[(int(row["流水号"]), row["户名"], row["账号"], 30000, "", "") for row in read.rows])
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(answer).add_recipient(ours).set_content_encryption_algorithm(AES256)
    sealed = builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    signature = key.sign(sealed, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(ValidationError, match="缺少银行签名"):
        received(officers, payroll, ("r.txt.p7m", sealed))
    with pytest.raises(ValidationError, match="银行签名与文件不符"):
        received(officers, payroll, ("r.txt", answer), ("r.txt.sig", signature))
    with pytest.raises(ValidationError, match="没有对应的结果文件"):
        received(officers, payroll, ("r.txt.sig", signature))
    received(officers, payroll, ("r.txt.p7m", sealed), ("r.txt.p7m.sig", signature))
    assert looked_at(officers, payroll).ready and booked(officers, payroll).paid == 2
    with scopes.acting(Officers("410123").finance), pytest.raises(ValidationError, match="打不开"):
        envelopes.opened("410123", "r.txt.p7m", sealed)


def test_the_countys_private_key_is_not_readable_in_the_table(officers: Officers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes, "BITS", 2048)
    with scopes.acting(officers.finance), connection.cursor() as cursor:
        envelopes.make_key(area=COUNTY, now=NOW)
        cursor.execute("select private_key from payments_countykey")
        assert b"PRIVATE" not in bytes(cursor.fetchone()[0])
    with scopes.acting(officers.reviewer), pytest.raises(PermissionDenied):
        envelopes.make_key(area=COUNTY, now=NOW)
