"""Accounts and postings (系统管理). Nobody changes their own rights, and nobody's beyond the own area."""

from __future__ import annotations

import secrets
from datetime import date

from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account, Division, Duty, Posting

# Lengths of the codes of the levels at which a duty may stand; all others: county and below.
VILLAGE, TOWNSHIP, COUNTY, CITY, PROVINCE = 12, 9, 6, 4, 2
LEVELS: dict[str, set[int]] = {
    Duty.VISITOR: {VILLAGE, TOWNSHIP},
    Duty.CHILD_DIRECTOR: {VILLAGE},
    Duty.DISCOVERY_MEMBER: {VILLAGE, TOWNSHIP, COUNTY},
    Duty.STATION_WORKER: {TOWNSHIP, COUNTY},
    Duty.TOWNSHIP_OFFICER: {TOWNSHIP},
    Duty.CHILD_SUPERVISOR: {TOWNSHIP},
    Duty.DATA_CHECKER: {COUNTY, CITY, PROVINCE},
    Duty.FEDERATION_REVIEWER: {COUNTY, CITY, PROVINCE},
    Duty.FUND_SUPERVISOR: {COUNTY, CITY, PROVINCE},
    Duty.COUNTY_REVIEWER: {COUNTY},
    # confirmation may be delegated to a township (审核确认权限下放)
    Duty.COUNTY_APPROVER: {COUNTY, TOWNSHIP},
    Duty.COUNTY_DIRECTOR: {COUNTY},
    Duty.FINANCE_OFFICER: {COUNTY},
    Duty.HOTLINE_OPERATOR: {COUNTY, CITY, PROVINCE},
    # other departments' people in the task group (专项工作组)
    Duty.GROUP_MEMBER: {COUNTY, CITY, PROVINCE},
    Duty.SUPERVISOR: {CITY, PROVINCE},
    Duty.ADMINISTRATOR: {TOWNSHIP, COUNTY, CITY, PROVINCE},
    Duty.AUDITOR: {COUNTY, CITY, PROVINCE},
}
# No look-alikes: the password is read from a page and typed once.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def one_time_password() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _i in range(4)) for _j in range(3))


def _manager(account_id: int | None = None) -> scopes.Scope:
    acting = duties.require("staff.manage")
    if account_id is not None and account_id == acting.account_id:
        raise PermissionDenied(_("不能改动自己的账号和岗位；请由另一名管理员办理。"))
    return acting


def _check_posting(acting: scopes.Scope, duty: str, area: str) -> None:
    if duty not in Duty.values:
        raise ValidationError({"duty": _("没有这一岗位。")})
    if not acting.covers(area):
        raise ValidationError({"area": _("这一地区不在您的管辖范围内。")})
    if not Division.objects.filter(pk=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("没有这一行政区划，或它已撤并；请从列表中选择。")})
    if len(area) not in LEVELS.get(duty, {COUNTY, TOWNSHIP, VILLAGE}):
        raise ValidationError({"area": _("“%(duty)s”不能设在这一级；请改选地区或岗位。") % {"duty": Duty(duty).label}})


def _all_postings(account_id: int) -> list[Posting]:
    """All postings of an account, wherever: read as that account, whose own postings its policy shows."""
    with scopes.acting(scopes.Scope(area="", account_id=account_id)):
        return list(Posting.objects.filter(account_id=account_id))


def _wholly_mine(acting: scopes.Scope, account_id: int, on: date) -> Account:
    """The account, if all postings that hold or are to come lie in the own area: who resets a password could act as its owner."""
    postings = _all_postings(account_id)
    account = Account.objects.filter(pk=account_id).first()
    if account is None or not any(acting.covers(posting.area) for posting in postings):
        raise ValidationError(_("没有这一账号，或它不在您的管辖范围内。"))
    if any(not acting.covers(posting.area) and (posting.ends is None or posting.ends > on) for posting in postings):
        raise PermissionDenied(_("该账号在您的管辖范围之外还有岗位；请由上一级管理员办理。"))
    return account


def create_account(*, username: str, name: str, duty: str, area: str, starts: date) -> tuple[Account, str]:
    """A new account with its first posting, and the one-time password that is shown once. Raises ValidationError by field."""
    acting = _manager()
    username, name = username.strip(), name.strip()
    if not 3 <= len(username) <= 60 or not username.isascii() or not username.replace("_", "").replace(".", "").isalnum():
        raise ValidationError({"username": _("账号由 3 位以上的字母、数字、点或下划线组成。")})
    if not name:
        raise ValidationError({"name": _("请填写姓名。")})
    _check_posting(acting, duty, area)
    password = one_time_password()
    try:
        with transaction.atomic():
            account = Account.objects.create_user(username, password, name=name, must_change_password=True)
    except IntegrityError:
        raise ValidationError({"username": _("这一账号已有人使用；请换一个。")}) from None
    Posting.objects.create(account=account, duty=duty, area=area, starts=starts, made_by_id=acting.account_id or None)
    return account, password


def add_posting(*, account_id: int, duty: str, area: str, starts: date, ends: date | None = None) -> Posting:
    """Give an account a posting within the own area."""
    acting = _manager(account_id)
    _check_posting(acting, duty, area)
    if not Account.objects.filter(pk=account_id, is_active=True).exists():
        raise ValidationError(_("账号不存在或已停用。"))
    if ends is not None and ends <= starts:
        raise ValidationError({"ends": _("止须晚于自。")})
    same = Posting.objects.filter(account_id=account_id, duty=duty, area=area)
    if any(posting.ends is None or posting.ends > starts for posting in same):
        raise ValidationError(_("该账号在这一地区已有同一岗位。"))
    return Posting.objects.create(account_id=account_id, duty=duty, area=area, starts=starts, ends=ends, made_by_id=acting.account_id)


def end_posting(*, posting_id: int, ends: date) -> Posting:
    """End a posting of the own area: `ends` is the first day on which it no longer holds (the day it began at the earliest plus one)."""
    posting = Posting.objects.select_for_update().filter(pk=posting_id).first()
    if posting is None:
        raise ValidationError(_("没有这一岗位，或它不在您的管辖范围内。"))
    acting = _manager(posting.account_id)
    if not acting.covers(posting.area):
        raise ValidationError(_("这一地区不在您的管辖范围内。"))
    if posting.ends is not None and posting.ends <= ends:
        raise ValidationError(_("这一岗位已经结束。"))
    if ends <= posting.starts:
        raise ValidationError(_("结束日期须晚于开始日期。"))
    posting.ends = ends
    posting.save(update_fields=["ends"])
    return posting


def set_active(*, account_id: int, active: bool, on: date) -> Account:
    """Close an account (its sessions end with the next request) or open it again."""
    acting = _manager(account_id)
    account = _wholly_mine(acting, account_id, on)
    account.is_active = active
    account.save(update_fields=["is_active"])
    return account


def set_mail(*, account_id: int, mail: str, on: date) -> Account:
    """The mail address to which messages of an account go; none where it is empty. Raises ValidationError by field."""
    acting = _manager(account_id)
    account = _wholly_mine(acting, account_id, on)
    if mail.strip():
        try:
            validate_email(mail.strip())
        except ValidationError:
            raise ValidationError({"mail": _("邮箱地址不正确；请核对，不用邮件的可以留空。")}) from None
    account.mail = mail.strip()
    account.save(update_fields=["mail"])
    return account


def reset_password(*, account_id: int, on: date) -> str:
    """A new one-time password; the second factor is taken off, sessions end. Only where the account stands wholly in the own area."""
    acting = _manager(account_id)
    account = _wholly_mine(acting, account_id, on)
    password = one_time_password()
    account.set_password(password)
    account.must_change_password = True
    account.save(update_fields=["password", "must_change_password"])
    Authenticator.objects.filter(user_id=account.pk).delete()
    return password
