"""Import of people and households from Excel and CSV: a preview first, then all of a file or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.batch import sealed
from doudi.core import audit, numbers
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.numbers import Kind
from doudi.core.sheets import Row, parse_day, too_large
from doudi.registry import sheets
from doudi.registry.models import Household, Membership, Person
from doudi.registry.names import pinyin_of
from doudi.registry.services import importing_rows
from doudi.registry.services.base import service
from doudi.registry.services.households import HEAD, relationship_code
from doudi.registry.services.importing_rows import Numbers, read_numbers
from doudi.registry.services.people import Identity, contacts, identity

UPDATABLE = ("phone", "account", "bank")


@dataclass
class Planned:
    """A good row: who it is, the person found by number, and which fields would change. `pk`: of the person, found or new."""

    row: Row
    who: Identity
    code: str
    tokens: dict[str, UUID | None]
    bank: str
    ethnicity: str
    person: Person | None = None
    pk: int = 0
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Plan:
    """What an import would do. `households`: key of the sheet -> planned members, head first."""

    sha256: str
    rows: list[Row]
    households: dict[str, list[Planned]]
    existing: dict[str, Household]

    @property
    def errors(self) -> list[Row]:
        return [row for row in self.rows if row.errors]

    @property
    def planned(self) -> list[Planned]:
        return [each for members in self.households.values() for each in members]

    def figures(self) -> dict[str, int]:
        """Counts for the preview and the task's result."""
        return {
            "rows": len(self.rows),
            "wrong": len(self.errors),
            "households": len(self.households) - len(self.existing),
            "people": sum(each.person is None for each in self.planned),
            "known": sum(each.person is not None for each in self.planned),
            "updates": sum(bool(each.changes) for each in self.planned),
        }


class ImportRefused(ValidationError):
    """The file has bad rows: nothing was imported. `plan` knows them."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(_("文件中有 %(n)d 行不合格，没有导入任何数据；请下载退回表，更正后重新上传。") % {"n": len(plan.errors)}, code="rows")
        self.plan = plan


def plan(path: Path, *, on: date) -> Plan:
    """Check a file against itself and the registry, changing nothing. Raises ValidationError for the file as a whole."""
    sha256, rows = sheets.read(path)
    good = [planned for row, known in zip(rows, read_numbers(rows, on=on), strict=True) if (planned := _check_row(row, known, on=on))]
    _check_villages(good)
    _match(good)
    groups: dict[str, list[Planned]] = defaultdict(list)
    for each in good:
        groups[each.row.cells["household"]].append(each)
    existing = _check_households(groups)
    groups = {key: sorted(members, key=lambda each: each.code != HEAD) for key, members in groups.items() if not any(m.row.errors for m in members)}
    return Plan(sha256, rows, dict(groups), {key: found for key, found in existing.items() if key in groups})


def _check_row(row: Row, known: Numbers, *, on: date) -> Planned | None:
    """A row by itself; its errors are noted on it, and None is returned where nothing can be planned. What `known` lacks is checked here, for its words."""
    cells = row.cells
    for name in ("household", "village", "relationship", "name"):
        if not cells[name]:
            row.wrong(name, "为空；请补填后重新上传")
    code = ""
    if cells["relationship"]:
        try:
            code = HEAD if sheets.is_head(row) else relationship_code(cells["relationship"])
        except ValidationError:
            row.wrong("relationship", "不是国家标准用语（GB/T 4761）；请按填写说明更正后重新上传")
    birth_date = parse_day(cells["birth_date"]) if cells["birth_date"] else None
    if cells["birth_date"] and birth_date is None:
        row.wrong("birth_date", "不是日期；请写作 1960-05-04 的形式后重新上传")
    sex = sheets.SEXES.get(cells["sex"], "")
    if cells["sex"] and not sex:
        row.wrong("sex", "只能填男或女；请更正后重新上传")
    found: dict[str, str] = {}
    for name, codes in (("bank", sheets.BANK_CODES), ("ethnicity", sheets.ETHNICITY_CODES), ("residence", sheets.RESIDENCES)):
        found[name] = codes.get(cells[name], "")
        if cells[name] and not found[name]:
            row.wrong(name, f"“{cells[name][:20]}”不在代码表中；请按填写说明更正后重新上传")
    if sheets.is_head(row) and not cells["residence"]:
        row.wrong("residence", "为空；户主一行须填城市或农村")
    if cells["account"] and not cells["bank"]:
        row.wrong("bank", "为空；填了银行账号的须填开户银行")
    who, tokens = None, known.tokens
    try:
        who = identity(name=cells["name"] or "某", id_number=cells["id_number"], birth_date=birth_date, sex=sex, on=on, known=known.citizen)
    except ValidationError as error:
        _wrong(row, error)
    if tokens is None:
        try:
            tokens = contacts(phone=cells["phone"], account=cells["account"])
        except ValidationError as error:
            _wrong(row, error)
    if row.errors or who is None or tokens is None:
        return None
    return Planned(row, who, code, tokens, found["bank"], found["ethnicity"] or "01")


def _wrong(row: Row, error: ValidationError) -> None:
    for name, texts in error.message_dict.items():
        if not any(column == name for column, _reason in row.errors):
            row.wrong(name, "；".join(text.removeprefix(f"“{row.labels[name]}”").lstrip("：") for text in texts))


def _check_villages(good: list[Planned]) -> None:
    scope = scopes.current()
    codes = {each.row.cells["village"] for each in good}
    known = set(Division.objects.filter(code__in=codes, level="village", ends__isnull=True).values_list("code", flat=True))
    for each in good:
        code = each.row.cells["village"]
        if code not in known:
            each.row.wrong("village", "不是现行的村（社区）代码；请核对后重新上传")
        elif not scope.covers(code):
            each.row.wrong("village", "不在您的管辖范围内；请删去该行后重新上传")


def _match(good: list[Planned]) -> None:
    """Find the people of the scope by number and what would change; the same number twice in the file is an error."""
    first: dict[UUID, int] = {}
    for each in good:
        if each.who.token:
            if each.who.token in first:
                each.row.wrong("id_number", f"与第 {first[each.who.token]} 行重复；请只保留一行")
            first.setdefault(each.who.token, each.row.number)
    people = {person.token: person for person in importing_rows.people_of(first)}
    for each in good:
        person = people.get(each.who.token) if each.who.token else None
        if person is None:
            continue
        each.person, each.pk = person, person.pk
        if person.name != each.who.name:
            each.row.wrong("name", f"与已登记的姓名“{person.name}”不一致；请核对证件，需更正的请在人员页面办理")
        if person.died_on:
            each.row.wrong("name", f"已登记死亡（{person.died_on}）；请核对后删去该行")
        if person.area != each.row.cells["village"]:
            each.row.wrong("village", "与此人现在的管理地区不一致；请先办理家庭转移")
        values = {**each.tokens, "bank": each.bank}
        each.changes = {name: values[name] for name in UPDATABLE if values[name] and values[name] != getattr(person, name)}


def _check_households(groups: dict[str, list[Planned]]) -> dict[str, Household]:
    """One head each, one village each; people who are members already must be so in the household of their head."""
    ids = [each.person.pk for members in groups.values() for each in members if each.person]
    member_of = {row.person_id: row for row in Membership.objects.select_related("household").filter(person_id__in=ids, ends__isnull=True)} if ids else {}
    existing: dict[str, Household] = {}
    for key, members in groups.items():
        heads = [each for each in members if each.code == HEAD]
        if len(heads) != 1:
            for each in heads[1:] or members[:1]:
                each.row.wrong("relationship", f"家庭“{key}”有 {len(heads)} 名户主；每户须有且只有一名，请更正后重新上传")
            continue
        head = heads[0]
        for each in members:
            if each.row.cells["village"] != head.row.cells["village"]:
                each.row.wrong("village", "与户主的村代码不一致；同一家庭须由同一个村（社区）管理")
        held = member_of.get(head.person.pk) if head.person else None
        if held:
            if held.relationship == HEAD:
                existing[key] = held.household
            else:
                head.row.wrong("relationship", f"此人现为“{held.household.name}”家庭的成员；请先在原家庭办理离开")
        for each in members:
            now_in = member_of.get(each.person.pk) if each.person else None
            if each is not head and now_in and (key not in existing or now_in.household_id != existing[key].pk):
                each.row.wrong("relationship", f"此人现为“{now_in.household.name}”家庭的成员；请先在原家庭办理离开")
    return existing


@service("registry.import")
def import_file(*, path: Path, update: bool, on: date, now: datetime) -> dict[str, int]:
    """Import a checked file, all of it or nothing; `update`: also change phone and account of people found by number.

    Set-based: the number of statements does not grow with the rows. Raises ImportRefused with the plan where a row is wrong by now
    or a number is held in another area, ValidationError for the file as a whole.
    """
    done = plan(path, on=on)
    if done.errors:
        raise ImportRefused(done)
    new = [each for each in done.planned if each.person is None]
    people = []
    for each, pk in zip(new, importing_rows.ids("registry_person", len(new)), strict=True):
        each.pk, who, tokens, village = pk, each.who, each.tokens, each.row.cells["village"]
        token = who.token or numbers.token_of(Kind.NONE, str(pk))
        people.append(
            (pk, village, token.hex, who.name, *pinyin_of(who.name), who.sex, who.birth_date, each.ethnicity, village, village,
             tokens["phone"] and tokens["phone"].hex, tokens["account"] and tokens["account"].hex, each.bank, now, 1)
        )  # fmt: skip
    elsewhere = importing_rows.write_people(people)
    if elsewhere:
        for each in new:
            if each.pk in elsewhere:
                each.row.wrong("id_number", "由其他地区管理，不能在本地登记；请删去该行，或申请将其家庭转入")
        audit.record_access(what="refused", subject="import", reason=f"{len(elsewhere)} numbers are held elsewhere")
        raise ImportRefused(done)
    _households(done, on=on, now=now)
    changed = [each for each in done.planned if each.changes] if update else []
    for each in changed:
        assert each.person
        for name, value in each.changes.items():
            setattr(each.person, name, value)
    importing_rows.write_changes([each.person for each in changed if each.person])
    figures = done.figures()
    return {"rows": figures["rows"], "households": figures["households"], "people": len(new), "updates": len(changed)}


def _households(done: Plan, *, on: date, now: datetime) -> None:
    fresh = [key for key in done.households if key not in done.existing]
    made = {key: (household.pk, household.area) for key, household in done.existing.items()}
    rows = []
    for key, pk in zip(fresh, importing_rows.ids("registry_household", len(fresh)), strict=True):
        head = done.households[key][0]
        cells = head.row.cells
        made[key] = pk, cells["village"]
        number = f"{cells['village'][:6]}{pk:09d}"
        rows.append((pk, cells["village"], number, head.who.name, sheets.RESIDENCES[cells["residence"]], importing_rows.sealed(cells["address"]), now, 1))
    importing_rows.write_households(rows)
    importing_rows.write_memberships([(made[key][0], each.pk, made[key][1], each.code, on) for key, members in done.households.items() for each in members])


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
