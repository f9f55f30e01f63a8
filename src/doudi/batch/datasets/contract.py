"""The shape of a dataset contract (数据共享目录): columns, key, freshness, legal basis, the share of bad rows that is borne."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["name", "id_number", "person_number", "certificate", "text", "code", "flag", "date", "month", "amount", "number", "division", "credit_code", "phone"]
Nature = Literal["state", "events"]

_NOISE = re.compile(r"[\s　*＊:：_\-]+|[(（\[【].*?[)）\]】]")


def header_key(text: str) -> str:
    """The form in which headers are compared: NFKC, without blanks, stars, colons and bracketed notes such as a unit."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text)).lower()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a contract.

    `required`: the column must be there and filled in every row. `codes` maps every accepted spelling to the stored code.
    `unit` is the unit of a bare figure (元 or 万元); amounts are stored in yuan. `sensitive` names the kind of token that
    takes the place of the value (`citizen_id`, `certificate`): the plain value then never reaches the lake. `id_number` is the number of the
    row's person, `person_number` that of somebody else (a spouse).
    """

    name: str
    header_zh: str
    type: ColumnType = "text"
    aliases: tuple[str, ...] = ()
    required: bool = False
    unit: str = ""
    codes: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None
    sensitive: str = ""
    minimum: float | None = None
    may_be_future: bool = False

    @property
    def stored(self) -> str:
        """Name of the column in the lake: `id_token` for the ID number, `<name>_token` for other sensitive values."""
        if self.type == "id_number":
            return "id_token"
        return f"{self.name}_token" if self.sensitive else self.name


@dataclass(frozen=True, slots=True)
class Contract:
    """A dataset contract. `nature`: `state` where the newest row of a key replaces older ones (a list of certificates),
    `events` where every row counts (settlements, months of wages). `freshness_days`: how old a delivery may be.
    `max_bad_share`: with a larger share of bad rows the delivery is refused whole.
    `linking`: columns that help to find the person of a row without a usable ID number. A contract that has them keeps such rows for linkage; they
    are sent back all the same and do not count as bad. Of rows with a good number these columns are not kept."""

    code: str
    name_zh: str
    department_zh: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    legal_basis: str
    nature: Nature = "state"
    freshness_days: int = 45
    contact: str = ""
    max_bad_share: float = 0.2
    linking: tuple[Column, ...] = ()
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_header: dict[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in (*self.columns, *self.linking)})
        if len(self._by_name) != len(self.columns) + len(self.linking):
            raise ValueError(f"{self.code}: a column is declared twice")
        if missing := [name for name in self.key if name not in self._by_name]:
            raise ValueError(f"{self.code}: unknown key columns {missing}")
        for column in (*self.columns, *self.linking):
            for header in (column.header_zh, *column.aliases):
                self._by_header.setdefault(header_key(header), column)

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    @property
    def headers(self) -> list[str]:
        """The Chinese headers in order, without the linking columns that the template adds."""
        return [column.header_zh for column in self.columns]

    @property
    def required(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.required)

    def column_for(self, header: str) -> Column | None:
        return self._by_header.get(header_key(header))
