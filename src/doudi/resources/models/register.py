"""Register of resources (社会资源): what society can give, where and how much (over all eight measures: 统筹各类社会资源)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaField, AreaModel, CodeField, TokenField
from doudi.core.models import Account
from doudi.institutions.models import Institution
from doudi.payments.models import Fund
from doudi.volunteering.models import Organisation


class Resource(AreaModel):
    """One thing that an organisation, institution, shop, clinic, fund or department can give.

    `area`: where it is; `to_area`: the place that it serves, whose officers read it. `quantity` per `period` (null: no limit stated). It is confirmed
    again by `confirm_by`; afterwards it is shown as stale. The contact is a phone number behind a recorded reveal.
    """

    class Holder(models.TextChoices):
        ORGANISATION = "organisation", _("社会组织")
        INSTITUTION = "institution", _("民政服务机构")
        SHOP = "shop", _("商店、超市、饭店")
        CLINIC = "clinic", _("医院、卫生室、药店")
        FUND = "fund", _("基金、专项资金")
        FIRM = "firm", _("企业")
        DEPARTMENT = "department", _("部门、单位")
        OTHER = "other", _("其他")

    class Period(models.TextChoices):
        ONCE = "once", _("一次性")
        DAY = "day", _("每天")
        WEEK = "week", _("每周")
        MONTH = "month", _("每月")
        YEAR = "year", _("每年")

    class State(models.TextChoices):
        ACTIVE = "active", _("可用")
        PAUSED = "paused", _("暂停")
        ENDED = "ended", _("已撤下")

    key = models.UUIDField(unique=True, help_text="of the form")
    to_area = AreaField(help_text="the place that it serves")
    holder = CodeField(max_length=12, choices=Holder.choices)
    name = CodeField(max_length=100, help_text="who gives it")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="resources", db_constraint=False)
    institution = models.ForeignKey(Institution, models.PROTECT, null=True, related_name="resources", db_constraint=False)
    fund = models.ForeignKey(Fund, models.PROTECT, null=True, related_name="+")
    kind = CodeField(max_length=20, help_text="kind of need that it answers (`needs.kinds`)")
    what = models.CharField(max_length=120)
    quantity = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    unit = CodeField(max_length=10, blank=True)
    period = CodeField(max_length=6, choices=Period.choices, default=Period.MONTH)
    until = models.DateField(null=True, help_text="the last day; null: until further notice")
    conditions = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=100, blank=True)
    contact = CodeField(max_length=60, blank=True)
    phone = TokenField()
    state = CodeField(max_length=8, choices=State.choices, default=State.ACTIVE)
    reason = models.CharField(max_length=200, blank=True, help_text="why paused or ended")
    confirmed_on = models.DateField()
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    confirm_by = models.DateField(help_text="stale afterwards")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["to_area", "kind", "state"], name="resource_serves"),
            models.Index(fields=["area", "kind", "state"], name="resource_area"),
            models.Index(fields=["confirm_by"], condition=~Q(state="ended"), name="resource_confirm_by"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["area", "name", "kind", "what"], condition=~Q(state="ended"), name="resource_once"),
            models.CheckConstraint(condition=Q(quantity__isnull=True) | Q(quantity__gt=0) & ~Q(unit=""), name="resource_quantity"),
            models.CheckConstraint(condition=Q(state="active") | ~Q(reason=""), name="resource_ended_why"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(what=""), name="resource_named"),
            models.CheckConstraint(condition=Q(holder="organisation") | Q(organisation__isnull=True), name="resource_organisation"),
            models.CheckConstraint(condition=Q(holder="institution") | Q(institution__isnull=True), name="resource_institution"),
            models.CheckConstraint(condition=Q(holder="fund") | Q(fund__isnull=True), name="resource_fund"),
        ]

    def __str__(self) -> str:
        return f"{self.name}：{self.what}"
