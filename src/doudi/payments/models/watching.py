"""What a payroll is held against before anybody signs it: totals and differences to the month before, lines that stand out.

All of it is written by one service when the lines are (`services.watching.look`), so that a page of any payroll opens in the same few reads.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.enrolment.models import Entitlement
from doudi.payments.models.money import paid_choices
from doudi.payments.models.payrolls import Payroll


class PayrollTotal(AreaModel):
    """A payroll by township (`area`), programme and residence, beside the month before. Yuan."""

    payroll = models.ForeignKey(Payroll, models.CASCADE, db_index=False, related_name="totals")
    programme = CodeField(max_length=20, choices=paid_choices())
    residence = CodeField(max_length=8, default="")
    lines_before = models.IntegerField()
    lines = models.IntegerField()
    added = models.IntegerField()
    ended = models.IntegerField()
    changed = models.IntegerField()
    before = MoneyField()
    amount = MoneyField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payroll", "area", "programme", "residence"], name="payroll_total_once")]


class PayrollChange(AreaModel):
    """An entitlement that is paid otherwise than in the month before, and why (与上月比较). Where there was no month before there are none."""

    class What(models.TextChoices):
        ADDED = "added", _("新增")
        ENDED = "ended", _("停发")
        CHANGED = "changed", _("变更")

    class Why(models.TextChoices):
        GRANTED = "granted", _("新审批")
        RESUMED = "resumed", _("恢复发放")
        STOPPED = "stopped", _("待遇已停发")
        LEFT_OUT = "left_out", _("未列入本批")
        DEATH = "death", _("保障对象死亡")
        MEMBERS = "members", _("保障人数变动")
        ARREARS = "arrears", _("含补付以前月份")
        STANDARD = "standard", _("标准调整")
        DECISION = "decision", _("待遇变更决定")
        OTHER = "other", _("其他")

    payroll = models.ForeignKey(Payroll, models.CASCADE, db_index=False, related_name="changes")
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, db_constraint=False)
    what = CodeField(max_length=8, choices=What.choices)
    why = CodeField(max_length=10, choices=Why.choices)
    programme = CodeField(max_length=20, choices=paid_choices())
    residence = CodeField(max_length=8, default="")
    household_id = models.BigIntegerField(null=True)
    payee_name = CodeField(max_length=60)
    before = MoneyField(null=True)
    amount = MoneyField(null=True)
    document = models.CharField(max_length=400, blank=True, help_text="number of the decision, or its ground")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payroll", "entitlement"], name="payroll_change_once")]


class LineFlag(AreaModel):
    """An entitlement that stands out by one of the declared rules (异常明细): `detail` is the number that the rule saw.

    `must`: the payroll is not checked before a reviewer has looked at this amount (the database holds it).
    """

    payroll = models.ForeignKey(Payroll, models.CASCADE, db_index=False, related_name="flags")
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, db_constraint=False)
    rule = CodeField(max_length=12)
    must = models.BooleanField()
    detail = models.DecimalField(max_digits=16, decimal_places=2)
    programme = CodeField(max_length=20, choices=paid_choices())
    household_id = models.BigIntegerField(null=True)
    payee_name = CodeField(max_length=60)
    before = MoneyField(null=True)
    amount = MoneyField()

    class Meta:
        indexes = [models.Index(fields=["payroll", "rule"])]
        constraints = [models.UniqueConstraint(fields=["payroll", "entitlement", "rule"], name="line_flag_once")]
