"""The roster of the discovery team from a sheet: all rows or none, every bad row with field, reason and next step (measures 1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from uuid import UUID

from django.core.exceptions import ValidationError

from doudi.batch.datasets import Column, Contract
from doudi.core import duties, sheets
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.sheets import Row, parse_day
from doudi.discovery.models import TeamMember, TeamTraining
from doudi.discovery.services.raising import in_chinese
from doudi.discovery.services.team import phone_token
from doudi.registry.names import BadName, clean_name

COLUMNS = (
    Column("name", "姓名", required=True),
    Column("kind", "类别", required=True, aliases=("队员类别",)),
    Column("area", "区划代码", required=True, aliases=("村代码", "村（社区）代码", "所在地代码")),
    Column("phone", "联系电话", required=True, aliases=("手机号", "电话")),
    Column("organisation", "所在单位", aliases=("单位",)),
    Column("starts", "加入日期"),
    Column("contact", "联系说明", aliases=("备注",)),
    Column("training", "培训内容"),
    Column("trained_on", "培训日期"),
    Column("hours", "培训学时", aliases=("学时",)),
)
NOTES = {
    "kind": "网格员、村（居）委会成员、社工站社工、志愿者、楼栋长、乡村医生、其他",
    "area": "乡镇（街道）9 位或村（社区）12 位区划代码",
    "phone": "11 位手机号或带区号的固定电话",
    "starts": "如 2022-11-25；不填为今天",
    "training": "有培训的三项都填：内容、日期、学时",
}
CONTRACT = Contract(
    code="team_import", name_zh="主动发现队伍名册", department_zh="民政", columns=COLUMNS, key=("name",), legal_basis="民政部门日常工作"
)
LAYOUT = sheets.Layout(CONTRACT, most=5_000, notes=NOTES)


@dataclass
class Roster:
    """What a sheet holds: good members, those enrolled already, and what is wrong, in words with row and field."""

    members: list[TeamMember] = field(default_factory=list)
    trainings: list[tuple[TeamMember, TeamTraining]] = field(default_factory=list)
    known: int = 0
    errors: list[str] = field(default_factory=list)


def template() -> bytes:
    """The sheet to fill in."""
    return sheets.template("主动发现队伍", LAYOUT, choices={"kind": [in_chinese(label) for label in TeamMember.Kind.labels]})


def read_roster(path: Path, *, on: date, now: datetime) -> Roster:
    """Check a sheet against itself, the divisions of the scope and the roster; nothing is changed. Raises ValidationError."""
    scope = scopes.current()
    rows = sheets.read(path, LAYOUT)[1]
    codes = {row.cells["area"] for row in rows}
    places = {code for code in Division.objects.filter(code__in=codes, ends__isnull=True).values_list("code", flat=True) if scope.covers(code)}
    known = set(TeamMember.objects.filter(area__in=places, ends__isnull=True).values_list("area", "phone"))
    kinds = {in_chinese(label): value for value, label in TeamMember.Kind.choices}
    roster = Roster()
    seen: dict[tuple[str, UUID], int] = {}
    for row in rows:
        get, wrong = row.cells, row.wrong
        name, token = get["name"], None
        try:
            name = clean_name(name)
        except BadName as error:
            wrong("name", str(error))
        kind = kinds.get(get["kind"]) or (get["kind"] if get["kind"] in TeamMember.Kind.values else "")
        if not kind:
            wrong("kind", f"应为：{NOTES['kind']}；请更正后重新上传")
        if get["area"] not in places or len(get["area"]) not in (9, 12):
            wrong("area", "不是辖区内现有的乡镇或村（社区）代码；请核对后重新上传")
        try:
            token = phone_token(get["phone"])
        except ValidationError as error:
            wrong("phone", error.messages[0].removeprefix("“联系电话”："))
        starts = parse_day(get["starts"]) if get["starts"] else on
        if starts is None:
            wrong("starts", "不是日期；请写作 2022-11-25 的形式后重新上传")
        training = _training(row, on=on)
        if token is not None and (earlier := seen.get((get["area"], token))):
            wrong("phone", f"与第 {earlier} 行重复；请删去一行后重新上传")
        roster.errors += row.said()
        if row.errors or token is None or starts is None:
            continue
        seen[get["area"], token] = row.number
        if (get["area"], token) in known:
            roster.known += 1
            continue
        member = TeamMember(
            area=get["area"], name=name, kind=kind, phone=token, organisation=get["organisation"][:80], contact=get["contact"],
            starts=starts, made_by_id=scope.account_id, made_at=now,
        )  # fmt: skip
        roster.members.append(member)
        if training is not None:
            training.made_by_id, training.made_at, training.area = scope.account_id, now, member.area
            roster.trainings.append((member, training))
    return roster


def _training(row: Row, *, on: date) -> TeamTraining | None:
    get, wrong = row.cells, row.wrong
    if not any(get[name] for name in ("training", "trained_on", "hours")):
        return None
    day = parse_day(get["trained_on"])
    if day is None or day > on:
        wrong("trained_on", "应为今天或以前的日期；请更正后重新上传")
    try:
        hours = Decimal(get["hours"])
    except InvalidOperation:
        hours = Decimal(0)
    if not (hours.is_finite() and 0 < hours <= 100):
        wrong("hours", "应为大于 0、不超过 100 的数字；请更正后重新上传")
    if not get["training"]:
        wrong("training", "为空；请补填后重新上传")
    return None if row.errors or day is None else TeamTraining(on=day, title=get["training"][:80], hours=hours)


def import_roster(*, path: Path, on: date, now: datetime) -> Roster:
    """Enrol all members of a sheet, or none where a row is wrong (`errors` say what); who is enrolled already is left as is."""
    duties.require("discovery.team")
    roster = read_roster(path, on=on, now=now)
    if roster.errors:
        return roster
    TeamMember.objects.bulk_create(roster.members, batch_size=1_000)
    for member, training in roster.trainings:
        training.member = member
    TeamTraining.objects.bulk_create([training for _member, training in roster.trainings], batch_size=1_000)
    scopes.check_constraints()
    return roster
