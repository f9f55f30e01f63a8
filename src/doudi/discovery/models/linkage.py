"""Linkage (measures 1.2): rows without a usable ID number and the people whom they may mean, and what was decided of each pair."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account
from doudi.registry.models import Person


class LinkagePair(AreaModel):
    """A person whom a department's rows without a usable ID number may mean (疑似同一人). `area`: the village that manages the person.

    `subject` is the fingerprint of what describes the person in the rows (`batch.unlinked`): the same words in a later delivery are the same subject,
    so that one decision stands for them. A subject is at most one person, in the whole province.
    """

    class State(models.TextChoices):
        LINKED = "linked", _("系统关联")
        OPEN = "open", _("待核查")
        SAME = "same", _("同一人")
        DIFFERENT = "different", _("不是同一人")
        UNSURE = "unsure", _("待入户核实")
        SETTLED = "settled", _("已认定为他人")

    # waits for somebody; counts in the next comparison; decided by a person
    WAITING, COUNTING, DECIDED = ("open", "unsure"), ("linked", "same"), ("same", "different", "unsure")

    subject = models.UUIDField()
    person = models.ForeignKey(Person, models.PROTECT, related_name="linkage_pairs", db_constraint=False)
    dataset = CodeField(max_length=30)
    period = CodeField(max_length=10)
    delivery = CodeField(max_length=80, help_text="of the lake: the delivery in which it came first, or last")
    row = models.BigIntegerField(help_text="line of the department's file")
    score = models.FloatField(help_text="probability by the model; sorts, decides nothing by itself")
    levels = models.JSONField(default=dict, help_text="comparison -> [level, bits for or against]")
    content = SealedTextField(help_text="JSON: what the row says of the person, and its facts")
    number = TokenField(null=True, help_text="the number as it was written")
    phone = TokenField(null=True)
    state = CodeField(max_length=10, choices=State.choices)
    version = models.IntegerField(default=1)
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    due = models.DateField(null=True, help_text="where the township verifies: by when")

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "score"]),
            models.Index(fields=["area", "decided_at"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subject", "person"], name="linkage_pair_once"),
            models.UniqueConstraint(fields=["subject"], condition=Q(state__in=("linked", "same")), name="linkage_one_person"),
            models.UniqueConstraint(fields=["id", "area"], name="linkage_pair_id_area"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="linkage_score"),
            models.CheckConstraint(condition=Q(state__in=("same", "different", "unsure")) ^ Q(decided_at__isnull=True), name="linkage_decided"),
            models.CheckConstraint(condition=Q(decided_at__isnull=True) | Q(decided_at__gte=F("made_at")), name="linkage_order"),
        ]


class LinkageDecision(AreaModel):
    """One step of a pair: who decided what, when, why; never changed."""

    pair = models.ForeignKey(LinkagePair, models.PROTECT, related_name="decisions", db_constraint=False, db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    before = CodeField(max_length=10, choices=LinkagePair.State.choices)
    after = CodeField(max_length=10, choices=LinkagePair.State.choices)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["pair", "at"]), models.Index(fields=["area", "account", "at"])]
