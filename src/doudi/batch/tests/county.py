"""A registry and a lake in a folder, for the tests of comparison and indicators."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from doudi.batch import compare
from doudi.batch.datasets import CONTRACTS
from doudi.batch.delivery import read_delivery
from doudi.batch.idnumber import check_character
from doudi.batch.lake import Lake
from doudi.batch.tokens import Keyring, Kind, TokenKey

KEYS = Keyring(TokenKey(bytes(range(32))), {1: b"k" * 32})
ON = date(2022, 11, 25)


def number(person: int, born: date = date(1970, 1, 1)) -> str:
    first17 = f"410122{born:%Y%m%d}{person:03d}"
    return first17 + check_character(first17)


class County:
    """A registry and a lake in a folder."""

    def __init__(self, folder):
        self.folder, self.lake = folder, Lake(folder / "lake")
        self.people, self.members = [], []

    def person(self, household=None, relationship="02", born=date(1970, 1, 1), **columns):
        at = len(self.people) + 1
        household = household or at
        token = KEYS.token.seal(Kind.CITIZEN_ID, number(at, born)).bytes
        row = dict.fromkeys(compare.PEOPLE.names) | {"person_id": at, "id_token": token, "household_id": household, "area": "410122101201"}
        self.people.append(row | {"birth_date": born, "income_month": 1000.0, "standard": 500.0, "has_phone": True} | columns)
        self.members.append({"household_id": household, "person_id": at, "relationship": relationship})
        return at

    def deliver(self, dataset, rows, period="2022-10", delivery="D1"):
        """Rows as dicts of header -> text with `who`."""
        contract = replace(CONTRACTS[dataset], max_bad_share=0.9)
        source = self.folder / f"{dataset}-{delivery}.csv"
        lines = [contract.headers]
        for row in rows:
            full = {"姓名": "张三", "身份证号": number(row["who"], self.people[row["who"] - 1]["birth_date"])} | row
            lines.append([str(full.get(header, "")) for header in contract.headers])
        source.write_text("\n".join(",".join(line) for line in lines), "utf-8")
        accepted = read_delivery(source, contract, out=self.folder / "work", key=KEYS.token)
        assert accepted.rejected == 0, accepted.reasons
        return self.lake.put(accepted, source, keys=KEYS, period=period, delivery=delivery)

    def run(self, **options):
        people, members = self.folder / "people.parquet", self.folder / "members.parquet"
        schema = compare.PEOPLE
        for extra in ("father_id", "mother_id"):
            if any(extra in row for row in self.people):
                schema = schema.append(pa.field(extra, pa.int64()))
        pq.write_table(pa.Table.from_pylist(self.people, schema=schema), people)
        pq.write_table(pa.Table.from_pylist(self.members, schema=compare.MEMBERS), members)
        found = compare.run(self.lake, people, members, **{"on": ON, "memory_limit": "500MB"} | options)
        assert found.schema == compare.LEADS
        return sorted(found.to_pylist(), key=lambda lead: (lead["indicator"], lead["person_id"], lead["situation"]))

    def pairs(self, **options):
        return sorted((lead["indicator"], lead["person_id"]) for lead in self.run(**options))


def certificate(who, county, grade, **more):
    own = number(who, county.people[who - 1]["birth_date"])
    return {"who": who, "残疾证号": f"{own}4{grade}", "残疾类别": "肢体", "残疾等级": grade, "发证日期": "2020-01-01"} | more
