"""Accounts, duties and postings: who may act where, as what."""

from __future__ import annotations

from datetime import date

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField


class Duty(models.TextChoices):
    """Duties (岗位) of terms.md. What each may do stands in `doudi.core.duties`."""

    VISITOR = "visitor", _("走访员")
    CHILD_DIRECTOR = "child_director", _("儿童主任")
    DISCOVERY_MEMBER = "discovery_member", _("主动发现队员")
    STATION_WORKER = "station_worker", _("社工站社工")
    TOWNSHIP_OFFICER = "township_officer", _("乡镇经办人")
    CHILD_SUPERVISOR = "child_supervisor", _("儿童督导员")
    DATA_CHECKER = "data_checker", _("核对员")
    FEDERATION_REVIEWER = "federation_reviewer", _("残联审核员")
    FUND_SUPERVISOR = "fund_supervisor", _("资金监管员")
    COUNTY_REVIEWER = "county_reviewer", _("县级审核员")
    COUNTY_APPROVER = "county_approver", _("县级审批人")
    COUNTY_DIRECTOR = "county_director", _("县级分管负责人")
    FINANCE_OFFICER = "finance_officer", _("财政经办人")
    HOTLINE_OPERATOR = "hotline_operator", _("热线坐席")
    PROTECTION_WORKER = "protection_worker", _("未保工作人员")
    INSTITUTION_CLERK = "institution_clerk", _("机构填报员")
    GROUP_MEMBER = "group_member", _("专班成员单位联络员")
    VOLUNTEER_COORDINATOR = "volunteer_coordinator", _("志愿服务协调员")
    SUPERVISOR = "supervisor", _("市级、省级监管员")
    ADMINISTRATOR = "administrator", _("系统管理员")
    AUDITOR = "auditor", _("审计员")


class AccountManager(BaseUserManager["Account"]):
    def create_user(self, username: str, password: str | None = None, **fields: object) -> Account:
        account = self.model(username=username, **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account


class Account(AbstractBaseUser):
    """A person who signs in. Rights come from postings only."""

    username = models.CharField(max_length=60, unique=True, verbose_name=_("账号"))
    name = models.CharField(max_length=60, verbose_name=_("姓名"))
    is_active = models.BooleanField(default=True, verbose_name=_("启用"))
    mail = models.EmailField(max_length=200, blank=True, default="", db_default="", verbose_name=_("电子邮箱"))
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountManager()
    USERNAME_FIELD = "username"

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name


class Posting(AreaModel):
    """A duty held at a place from a date (任职). One acts at a time."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="postings", db_index=False)
    duty = CodeField(max_length=30, choices=Duty.choices)
    starts = models.DateField()
    ends = models.DateField(null=True, help_text="first day on which it no longer holds")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["account", "starts"]), models.Index(fields=["area", "duty"])]
        constraints = [models.CheckConstraint(condition=Q(ends__isnull=True) | Q(ends__gt=F("starts")), name="posting_ends_after_start")]

    def holds_on(self, on: date) -> bool:
        return self.starts <= on and (self.ends is None or on < self.ends)
