"""What a county and its bank agreed on: layouts by date, keys; and the bank's answers that wait to be booked."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, MoneyField, SealedTextField
from doudi.core.models import Account
from doudi.payments.models.money import paid_choices
from doudi.payments.models.payrolls import Fund, Payroll


class LayoutChoice(AreaModel):
    """Choice of a layout (代发文件版式): which file a county makes for its lines from a date, for all of them or for a fund, programme or bank.

    One officer proposes, another confirms. Rows are never changed: a later date or a withdrawal supersedes.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        REFUSED = "refused", _("已退回")
        WITHDRAWN = "withdrawn", _("已撤回")

    layout = CodeField(max_length=20)
    fund = models.ForeignKey(Fund, models.PROTECT, null=True, related_name="+")
    programme = CodeField(max_length=20, default="", choices=[("", ""), *paid_choices()])
    bank = CodeField(max_length=14, default="", help_text="bank code or its beginning")
    starts = models.DateField()
    encrypted = models.BooleanField(default=False, help_text="CMS envelope for the bank's certificate")
    signed = models.BooleanField(default=False, help_text="a signature goes with each file, and answers must carry the bank's")
    certificate = models.TextField(default="", help_text="the bank's X.509 certificate, PEM")
    document = models.CharField(max_length=200)
    state = CodeField(max_length=12, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=400, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["area", "fund", "programme", "bank", "starts"],
                condition=Q(state="confirmed"),
                nulls_distinct=False,
                name="layout_choice_once",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("proposed_by")), name="layout_choice_two_officers"
            ),
            models.CheckConstraint(condition=Q(encrypted=False, signed=False) | ~Q(certificate=""), name="layout_choice_certificate"),
        ]


class CountyKey(AreaModel):
    """The county's own key pair for its bank: signs files, opens answers. The bank gets the certificate; the key stays sealed."""

    certificate = models.TextField()
    private_key = SealedTextField()
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "made_at"])]


class BankAnswer(AreaModel):
    """An answer of the bank (银行回盘文件) as it came: kept until all parts are there and an officer has looked; then booked, or set aside."""

    class State(models.TextChoices):
        WAITING = "waiting", _("待核对")
        BOOKED = "booked", _("已记账")
        SET_ASIDE = "set_aside", _("已作废")

    payroll = models.ForeignKey(Payroll, models.PROTECT, related_name="answers")
    name = models.CharField(max_length=120)
    path = models.CharField(max_length=200)
    sha256 = CodeField(max_length=64)
    signature = models.BinaryField(null=True)
    number = CodeField(max_length=40)
    kind = CodeField(max_length=10)
    lines = models.IntegerField()
    amount = MoneyField()
    returned = models.IntegerField()
    returned_amount = MoneyField()
    state = CodeField(max_length=10, choices=State.choices, default=State.WAITING)
    received_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payroll", "sha256"], condition=~Q(state="set_aside"), name="bank_answer_once"),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True) | ~Q(state="waiting") & Q(decided_at__isnull=False), name="bank_answer_decided"
            ),
        ]
