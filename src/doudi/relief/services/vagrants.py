"""Aid to vagrants and beggars (流浪乞讨人员): intake at the station, search for family and origin, the stay's limit, leaving with hand-over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.relief import rules
from doudi.relief.models import VagrantCase, VagrantSearch
from doudi.relief.services.base import number_of, today_of

SUBJECT = "vagrant"
Leaving = VagrantCase.Leaving
WITH_RECEIVER = (Leaving.FAMILY, Leaving.ESCORTED, Leaving.HANDED_OVER, Leaving.PLACED, Leaving.HOSPITAL)
LATE = (
    "select v.area, %s::text, 'vagrants.late', '流浪乞讨人员超过在站期限：' || v.name, '/vagrants/' || v.id || '/', 'vagrant', v.id, v.stay_until"
    " from relief_vagrantcase v where v.area >= %s and v.area < %s and v.state = 'staying' and v.stay_until < %s"
)


def _clock(row: VagrantCase, now: datetime) -> None:
    """The to-do of the stay's last day."""
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    raise_todo(
        kind="vagrants.stay", area=row.area, duty=Duty.INSTITUTION_CLERK, title=f"在站救助期限：{row.name}", url=f"/vagrants/{row.pk}/", subject=SUBJECT,
        subject_id=row.pk, due=row.stay_until, now=now,
    )  # fmt: skip


@transaction.atomic
def take_in(
    *, key: UUID, station: str, name: str, sex: str, age: int, found_place: str, brought_by: str, arrived_at: datetime, condition: str = "",
    id_number: str = "", named_by_station: bool = False, now: datetime,
) -> tuple[VagrantCase, bool]:
    """Take somebody in (接站) at an aid station of the acting county; (case, whether it is new). The usual stay ends after the set days.

    Raises ValidationError by field; a person whose number is staying at another station already is refused.
    """
    acting, on = duties.require("vagrants.record"), today_of(now)
    before = VagrantCase.objects.filter(key=key).first()
    if before is not None:
        return before, False
    if len(acting.area) < 6:
        raise ValidationError(_("请由县（市、区）救助管理站登记。"))
    for field, text in (("station", station), ("name", name), ("found_place", found_place), ("brought_by", brought_by)):
        if not text.strip():
            raise ValidationError({field: _("此项必填。")})
    if arrived_at > now:
        raise ValidationError({"arrived_at": _("“进站时间”不能晚于现在。")})
    arrived_on = today_of(arrived_at)
    token = numbers.id_token(number_of(id_number, on=on).number18) if id_number.strip() else None
    try:
        with transaction.atomic():
            row = VagrantCase.objects.create(
                area=acting.area[:6], number=f"LL{acting.area[:6]}{on:%y%m%d}{key.int % 10**8:08d}", key=key, station=station.strip()[:60],
                name=name.strip()[:60], named_by_station=named_by_station, token=token, sex=sex, age=age, minor=age < 18,
                found_place=found_place.strip()[:120], brought_by=brought_by.strip()[:60], condition=condition.strip()[:2000] or None,
                arrived_at=arrived_at, stay_until=arrived_on + timedelta(days=int(get_setting(rules.STAY_DAYS, acting.area[:6], on))),
                made_by_id=acting.account_id, made_at=now,
            )  # fmt: skip
    except IntegrityError as error:
        if "vagrant_in_one_station" in str(error):
            raise ValidationError({"id_number": _("此人现已在一家救助管理站受助，尚未离站；请与上级民政部门核对。")}) from None
        raise
    _clock(row, now)
    if row.minor:
        raise_todo(
            kind="vagrants.minor", area=row.area, duty=Duty.PROTECTION_WORKER, title=f"流浪未成年人进站：{row.name}", url=f"/vagrants/{row.pk}/",
            subject=SUBJECT, subject_id=row.pk, now=now,
        )  # fmt: skip
    scopes.check_constraints()
    return row, True


def _locked(vagrant_id: int, act: str) -> VagrantCase:
    acting = duties.require(act)
    row = VagrantCase.objects.select_for_update(of=("self",)).filter(pk=vagrant_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这件救助，或它不在您的管辖范围内。"))
    if row.state != VagrantCase.State.STAYING:
        raise ValidationError(_("此人已离站，记录不能再改。"), code="stale")
    return row


@transaction.atomic
def search(*, vagrant_id: int, way: str, on: date, result: str, found: bool = False, origin: str = "", now: datetime) -> VagrantSearch:
    """Write down a step of the search for family or place of origin (寻亲); `found` with `origin` where it succeeded."""
    row = _locked(vagrant_id, "vagrants.record")
    if not result.strip():
        raise ValidationError({"result": _("请填写结果，没有结果的写明“无结果”。")})
    if found and not origin.strip():
        raise ValidationError({"origin": _("找到的，请填写亲属或流出地。")})
    if not today_of(row.arrived_at) <= on <= today_of(now):
        raise ValidationError({"on": _("日期应在进站之后，且不晚于今天。")})
    made = VagrantSearch.objects.create(
        area=row.area, case=row, way=way, on=on, result=result.strip()[:2000], found=found, made_by_id=scopes.current().account_id, made_at=now
    )
    if found:
        VagrantCase.objects.filter(pk=row.pk).update(origin=origin.strip()[:120], version=row.version + 1)
    scopes.check_constraints()
    return made


@transaction.atomic
def extend_stay(*, vagrant_id: int, until: date, reason: str, now: datetime) -> VagrantCase:
    """Let somebody stay longer than usual, with the reason, by the county's approver."""
    row = _locked(vagrant_id, "vagrants.extend")
    if until <= row.stay_until or until > today_of(now) + timedelta(days=183):
        raise ValidationError({"until": _("新的期限应晚于现期限，且不超过半年。")})
    if not reason.strip():
        raise ValidationError({"reason": _("请填写延长原因。")})
    row.stay_until, row.extended_reason, row.extended_by_id, row.version = until, reason.strip()[:200], scopes.current().account_id, row.version + 1
    row.save(update_fields=["stay_until", "extended_reason", "extended_by", "version"])
    _clock(row, now)
    scopes.check_constraints()
    return row


@transaction.atomic
def leave(
    *, vagrant_id: int, leaving: str, left_at: datetime, left_to: str = "", receiver: str = "", receiver_unit: str = "", handed_over_by: str = "",
    note: str = "", now: datetime,
) -> VagrantCase:
    """Let go (离站): by themselves, or handed over to a receiver whose name is recorded. Minors do not leave by themselves."""
    row = _locked(vagrant_id, "vagrants.record")
    if leaving not in Leaving.values:
        raise ValidationError({"leaving": _("请选择离站方式。")})
    if leaving == Leaving.SELF and row.minor:
        raise ValidationError({"leaving": _("未成年人不能自行离站；应由亲属接回、护送或移交。")})
    if leaving in WITH_RECEIVER and not (receiver.strip() and handed_over_by.strip()):
        raise ValidationError({"receiver": _("请填写接收人和护送（移交）人，作为交接记录。")})
    if not row.arrived_at <= left_at <= now:
        raise ValidationError({"left_at": _("“离站时间”应在进站之后，且不晚于现在。")})
    values: dict[str, Any] = {
        "state": VagrantCase.State.LEFT, "leaving": leaving, "left_at": left_at, "left_to": left_to.strip()[:120], "receiver": receiver.strip()[:60],
        "receiver_unit": receiver_unit.strip()[:100], "handed_over_by": handed_over_by.strip()[:100], "note": note.strip()[:2000] or None,
        "closed_by_id": scopes.current().account_id, "version": row.version + 1,
    }  # fmt: skip
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def watch_stays(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Stays past their limit go to the county. Set-based."""
    duties.require("relief.remind")
    here = scopes.Scope(area=area)
    return {"late": raise_todos(LATE, [Duty.COUNTY_REVIEWER, here.low, here.high, on], now=now)}
