"""Import of people and households from Excel and CSV: a preview first, then all of a file or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import polars as pl
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.batch import sealed
from doudi.core import audit, keys, numbers
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.numbers import Kind
from doudi.core.sheets import Row, Table, too_large
from doudi.registry import sheets
from doudi.registry.models import Household, Membership, Person
from doudi.registry.names import pinyin_columns
from doudi.registry.services import importing_rows
from doudi.registry.services.base import service
from doudi.registry.services.households import HEAD
from doudi.registry.services.importing_checks import good_rows

UPDATABLE = ("phone", "account", "bank")


@dataclass
class Plan:
    """What an import would do. `good` (columns GOOD): the people of the households in which no row is wrong, a household after the other, its head first.
    `people`: place of the row -> the person found by number; `changes`: place -> fields of his that would change; `existing`: key of a household in
    the sheet -> the registered one; `members`: ids of people who are in a household already."""

    table: Table
    good: pl.DataFrame
    people: dict[int, Person]
    changes: dict[int, dict[str, Any]]
    existing: dict[str, Household]
    members: set[int]

    @property
    def errors(self) -> list[Row]:
        return self.table.errors()

    def figures(self) -> dict[str, int]:
        """Counts for the preview and the task's result."""
        return {
            "rows": len(self.table),
            "wrong": len(self.errors),
            "households": self.good["household"].n_unique() - len(self.existing),
            "people": len(self.good) - len(self.people),
            "known": len(self.people),
            "updates": len(self.changes),
        }


class ImportRefused(ValidationError):
    """The file has bad rows: nothing was imported. `plan` knows them."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(_("文件中有 %(n)d 行不合格，没有导入任何数据；请下载退回表，更正后重新上传。") % {"n": len(plan.errors)}, code="rows")
        self.plan = plan


def plan(path: Path, *, on: date) -> Plan:
    """Check a file against itself and the registry, changing nothing. Raises ValidationError for the file as a whole."""
    table = sheets.read(path)
    good = good_rows(table, on=on)
    _check_villages(table, good)
    people, changes = _match(table, good)
    existing, members = _check_households(table, good, people)
    wrong = good.filter(pl.col("at").is_in(table.wrong()))["household"]
    first, head_first = pl.col("at").min().over("household"), pl.col("code") != HEAD
    good = good.filter(~pl.col("household").is_in(wrong.implode())).sort(first, head_first, "at")
    kept, keys = set(good["at"]), set(good["household"])
    return Plan(
        table, good, {at: person for at, person in people.items() if at in kept}, {at: found for at, found in changes.items() if at in kept},
        {key: household for key, household in existing.items() if key in keys}, members,
    )  # fmt: skip


def _check_villages(table: Table, good: pl.DataFrame) -> None:
    scope, codes = scopes.current(), set(good["village"])
    known = set(Division.objects.filter(code__in=codes, level="village", ends__isnull=True).values_list("code", flat=True))
    here = {code for code in known if scope.covers(code)}
    for at, code in good.filter(~pl.col("village").is_in(here)).select("at", "village").iter_rows():
        if code in known:
            table.row(at).wrong("village", "不在您的管辖范围内；请删去该行后重新上传")
        else:
            table.row(at).wrong("village", "不是现行的村（社区）代码；请核对后重新上传")


def _match(table: Table, good: pl.DataFrame) -> tuple[dict[int, Person], dict[int, dict[str, Any]]]:
    """The people of the scope found by number and what of them would change, by place of the row; the same number twice in the file is an error."""
    numbered = good.filter(pl.col("token").is_not_null())
    again = numbered.with_columns(first=pl.col("at").min().over("token")).filter(pl.col("at") != pl.col("first"))
    for at, first in again.select("at", "first").iter_rows():
        table.row(at).wrong("id_number", f"与第 {table.numbers[first]} 行重复；请只保留一行")
    found = {person.token.hex: person for person in importing_rows.people_of(numbered["token"].unique())}
    people, changes = {}, {}
    for each in numbered.filter(pl.col("token").is_in(found.keys())).iter_rows(named=True):
        person, row = found[each["token"]], table.row(each["at"])
        people[each["at"]] = person
        if person.name != each["name"]:
            row.wrong("name", f"与已登记的姓名“{person.name}”不一致；请核对证件，需更正的请在人员页面办理")
        if person.died_on:
            row.wrong("name", f"已登记死亡（{person.died_on}）；请核对后删去该行")
        if person.area != each["village"]:
            row.wrong("village", "与此人现在的管理地区不一致；请先办理家庭转移")
        values = {"phone": each["phone"] and UUID(each["phone"]), "account": each["account"] and UUID(each["account"]), "bank": each["bank"]}
        if changed := {name: values[name] for name in UPDATABLE if values[name] and values[name] != getattr(person, name)}:
            changes[each["at"]] = changed
    return people, changes


def _check_households(table: Table, good: pl.DataFrame, people: dict[int, Person]) -> tuple[dict[str, Household], set[int]]:
    """One head each, one village each; people who are members already must be so in the household of their head. (Registered households by key, ids of
    people who are in one); only households with somebody registered or something wrong are looked at one by one."""
    ids = [person.pk for person in people.values()]
    member_of = {row.person_id: row for row in Membership.objects.select_related("household").filter(person_id__in=ids, ends__isnull=True)} if ids else {}
    plain = ((pl.col("code") == HEAD).sum() == 1) & (pl.col("village").n_unique() == 1) & ~pl.col("at").is_in(people.keys()).any()
    groups: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for key, *member in good.filter(~plain.over("household")).select("household", "at", "code", "village").iter_rows():
        groups[key].append((member[0], member[1], member[2]))
    existing: dict[str, Household] = {}
    for key, members in groups.items():
        heads = [at for at, code, _village in members if code == HEAD]
        if len(heads) != 1:
            for at in heads[1:] or [members[0][0]]:
                table.row(at).wrong("relationship", f"家庭“{key}”有 {len(heads)} 名户主；每户须有且只有一名，请更正后重新上传")
            continue
        (head,) = heads
        of_head = next(village for at, _code, village in members if at == head)
        held = member_of.get(people[head].pk) if head in people else None
        if held:
            if held.relationship == HEAD:
                existing[key] = held.household
            else:
                table.row(head).wrong("relationship", f"此人现为“{held.household.name}”家庭的成员；请先在原家庭办理离开")
        for at, _code, village in members:
            if village != of_head:
                table.row(at).wrong("village", "与户主的村代码不一致；同一家庭须由同一个村（社区）管理")
            now_in = member_of.get(people[at].pk) if at in people else None
            if at != head and now_in and (key not in existing or now_in.household_id != existing[key].pk):
                table.row(at).wrong("relationship", f"此人现为“{now_in.household.name}”家庭的成员；请先在原家庭办理离开")
    return existing, set(member_of)


@service("registry.import")
def import_file(*, path: Path, update: bool, on: date, now: datetime) -> dict[str, int]:
    """Import a checked file, all of it or nothing; `update`: also change phone and account of people found by number.

    Set-based: the number of statements does not grow with the rows. Raises ImportRefused with the plan where a row is wrong by now
    or a number is held in another area, ValidationError for the file as a whole.
    """
    done = plan(path, on=on)
    if done.errors:
        raise ImportRefused(done)
    new = done.good.filter(~pl.col("at").is_in(done.people.keys()))
    new = new.with_columns(pk=pl.Series(importing_rows.ids("registry_person", len(new)), dtype=pl.Int64))
    pinyin, initials = (pl.Series(column) for column in pinyin_columns(new["name"].to_arrow(compat_level=pl.CompatLevel.oldest())))
    unnumbered = pl.when(pl.col("token").is_null()).then(pl.col("pk").cast(pl.String))
    token = pl.coalesce("token", pl.Series(numbers.token_texts(Kind.NONE, new.select(unnumbered).to_series())))
    elsewhere = importing_rows.write_people(
        new.select(
            "name", "sex", "birth_date", "ethnicity", "phone", "account", "bank", id="pk", area="village", token=token, pinyin=pinyin, initials=initials
        ),
        now=now,
    )
    if elsewhere:
        for at in new.filter(pl.col("pk").is_in(elsewhere))["at"]:
            done.table.row(at).wrong("id_number", "由其他地区管理，不能在本地登记；请删去该行，或申请将其家庭转入")
        audit.record_access(what="refused", subject="import", reason=f"{len(elsewhere)} numbers are held elsewhere")
        raise ImportRefused(done)
    _households(done, dict(new.select("at", "pk").iter_rows()), on=on, now=now)
    changed = [(done.people[at], values) for at, values in done.changes.items()] if update else []
    for person, values in changed:
        for name, value in values.items():
            setattr(person, name, value)
    importing_rows.write_changes([person for person, _values in changed])
    figures = done.figures()
    return {"rows": figures["rows"], "households": figures["households"], "people": len(new), "updates": len(changed)}


def _households(done: Plan, new: dict[int, int], *, on: date, now: datetime) -> None:
    """The households that are new, and who is not yet in one into his; `new`: place of the row -> id of the person it made."""
    heads = done.good.filter((pl.col("code") == HEAD) & ~pl.col("household").is_in(done.existing.keys()))
    heads = heads.with_columns(pk=pl.Series(importing_rows.ids("registry_household", len(heads)), dtype=pl.Int64))
    number = pl.col("village").str.slice(0, 6) + pl.col("pk").cast(pl.String).str.zfill(9)
    addresses = keys.seal_texts(text or None for text in heads["address"])
    address = pl.Series([None if text is None else "\\x" + text.hex() for text in addresses], dtype=pl.String)
    importing_rows.write_households(heads.select("name", "residence", id="pk", area="village", number=number, address=address), now=now)
    made = {key: household.pk for key, household in done.existing.items()} | dict(heads.select("household", "pk").iter_rows())
    people = new | {at: person.pk for at, person in done.people.items()}
    members = done.good.select(
        household_id=pl.col("household").replace_strict(made, return_dtype=pl.Int64), person_id=pl.col("at").replace_strict(people, return_dtype=pl.Int64),
        area="village", relationship="code",
    )  # fmt: skip
    importing_rows.write_memberships(members.filter(~pl.col("person_id").is_in(done.members)), on=on)


# --- files between preview and import: sealed, of one account, gone after the import


def _stored(identifier: UUID) -> Path:
    return Path(settings.HOME) / "imports" / f"{scopes.current().account_id}-{identifier.hex}"


def keep(*, content: bytes, ending: str) -> UUID:
    """Keep an uploaded file, sealed, for its own officer until it is imported; one at a time per officer."""
    if len(content) > sheets.LAYOUT.largest:
        raise ValidationError({"file": too_large(sheets.LAYOUT.largest)})
    folder = Path(settings.HOME) / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob(f"{scopes.current().account_id}-*"):
        old.unlink(missing_ok=True)
    identifier = uuid4()
    with TemporaryDirectory(dir=folder) as place:
        plain = Path(place) / "plain"
        plain.write_bytes(ending.encode().ljust(8) + content)
        sealed.seal_file(numbers.keyring(), plain, _stored(identifier))
    return identifier


@contextmanager
def kept(identifier: UUID) -> Iterator[Path]:
    """The kept file in the clear for the time of the block. Raises ValidationError where it is gone."""
    stored = _stored(identifier)
    if not stored.exists():
        raise ValidationError(_("上传的文件已导入或已过期；请重新上传。"), code="stale")
    with TemporaryDirectory(dir=stored.parent) as place:
        whole = Path(place) / "whole"
        with whole.open("wb") as out:
            sealed.open_file(numbers.keyring(), stored, out)
        content = whole.read_bytes()
        path = Path(place) / f"upload{content[:8].decode().strip()}"
        path.write_bytes(content[8:])
        yield path


def forget(identifier: UUID) -> None:
    _stored(identifier).unlink(missing_ok=True)
