"""Deliveries of departments' files: what is read, what is refused, and in which words."""

import hashlib
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
import python_calamine
import xlsxwriter

from doudi.batch import reading, xlsx
from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import DeliveryRefused, lake_schema, read_delivery
from doudi.batch.idnumber import check_character
from doudi.batch.tokens import Kind, TokenKey

KEY = TokenKey(bytes(range(32)))
ON = date(2022, 11, 25)
MEDICAL, WAGES, DISABILITY = CONTRACTS["medical"], CONTRACTS["wages"], CONTRACTS["disability"]


def number(sequence: int, born: str = "19800101") -> str:
    first17 = f"410122{born}{sequence:03d}"
    return first17 + check_character(first17)


def wage_rows(count: int) -> list[list[str]]:
    return [["张三", number(row), "中牟县第一建筑公司", "2022-10", "3500", "410122"] for row in range(count)]


def write(path, rows, encoding="utf-8", delimiter=","):
    path.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding) + b"\r\n")
    return path


def take(path, contract, tmp_path, **options):
    return read_delivery(path, contract, out=tmp_path / "out", key=KEY, on=options.pop("on", ON), **options)


def sheet(path):
    return python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ","), ("gb18030", ","), ("gb18030", "\t"), ("utf-8", ";"), ("utf-8", "|")]
)
def test_a_file_as_departments_send_it(tmp_path, encoding, delimiter):
    rows = [
        ["2022年10月工资明细"],
        [],
        ["序号", "姓名", "身份证号码", "单位名称", "月份", "应发工资（元）", "参保地"],
        ["1", "张 三", "４１０１２２" + number(1)[6:], "建筑公司", "2022年10月", "￥3500.5元", "410122"],
        ["", "", "", "", "", "", ""],
        ["2", "欧阳小华", number(2).lower(), "建筑公司", "202209", "1.2万", "410122"],
        ["3", "买买提•吐逊", "410122800101003", "建筑公司", "2022/8", "０", ""],
        ["序号", "姓名", "身份证号码", "单位名称", "月份", "应发工资（元）", "参保地"],
        ["合计", "", "", "", "", "15500.5"],
        ["制表人：李四"],
    ]
    done = take(write(tmp_path / "a.csv", rows, encoding, delimiter), WAGES, tmp_path)
    assert (done.accepted, done.rejected, done.ignored, done.header_row, done.upgraded) == (3, 0, 4, 3, 1)
    table = pq.read_table(done.parquet)
    assert table.schema.equals(lake_schema(WAGES))
    found = table.to_pydict()
    assert found["row"] == [4, 6, 7]
    assert found["name"] == ["张三", "欧阳小华", "买买提·吐逊"]
    assert found["month"] == [date(2022, 10, 1), date(2022, 9, 1), date(2022, 8, 1)]
    assert found["wage"] == [Decimal("3500.50"), Decimal("12000.00"), Decimal("0.00")]
    assert found["id_token"] == [KEY.seal(Kind.CITIZEN_ID, number(sequence)).bytes for sequence in (1, 2, 3)]
    assert found["birth_date"] == [date(1980, 1, 1)] * 3 and found["sex"] == ["male", "female", "male"]
    assert done.rejects is None and done.sha256 == hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest()


def test_rejected_rows_come_back_with_row_field_reason_and_original(tmp_path):
    rows = [WAGES.headers, *wage_rows(20)]
    rows[3][1] = number(900)[:-1] + ("0" if number(900)[-1] != "0" else "1")
    rows[5][3], rows[5][4] = "2022-13", "三千"
    rows[7] = ["=HYPERLINK(0)", number(7), "@SUM(A1)", "2022-10", "-5", "41"]
    rows[9] = ["", number(9), "公司", "2023-01", "1", ""]
    rows[11] = ["张三", number(11), "公司", "2022-10", "1", "410122", "多余", "的"]
    rows[13] = list(rows[12])
    contract = replace(WAGES, max_bad_share=0.5)
    done = take(write(tmp_path / "a.csv", rows), contract, tmp_path)
    assert (done.accepted, done.rejected) == (14, 6)
    lines = sheet(done.rejects)
    assert lines[0][:9] == ["行号", "字段", "原因", *WAGES.headers]
    by_row = {line[0]: line for line in lines[1:]}
    assert set(by_row) == {"4", "6", "8", "10", "12", "14"}
    assert by_row["4"][1:3] == ["身份证号", f"第 4 行“身份证号”校验位不正确，应为 {number(900)[-1]}；请更正后重新上传"]
    assert by_row["6"][1] == "月份、应发工资" and by_row["6"][3:9] == rows[5]
    assert by_row["8"][1] == "姓名、单位、应发工资、参保地" and by_row["8"][3] == "=HYPERLINK(0)"
    assert "为空" in by_row["10"][2] and "晚于报送日期" in by_row["10"][2]
    assert "有 8 列，与表头的 6 列不符" in by_row["12"][2]
    assert "与第 13 行重复" in by_row["14"][2]
    with zipfile.ZipFile(done.rejects) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml") and b"hyperlink" not in archive.read("xl/worksheets/sheet1.xml")
    assert done.rejects.stat().st_mode & 0o777 == 0o600
    assert dict(done.reasons)["“应发工资”不能为负数"] == 1


def test_nothing_of_a_number_reaches_the_lake(tmp_path):
    rows = [DISABILITY.headers, ["王明", number(1), number(1) + "43", "肢体", "三级", "2020-02-29", "2030.2.28"]]
    done = take(write(tmp_path / "a.csv", rows), DISABILITY, tmp_path)
    raw = done.parquet.read_bytes()
    assert number(1).encode() not in raw and number(1)[6:].encode() not in raw
    found = pq.read_table(done.parquet).to_pylist()[0]
    assert (found["kind"], found["grade"], found["issued_on"], found["valid_until"]) == ("4", "3", date(2020, 2, 29), date(2030, 2, 28))
    assert KEY.open(found["certificate_token"]) == (Kind.CERTIFICATE, number(1) + "43")
    assert "certificate" not in found and "id_number" not in found
    assert duckdb.sql(f"select count(*) from '{done.parquet}'").fetchall() == [(1,)]


def test_a_certificate_of_another_person_is_rejected(tmp_path):
    good = [["王明", number(row), number(row) + "43", "肢体", "三级", "2020-01-01", ""] for row in range(5)]
    rows = [DISABILITY.headers, *good, ["王明", number(9), number(8) + "43", "4", "3", "2020-01-01", ""]]
    done = take(write(tmp_path / "a.csv", rows), DISABILITY, tmp_path)
    assert (done.accepted, done.rejected) == (5, 1) and "前 18 位与“身份证号”不一致" in sheet(done.rejects)[1][2]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2022-10-03", date(2022, 10, 3)),
        ("2022/10/3", date(2022, 10, 3)),
        ("2022.10.3", date(2022, 10, 3)),
        ("20221003", date(2022, 10, 3)),
        ("２０２２年１０月３日", date(2022, 10, 3)),
        ("2022年 10月 3日", date(2022, 10, 3)),
        ("2022-10-3 10:20:30", date(2022, 10, 3)),
        ("2022-10-31 00:00:00.000", date(2022, 10, 31)),
        ("2022-10-03T08:00:00", date(2022, 10, 3)),
        ("20221003080000", date(2022, 10, 3)),
        ("44837", date(2022, 10, 3)),
        ("44837.5", date(2022, 10, 3)),
        ("2020-02-29", date(2020, 2, 29)),
        ("2021-02-29", None),
        ("2022-10", None),
        ("22-10-03", None),
        ("3/10/2022", None),
        ("2022-11-26", None),
        ("昨天", None),
        ("", None),
    ],
)
def test_dates_in_many_shapes(tmp_path, text, day):
    contract = replace(CONTRACTS["deaths"], max_bad_share=0.9)
    rows = [contract.headers, ["张三", number(1), text, ""], ["李四", number(2), "2022-01-01", ""]]
    done = take(write(tmp_path / "a.csv", rows), contract, tmp_path)
    found = dict(zip(*pq.read_table(done.parquet, columns=["row", "died_on"]).to_pydict().values(), strict=True))
    assert found.get(2) == day


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,234.50", "1234.50"), ("￥１２元", "12.00"), ("1,234,567元", "1234567.00"), ("0.285", "0.29"), ("12.", "12.00"),
     ("1,23", None), ("1.2.3", None),
     ("1e5", None), ("-1", None), ("9999999999999", None), ("NaN", None), ("一百", None), ("=1+1", None)],
)  # fmt: skip
def test_amounts_in_many_shapes(tmp_path, text, amount):
    contract = replace(CONTRACTS["pensions"], max_bad_share=0.9)
    rows = [contract.headers, ["张三", number(1), "城乡居民", "2022-10", text], ["李四", number(2), "城镇职工养老保险", "202210", "5"]]
    done = take(write(tmp_path / "a.tsv", rows, delimiter="\t"), contract, tmp_path)
    found = dict(zip(*pq.read_table(done.parquet, columns=["row", "amount"]).to_pydict().values(), strict=True))
    assert found.get(2) == (None if amount is None else Decimal(amount))


def test_capital_in_ten_thousand_yuan_is_stored_in_yuan(tmp_path):
    contract = CONTRACTS["companies"]
    code = "91410122MA3X1Y2T3A"
    rows = [contract.headers] + [
        ["张三", number(row), "公司", code, "股东", text, "2020-1-1"] for row, text in enumerate(["50", "50万元", "500000元", ""])
    ]
    done = take(write(tmp_path / "a.csv", rows), contract, tmp_path)
    assert pq.read_table(done.parquet)["capital"].to_pylist() == [Decimal(500000)] * 3 + [None]


def workbook(path, rows, **options):
    book = xlsxwriter.Workbook(str(path), options)
    page = book.add_worksheet("数据")
    for at, row in enumerate(rows):
        page.write_row(at, 0, row)
    return book, page


def test_excel_with_dates_figures_and_formulas(tmp_path):
    contract = replace(MEDICAL, max_bad_share=0.7)
    book, page = workbook(tmp_path / "a.xlsx", [["医保结算明细"], [], contract.headers])
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    page.write_row(3, 0, ["张三", number(1)])
    page.write_datetime(3, 2, date(2022, 10, 3), day)
    page.write_row(3, 3, [1234.5, 200, "是", "肺炎"])
    page.write_row(4, 0, ["李四", int(number(2)[:17] + "0"), "2022-10-04", 1, 1, "否", ""])
    page.write_row(5, 0, ["王五", number(3), "2022-10-05"])
    page.write_formula(5, 3, "=1+1", None, 2)
    page.write_row(5, 4, [1, "否", "感冒"])
    page.write_row(6, 0, ["合计"])
    page.write_formula(6, 3, "=SUM(D4:D6)", None, 5)
    book.add_worksheet("说明").write(0, 0, "填表说明")
    book.close()
    done = take(tmp_path / "a.xlsx", contract, tmp_path)
    assert (done.accepted, done.rejected, done.ignored) == (1, 2, 1)
    found = pq.read_table(done.parquet).to_pylist()[0]
    assert (found["row"], found["settled_on"], found["total_cost"], found["serious_illness"]) == (4, date(2022, 10, 3), Decimal("1234.50"), True)
    reasons = {line[0]: line[2] for line in sheet(done.rejects)[1:]}
    assert "以数值保存" in reasons["5"] and "“总费用”是公式" in reasons["6"]


def refused(path, contract, tmp_path, words):
    with pytest.raises(DeliveryRefused, match=words) as caught:
        take(path, contract, tmp_path)
    assert not (tmp_path / "out" / "accepted.parquet").exists()
    return caught.value


def test_hostile_text_files_are_refused(tmp_path):
    good = ",".join(WAGES.headers).encode() + b"\n"
    cases = {
        "empty.csv": (b"", "文件为空"),
        "nul.csv": (good + b"a\0b\n", "NUL"),
        "zip.csv": (b"PK\x03\x04" + b"x" * 50, "与扩展名不符"),
        "pdf.csv": (b"%PDF-1.7", "PDF"),
        "utf16.csv": (good.decode().encode("utf-16"), "UTF-16|NUL"),
        "latin.csv": (good + b"\xff\xfe\x81\xff" * 20, "编码"),
        "columns.csv": (good + b"," * 1_000_000 + b"\n", "一行超过"),
        "header.csv": (b"," * 1_000_000 + b"\n" + good, "一行超过"),
        "quote.csv": (good + b'"' + b"x,\n" * 3_000_000, "引号"),
        "none.csv": (b"a,b,c\n1,2,3\n", "没有找到表头"),
        "missing.csv": ("姓名,身份证号,月份\n".encode(), "缺少必需的列：单位、应发工资"),
        "double.csv": ("姓名,身份证号,身份证号码,单位,月份,应发工资\n".encode(), "表头重复"),
        "nodata.csv": (good, "没有数据"),
        "many.csv": (good + (",".join(["x"] * 9) + "\n").encode() * 150_000, "列数与表头不符"),
        "old.xls": (b"\xd0\xcf\x11\xe0", "旧版 Excel"),
        "prog.exe": (b"MZ", "不支持"),
        "text.xlsx": (good, "不是 Excel"),
        "locked.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "加密"),
        "broken.xlsx": (b"PK\x03\x04" + b"x" * 500, "损坏"),
    }
    for name, (content, words) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        refused(path, WAGES, tmp_path, words)


def test_too_many_bad_rows_refuse_the_whole_delivery_with_its_reasons(tmp_path):
    rows = [WAGES.headers, *wage_rows(10)]
    for row in rows[1:4]:
        row[4] = "无数"
    error = refused(write(tmp_path / "a.csv", rows), WAGES, tmp_path, "10 行中有 3 行不合格，超过允许的 20%")
    assert error.reasons == ("“应发工资”不是数值，应如 1234.50：3 处",) and len(error.sha256) == 64
    assert len(sheet(error.rejects)) == 4


def test_hostile_workbooks_are_refused(tmp_path, monkeypatch):
    def archive(name, **members):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as target:
            for member, content in members.items():
                target.writestr(member.replace("__", "/").replace("_xml", ".xml").replace("_rels", ".rels"), content)
        return tmp_path / name

    book, _ = workbook(tmp_path / "good.xlsx", [WAGES.headers, *wage_rows(3)])
    book.close()
    assert take(tmp_path / "good.xlsx", WAGES, tmp_path).accepted == 3
    (tmp_path / "out" / "accepted.parquet").unlink()

    refused(archive("word.xlsx", word__document_xml="<x/>"), WAGES, tmp_path, "不是 Excel")
    refused(archive("bomb.xlsx", xl__workbook_xml="<x/>", xl__worksheets__sheet1_xml=b"0" * (40 << 20)), WAGES, tmp_path, "压缩炸弹")

    def altered(name, change):
        with zipfile.ZipFile(tmp_path / "good.xlsx") as source, zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as target:
            for member in source.namelist():
                target.writestr(member, change(member, source.read(member)))
        return tmp_path / name

    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    corners = altered("far.xlsx", lambda member, text: text.replace(b"</sheetData>", far) if "sheet1" in member else text)
    refused(corners, WAGES, tmp_path, "万个单元格")
    entity = altered("entity.xlsx", lambda member, text: b'<!DOCTYPE a [<!ENTITY b "c">]>' + text if member == "xl/workbook.xml" else text)
    refused(entity, WAGES, tmp_path, "实体|损坏")
    long = altered("long.xlsx", lambda member, text: text.replace("张三".encode(), b"x" * (2 << 20)) if "shared" in member else text)
    refused(long, WAGES, tmp_path, "压缩炸弹|过长")

    # A member that unpacks to more than its entry says.
    raw = bytearray((tmp_path / "good.xlsx").read_bytes())
    at = raw.find(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (1).to_bytes(4, "little")
    (tmp_path / "lie.xlsx").write_bytes(raw)
    refused(tmp_path / "lie.xlsx", WAGES, tmp_path, "损坏|目录")

    monkeypatch.setattr(xlsx, "MAX_CELLS", 10)
    refused(tmp_path / "good.xlsx", WAGES, tmp_path, "万个单元格")


def test_two_sheets_with_data_are_refused_rather_than_one_lost(tmp_path):
    book, _ = workbook(tmp_path / "a.xlsx", [WAGES.headers, *wage_rows(2)])
    book.add_worksheet("另一个").write_row(0, 0, WAGES.headers)
    book.close()
    refused(tmp_path / "a.xlsx", WAGES, tmp_path, "“数据”、“另一个”都有数据")


def test_memory_and_row_numbers_hold_over_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 1 << 14)
    rows = [["标题"], WAGES.headers]
    expected = []
    for row in range(6000):
        if row % 500 == 3:
            rows.append([])
        if row % 700 == 5:
            rows.append(["合计", "", ""])
        rows.append(["张三", number(row % 1000, f"19{row // 1000 + 10}0101"), "公司", "2022-10", str(row)] + ([] if row % 900 == 7 else ["410122"]))
        expected.append((len(rows), Decimal(row)))
    done = take(write(tmp_path / "a.csv", rows, "gbk"), WAGES, tmp_path)
    table = pl.read_parquet(done.parquet)
    assert list(zip(table["row"], table["wage"], strict=True)) == expected
    doubled = tmp_path / "b.csv"
    doubled.write_bytes((tmp_path / "a.csv").read_bytes() + "\r\n".join(",".join(row) for row in rows[2000:2500] if len(row) > 4).encode("gbk"))
    again = take(doubled, WAGES, tmp_path)
    assert again.accepted == 6000 and again.rejected == sum(len(row) > 4 for row in rows[2000:2500])
    assert dict(again.reasons)["“身份证号、单位、月份”重复"] == again.rejected


def test_a_quoted_line_break_is_one_row(tmp_path):
    text = ",".join(WAGES.headers) + f'\n张三,{number(1)},"甲\n公司",2022-10,1,\n李四,{number(2)},乙公司,2022-10,1,\n'
    (tmp_path / "a.csv").write_bytes(text.encode())
    done = take(tmp_path / "a.csv", WAGES, tmp_path)
    assert pq.read_table(done.parquet)["employer"].to_pylist() == ["甲 公司", "乙公司"]


def test_contract_headers_are_unique_and_each_stored_name_too():
    for contract in CONTRACTS.values():
        assert [contract.column_for(header).name for header in contract.headers] == [column.name for column in contract.columns]
        assert len(set(lake_schema(contract).names)) == len(contract.columns) + 3
        assert contract.legal_basis and contract.required
