"""Letters that went out (文书) and certificates (低保证) that can be checked by anybody who holds one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField
from doudi.core.models import Account
from doudi.enrolment.models.awards import Award
from doudi.enrolment.models.decisions import Decision


class Letter(AreaModel):
    """A letter made of an approved decision; making it again is another row."""

    class Kind(models.TextChoices):
        NOTICE = "notice", _("告知书")
        APPROVAL = "approval", _("审核确认表")

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="letters", db_constraint=False, db_index=False)
    kind = CodeField(max_length=10, choices=Kind.choices)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["decision", "kind"])]


class Certificate(AreaModel):
    """Certificate (低保证) of an award. `code` is random and opens the public check page, which names nobody. One is in force per award."""

    award = models.ForeignKey(Award, models.PROTECT, related_name="certificates", db_constraint=False)
    number = CodeField(max_length=24, unique=True)
    code = CodeField(max_length=16, unique=True)
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)
    replaced_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["award"], condition=Q(replaced_at__isnull=True), name="certificate_one_in_force"),
            models.CheckConstraint(condition=Q(replaced_at__isnull=True) | ~Q(replaced_reason=""), name="certificate_replaced_why"),
        ]
