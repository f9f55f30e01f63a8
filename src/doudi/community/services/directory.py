"""Where people of a place find help (本地服务): dated entries that stand on cards and on their public page."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.community.models import PlaceService
from doudi.community.services.cards import refresh
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division

PHONE = re.compile(r"[0-9][0-9 \-]{1,18}[0-9]")


def add_service(
    *, area: str, kind: str, name: str, phone: str = "", hours: str = "", address: str = "", starts: date, on: date, now: datetime
) -> PlaceService:
    """Add a public service of a county, township or village from a day on. Raises ValidationError by field."""
    acting = duties.require("community.services")
    if len(area) not in (6, 9, 12) or not acting.covers(area) or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("“服务范围”应为辖区内的县、乡镇（街道）或村（社区）；请在列表中重新选择。")})
    if kind not in PlaceService.Kind.values:
        raise ValidationError({"kind": _("请选择类别。")})
    title, number = " ".join(name.split())[:40], phone.strip()
    if len(title) < 2:
        raise ValidationError({"name": _("请填写名称，至少 2 个字。")})
    if number and not PHONE.fullmatch(number):
        raise ValidationError({"phone": _("“电话”只能是数字、空格和短横线，如 0371-62112345；请核对。")})
    if not number and kind in (PlaceService.Kind.HOTLINE, PlaceService.Kind.COUNSEL, PlaceService.Kind.DOCTOR):
        raise ValidationError({"phone": _("这一类服务必须填写电话。")})
    if starts < on:
        raise ValidationError({"starts": _("“起始日期”不能早于今天。")})
    try:
        with transaction.atomic():
            made = PlaceService.objects.create(
                area=area, kind=kind, name=title, phone=number, hours=hours.strip()[:40], address=address.strip()[:60], starts=starts,
                made_by_id=acting.account_id or None, made_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError({"name": _("这里已登记同名的服务；要更改电话或时间，请先停用原来的。")}) from None
    refresh(area=area, on=on)
    scopes.check_constraints()
    return made


def end_service(*, service_id: int, ends: date, on: date, now: datetime) -> PlaceService:
    """A service ends on a day; cards that name it are then listed to be printed again."""
    acting = duties.require("community.services")
    row = PlaceService.objects.select_for_update().filter(pk=service_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这项服务，或它由上级登记，不能在这里停用。"))
    if row.ends is not None:
        raise ValidationError(_("这项服务已停用；请刷新页面。"), code="stale")
    if ends < on:
        raise ValidationError({"ends": _("“停用日期”不能早于今天。")})
    row.ends = max(ends, row.starts)
    row.save(update_fields=["ends"])
    refresh(area=row.area, on=on)
    scopes.check_constraints()
    return row
