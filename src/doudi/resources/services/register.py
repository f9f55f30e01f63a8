"""The register of resources (统筹各类社会资源): entered, changed, confirmed again in time, taken out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.services.todos import finish_todos, raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.institutions.models import Institution
from doudi.needs import kinds
from doudi.payments.models import Fund
from doudi.resources.models import Resource
from doudi.resources.procedures import REMIND_DAYS, RESOURCE_DAYS
from doudi.resources.services.base import FEN, locked, phone_token, reason_of, save, told
from doudi.volunteering.models import Organisation

S = Resource.State
SUBJECT = "resource"


def _confirm_by(area: str, on: date) -> date:
    return on + timedelta(days=int(get_setting(RESOURCE_DAYS, area, on)))


def _amount(quantity: Decimal | None, unit: str, period: str, until: date | None, on: date) -> None:
    if quantity is not None and (quantity <= 0 or quantity != quantity.quantize(FEN) or not unit.strip()):
        raise ValidationError({"quantity": _("数量应为正数，并填写单位；没有上限的可不填。")})
    if period not in Resource.Period.values:
        raise ValidationError({"period": _("请选择周期。")})
    if until is not None and until < on:
        raise ValidationError({"until": _("截止日期不能早于今天。")})


@transaction.atomic
def register(
    *, key: UUID, area: str, to_area: str, holder: str, kind: str, what: str, phone: str, now: datetime, name: str = "", quantity: Decimal | None = None,
    unit: str = "", period: str = "month", until: date | None = None, conditions: str = "", address: str = "", contact: str = "",
    organisation_id: int | None = None, institution_id: int | None = None, fund_id: int | None = None,
) -> Resource:  # fmt: skip
    """Enter what somebody can give. `area`: where it is; `to_area`: the place served, at or above it within the county, or the officer's own area.

    The same form (`key`) again is one resource. Raises ValidationError by field.
    """
    acting = duties.require("resources.manage")
    before = Resource.objects.filter(key=key).first()
    if before is not None:
        return before
    on = timezone.localdate(now)
    if len(area) < 6 or not acting.covers(area) or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("请选择辖区内的县、乡镇（街道）或村（社区）。")})
    if len(to_area) < 6 or not (acting.covers(to_area) or area.startswith(to_area)):
        raise ValidationError({"to_area": _("服务范围应在辖区内，或为所在的乡镇、县。")})
    if holder not in Resource.Holder.values:
        raise ValidationError({"holder": _("请选择提供方类别。")})
    if kind not in kinds.KINDS:
        raise ValidationError({"kind": _("请选择能满足的需求种类。")})
    links: dict[str, object] = {}
    if organisation_id is not None and holder == Resource.Holder.ORGANISATION:
        organisation = Organisation.objects.filter(pk=organisation_id).first()
        if organisation is None or organisation.state != Organisation.State.ACTIVE:
            raise ValidationError({"organisation": _("没有这个机构，或它未通过审核、已暂停、列入黑名单；请重新选择。")})
        links, name = {"organisation": organisation}, name or organisation.name
    if institution_id is not None and holder == Resource.Holder.INSTITUTION:
        institution = Institution.objects.filter(pk=institution_id).first()
        if institution is None:
            raise ValidationError({"institution": _("没有这家机构，或不在您的管辖范围内。")})
        links, name = {"institution": institution}, name or institution.name
    if fund_id is not None and holder == Resource.Holder.FUND:
        fund = Fund.objects.filter(pk=fund_id).first()
        if fund is None:
            raise ValidationError({"fund": _("没有这项资金。")})
        links, name = {"fund": fund}, name or fund.name
    if len(name.strip()) < 2 or len(what.strip()) < 2:
        raise ValidationError({"name" if len(name.strip()) < 2 else "what": _("请填写名称，至少 2 个字。")})
    _amount(quantity, unit, period, until, on)
    token = phone_token(phone)
    if token is None:
        raise ValidationError({"phone": _("请填写联系电话。")})
    with told():
        return Resource.objects.create(
            key=key, area=area, to_area=to_area, holder=holder, name=name.strip()[:100], kind=kind, what=what.strip()[:120], quantity=quantity,
            unit=unit.strip()[:10], period=period, until=until, conditions=conditions.strip()[:200], address=address.strip()[:100], contact=contact.strip()[:60],
            phone=token, confirmed_on=on, confirmed_by_id=acting.account_id or None, confirm_by=_confirm_by(area, on), made_by_id=acting.account_id or None,
            made_at=now, **links,
        )  # fmt: skip


@transaction.atomic
def update(
    *, resource_id: int, version: int, quantity: Decimal | None, unit: str, period: str, until: date | None, conditions: str, contact: str, phone: str = "",
    now: datetime,
) -> Resource:  # fmt: skip
    """Change how much there is, until when, and whom to call; that confirms it too. Without `phone` the number stays."""
    acting = duties.require("resources.manage")
    row = _own(resource_id, version, S.ACTIVE, S.PAUSED)
    on = timezone.localdate(now)
    _amount(quantity, unit, period, until, on)
    row.quantity, row.unit, row.period, row.until = quantity, unit.strip()[:10], period, until
    row.conditions, row.contact, row.phone = conditions.strip()[:200], contact.strip()[:60], phone_token(phone) or row.phone
    _confirmed(row, acting.account_id, on)
    save(row, "quantity", "unit", "period", "until", "conditions", "contact", "phone", "confirmed_on", "confirmed_by", "confirm_by")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


@transaction.atomic
def confirm(*, resource_id: int, version: int, now: datetime) -> Resource:
    """Say that it still holds as it stands; the next confirmation is due after the place's number of days."""
    acting = duties.require("resources.manage")
    row = _own(resource_id, version, S.ACTIVE, S.PAUSED)
    row.state, row.reason = S.ACTIVE, ""
    _confirmed(row, acting.account_id, timezone.localdate(now))
    save(row, "state", "reason", "confirmed_on", "confirmed_by", "confirm_by")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


@transaction.atomic
def take_out(*, resource_id: int, version: int, ended: bool, reason: str, now: datetime) -> Resource:
    """Pause a resource, or take it out for good, with the reason."""
    duties.require("resources.manage")
    row = _own(resource_id, version, S.ACTIVE, S.PAUSED)
    row.state, row.reason = S.ENDED if ended else S.PAUSED, reason_of(reason)
    save(row, "state", "reason")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


def _own(resource_id: int, version: int, *states: str) -> Resource:
    row = Resource.objects.filter(pk=resource_id).first()
    if row is not None and not scopes.current().covers(row.area):
        raise ValidationError(_("这项资源由所在地登记，请联系登记的单位更改。"))
    return locked(Resource, resource_id, version, *states)


def _confirmed(row: Resource, account_id: int, on: date) -> None:
    row.confirmed_on, row.confirmed_by_id, row.confirm_by = on, account_id or None, _confirm_by(row.area, on)


def remind(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """A county's daily job: to-dos for what is to be confirmed soon; what has run out is ended. One statement each."""
    duties.require("resources.remind")
    own = Resource.objects.filter(area__gte=area, area__lt=area + ":").exclude(state=S.ENDED)
    ended = own.filter(until__lt=on).update(state=S.ENDED, reason="有效期已过")
    told_ = raise_todos(
        "select area, case when length(area) = 6 then 'volunteer_coordinator' else 'township_officer' end, 'resources.confirm', '核实社会资源：' || name || ' ' || what,"
        " '/resources/' || id || '/', %s::text, id, confirm_by from resources_resource where area >= %s and area < %s and state <> 'ended' and confirm_by <= %s",
        [SUBJECT, area, area + ":", on + timedelta(days=int(get_setting(REMIND_DAYS, area, on)))],
        now=now,
    )  # fmt: skip
    return {"ended": ended, "told": told_}
