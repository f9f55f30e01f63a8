"""The lines of a payroll in bulk: read through COPY into Arrow tables, in one order, with bounded memory; their keyed digest."""

from __future__ import annotations

import hmac
import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from django.db import connection

from doudi.batch.tokens import tokens_from_matrix
from doudi.core import keys, numbers
from doudi.core.plans import at_once
from doudi.payments.models import Payroll

BLOCK = 32 << 20
TYPES = {
    "id": pa.int64(),
    "entitlement": pa.int64(),
    "month": pa.string(),
    "kind": pa.string(),
    "cause": pa.int64(),
    "area": pa.string(),
    "programme": pa.string(),
    "household": pa.string(),
    "fund": pa.int32(),
    "fund_year": pa.int32(),
    "fen": pa.int64(),
    "payee_name": pa.string(),
    "payee": pa.string(),
    "beneficiary_name": pa.string(),
    "beneficiary": pa.string(),
    "account": pa.string(),
    "bank": pa.string(),
    "times": pa.int32(),
}
# `times`: how often the account has been paid in this batch so far; with the account it names a line to the bank (domain.md, "times paid today").
READ = """
copy (select l.id, l.entitlement_id, to_char(l.month_entitled, 'YYYYMM'), l.kind, l.cause, l.area, l.programme,
  translate(coalesce(h.number, ''), E'\\t\\n\\r\\\\', '    '), l.fund_id, l.fund_year,
  ((l.amount + coalesce(s.less, 0)) * 100)::bigint, translate(l.payee_name, E'\\t\\n\\r\\\\', '    '), l.payee,
  translate(l.beneficiary_name, E'\\t\\n\\r\\\\', '    '), l.beneficiary, l.account, l.bank, l.times
 from (select *, row_number() over (partition by account order by entitlement_id, month_entitled, kind, cause) as times
       from payments_payrollline where payroll_id = {payroll} and month_entitled <= '{latest}' and amount > 0) l
 -- what is set off stands in lines of its own: the bank pays the rest
 left join (select carrier, sum(amount) as less from payments_payrollline where payroll_id = {payroll} and month_entitled <= '{latest}'
            and amount < 0 group by 1) s on s.carrier = l.id
 left join registry_household h on h.id = l.household_id
 {covers} order by l.area, l.entitlement_id, l.month_entitled, l.kind, l.cause) to stdout
"""
# What the digest is over: neither households nor the turn of an account, so no join and no window.
SIGNED = """
copy (select null, l.entitlement_id, to_char(l.month_entitled, 'YYYYMM'), l.kind, l.cause, null, null, null, l.fund_id, l.fund_year,
  (l.amount * 100)::bigint, translate(l.payee_name, E'\\t\\n\\r\\\\', '    '), l.payee, null, null, l.account, l.bank, null
 from payments_payrollline l where l.payroll_id = {payroll} and l.month_entitled <= '{latest}'
 order by l.area, l.entitlement_id, l.month_entitled, l.kind, l.cause) to stdout
"""
# (fund, programme, bank code): the lines of a payroll that one file holds
Covers = list[tuple[int, str, str]]


def tables_of(payroll: Payroll, covers: Covers | None = None) -> Iterator[pa.Table]:
    """The payroll's lines in their fixed order, in tables of some 32 MB; tokens as their text. `covers`: only these."""
    if covers is None:
        yield from tables(READ.format(payroll=int(payroll.pk), latest=payroll.latest, covers=""))
        return
    with connection.cursor() as cursor:
        cursor.execute("create temporary table if not exists file_cover (fund_id bigint, programme text, bank text) on commit drop")
        cursor.execute("truncate pg_temp.file_cover")
        cursor.executemany("insert into pg_temp.file_cover values (%s, %s, %s)", covers)
    yield from tables(
        READ.format(
            payroll=int(payroll.pk),
            latest=payroll.latest,
            covers="join pg_temp.file_cover c on c.fund_id = l.fund_id and c.programme = l.programme and c.bank = l.bank",
        )
    )


def tables(sql: str, types: dict[str, pa.DataType] = TYPES) -> Iterator[pa.Table]:
    """Rows of a `copy … to stdout` as tables of some 32 MB; `types`: its columns in order."""
    with connection.cursor() as cursor, at_once(cursor):
        held = io.BytesIO()
        with cursor.copy(sql) as copy:
            for piece in copy:
                held.write(piece)
                if held.tell() >= BLOCK:
                    yield _parsed(held.getvalue(), types)
                    held = io.BytesIO()
        if held.tell():
            yield _parsed(held.getvalue(), types)


def _parsed(block: bytes, types: dict[str, pa.DataType]) -> pa.Table:
    return pcsv.read_csv(
        pa.BufferReader(block),
        read_options=pcsv.ReadOptions(column_names=list(types)),
        parse_options=pcsv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=pcsv.ConvertOptions(column_types=types, null_values=["\\N"], strings_can_be_null=True),
    ).combine_chunks()


_HEX = np.full(256, 255, np.uint8)
_HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)
_DASHES = (8, 13, 18, 23)


def opened(column: pa.ChunkedArray) -> pa.Array:
    """The numbers behind tokens given as UUID text; null for null. Vectorised (decision 5)."""
    return opened_kinds(column)[1]


def opened_kinds(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """The same with the kind of each (`tokens.Kind`, 0 for null)."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], pa.string())
    valid = pc.is_valid(array).to_numpy(zero_copy_only=False)
    filled = array.fill_null("0" * 36) if array.null_count else array
    if not len(filled):
        return np.array([], np.uint8), pa.array([], pa.string())
    offset = np.frombuffer(filled.buffers()[1], np.int32)[filled.offset]
    text = np.frombuffer(filled.buffers()[2], np.uint8)[offset : offset + 36 * len(filled)].reshape(-1, 36)
    nibbles = _HEX[np.delete(text, _DASHES, axis=1)]
    return numbers.token_key().open_many(tokens_from_matrix(nibbles[:, 0::2] << 4 | nibbles[:, 1::2], None if valid.all() else valid))


def yuan(fen: pa.Array) -> pa.Array:
    """Amounts in fen as text in yuan with two decimals."""
    whole, rest = pc.divide(fen, 100), pc.subtract(fen, pc.multiply(pc.divide(fen, 100), 100))
    return pc.binary_join_element_wise(whole.cast(pa.string()), pc.utf8_lpad(rest.cast(pa.string()), 2, "0"), ".")


def digest_of(payroll: Payroll) -> str:
    """Keyed digest over what will be paid: entitlement, month, kind, cause, fund, amount, payee and account as plain numbers.

    Under the sealing key, which never rotates; no token and no line id goes into it, so that a refresh of an unchanged draft
    gives the same digest (integrity.md, tokens).
    """
    digest = hmac.new(keys.load()["sealing"].key, f"{payroll.number}\n".encode(), "sha256")
    for table in tables(SIGNED.format(payroll=int(payroll.pk), latest=payroll.latest)):
        columns = [
            table["entitlement"],
            table["month"],
            table["kind"],
            pc.fill_null(table["cause"].cast(pa.string()), ""),
            table["fund"],
            table["fund_year"],
            table["fen"],
            table["payee_name"],
            pc.fill_null(opened(table["payee"]), ""),
            opened(table["account"]),
            pc.fill_null(table["bank"], ""),
        ]
        rows = pc.binary_join_element_wise(*[_strings(column) for column in columns], "\t")
        digest.update(_joined(rows))
    return digest.hexdigest()


def _strings(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    return array.cast(pa.string())


def _joined(rows: pa.Array, end: str = "\n") -> bytes:
    """All rows in one piece, each with `end`, without a Python string per row."""
    ended = pc.binary_join_element_wise(rows, end, "")
    start, stop = ended.offset, ended.offset + len(ended)
    offsets = np.frombuffer(ended.buffers()[1], np.int32)
    return bytes(memoryview(ended.buffers()[2])[offsets[start] : offsets[stop]])
