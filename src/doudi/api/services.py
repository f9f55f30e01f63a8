"""API clients (接口客户端): opened, given a new token, revoked by the administrator of their area."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.api.access import digest_of
from doudi.api.models import ApiClient, ApiRefusal
from doudi.api.rights import RIGHTS
from doudi.batch.datasets import CONTRACTS
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account, Division
from doudi.institutions.services.systems import set_houses

LONGEST = timedelta(days=3 * 366)


def _token() -> str:
    return f"doudi_{secrets.token_urlsafe(32)}"


@transaction.atomic
def create_client(
    *, organisation: str, contact: str, area: str, rights: Sequence[str], datasets: Sequence[str], expires: date, per_minute: int, now: datetime,
    houses: Sequence[str] = (),
) -> tuple[ApiClient, str]:
    """A client and its token, which is shown once. `houses`: codes of the institutions that it reports for. Raises ValidationError by field."""
    acting = duties.require("api.manage")
    faults: dict[str, str] = {}
    if not organisation.strip():
        faults["organisation"] = _("请填写单位名称。")
    if not contact.strip():
        faults["contact"] = _("请填写联系人和电话。")
    if not rights or set(rights) - RIGHTS.keys():
        faults["rights"] = _("请选择至少一项权限。")
    elif any(RIGHTS[right].datasets for right in rights) and not datasets:
        faults["datasets"] = _("报送数据的客户端须选择可报送的数据目录。")
    if any(RIGHTS[right].houses for right in rights if right in RIGHTS) and not any(code.strip() for code in houses):
        faults["houses"] = _("上报机构日报的客户端须填写可上报的机构代码。")
    if set(datasets) - CONTRACTS.keys():
        faults["datasets"] = _("没有这一数据目录；请从列表中选择。")
    if not acting.covers(area) or not Division.objects.filter(pk=area, ends__isnull=True).exists():
        faults["area"] = _("这一地区不在您的管辖范围内，或已撤并；请从列表中选择。")
    today = timezone.localdate(now)
    if not today < expires <= today + LONGEST:
        faults["expires"] = _("到期日应在明天至三年之内。")
    if not 1 <= per_minute <= 6000:
        faults["per_minute"] = _("每分钟次数应在 1 至 6000 之间。")
    if faults:
        raise ValidationError(faults)
    token = _token()
    account = Account.objects.create_user(f"api.{secrets.token_hex(8)}", None, name=organisation.strip()[:60], is_active=False)
    client = ApiClient.objects.create(
        area=area, organisation=organisation.strip()[:80], contact=contact.strip()[:80], scopes=sorted(rights), datasets=sorted(set(datasets)),
        per_minute=per_minute, expires=expires, token_digest=digest_of(token), token_hint=token[-4:], account=account,
        made_by_id=acting.account_id or None, made_at=now,
    )  # fmt: skip
    set_houses(account=account, area=area, codes=houses, now=now)
    scopes.check_constraints()
    return client, token


def _held(client_id: int, version: int) -> ApiClient:
    client = ApiClient.objects.select_for_update().filter(pk=client_id).first()
    if client is None:
        raise ValidationError(_("没有这一接口客户端，或它不在您的管辖范围内。"))
    if client.version != version:
        raise ValidationError(_("另一名管理员刚刚改动了这一客户端；请刷新页面后重试。"))
    if client.revoked_at is not None:
        raise ValidationError(_("这一客户端已停用；需要时请另行开立。"))
    return client


@transaction.atomic
def change_houses(*, client_id: int, version: int, houses: Sequence[str], now: datetime) -> ApiClient:
    """Other institutions that the client reports for, by their codes; from its next call on it sees these and no others."""
    duties.require("api.manage")
    client = _held(client_id, version)
    if any(RIGHTS[right].houses for right in client.scopes if right in RIGHTS) and not any(code.strip() for code in houses):
        raise ValidationError({"houses": _("上报机构日报的客户端须填写可上报的机构代码。")})
    set_houses(account=client.account, area=client.area, codes=houses, now=now)
    client.version += 1
    client.save(update_fields=["version"])
    scopes.check_constraints()
    return client


def renew_token(*, client_id: int, version: int, expires: date, now: datetime) -> tuple[ApiClient, str]:
    """A new token in place of the old one, which ends at once."""
    duties.require("api.manage")
    client = _held(client_id, version)
    today = timezone.localdate(now)
    if not today < expires <= today + LONGEST:
        raise ValidationError({"expires": _("到期日应在明天至三年之内。")})
    token = _token()
    client.token_digest, client.token_hint, client.expires, client.version = digest_of(token), token[-4:], expires, client.version + 1
    client.save(update_fields=["token_digest", "token_hint", "expires", "version"])
    scopes.check_constraints()
    return client, token


def revoke_client(*, client_id: int, version: int, now: datetime) -> ApiClient:
    """End a client for good: its next call is refused."""
    acting = duties.require("api.manage")
    client = _held(client_id, version)
    client.revoked_at, client.revoked_by_id, client.version = now, acting.account_id or None, client.version + 1
    client.save(update_fields=["revoked_at", "revoked_by", "version"])
    scopes.check_constraints()
    return client


REFUSED = {"unknown_token": gettext_lazy("令牌不正确"), "revoked_token": gettext_lazy("令牌已停用"), "expired_token": gettext_lazy("令牌已到期")}


def refusals(*, client_number: int | None = None) -> list[ApiRefusal]:
    """Networks that called with a token that does not hold, the latest first: all, or with the old token of one client."""
    duties.require("api.manage")
    rows = ApiRefusal.objects.order_by("-last_at", "-id")
    found = list((rows.filter(client_number=client_number) if client_number else rows)[:20])
    for row in found:
        row.reason = REFUSED.get(row.code, row.code)  # type: ignore[attr-defined]
    return found


def forget(*, now: datetime) -> int:
    """Remove call logs of more than 180 days and answers of more than 7 days; the number removed. Once a day."""
    with connection.cursor() as cursor:
        cursor.execute("select doudi.api_forget(%s)", [now])
        return int(cursor.fetchone()[0])
