"""Dynamic monitoring (动态监测, 2.1) and periodic reviews (定期核查): what the law now says beside what is paid, until an officer has decided."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.assessment.models import Assessment
from doudi.core.fields import AreaModel, CodeField, MoneyField
from doudi.core.models import Account
from doudi.enrolment.models.decisions import Decision
from doudi.registry.models import Household, Person, Programme


class MonitoringRun(AreaModel):
    """One run of the law over all households of an area for a month, compared with the awards that hold in it.

    `since`: only households whose facts or members changed after it; null: all. `figures`: counts by cause, and seconds by part.
    """

    month = models.DateField()
    since = models.DateTimeField(null=True)
    households = models.IntegerField(default=0)
    people = models.IntegerField(default=0)
    awards = models.IntegerField(default=0)
    figures = models.JSONField(default=dict)
    made_by = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["area", "-made_at"])]


class Review(AreaModel):
    """One thing to look at (核查事项) of one household and programme. A household has one open review per programme, person and kind.

    Nothing changes by itself: an officer keeps the award with a reason, or proposes a change that another officer decides. What was kept is
    not asked again while the same facts, amounts and law stand (`digest`), nor before `kept_until` is over.
    """

    class Kind(models.TextChoices):
        DIFFERENCE = "difference", _("动态监测")
        PERIODIC = "periodic", _("定期核查")
        SPOT = "spot", _("抽查重启")

    class Cause(models.TextChoices):
        DEATH = "death", _("成员死亡")
        MEMBER = "member", _("成员变化")
        AGE = "age", _("年满18周岁")
        DISABILITY = "disability", _("残疾情况变化")
        INCOME = "income", _("收入变化")
        PROPERTY = "property", _("财产变化")
        STANDARD = "standard", _("标准或规则调整")
        PROGRAMME = "programme", _("符合其他项目")
        GRADUAL = "gradual", _("渐退期将满")
        OTHER = "other", _("其他情况变化")
        LOADED = "loaded", _("与导入的待遇不一致")
        PERIODIC = "periodic", _("核查到期")
        SPOT = "spot", _("抽查认定错误")

    class Suggestion(models.TextChoices):
        RAISE = "raise", _("提高金额")
        LOWER = "lower", _("降低金额")
        MEMBERS = "members", _("调整享受人")
        STOP = "stop", _("停发")
        GRADUAL = "gradual", _("渐退")
        GRANT = "grant", _("新办")
        LOOK = "look", _("核查")

    class State(models.TextChoices):
        OPEN = "open", _("待核查")
        HELD = "held", _("暂停退出，暂缓")
        PROPOSED = "proposed", _("已提出变更")
        CHANGED = "changed", _("已变更")
        KEPT = "kept", _("维持不变")
        SETTLED = "settled", _("差异已消失")

    LIVE = ("open", "held", "proposed")

    household = models.ForeignKey(Household, models.PROTECT, related_name="reviews", db_constraint=False, db_index=False)
    programme = CodeField(max_length=20, choices=Programme.choices)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_constraint=False, help_text="of a programme of one person")
    award_id = models.BigIntegerField(null=True, help_text="the award concerned; null where the law gives something new")
    kind = CodeField(max_length=10, choices=Kind.choices)
    cause = CodeField(max_length=10, choices=Cause.choices)
    changed = ArrayField(CodeField(max_length=40), default=list, help_text="the law's inputs that differ from the assessment before")
    suggestion = CodeField(max_length=8, choices=Suggestion.choices)
    month = models.DateField(help_text="month of which the law was asked")
    current_amount = MoneyField(null=True, help_text="yuan per month, as paid")
    law_amount = MoneyField(null=True, help_text="yuan per month, as the law gives; null: no amount or nothing")
    assessment = models.ForeignKey(Assessment, models.PROTECT, null=True, related_name="+", db_constraint=False)
    digest = CodeField(max_length=64, default="")
    run = models.ForeignKey(MonitoringRun, models.PROTECT, null=True, related_name="+", db_constraint=False)
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    due = models.DateField()
    version = models.IntegerField(default=1)
    decision = models.ForeignKey(Decision, models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False)
    reason = models.CharField(max_length=400, blank=True)
    kept_until = models.DateField(null=True, help_text="kept as it is until this day, whatever the law says meanwhile")
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["area", "state", "cause"]),
            models.Index(fields=["household", "programme", "id"]),
            models.Index(fields=["decision"], condition=Q(decision__isnull=False), name="review_decision"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["household", "programme", "person", "kind"], condition=Q(state__in=("open", "held", "proposed")), nulls_distinct=False,
                name="review_one_live",
            ),
            models.CheckConstraint(condition=~Q(state="kept") | (~Q(reason="") & Q(decided_by__isnull=False)), name="review_kept_why"),
            models.CheckConstraint(condition=~Q(state="proposed") | Q(decision__isnull=False), name="review_proposed_what"),
        ]
