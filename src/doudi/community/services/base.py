"""What acts on people of the community share: the row locked and not changed meanwhile, the event that says who and why."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from doudi.community.models import CareContact, CareEvent, CarePerson
from doudi.core import scope as scopes


def reason_of(text: str, field: str = "reason") -> str:
    """A reason that says something. Raises ValidationError at its field."""
    if len(text.strip()) < 2:
        raise ValidationError({field: _("请写明理由，至少 2 个字。")})
    return text.strip()[:500]


def locked(care_id: int, version: int | None) -> CarePerson:
    """Somebody who is looked after now, locked. Raises ValidationError: not there or out of scope, left meanwhile, changed meanwhile."""
    row = CarePerson.objects.select_for_update().filter(pk=care_id).first()
    if row is None:
        raise ValidationError(_("没有这名关爱对象，或不在您的管辖范围内。"))
    if row.ends is not None:
        raise ValidationError(_("此人已于 %(day)s 退出（%(why)s）；请刷新页面。") % {"day": row.ends, "why": row.get_end_reason_display()}, code="stale")
    if version is not None and row.version != version:
        raise ValidationError(_("此人的情况刚由他人更改，您的操作没有保存；请刷新页面后重新办理。"), code="stale")
    return row


def note_event(row: CarePerson, what: str, *, now: datetime, note: str = "", groups: list[str] | None = None, contact: CareContact | None = None) -> None:
    CareEvent.objects.create(
        care=row, area=row.area, at=now, account_id=scopes.current().account_id or None, what=what, groups=groups or [], contact=contact,
        note=note or None,
    )  # fmt: skip
