"""Service emergency plans (服务应急响应预案, 7.2): written by the village, approved by the township, version after version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.community.models import PlanItem, PlanVersion
from doudi.community.models.groups import CareGroup
from doudi.core import duties, numbers
from doudi.core.models import Division, Duty, Posting
from doudi.core.numbers import Kind
from doudi.core.services.todos import finish_todos, raise_todo

SUBJECT = "service_plan"
S, Section = PlanVersion.State, PlanItem.Section
OTHERS = "*"  # every group that the plan does not name
MOST_ITEMS = 200
KINDS = {
    Section.RESOURCE: ("shelter", "vehicle", "goods", "team"), Section.SUPPLIER: ("shop", "pharmacy", "hospital", "meals"), Section.PRIORITY: ("visit", "call"),
}  # fmt: skip
# What a first draft begins with: (group, priority, how, every so many days); places change it.
PRIORITIES = (
    (CareGroup.OLD_ALONE, 1, "visit", 1), (CareGroup.ORPHAN, 1, "call", 1), (CareGroup.UNSUPPORTED, 1, "call", 1), (CareGroup.LEFT_BEHIND, 2, "call", 2),
    (CareGroup.DISABLED, 2, "visit", 2), (OTHERS, 3, "call", 3),
)  # fmt: skip
STEPS = (
    "通知网格员和帮扶责任人到岗", "核对重点人员名单和联系电话", "联系药店、商店确认供应和配送", "检查安置场所、车辆和物资", "公布求助电话和明白卡", "向乡镇报告启动情况",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of a plan as it is typed in; each section uses some of it."""

    section: str
    name: str
    kind: str = ""
    detail: str = ""
    quantity: int | None = None
    person: str = ""
    phone: str = ""
    username: str = ""
    priority: int | None = None
    every: int | None = None


def _locked(plan_id: int, version: int, *states: str) -> PlanVersion:
    row = PlanVersion.objects.select_for_update(of=("self",)).filter(pk=plan_id).first()
    if row is None:
        raise ValidationError(_("没有这份预案，或它不在您的管辖范围内。"))
    if row.version != version or row.state not in states:
        raise ValidationError(_("这份预案刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    return row


@transaction.atomic
def draft_plan(*, area: str, now: datetime) -> PlanVersion:
    """Begin a version: a copy of the one in force, else the usual lines. An open one is given back."""
    acting = duties.require("plans.write")
    if len(area) != 12 or not acting.covers(area) or not Division.objects.filter(code=area, ends__isnull=True).exists():
        raise ValidationError({"area": _("预案按村（社区）编制；请选择您辖区内的村（社区）。")})
    known = PlanVersion.objects.filter(area=area, state__in=PlanVersion.OPEN).first()
    if known is not None:
        return known
    latest = PlanVersion.objects.filter(area=area).aggregate(n=Max("number"))["n"] or 0
    try:
        with transaction.atomic():
            row = PlanVersion.objects.create(area=area, number=latest + 1, made_by_id=acting.account_id, made_at=now)
    except IntegrityError:  # begun by somebody else a moment ago
        return PlanVersion.objects.get(area=area, state__in=PlanVersion.OPEN)
    before = PlanVersion.objects.filter(area=area, state=S.APPROVED).first()
    if before is not None:
        items = list(PlanItem.objects.filter(plan=before).order_by("id"))
        for item in items:
            item.pk, item.plan_id = None, row.pk
    else:
        items = [
            PlanItem(plan=row, section=Section.PRIORITY, position=at, name=group, priority=priority, kind=how, every=every)
            for at, (group, priority, how, every) in enumerate(PRIORITIES)
        ] + [PlanItem(plan=row, section=Section.STEP, position=at, name=text) for at, text in enumerate(STEPS)]
    for item in items:
        item.area = area
    PlanItem.objects.bulk_create(items)
    return row


@transaction.atomic
def add_line(*, plan_id: int, version: int, line: Line, now: datetime) -> PlanItem:
    """Add a line to a draft. Raises ValidationError by field."""
    duties.require("plans.write")
    row = _locked(plan_id, version, S.DRAFT)
    problems: dict[str, str] = {}
    if line.section not in Section.values:
        raise ValidationError(_("请重新选择。"))
    if not 1 <= len(line.name.strip()) <= 60:
        problems["name"] = _("请填写名称，不超过 60 个字。")
    allowed = KINDS.get(Section(line.section))
    if allowed and line.kind not in allowed:
        problems["kind"] = _("请重新选择。")
    if line.section == Section.GRID and len(line.person.strip()) < 2:
        problems["person"] = _("请填写网格负责人。")
    if line.section in (Section.GRID, Section.CONTACT, Section.SUPPLIER) and not line.phone.strip():
        problems["phone"] = _("请填写联系电话，应急时要用。")
    if line.section == Section.PRIORITY and not (1 <= (line.priority or 0) <= 9 and 1 <= (line.every or 0) <= 30):
        problems["every"] = _("优先级应为 1 至 9，间隔应为 1 至 30 天。")
    phone = ""
    if line.phone.strip():
        try:
            phone = idnumber.check_phone(line.phone)
        except ValueError as error:
            problems["phone"] = str(error)
    account = _account(line.username, row.area, timezone.localdate(now)) if line.username.strip() else None
    if line.username.strip() and account is None:
        problems["username"] = _("没有这个账号，或它在本地没有在任岗位。")
    if problems:
        raise ValidationError(problems)
    count = PlanItem.objects.filter(plan=row).count()
    if count >= MOST_ITEMS:
        raise ValidationError(_("一份预案最多 %(most)d 行。") % {"most": MOST_ITEMS})
    public = line.section == Section.SUPPLIER
    try:
        with transaction.atomic():
            return PlanItem.objects.create(
                plan=row, area=row.area, section=line.section, position=count, kind=line.kind if allowed else "", name=line.name.strip(),
                detail=line.detail.strip()[:200], quantity=line.quantity, person=line.person.strip()[:60], account_id=account,
                phone=numbers.token_of(Kind.PHONE, phone) if phone and not public else None, line=phone[:20] if public else "", priority=line.priority,
                every=line.every,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError({"name": _("这一行已在预案中；要修改请先删除原来的一行。")}) from None


def _account(username: str, area: str, on: date) -> int | None:
    rows = Posting.objects.filter(account__username=username.strip(), account__is_active=True, starts__lte=on)
    return next((row.account_id for row in rows if row.holds_on(on) and area.startswith(row.area)), None)


@transaction.atomic
def remove_line(*, plan_id: int, version: int, item_id: int) -> None:
    """Take a line out of a draft; one that is gone already is no error."""
    duties.require("plans.write")
    row = _locked(plan_id, version, S.DRAFT)
    PlanItem.objects.filter(plan=row, pk=item_id).delete()


@transaction.atomic
def submit_plan(*, plan_id: int, version: int, now: datetime) -> PlanVersion:
    """Submit a draft to the township. It needs at least one grid with its person, somebody to look after and a step."""
    acting = duties.require("plans.write")
    row = _locked(plan_id, version, S.DRAFT)
    there = set(PlanItem.objects.filter(plan=row).values_list("section", flat=True))
    missing = [section for section in (Section.GRID, Section.SUPPLIER, Section.PRIORITY, Section.STEP) if section not in there]
    if missing:
        raise ValidationError(_("还缺：%(missing)s；补齐后提交。") % {"missing": "、".join(str(each.label) for each in missing)})
    row.state, row.submitted_by_id, row.submitted_at, row.note = S.SUBMITTED, acting.account_id, now, ""
    _save(row, "submitted_by", "submitted_at", "note")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    raise_todo(
        kind="plan.approve", area=row.area, duty=Duty.TOWNSHIP_OFFICER, title=f"审批服务应急响应预案（第 {row.number} 版）", url=f"/plans/{row.pk}/",
        subject=SUBJECT, subject_id=row.pk, now=now,
    )  # fmt: skip
    return row


def _save(row: PlanVersion, *fields: str) -> None:
    row.version += 1
    row.save(update_fields=["state", "version", *fields])


@transaction.atomic
def approve_plan(*, plan_id: int, version: int, now: datetime) -> PlanVersion:
    """Approve what another officer submitted: in force from now on, instead of the one before. A running activation keeps the version that it began with."""
    acting = duties.require("plans.approve")
    row = _locked(plan_id, version, S.SUBMITTED)
    duties.require_apart("plans.approve", done={"plans.write": row.submitted_by_id})
    for before in PlanVersion.objects.select_for_update().filter(area=row.area, state=S.APPROVED):
        before.state = S.REPLACED
        _save(before)
    row.state, row.decided_by_id, row.decided_at = S.APPROVED, acting.account_id, now
    _save(row, "decided_by", "decided_at")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


@transaction.atomic
def send_back_plan(*, plan_id: int, version: int, note: str, now: datetime) -> PlanVersion:
    """Send it back to be changed, with the reason: to the duty of whoever submitted it, as far as the acting officer sees them, else to the village."""
    duties.require("plans.approve")
    row = _locked(plan_id, version, S.SUBMITTED)
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明退回的原因。")})
    row.state, row.note = S.DRAFT, note.strip()[:200]
    _save(row, "note")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    raise_todo(
        kind="plan.change", area=row.area, duty=_writer(row, timezone.localdate(now)), title=f"服务应急响应预案（第 {row.number} 版）已退回：请修改后重新提交",
        url=f"/plans/{row.pk}/", subject=SUBJECT, subject_id=row.pk, now=now,
    )  # fmt: skip
    return row


def _writer(row: PlanVersion, on: date) -> str:
    """The duty that a plan is sent back to."""
    held = Posting.objects.filter(duty__in=duties.MAY["plans.write"], area__in=[row.area[:length] for length in (9, 12)], starts__lte=on, account__is_active=True)
    postings = list(held.filter(Q(ends__isnull=True) | Q(ends__gt=on)).order_by("-area", "id").values_list("account_id", "duty"))
    own = [duty for account, duty in postings if account == row.submitted_by_id]
    return own[0] if own else next((duty for _account, duty in postings if duty == Duty.VISITOR), Duty.TOWNSHIP_OFFICER.value)
