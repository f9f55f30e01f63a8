"""Partners, their purposes, and people's consent. The administrator says who asks for what; an officer notes who agreed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.api.models import ApiClient
from doudi.api.spdci.models import SpdciConsent, SpdciPartner, SpdciPurpose, SpdciSubscription
from doudi.api.spdci.records import FIELDS
from doudi.batch import idnumber
from doudi.core import audit, duties, keys, numbers, outgoing
from doudi.registry.models import Person

LONGEST = timedelta(days=3 * 366)


def set_partner(
    *, client_id: int, sender_id: str, key_id: str, public_key: str, callback_url: str = "", version: int = 0, now: datetime
) -> SpdciPartner:
    """Register a client as a partner, or change its name, key (Ed25519, base64 of 32 bytes) and address. Raises ValidationError by field."""
    acting = duties.require("api.manage")
    client = ApiClient.objects.select_for_update().filter(pk=client_id, revoked_at__isnull=True).first()
    if client is None:
        raise ValidationError(_("没有这一接口客户端，或它已停用。"))
    faults: dict[str, str] = {}
    names = {"sender_id": sender_id.strip(), "key_id": key_id.strip()}
    for name, value in names.items():
        if not value or not value.isascii() or not value.replace(".", "").replace("-", "").replace("_", "").isalnum():
            faults[name] = _("由字母、数字、点、横线组成。")
    try:
        raw = base64.b64decode(public_key.strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, ValueError):
        faults["public_key"] = _("应为 Ed25519 公钥（32 字节）的 base64。")
    if callback_url and outgoing.problem_of(callback_url.strip(), within=settings.CALLBACKS_WITHIN):
        faults["callback_url"] = _("应为对方的 https 地址，不含账号和空格，不能是本机。")
    if faults:
        raise ValidationError(faults)
    there = SpdciPartner.objects.filter(client=client).first()
    if there is not None and there.version != version:
        raise ValidationError(_("另一名管理员刚刚改动了这一客户端；请刷新页面后重试。"))
    values = {"sender_id": names["sender_id"], "key_id": names["key_id"], "public_key": raw, "callback_url": callback_url.strip()}
    try:
        with transaction.atomic():
            if there is None:
                return SpdciPartner.objects.create(client=client, area=client.area, made_by_id=acting.account_id or None, made_at=now, **values)
            SpdciPartner.objects.filter(pk=there.pk).update(version=there.version + 1, **values)
    except IntegrityError:
        raise ValidationError({"sender_id": _("这一标识已由别的客户端使用。")}) from None
    return SpdciPartner.objects.get(pk=there.pk)


def add_purpose(*, partner_id: int, code: str, label: str, fields: Sequence[str], basis: str, document: str, now: datetime) -> SpdciPurpose:
    """Let a partner ask for a purpose: what it opens, and by consent or by law with its document."""
    acting = duties.require("api.manage")
    partner = SpdciPartner.objects.filter(pk=partner_id).first()
    if partner is None:
        raise ValidationError(_("没有这一接口客户端，或它已停用。"))
    faults: dict[str, str] = {}
    code = code.strip()
    if not code or len(code) > 40 or not code.isascii() or not code.replace(".", "").replace("-", "").replace("_", "").isalnum():
        faults["code"] = _("由字母、数字、点、横线组成。")
    if not label.strip():
        faults["label"] = _("请填写用途。")
    if not fields or set(fields) - set(FIELDS):
        faults["fields"] = _("请选择至少一项内容。")
    if basis not in SpdciPurpose.Basis.values:
        faults["basis"] = _("请选择依据。")
    if not document.strip():
        faults["document"] = _("请填写协议或法律依据的名称、文号。")
    if faults:
        raise ValidationError(faults)
    try:
        with transaction.atomic():
            return SpdciPurpose.objects.create(
                partner=partner, area=partner.area, code=code, label=label.strip()[:100], fields=[each for each in FIELDS if each in fields], basis=basis,
                document=document.strip()[:200], made_by_id=acting.account_id or None, made_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError({"code": _("这一用途已登记；要改动请先停用它。")}) from None


def end_purpose(*, purpose_id: int, now: datetime) -> None:
    """End a purpose for good: nothing more is answered under it, its subscriptions end."""
    duties.require("api.manage")
    if not SpdciPurpose.objects.filter(pk=purpose_id, ended_at__isnull=True).update(ended_at=now):
        raise ValidationError(_("没有这一用途，或它已停用。"))
    SpdciSubscription.objects.filter(purpose_id=purpose_id, ended_at__isnull=True).update(ended_at=now)


def record_consent(*, purpose_id: int, number: str, until: date, document: str, now: datetime) -> SpdciConsent:
    """Note that a person of one's own area agrees. The look-up by ID number is an access record. Raises ValidationError by field."""
    acting = duties.require("spdci.consent")
    try:
        plain = idnumber.parse(number).number18
    except ValueError as error:
        raise ValidationError({"number": str(error)}) from None
    on = timezone.localdate(now)
    if not on < until <= on + LONGEST:
        raise ValidationError({"until": _("到期日应在明天至三年之内。")})
    if not document.strip():
        raise ValidationError({"document": _("请写明同意书的编号或口头同意的经过。")})
    purpose = SpdciPurpose.objects.filter(pk=purpose_id, ended_at__isnull=True, basis=SpdciPurpose.Basis.CONSENT).first()
    if purpose is None:
        raise ValidationError({"purpose": _("没有这一用途，或它不需要本人同意。")})
    audit.record_access(what="lookup", subject="person", digest=keys.sealing_digest(plain), reason="登记信息共享同意")
    person = Person.objects.filter(token=numbers.id_token(plain), died_on__isnull=True).first()
    if person is None:
        raise ValidationError({"number": _("本辖区没有登记这一人员；请核对号码，或先登记其家庭。")})
    try:
        with transaction.atomic():
            return SpdciConsent.objects.create(
                purpose=purpose, area=person.area, person_id=person.pk, starts=on, ends=until, document=document.strip()[:200],
                made_by_id=acting.account_id or None, made_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError(_("本人已同意过这一用途；要改期限请先撤回。")) from None


@transaction.atomic
def withdraw_consents(*, person_id: int, consent_ids: Sequence[int], now: datetime) -> None:
    """Note that a person no longer agrees to what is chosen; from now on nothing is answered of it. All of them or none."""
    acting = duties.require("spdci.consent")
    chosen = set(consent_ids)
    if not chosen:
        raise ValidationError({"consents": _("请选择要撤回的同意。")})
    found = SpdciConsent.objects.filter(pk__in=chosen, person_id=person_id, withdrawn_at__isnull=True)
    if found.update(withdrawn_at=now, withdrawn_by_id=acting.account_id or None) != len(chosen):
        raise ValidationError(_("所选的同意有的已撤回，或不在您的管辖范围内；请刷新页面后重新选择。"))


def purposes_open() -> list[SpdciPurpose]:
    """Purposes for which people of the acting officer's area may agree."""
    duties.require("spdci.consent")
    rows = SpdciPurpose.objects.filter(ended_at__isnull=True, basis=SpdciPurpose.Basis.CONSENT).select_related("partner")
    return list(rows.order_by("label", "pk"))


def consents() -> QuerySet[SpdciConsent]:
    """Consents of the own area, each with `person_name`."""
    duties.require("spdci.consent")
    name = Person.objects.filter(pk=OuterRef("person_id")).values("name")[:1]
    return SpdciConsent.objects.select_related("purpose", "purpose__partner").annotate(person_name=Coalesce(Subquery(name), Value("—")))
