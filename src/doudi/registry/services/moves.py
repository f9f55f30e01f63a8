"""What crosses areas: the recorded look-up, and moves of households (integrity.md, "Who belongs where", "Look-ups and records")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import audit, keys, numbers, places, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import COLUMNS, finish_todos
from doudi.core.settings_overlay import get_setting
from doudi.registry.models import MoveRequest, Programme
from doudi.registry.services.base import service, village

RELEASE_DAYS = "procedure.move.release_days"  # working days after which the levels above may release
COUNTY = 6  # length of its code


@dataclass(frozen=True)
class Elsewhere:
    """Answer of a look-up: managed anywhere in the province or not; programmes with the month since which they run; the county to ask."""

    managed: bool
    programmes: tuple[tuple[str, date], ...]
    county: str


def _recorded(*, id_number: str, reason: str, subject: str, on: date) -> tuple[str, bytes, int]:
    """Check number and reason and write the record, committed, before anything is answered: (number, digest, record id)."""
    try:
        number = idnumber.parse(id_number, on=on).number18
    except idnumber.IdNumberError as error:
        raise ValidationError({"id_number": _("“身份证号”：%(reason)s；请核对证件后重新填写。") % {"reason": error}}) from None
    if len(reason.strip()) < 4:
        raise ValidationError({"reason": _("“查询事由”必须写明，不少于 4 个字；查询会留下记录。")})
    digest = keys.sealing_digest(number)
    return number, digest, audit.record_access(what="lookup", subject=subject, digest=digest, reason=reason.strip())


def _ask(function: str, params: list[Any]) -> list[tuple[Any, ...]]:
    """Call a function that looks across areas; its refusals become words."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"select * from doudi.{function}({', '.join(['%s'] * len(params))})", params)
            return list(cursor.fetchall())
    except ProgrammingError as error:
        if "too many look-ups" in str(error):
            raise ValidationError(_("一小时内跨地区查询已达 30 次；请稍后再查，或联系县级民政部门。"), code="rate") from None
        raise


@service("registry.edit")
def look_up_elsewhere(*, id_number: str, reason: str, on: date, now: datetime) -> Elsewhere:
    """Whether the province helps the holder of a number, and where: recorded first, by a connection of its own, then answered.

    Raises ValidationError for a wrong number, a missing reason, too many look-ups within the hour.
    """
    number, digest, record = _recorded(id_number=id_number, reason=reason, subject="person", on=on)
    rows = _ask("helped_elsewhere", [numbers.id_token(number), digest, record, on])
    if not rows:
        return Elsewhere(False, (), "")
    programmes = tuple((str(Programme(programme).label), since) for _managed, programme, since, _county in rows if programme)
    return Elsewhere(True, programmes, places.name(rows[0][3]))


@service("registry.move")
def ask_move(*, id_number: str, to_area: str, reason: str, first_month: date, on: date, now: datetime) -> MoveRequest:
    """Ask that the household of the holder of a number be moved to the village `to_area` (转入申请). The record is written first.

    The giving side releases. `first_month`: first month that the new area is to pay.
    """
    village(to_area, "to_area")
    first_month = first_month.replace(day=1)
    if first_month < on.replace(day=1):
        raise ValidationError({"first_month": _("“转入后首月”不能早于本月；请重新选择。")})
    number, digest, record = _recorded(id_number=id_number, reason=reason, subject="move", on=on)
    rows = _ask("household_for_move", [numbers.id_token(number), digest, record])
    if not rows:
        raise ValidationError({"id_number": _("全省没有此人所在的在册家庭；可直接在本地登记。")})
    household_id, name, from_area = rows[0]
    if from_area == to_area:
        raise ValidationError({"to_area": _("该家庭已由这个村（社区）管理，无需转移。")})
    due = workdays.add_working_days(on, int(get_setting(RELEASE_DAYS, from_area, on)))
    # The release is the other side's: its columns are not this side's to write, not even as NULL.
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into registry_moverequest (household_id, household_name, from_area, to_area, reason, first_month, asked_by, asked_at, due,"
            " refused_reason) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, '') returning id",
            [household_id, name, from_area, to_area, reason.strip()[:200], first_month, scopes.current().account_id, now, due],
        )
        pk = cursor.fetchone()[0]
    return MoveRequest.objects.get(pk=pk)


def _open(request_id: int) -> MoveRequest:
    found = MoveRequest.objects.select_for_update().filter(pk=request_id).first()
    if found is None:
        raise ValidationError(_("没有找到这件转移申请，或它不在您的管辖范围内。"))
    if found.done_at or found.refused_reason or found.released_at:
        raise ValidationError(_("这件转移申请已经办理；请刷新页面。"), code="stale")
    return found


def may_release_from(request: MoveRequest) -> date:
    """The day from which the levels above may release: the giving side's setting, counted from the day of the request."""
    asked = timezone.localdate(request.asked_at)
    return workdays.add_working_days(asked, int(get_setting(RELEASE_DAYS, request.from_area, asked)))


def _giving_side(request: MoveRequest, *, on: date) -> None:
    """The giving side releases or refuses; who stands above it or above both ends only after the days that the giving side has."""
    acting = scopes.current()
    if not acting.covers(request.from_area):
        raise ValidationError(_("转移须由转出地同意；请等待转出地办理。"))
    if len(acting.area) < COUNTY or (acting.covers(request.to_area) and len(acting.area) < 9):
        earliest = may_release_from(request)
        if on < earliest:
            raise ValidationError(_("转出地可在 %(day)s 前办理；逾期未办的，上级方可代为同意。") % {"day": earliest})


@service("registry.release")
def release_move(*, request_id: int, on: date, now: datetime) -> MoveRequest:
    """Release a household to the area that asks (同意转出): another officer than who asked."""
    request = _open(request_id)
    _giving_side(request, on=on)
    if request.asked_by == scopes.current().account_id:
        raise ValidationError(_("转移须由另一名工作人员同意；不能由申请人自己同意。"))
    MoveRequest.objects.filter(pk=request_id).update(released_by=scopes.current().account_id, released_at=now)
    return MoveRequest.objects.get(pk=request_id)


@service("registry.release")
def refuse_move(*, request_id: int, reason: str, on: date, now: datetime) -> MoveRequest:
    """Refuse to release, with a reason that the asking side reads."""
    request = _open(request_id)
    _giving_side(request, on=on)
    if not reason.strip():
        raise ValidationError({"reason": _("“不同意的理由”必须填写。")})
    MoveRequest.objects.filter(pk=request_id).update(refused_reason=reason.strip()[:200])
    return MoveRequest.objects.get(pk=request_id)


@service("registry.move")
def read_refusal(*, request_id: int, now: datetime) -> MoveRequest:
    """The asking side has read why a move was refused (已阅): its to-do ends. Twice is once."""
    request = MoveRequest.objects.filter(pk=request_id).exclude(refused_reason="").first()
    if request is None or not scopes.current().covers(request.to_area):
        raise ValidationError(_("没有找到这件转移申请，或它不在您的管辖范围内。"))
    finish_todos(subject="move", subject_id=request_id, kind="move.refused", now=now)
    return request


@service("registry.release")
def carry_out_move(*, request_id: int, now: datetime) -> MoveRequest:
    """Carry out a released move: household, living members, their facts and open work come under the new area.

    The old area goes on paying until the new area's award starts, at most as many months as it has set. Runs as role `doudi_move`.
    """
    request = MoveRequest.objects.filter(pk=request_id).first()
    if request is None:
        raise ValidationError(_("没有找到这件转移申请，或它不在您的管辖范围内。"))
    months = int(get_setting("procedure.move_overlap_months", request.from_area, timezone.localdate(now)))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select doudi.move_household(%s, %s, %s)", [request_id, now, months])
            scopes.check_constraints()
    except ProgrammingError as error:
        if "not asked for and released" in str(error):
            raise ValidationError(_("转出地尚未同意，或这件申请已经办结；请刷新页面。"), code="stale") from None
        raise
    finish_todos(subject="move", subject_id=request_id, now=now)
    return MoveRequest.objects.get(pk=request_id)


# Past its day: the giving county, then who stands above both ends; once each.
ESCALATED = """
select case when %(above)s then left(m.from_area, case when left(m.from_area, 4) = left(m.to_area, 4) then 4 else 2 end) else left(m.from_area, 6) end,
  %(duty)s::text, %(kind)s::text, '家庭转出申请逾期未办理，申请于 ' || to_char(m.asked_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD'),
  '/moves/' || m.id || '/', 'move', m.id, m.due
from registry_moverequest m
where m.from_area >= %(low)s and m.from_area < %(high)s and m.released_at is null and m.done_at is null and m.refused_reason = '' and m.due < %(before)s
"""


@service("registry.escalate_moves")
def escalate_moves(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Bring requests that the giving side has left past its day to the county, and after as many working days again to who stands above
    both ends. Returns how many of each are new."""
    days = int(get_setting(RELEASE_DAYS, area, on))
    found = {}
    for name, duty, above, before in (
        ("county", Duty.COUNTY_REVIEWER, False, on), ("above", Duty.SUPERVISOR, True, workdays.add_working_days(on, -days)),
    ):  # fmt: skip
        values: dict[str, Any] = {"above": above, "duty": duty.value, "kind": f"move.{name}", "low": area, "high": area + ":", "before": before, "now": now}
        with connection.cursor() as cursor:
            cursor.execute(
                f"insert into core_todo ({COLUMNS}, made_at) select found.*, %(now)s::timestamptz from ({ESCALATED}) found"
                " on conflict (kind, subject, subject_id, duty) where done_at is null do nothing",
                values,
            )
            found[name] = cursor.rowcount
    return found
