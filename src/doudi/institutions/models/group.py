"""The task group (专项工作组) that government leads: who is in it from which department, who is on duty, what it met about and decided (6.2)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from doudi.core.fields import AreaModel, CodeField, SealedTextField, TokenField
from doudi.core.models import Account, Emergency


class Department(models.TextChoices):
    """Departments whose people sit in a task group (成员单位)."""

    GOVERNMENT = "government", _("政府办公室")
    CIVIL_AFFAIRS = "civil_affairs", _("民政")
    HEALTH = "health", _("卫生健康")
    DISEASE_CONTROL = "disease_control", _("疾控")
    EMERGENCY = "emergency", _("应急管理")
    FINANCE = "finance", _("财政")
    POLICE = "police", _("公安")
    TRANSPORT = "transport", _("交通运输")
    MARKET = "market", _("市场监管")
    COMMERCE = "commerce", _("商务（生活物资保障）")
    INDUSTRY = "industry", _("工业和信息化（医疗物资保障）")
    INSURANCE = "insurance", _("医疗保障")
    EDUCATION = "education", _("教育")
    FEDERATION = "federation", _("残联")
    RED_CROSS = "red_cross", _("红十字会")
    OTHER = "other", _("其他单位")


class TaskGroup(AreaModel):
    """One group of a county, a city or the province (`area`), usually for a declared emergency. Those below see it and whom to call."""

    key = models.UUIDField(unique=True, help_text="of the form: sent twice it is one group")
    title = models.CharField(max_length=80)
    document = models.CharField(max_length=200, help_text="number of the document that sets it up")
    led_by = models.CharField(max_length=80, help_text="who leads it for the government, with office")
    emergency = models.ForeignKey(Emergency, models.PROTECT, null=True, related_name="+", db_constraint=False)
    phone = CodeField(max_length=20, help_text="of its office, answered day and night")
    rhythm = models.CharField(max_length=80, blank=True, help_text="when and where it meets")
    starts = models.DateField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["area", "-starts"], name="group_newest")]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="group_id_area"),
            models.UniqueConstraint(
                fields=["area", "emergency"], condition=Q(ended_at__isnull=True), nulls_distinct=False, name="group_one_running"
            ),
            models.CheckConstraint(condition=Q(ended_at__isnull=True) | (Q(ended_by__isnull=False) & ~Q(end_reason="")), name="group_ended_why"),
        ]

    def __str__(self) -> str:
        return self.title


class GroupMember(AreaModel):
    """Who sits in a group for which department; with an account of the system, or only a contact (联系人)."""

    class Role(models.TextChoices):
        LEADER = "leader", _("组长")
        DEPUTY = "deputy", _("副组长")
        MEMBER = "member", _("成员")
        LIAISON = "liaison", _("联络员")

    group = models.ForeignKey(TaskGroup, models.PROTECT, related_name="members", db_index=False)
    department = CodeField(max_length=16, choices=Department.choices)
    unit = models.CharField(max_length=60, help_text="the office in its own words")
    name = CodeField(max_length=60)
    role = CodeField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    post = models.CharField(max_length=40, blank=True)
    phone = TokenField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", help_text="null: only a contact")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["group", "department"]), models.Index(fields=["account"], condition=Q(ended_at__isnull=True), name="group_member_account")]
        constraints = [
            models.UniqueConstraint(fields=["id", "area"], name="group_member_id_area"),
            models.UniqueConstraint(fields=["group", "unit", "name"], condition=Q(ended_at__isnull=True), name="group_member_once"),
            models.UniqueConstraint(fields=["group", "account"], condition=Q(ended_at__isnull=True), name="group_account_once"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.name}"


class GroupShift(AreaModel):
    """Who is on duty (值班): one member, one day of China's calendar, by day or by night."""

    class Slot(models.TextChoices):
        DAY = "day", _("白班")
        NIGHT = "night", _("夜班")

    group = models.ForeignKey(TaskGroup, models.PROTECT, related_name="shifts", db_index=False)
    member = models.ForeignKey(GroupMember, models.PROTECT, related_name="shifts")
    on = models.DateField()
    slot = CodeField(max_length=5, choices=Slot.choices)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "on", "slot", "member"], name="group_shift_once")]


class GroupMeeting(AreaModel):
    """One meeting (调度会) and its minutes. Rows are never changed: a correction is a note in a later meeting."""

    group = models.ForeignKey(TaskGroup, models.PROTECT, related_name="meetings", db_index=False)
    key = models.UUIDField(unique=True)
    held_at = models.DateTimeField()
    place = models.CharField(max_length=80)
    chaired_by = models.CharField(max_length=60)
    present = models.CharField(max_length=400, help_text="members who came, in words that stay")
    subject = models.CharField(max_length=120)
    minutes = SealedTextField(help_text="what was said and decided; may speak of people")
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["group", "-held_at"])]
        constraints = [models.UniqueConstraint(fields=["id", "area"], name="group_meeting_id_area")]

    def __str__(self) -> str:
        return self.subject


class GroupAction(AreaModel):
    """What a group decided that somebody does (议定事项): the person, until when, what came of it."""

    class State(models.TextChoices):
        OPEN = "open", _("办理中")
        DONE = "done", _("已办结")
        DROPPED = "dropped", _("不再办理")

    group = models.ForeignKey(TaskGroup, models.PROTECT, related_name="actions", db_index=False)
    key = models.UUIDField(unique=True)
    meeting = models.ForeignKey(GroupMeeting, models.PROTECT, null=True, related_name="actions")
    member = models.ForeignKey(GroupMember, models.PROTECT, related_name="actions")
    what = models.CharField(max_length=200)
    due = models.DateField()
    state = CodeField(max_length=8, choices=State.choices, default=State.OPEN)
    result = models.CharField(max_length=200, blank=True)
    ended_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["group", "state", "due"]), models.Index(fields=["area", "due"], condition=Q(state="open"), name="group_action_open")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True, result="") | (~Q(state="open") & Q(ended_at__isnull=False) & ~Q(result="")),
                name="group_action_ended_how",
            ),
        ]

    def __str__(self) -> str:
        return self.what


class GroupEvent(AreaModel):
    """What happened to a group: who, when, why."""

    group = models.ForeignKey(TaskGroup, models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    what = CodeField(max_length=20)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["group", "-id"], name="group_event_newest")]
