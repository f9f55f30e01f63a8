"""Back pay (补发) by a document that reaches back: what a county owes for months that were paid at the old standard, month by month."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.enrolment.models import Entitlement
from doudi.payments.models.money import paid_choices


class BackPay(AreaModel):
    """Back pay (补发) of a county by one document, calculated, then approved by another officer.

    `root` is the first calculation by the same document: the cause that payroll lines name, so that a month of an entitlement is made good
    once by a document, however often it is calculated (integrity.md, "Payroll lines").
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        APPROVED = "approved", _("已审批")
        SENT_BACK = "sent_back", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Source(models.TextChoices):
        DOCUMENT = "document", _("标准调整")
        DECISION = "decision", _("待遇决定较晚")

    source = CodeField(max_length=10, choices=Source.choices, default=Source.DOCUMENT)
    document = models.CharField(max_length=200, help_text="number of the document; of late decisions a name that we give")
    serial = models.SmallIntegerField()
    root = models.BigIntegerField(null=True, help_text="id of the first calculation by this document; null in that one itself")
    first = models.DateField(help_text="first month made good, its first day")
    last = models.DateField(help_text="last month made good")
    programmes = models.JSONField()
    reason = models.CharField(max_length=400, blank=True)
    law_version = CodeField(max_length=40)
    settings = CodeField(max_length=64, help_text="hash of the settings of the last month; the rows are kept by assessment")
    basis = models.JSONField(default=list, help_text="the rules that changed: label, place, value before and after, from when, reference")
    summary = models.JSONField(default=dict, help_text="households and amounts by township, programme and month; left out by reason")
    awards = models.IntegerField(default=0)
    months = models.IntegerField(default=0)
    amount = MoneyField(default=0)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["area", "document", "serial"], name="back_pay_serial"),
            models.UniqueConstraint(fields=["area", "document"], condition=Q(state="proposed"), name="back_pay_one_open"),
            models.CheckConstraint(condition=Q(first__day=1) & Q(last__day=1) & Q(last__gte=F("first")), name="back_pay_whole_months"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("made_by")), name="back_pay_two_officers"),
            models.CheckConstraint(condition=Q(serial=1, root__isnull=True) | Q(serial__gt=1, root__isnull=False), name="back_pay_root"),
        ]

    @property
    def cause(self) -> int:
        """What the lines name as their cause."""
        return int(self.root or self.pk)

    def __str__(self) -> str:
        return self.document


class BackPayItem(AreaModel):
    """One month of one award in a calculation: what the law gives now, what was paid, the difference; or why it is left out.

    Kept where something differs. `reason` "" is paid; all amounts yuan. `was` and `law`: the law for the whole award before and after.
    """

    class Reason(models.TextChoices):
        OWED = "", _("补发")
        OVERPAID = "overpaid", _("已发多于应发，转多发核查")
        DIFFERS = "differs", _("原金额与测算不一致，逐户办理")
        GRADUAL = "gradual", _("渐退期内，不随标准调整")
        UNPAID = "unpaid", _("当月尚未发放，发放后再核对")

    back_pay = models.ForeignKey(BackPay, models.PROTECT, db_index=False, related_name="items", db_constraint=False)
    root = models.BigIntegerField()
    entitlement = models.ForeignKey(Entitlement, models.PROTECT, related_name="+", db_constraint=False)
    month = models.DateField()
    programme = CodeField(max_length=20, choices=paid_choices())
    household_id = models.BigIntegerField(null=True)
    payee_name = CodeField(max_length=60)
    members = models.SmallIntegerField()
    living = models.SmallIntegerField()
    standard_was = MoneyField(null=True)
    standard = MoneyField(null=True)
    was = MoneyField(null=True)
    law = MoneyField(null=True)
    owed = MoneyField(null=True, help_text="the law's amount of this month without the share of who had died")
    paid = MoneyField(help_text="lines of this month (a returned one counts: its reissue pays it), and earlier back pay that is on its way")
    amount = MoneyField(help_text="owed minus paid; negative: paid too much")
    reason = CodeField(max_length=10, choices=Reason.choices, default="")

    class Meta:
        indexes = [models.Index(fields=["back_pay", "reason", "area"])]
        constraints = [
            models.UniqueConstraint(fields=["root", "entitlement", "month"], condition=Q(reason=""), name="back_pay_month_once"),
            models.CheckConstraint(
                condition=~Q(reason="") | (Q(amount__gt=0) & Q(owed__isnull=False) & Q(amount=F("owed") - F("paid"))), name="back_pay_item_adds_up"
            ),
        ]
