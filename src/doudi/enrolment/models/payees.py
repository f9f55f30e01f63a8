"""Who is paid for an award (领款人) and to which account: changed by one officer's proposal and another's confirmation, never silently."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, TokenField
from doudi.core.models import Account
from doudi.enrolment.models.awards import Award


class PayeeChange(AreaModel):
    """Another payee or account of an award (领款人变更、账户变更): the same payee's new account, a member, a guardian, a relative, an institution.

    Once confirmed the award names the new one; until `usable_from` (cooling time, 冷静期) payrolls pay the one before (`was_…`), or nobody where that
    one cannot receive (`old_closed`). `valid_until`: last day on which somebody else than the beneficiary may be paid.
    """

    class Kind(models.TextChoices):
        OWN = "own", _("原领款人更换账户")
        MEMBER = "member", _("家庭成员本人")
        GUARDIAN = "guardian", _("监护人")
        RELATIVE = "relative", _("受委托的亲属")
        INSTITUTION = "institution", _("供养（养老、福利）机构")
        HEIR = "heir", _("继承人")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        SENT_BACK = "sent_back", _("已退回")

    award = models.ForeignKey(Award, models.PROTECT, related_name="payee_changes", db_constraint=False)
    kind = CodeField(max_length=12, choices=Kind.choices)
    person_id = models.BigIntegerField(null=True, help_text="the person of the registry who is paid")
    name = models.CharField(max_length=60)
    account = TokenField()
    bank = CodeField(max_length=14)
    basis = models.CharField(max_length=400, help_text="why, and by which papers")
    valid_from = models.DateField(null=True, help_text="first day of the basis; null: from the confirmation on")
    valid_until = models.DateField(null=True, help_text="last day of the basis; null: until changed")
    old_closed = models.BooleanField(default=False, help_text="the account before cannot receive any more")
    was_name = models.CharField(max_length=60)
    was_person_id = models.BigIntegerField(null=True)
    was_account = TokenField(null=True)
    was_bank = CodeField(max_length=14, default="")
    was_until = models.DateField(null=True, help_text="last day of the basis before")
    usable_from = models.DateField(null=True, help_text="first day on which a payroll takes it")
    lifted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_reason = models.CharField(max_length=200, blank=True)
    state = CodeField(max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=400, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "state"])]
        constraints = [
            models.UniqueConstraint(fields=["award"], condition=Q(state="proposed"), name="payee_change_one_open"),
            models.CheckConstraint(condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="payee_change_two_officers"),
            models.CheckConstraint(condition=Q(state="proposed") ^ Q(decided_by__isnull=False), name="payee_change_decided"),
            models.CheckConstraint(condition=Q(kind="own") | (Q(kind="member") ^ Q(person_id__isnull=True)), name="payee_change_member"),
            models.CheckConstraint(condition=~Q(basis=""), name="payee_change_why"),
            models.CheckConstraint(condition=~Q(state="confirmed") | Q(usable_from__isnull=False), name="payee_change_usable"),
            models.CheckConstraint(condition=Q(valid_until__isnull=True) | Q(valid_from__isnull=True) | Q(valid_until__gte=F("valid_from")), name="payee_change_dates"),
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True) | (~Q(lifted_by=F("proposed_by")) & ~Q(lifted_by=F("decided_by")) & ~Q(lifted_reason="")),
                name="payee_change_lifted_by_third",
            ),
        ]

    def waits(self, on: date) -> bool:
        """Whether the cooling time still holds on a day."""
        return self.state == self.State.CONFIRMED and self.lifted_at is None and self.usable_from is not None and self.usable_from > on
