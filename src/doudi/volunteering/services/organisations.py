"""Organisations: registered, checked by another officer, suspended, blacklisted with a reason, their papers with expiry (8.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core.models import Division, Duty
from doudi.core.services.todos import finish_todos, raise_todo, raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.volunteering import codes
from doudi.volunteering.models import Activity, Credential, Organisation, OrganisationArea
from doudi.volunteering.procedures import REMIND_DAYS
from doudi.volunteering.services import activities
from doudi.volunteering.services.base import (
    account_id,
    chosen,
    day,
    locked_organisation,
    name_of,
    needed,
    note_event,
    number_of,
    one_of,
    phone_needed,
    place_of,
    reason_of,
    refused,
    require_one,
    save,
)  # fmt: skip

S = Organisation.State
SUBJECT = "organisation"


def _url(row: Organisation) -> str:
    return f"/volunteering/organisations/{row.pk}/"


def _tell(row: Organisation, kind: str, words: str, now: datetime, due: date | None = None) -> None:
    for duty in (Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER):
        raise_todo(kind=kind, area=row.area, duty=duty, title=f"{row.name}：{words}", url=_url(row), subject=SUBJECT, subject_id=row.pk, due=due, now=now)


def _serving(row: Organisation, areas: Sequence[str]) -> None:
    """Have exactly these areas served."""
    known = set(Division.objects.filter(code__in=set(areas), ends__isnull=True).values_list("code", flat=True))
    if set(areas) - known:
        raise ValidationError({"areas": _("请在列表中重新选择服务地区。")})
    before = set(row.areas.values_list("served", flat=True))
    row.areas.filter(served__in=before - known).delete()
    OrganisationArea.objects.bulk_create([OrganisationArea(organisation=row, area=row.area, served=code) for code in sorted(known - before)])


@transaction.atomic
def register_organisation(
    *, key: UUID, area: str, name: str, kind: str, code: str, contact_name: str, contact_phone: str, address: str = "", abilities: Sequence[str] = (),
    on_call: bool = False, areas: Sequence[str] = (), now: datetime,
) -> Organisation:
    """Register an organisation; it waits for its check. By an officer, or through the public page. The same form (`key`) again gives back the first.

    Raises ValidationError by field, also where the code is registered anywhere in the province.
    """  # fmt: skip
    require_one("volunteering.organisations", "volunteering.join")
    needed(name=name, contact_name=contact_name)
    place_of(area, least=6)
    one_of("kind", kind, Organisation.Kind.values)
    try:
        plain = codes.credit_code(code)
    except ValueError as error:
        raise ValidationError({"code": str(error)}) from None
    before = Organisation.objects.filter(key=key).first()
    if before is not None:
        return before
    taken = ValidationError({"code": _("这个统一社会信用代码已登记（可能在其他地区，或已列入黑名单）；请在列表中查找，或向登记地民政部门核实。")})
    with refused({"organisation_code_once": taken}):
        row = Organisation.objects.create(
            key=key, area=area, number=number_of("SH", area), name=" ".join(name.split())[:100], kind=kind, code=plain, address=address.strip()[:120],
            contact_name=name_of(contact_name, "contact_name"), contact_phone=phone_needed(contact_phone, "contact_phone"),
            abilities=chosen("abilities", abilities, codes.ABILITIES), on_call=on_call, made_by_id=account_id(), made_at=now,
        )  # fmt: skip
    _serving(row, areas or [area])
    note_event(row, "registered", "" if row.made_by_id else "自行登记", now)
    _tell(row, "organisation.check", "登记待审核", now)
    return row


@transaction.atomic
def check_organisation(*, organisation_id: int, version: int, agree: bool, reason: str = "", now: datetime) -> Organisation:
    """Agree to a registration after looking at its papers, or refuse it with a reason; by another officer than who registered it."""
    duties.require("volunteering.check")
    row = locked_organisation(organisation_id, version=version)
    duties.require_apart("volunteering.check", done={"volunteering.organisations": row.made_by_id})
    if row.state != S.PENDING:
        raise ValidationError(_("这家组织现为“%(state)s”，不需审核；请刷新页面。") % {"state": row.get_state_display()})
    if agree:
        on = day(now)
        if not row.credentials.filter(kind=Credential.Kind.REGISTRATION, ended_at__isnull=True).exclude(expires__lt=on).exists() and row.kind != Organisation.Kind.FIRM:
            raise ValidationError(_("还没有登记有效的登记证书；请先补录证书编号和有效期，再审核。"))
        row.state, row.checked_by_id, row.checked_at = S.ACTIVE, account_id(), now
    else:
        row.state, row.state_reason = S.ENDED, reason_of(reason)
    row.state_at = now
    save(row, "state", "state_reason", "checked_by", "checked_at", "state_at")
    note_event(row, "checked" if agree else "refused", row.state_reason, now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="organisation.check")
    return row


@transaction.atomic
def change_organisation(
    *, organisation_id: int, version: int, name: str, contact_name: str, contact_phone: str = "", address: str = "", abilities: Sequence[str] = (),
    on_call: bool = False, areas: Sequence[str] = (), now: datetime,
) -> Organisation:
    """Change contact, abilities, areas. A phone left empty stays as it is. The contact's pages follow the new phone at once."""  # fmt: skip
    duties.require("volunteering.organisations")
    row = locked_organisation(organisation_id, version=version)
    if row.state in (S.ENDED, S.BLACKLISTED):
        raise ValidationError(_("这家组织现为“%(state)s”，不能修改。") % {"state": row.get_state_display()})
    needed(name=name, contact_name=contact_name)
    row.name, row.contact_name, row.address = " ".join(name.split())[:100], name_of(contact_name, "contact_name"), address.strip()[:120]
    if contact_phone.strip():
        row.contact_phone = phone_needed(contact_phone, "contact_phone")  # type: ignore[assignment]
    row.abilities, row.on_call = chosen("abilities", abilities, codes.ABILITIES), on_call
    save(row, "name", "contact_name", "contact_phone", "address", "abilities", "on_call")
    _serving(row, areas or [row.area])
    note_event(row, "changed", "", now)
    return row


@transaction.atomic
def set_organisation_state(*, organisation_id: int, version: int, state: str, reason: str = "", now: datetime) -> Organisation:
    """Suspend, resume, blacklist, take off the blacklist (it stays suspended), or end. All but resuming want a reason.

    Who may no longer act has its open activities cancelled, and whoever signed up is told.
    """
    duties.require("volunteering.blacklist" if S.BLACKLISTED in (state,) else "volunteering.organisations")
    row = locked_organisation(organisation_id, version=version)
    if row.state == S.BLACKLISTED:
        duties.require("volunteering.blacklist")
    ways = {
        S.PENDING: (S.BLACKLISTED, S.ENDED), S.ACTIVE: (S.SUSPENDED, S.BLACKLISTED, S.ENDED), S.SUSPENDED: (S.ACTIVE, S.BLACKLISTED, S.ENDED),
        S.BLACKLISTED: (S.SUSPENDED,), S.ENDED: (),
    }  # fmt: skip
    if state not in ways[row.state]:  # type: ignore[index]
        raise ValidationError(_("这家组织现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()})
    row.state_reason = reason.strip()[:200] if state == S.ACTIVE else reason_of(reason)
    row.state, row.state_at = state, now
    save(row, "state", "state_reason", "state_at")
    note_event(row, state, row.state_reason, now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    if state != S.ACTIVE:
        for activity in Activity.objects.filter(organisation=row, state__in=activities.LIVE, area__startswith=row.area):
            activities.end_activity(activity, f"{row.get_state_display()}：{row.state_reason}", now)
    return row


@transaction.atomic
def add_credential(
    *, organisation_id: int, kind: str, number: str, issuer: str = "", starts: date | None = None, expires: date | None = None, now: datetime
) -> Credential:
    """Put down a paper (资质). The former of the same kind ends with it; the same number again is a correction of its dates."""
    duties.require("volunteering.organisations")
    row = locked_organisation(organisation_id)
    needed(number=number)
    one_of("kind", kind, Credential.Kind.values)
    if starts and expires and expires < starts:
        raise ValidationError({"expires": _("到期日期不能早于发证日期。")})
    row.credentials.filter(kind=kind, ended_at__isnull=True).update(ended_at=now)
    made = Credential.objects.create(
        organisation=row, area=row.area, kind=kind, number=number.strip()[:60], issuer=issuer.strip()[:100], starts=starts, expires=expires,
        made_by_id=account_id(), made_at=now,
    )  # fmt: skip
    note_event(row, "credential", f"{made.get_kind_display()} {made.number}", now)
    if not expires or expires > day(now) + timedelta(days=int(get_setting(REMIND_DAYS, row.area, day(now)))):
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="organisation.credential")
    return made


@transaction.atomic
def end_credential(*, credential_id: int, now: datetime) -> None:
    """Take a paper off that was put down wrongly or withdrawn."""
    duties.require("volunteering.organisations")
    found = Credential.objects.filter(pk=credential_id, ended_at__isnull=True).first()
    if found is None:
        raise ValidationError(_("没有这份资质，或已失效。"))
    row = locked_organisation(found.organisation_id)
    Credential.objects.filter(pk=found.pk).update(ended_at=now)
    note_event(row, "credential_ended", f"{found.get_kind_display()} {found.number}", now)


def remind_credentials(*, area: str, on: date, now: datetime) -> int:
    """To-dos for papers that expire soon or have expired, once a paper; set-based. The number of papers told."""
    duties.require("volunteering.clocks")
    until = on + timedelta(days=int(get_setting(REMIND_DAYS, area, on)))
    raise_todos(
        "select distinct on (o.id) o.area, %s, 'organisation.credential', left(o.name || '：资质将于 ' || c.expires || ' 到期', 200),"
        " '/volunteering/organisations/' || o.id || '/', 'organisation', o.id, c.expires"
        " from volunteering_credential c join volunteering_organisation o on o.id = c.organisation_id"
        " where c.ended_at is null and c.expires <= %s and c.reminded_on is null and o.state in ('active', 'suspended') and o.area >= %s and o.area < %s"
        " order by o.id, c.expires",
        [Duty.VOLUNTEER_COORDINATOR, until, area, area + ":"], now=now,
    )  # fmt: skip
    return Credential.objects.filter(
        ended_at__isnull=True, expires__lte=until, reminded_on__isnull=True, organisation__state__in=(S.ACTIVE, S.SUSPENDED), area__gte=area, area__lt=area + ":"
    ).update(reminded_on=on)


__all__ = [
    "add_credential", "change_organisation", "check_organisation", "end_credential", "register_organisation", "remind_credentials", "set_organisation_state",
]  # fmt: skip
