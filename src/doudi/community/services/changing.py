"""What is registered of a care contact is changed (变更帮扶责任人信息): the phone above all, since it stands on printed cards. What stood before stays, with who and why."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.community.models import CareContact, ContactChange
from doudi.community.services.base import reason_of
from doudi.community.services.cards import refresh
from doudi.community.services.contacts import clean_contact_name, load_of
from doudi.core import duties, numbers
from doudi.core import scope as scopes
from doudi.core.numbers import Kind


def phone_of(text: str) -> UUID:
    """Token of a contact's phone. Raises ValidationError at `phone`."""
    try:
        return numbers.token_of(Kind.PHONE, idnumber.check_phone(text))
    except ValueError as error:
        raise ValidationError({"phone": _("“联系电话”：%(problem)s；电话要印在明白卡上，请核对。") % {"problem": error}}) from None


@transaction.atomic
def change_contact(*, contact_id: int, version: int, name: str, kind: str, phone: str, most: int | None, reason: str, now: datetime) -> CareContact:
    """Change name, kind, phone or limit of a contact. An empty `phone` leaves the number as it is. Cards with the contact on them are listed to be printed again.

    Of two officers at once the second is told; nothing changed is no change. Raises ValidationError by field.
    """
    acting = duties.require("community.contacts")
    row = CareContact.objects.select_for_update(of=("self",)).filter(pk=contact_id).first()
    if row is None or not acting.covers(row.area):
        raise ValidationError(_("没有这名帮扶责任人，或不在您的管辖范围内。"))
    if row.version != version or row.ends is not None:
        raise ValidationError(_("这名帮扶责任人的情况刚由他人更改；请刷新页面。"), code="stale")
    cleaned = clean_contact_name(name)
    if kind not in CareContact.Kind.values:
        raise ValidationError({"kind": _("请选择身份。")})
    if most is not None and not 1 <= most <= 500:
        raise ValidationError({"most": _("“最多帮扶人数”应在 1 至 500 之间；不填按当地统一设定。")})
    load = load_of([row.pk]).get(row.pk, 0)
    if most is not None and most < load:
        raise ValidationError({"most": _("现在已帮扶 %(load)d 人；请先分出一部分，再调低上限。") % {"load": load}})
    token = phone_of(phone) if phone.strip() else row.phone
    if (cleaned, kind, token, most) == (row.name, row.kind, row.phone, row.most):
        return row
    why = reason_of(reason)[:200]
    ContactChange.objects.create(
        contact=row, area=row.area, name=row.name, kind=row.kind, phone=row.phone, most=row.most, reason=why, made_by_id=acting.account_id or None, made_at=now
    )  # fmt: skip
    changed = token != row.phone
    row.name, row.kind, row.phone, row.most, row.version = cleaned, kind, token, most, row.version + 1
    row.phone_changes += changed
    try:
        with transaction.atomic():
            row.save(update_fields=["name", "kind", "phone", "phone_changes", "most", "version"])
    except IntegrityError:
        raise ValidationError({"phone": _("本地已有用这个账号或电话的帮扶责任人；请在列表中查找。")}) from None
    refresh(area=row.area, on=timezone.localdate(now))
    scopes.check_constraints()
    return row
