"""1.1: what is given to departments says the same as the check of their files."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from doudi.batch.cleaning import clean
from doudi.batch.datasets import CONTRACTS, Contract
from doudi.batch.datasets.handout import PATTERNS, table_schema, write_handout

SAMPLES = {"date": "2022-10-03", "month": "2022-10", "amount": "1234.50", "number": "12"}
EACH = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


@EACH
def test_1_1_the_schema_names_every_column_its_need_and_the_key(contract: Contract) -> None:
    schema = json.loads(json.dumps(table_schema(contract)))
    assert [field["name"] for field in schema["fields"]] == [column.header_zh for column in (*contract.columns, *contract.linking)]
    required = {field["name"] for field in schema["fields"] if field.get("constraints", {}).get("required")}
    assert required == {column.header_zh for column in contract.required}
    assert set(schema["primaryKey"]) <= set(contract.headers) and schema["department"] and schema["legalBasis"]


@EACH
def test_1_1_whatever_the_schema_allows_the_check_takes(contract: Contract) -> None:
    for column, field in zip((*contract.columns, *contract.linking), table_schema(contract)["fields"], strict=True):
        constraints = field.get("constraints", {})
        values = constraints.get("enum") or field.get("trueValues", []) + field.get("falseValues", []) or [SAMPLES.get(column.type, "")]
        if column.type == "id_number" or values == [""]:
            continue
        _cleaned, reasons = clean(column, pl.Series(column.name, values), date(2022, 11, 28))
        assert reasons.drop_nulls().to_list() == [], (contract.code, column.name)
    assert re.fullmatch(PATTERNS["id_number"], "41012219500203101X") and not re.fullmatch(PATTERNS["id_number"], "4101221950020310")


@EACH
def test_1_1_the_workbook_holds_the_agreement_the_fields_and_a_sheet_to_fill_in(contract: Contract, tmp_path: Path) -> None:
    write_handout(contract, tmp_path / "a.xlsx", contact="王工 0371")
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    assert book.sheet_names == ["说明", "字段", "填报"]
    facts = dict(row[:2] for row in book.get_sheet_by_name("说明").to_python())
    assert facts["报送部门"] == contract.department_zh and facts["联系人"] == "王工 0371" and facts["依据"] == contract.legal_basis
    headers = [column.header_zh for column in (*contract.columns, *contract.linking)]
    assert [row[0] for row in book.get_sheet_by_name("字段").to_python()[1:]] == headers
    assert book.get_sheet_by_name("填报").to_python()[0] == headers
    assert ("无身份证号" in facts) == bool(contract.linking)
