"""Contacts and visits (跟踪回访): owed by level, recorded once, together with the household's visit where there is one (5.1)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos
from doudi.core.settings_overlay import get_setting
from doudi.discovery.models.visits import Living, Met, Visit
from doudi.discovery.services.visits import Result, record_visit
from doudi.protection.models import CaseContact, ProtectionCase
from doudi.protection.services.base import SUBJECT, locked, note_event, tell, todo, writer

State, How = CaseContact.State, CaseContact.How
ASSESS, CONTACT = "protection_assess", "protection_contact"
REMINDERS = (ASSESS, CONTACT)
RECORDED = ("uuid", "state", "done_at", "recorder", "how", "met", "safe", "note", "visit_id")
AS_HOUSEHOLD = {
    CaseContact.Met.ALONE: Met.SELF, CaseContact.Met.WITH_CARER: Met.SELF, CaseContact.Met.CARER: Met.FAMILY, CaseContact.Met.NOBODY: Met.ABSENT,
}  # fmt: skip


def visit_days(row: ProtectionCase, on: date) -> int:
    """Days between contacts; a case without a level yet is followed like one of high risk."""
    return int(get_setting(f"procedure.protection.visit_days.{row.level or 'high'}", row.area, on))


def owe(row: ProtectionCase, due: date, now: datetime) -> CaseContact:
    """The case owes a contact by `due`: the one that is owed comes nearer, else a new one. The case is locked."""
    found = row.contacts.filter(state=State.DUE).first()
    if found is None:
        return CaseContact.objects.create(case=row, area=row.area, due=due, made_at=now)
    if due < found.due:
        found.due = due
        found.save(update_fields=["due"])
    return found


def begin_work(row: ProtectionCase, now: datetime) -> None:
    """What a case owes once somebody answers for it: to see the minor within the response time, to assess within days. The caller saves `review_due`."""
    on = timezone.localdate(now)
    row.review_due = on + timedelta(days=int(get_setting("procedure.protection.assess_days", row.area, on)))
    if row.contacted_at is None:
        owe(row, max(timezone.localdate(row.contact_due), on), now)


def remind(row: ProtectionCase, now: datetime) -> int:
    """To-dos for what the case owes from tomorrow at the latest; the number raised. Raised ones stay once."""
    on, raised = timezone.localdate(now), 0
    soon = on + timedelta(days=1)
    if row.review_due and (row.state == "assessing" or row.review_due <= soon):
        raised += tell(row, ASSESS, f"未成年人个案 {row.number} 待评估", now, due=_noon(row.review_due))
    contact = row.contacts.filter(state=State.DUE).first()
    if contact is not None and contact.due <= soon:
        raised += tell(row, CONTACT, f"未成年人个案 {row.number} 待回访", now, due=_noon(contact.due), helpers=True)
    return raised


def _noon(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), timezone.get_current_timezone()) + timedelta(hours=12)


def linkable(row: ProtectionCase) -> list[Visit]:
    """Household visits made since the case was opened (or that it came from) which no contact of the case names yet."""
    if row.household_id is None:
        return []
    taken = row.contacts.filter(visit_id__isnull=False).values_list("visit_id", flat=True)
    since = row.opened_at - timedelta(days=1)
    rows = Visit.objects.filter(household_id=row.household_id, state=Visit.State.DONE, done_at__gte=since).exclude(pk__in=list(taken))
    return list(rows.select_related("recorder").order_by("-done_at")[:10])


def owed_visit(row: ProtectionCase) -> Visit | None:
    """The household's visit that is owed: who goes there anyway makes both in one."""
    return Visit.objects.filter(household_id=row.household_id, state__in=Visit.OPEN).first() if row.household_id else None


@transaction.atomic
def record_contact(
    *, case_id: int, uuid: UUID, how: str, met: str, safe: str, note: str, done_at: datetime, now: datetime, visit_id: int | None = None, living: str = "",
) -> CaseContact:
    """Record a contact, once; the next one is owed by the level, or soon where nobody was met.

    `visit_id`: the household visit that it was made with. `living` (a value of discovery's `Living`): record the household's visit too, of a contact at home;
    what was found about the minor does not go there. Raises ValidationError by field.
    """  # fmt: skip
    acting = writer("visits")
    row = locked(case_id, None, *ProtectionCase.OPEN)
    known = CaseContact.objects.filter(case=row, uuid=uuid).first()
    if known is not None:
        return known
    if CaseContact.objects.filter(uuid=uuid).exists():
        raise ValidationError(_("这次回访已登记在另一件个案；请刷新页面后重新填写。"))
    for field, value, allowed in (("how", how, How.values), ("met", met, CaseContact.Met.values)):
        if value not in allowed:
            raise ValidationError({field: _("请重新选择。")})
    nobody = met == CaseContact.Met.NOBODY
    if not nobody and safe not in CaseContact.Safe.values:
        raise ValidationError({"safe": _("请选择孩子是否安全。")})
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明见到的情况。")})
    if visit_id is not None:
        visit = next((each for each in linkable(row) if each.pk == visit_id), None)
        if visit is None or visit.done_at is None:
            raise ValidationError({"visit": _("没有这次入户走访，或已计入回访。")})
        done_at = visit.done_at
    elif living:
        visit_id = _household_visit(row, uuid=uuid, how=how, met=met, living=living, done_at=done_at, now=now)
    if not row.opened_at - timedelta(days=1) <= done_at <= now + timedelta(minutes=10):
        raise ValidationError({"done_at": _("时间应在立案之后、现在之前。")})
    contact = row.contacts.filter(state=State.DUE).first() or CaseContact(case=row, area=row.area, due=timezone.localdate(done_at), made_at=now)
    contact.uuid, contact.done_at, contact.recorder_id, contact.how, contact.met = uuid, done_at, acting.account_id or None, how, met
    contact.state, contact.safe, contact.note, contact.visit_id = State.MISSED if nobody else State.DONE, "" if nobody else safe, note.strip()[:4000], visit_id
    contact.save(update_fields=RECORDED if contact.pk else None)
    fields: list[str] = []
    if met in CaseContact.SAW and row.contacted_at is None:
        row.contacted_at = max(done_at, row.opened_at)
        fields.append("contacted_at")
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="protection_late")
    if safe == CaseContact.Safe.DANGER and not nobody:
        row.review_due = timezone.localdate(now)
        fields.append("review_due")
        todo(row, "protection_danger", Duty.COUNTY_APPROVER, f"未成年人个案 {row.number}：回访发现孩子有危险", now, due=now)
    if fields:
        row.version += 1
        row.save(update_fields=[*fields, "version"])
    note_event(row, "contact_missed" if nobody else "contact", f"{contact.get_how_display()}，{contact.get_met_display()}", now)
    for kind in (CONTACT, "protection_contact_late"):
        finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind=kind)
    _next(row, done_at=done_at, nobody=nobody, now=now)
    remind(row, now)
    scopes.check_constraints()
    return contact


def _household_visit(row: ProtectionCase, *, uuid: UUID, how: str, met: str, living: str, done_at: datetime, now: datetime) -> int:
    if how != How.HOME:
        raise ValidationError({"living": _("只有入户回访可以同时登记入户走访。")})
    if row.household_id is None or living not in Living.values:
        raise ValidationError({"living": _("请重新选择。")})
    if not duties.may("visits.record"):
        raise PermissionDenied(_("您的岗位不登记入户走访。"))
    result = Result(met=AS_HOUSEHOLD[CaseContact.Met(met)], living="" if met == "nobody" else living, note="与未成年人回访一并走访")
    return record_visit(uuid=uuid5(uuid, "visit"), household_id=row.household_id, done_at=done_at, result=result, now=now).visit.pk


def _next(row: ProtectionCase, *, done_at: datetime, nobody: bool, now: datetime) -> None:
    on = timezone.localdate(now)
    if nobody or row.contacted_at is None:  # the minor has still to be seen
        due = on + timedelta(days=int(get_setting("procedure.protection.retry_days", row.area, on)))
    else:
        due = max(timezone.localdate(done_at) + timedelta(days=visit_days(row, on)), on)
    owe(row, due, now)


@transaction.atomic
def move_contact(*, case_id: int, due: date, reason: str, now: datetime) -> CaseContact:
    """Another day for the contact that is owed, not later than the level allows from today."""
    writer("visits")
    row = locked(case_id, None, *ProtectionCase.OPEN)
    on = timezone.localdate(now)
    latest = on + timedelta(days=visit_days(row, on))
    if not on <= due <= latest:
        raise ValidationError({"due": _("回访日期应在今天至 %(day)s 之间（按风险等级）。") % {"day": latest}})
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明原因。")})
    found = row.contacts.filter(state=State.DUE).first() or CaseContact(case=row, area=row.area, made_at=now)
    found.due = due
    found.save(update_fields=["due"] if found.pk else None)
    note_event(row, "contact_moved", f"{due}：{reason}", now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind=CONTACT)
    remind(row, now)
    scopes.check_constraints()
    return found
