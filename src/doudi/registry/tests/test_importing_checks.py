"""Rows of an import by column: the same rows are good, with the same values, as one by one."""

from __future__ import annotations

import random

import polars as pl

from doudi.batch.idnumber import luhn_digit
from doudi.core.sheets import Table
from doudi.registry import sheets
from doudi.registry.services.importing_checks import GOOD, _check_row, good_rows
from doudi.registry.tests.helpers import ON, VILLAGE, id_number

CARD = "621799000000012345"
SAID: dict[str, list[str]] = {
    "household": ["1", "2", ""], "village": [VILLAGE, ""], "residence": ["农村", "城市", "", "山区"], "address": ["东街", ""],
    "relationship": ["户主", "本人", "02", "01", "配偶", " 子", "朋友", ""], "name": ["周大山", "𠮷安", "阿依夏木•买买提", "欧阳 修", "·", "A1", ""],
    "id_number": [id_number(), id_number(male=False), id_number()[:17] + "Z", "410122600504123", "４１０１２２６００５０４１２３", "410122202212310011", "123", "\u2003", ""],
    "birth_date": ["", "1960-05-04", "1960年5月4日", "19600504", "22040", "1880-01-01", "2022-11-26", "1960-02-30", "昨天"], "sex": ["", "男", "女", "1", "未知"],
    "ethnicity": ["", "回", "回族", "汉族", "火星族"], "phone": ["", "13800005678", "+86 138-0000-5678", "0371－65908888", "12800005678", "\u2003"],
    "bank": ["", "中国邮政储蓄银行", "某银行"], "account": ["", CARD + luhn_digit(CARD), CARD + str((int(luhn_digit(CARD)) + 1) % 10), "12345678", "6217 9900", "123"],
}  # fmt: skip


def _table(rows: list[dict[str, str]]) -> Table:
    return Table(sheets.LAYOUT, "", list(range(2, 2 + len(rows))), pl.DataFrame(rows, dict.fromkeys(SAID, pl.String)), [])


def test_a_column_at_a_time_finds_the_same_good_rows_values_and_words_as_one_by_one() -> None:
    chance = random.Random(20221125)
    right = {name: texts[0] for name, texts in SAID.items()}
    rows = [{name: chance.choice(texts) if chance.random() < share else right[name] for name, texts in SAID.items()} for share in (0.08, 0.2, 0.5) for _ in range(400)]
    table, alone = _table(rows), _table(rows)
    good = good_rows(table, on=ON)
    one_by_one = [values for at in range(len(rows)) if (values := _check_row(alone.row(at), at, on=ON))]
    assert good.rows() == pl.DataFrame(one_by_one, GOOD, orient="row").rows()
    assert [row.said() for row in table.errors()] == [row.said() for row in alone.errors()]
    assert 300 < len(good) < 1100
    plain = _table([right | {"address": str(at)} for at in range(50)])
    assert len(good_rows(plain, on=ON)) == 50 and not plain.made  # no object a row


def test_a_row_that_the_reader_refused_is_not_good_whatever_its_cells_say() -> None:
    table = _table([{name: texts[0] for name, texts in SAID.items()}])
    table.row(0).wrong("name", "是公式")
    assert not len(good_rows(table, on=ON)) and [row.number for row in table.errors()] == [2]
