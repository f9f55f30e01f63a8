"""Counselling (心理疏导, 7.6): asked for, booked, held, followed up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.community.models import CounsellingNote, CounsellingSession
from doudi.core import audit, duties
from doudi.core.models import Duty, Posting, Todo
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.registry.models import Person

SUBJECT = "counselling"
S = CounsellingSession.State
COUNSELLORS = (Duty.STATION_WORKER, Duty.CHILD_SUPERVISOR, Duty.PROTECTION_WORKER)
SUPERVISORS = (Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR, Duty.PROTECTION_WORKER, Duty.COUNTY_APPROVER)


def _locked(session_id: int, version: int, *states: str) -> CounsellingSession:
    row = CounsellingSession.objects.select_for_update(of=("self",)).filter(pk=session_id).first()
    if row is None:
        raise ValidationError(_("没有这次心理疏导，或它不由您办理。"))
    if row.version != version or row.state not in states:
        raise ValidationError(_("这次心理疏导刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})
    return row


def _save(row: CounsellingSession, *fields: str) -> None:
    row.version += 1
    row.save(update_fields=["state", "version", *fields])


def people_for(area: str, duties_: tuple[Duty, ...], on: date) -> list[tuple[int, str]]:
    """Accounts with a posting of these duties that covers a place today."""
    rows = Posting.objects.filter(duty__in=duties_, starts__lte=on, account__is_active=True).select_related("account").order_by("-area", "account__name", "pk")
    return list(dict.fromkeys((row.account_id, row.account.name) for row in rows if row.holds_on(on) and area.startswith(row.area)))


@transaction.atomic
def ask(*, uuid: UUID, person_id: int, kind: str, cause: str, urgent: bool, now: datetime, follows: int | None = None) -> CounsellingSession:
    """Ask for a session for somebody; the same form again gives back the first. One open session of a kind a person."""
    acting = duties.require("counselling.ask")
    known = CounsellingSession.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    person = Person.objects.filter(pk=person_id, died_on__isnull=True).first()
    if person is None:
        raise ValidationError({"person": _("没有这个人员，或不在您的管辖范围内。")})
    if kind not in CounsellingSession.Kind.values or cause not in CounsellingSession.Cause.values:
        raise ValidationError(_("请重新选择。"))
    if follows is not None and not CounsellingSession.objects.filter(pk=follows, person=person, state=S.HELD).exists():
        raise ValidationError(_("没有这次心理疏导，或它不由您办理。"))
    try:
        with transaction.atomic():
            row = CounsellingSession.objects.create(
                uuid=uuid, area=person.area, person=person, kind=kind, cause=cause, urgent=urgent, asked_by_id=acting.account_id or None, asked_at=now,
                follows_id=follows,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError(_("此人已有待办的同类疏导，不必重复登记。")) from None
    raise_todo(
        kind="counselling.book", area=row.area, duty=Duty.STATION_WORKER, title="心理疏导待预约" + ("（紧急）" if urgent else ""), url=f"/counselling/{row.pk}/",
        subject=SUBJECT, subject_id=row.pk, due=timezone.localdate(now) + timedelta(days=1 if urgent else 3), now=now,
    )  # fmt: skip
    return row


@transaction.atomic
def book(
    *, session_id: int, version: int, counsellor: int, supervisor: int, way: str, starts: datetime, minutes: int, now: datetime
) -> CounsellingSession:
    """Book a counsellor who is free then, and who supervises; again changes the booking."""
    acting = duties.require("counselling.book")
    row = _locked(session_id, version, S.ASKED, S.BOOKED)
    on = timezone.localdate(now)
    problems: dict[str, str] = {}
    if counsellor not in dict(people_for(row.area, COUNSELLORS, on)):
        problems["counsellor"] = _("该账号在此人所在地没有相关岗位；请重新选择。")
    if supervisor not in dict(people_for(row.area, SUPERVISORS, on)) or supervisor == counsellor:
        problems["supervisor"] = _("请选择另一名工作人员作督导。")
    if way not in CounsellingSession.Way.values:
        problems["way"] = _("请重新选择。")
    if not now - timedelta(days=7) <= starts <= now + timedelta(days=90) or not 10 <= minutes <= 240:
        problems["starts"] = _("时间应在前 7 天至后 90 天之间，时长 10 至 240 分钟。")
    if problems:
        raise ValidationError(problems)
    row.state, row.counsellor_id, row.supervisor_id, row.way, row.starts, row.ends = S.BOOKED, counsellor, supervisor, way, starts, starts + timedelta(minutes=minutes)
    row.booked_by_id = acting.account_id or None
    try:
        with transaction.atomic():
            _save(row, "counsellor", "supervisor", "booked_by", "way", "starts", "ends")
    except IntegrityError:
        raise ValidationError({"starts": _("这名工作人员该时段已有预约；请另选时间或人员。")}) from None
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    posting = next((each for each in Posting.objects.filter(account=counsellor, duty__in=COUNSELLORS).order_by("-starts") if each.holds_on(on)), None)
    if posting is not None:
        raise_todo(
            kind="counselling.hold", area=row.area, duty=posting.duty, title=f"心理疏导 {timezone.localtime(starts):%m-%d %H:%M}", url=f"/counselling/{row.pk}/",
            subject=SUBJECT, subject_id=row.pk, due=timezone.localdate(starts), posting_id=posting.pk, now=now,
        )  # fmt: skip
    return row


@transaction.atomic
def hold(*, session_id: int, version: int, note: str, follow_up: date | None, now: datetime) -> CounsellingSession:
    """It took place: the counsellor's note, sealed, and when to look again. Only the counsellor records it."""
    acting = duties.require("counselling.view")
    row = _locked(session_id, version, S.BOOKED)
    if acting.account_id != row.counsellor_id:
        raise PermissionDenied(_("只有预约的工作人员可以记录。"))
    if row.starts is not None and row.starts > now:
        raise ValidationError(_("还没有到预约的时间；提前开展的请先改约。"))
    if len(note.strip()) < 4:
        raise ValidationError({"note": _("请写下记录，至少 4 个字。")})
    if follow_up is not None and not timezone.localdate(now) < follow_up <= timezone.localdate(now) + timedelta(days=180):
        raise ValidationError({"follow_up": _("回访日期应在明天之后半年以内。")})
    CounsellingNote.objects.create(session=row, area=row.area, text=note.strip()[:8000], made_by_id=acting.account_id, made_at=now)
    row.state, row.follow_up, row.closed_at, row.closed_by_id = S.HELD, follow_up, now, acting.account_id
    _save(row, "follow_up", "closed_at", "closed_by")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    if follow_up is not None:
        raise_todo(
            kind="counselling.follow", area=row.area, duty=acting.duty, title="心理疏导回访", url=f"/counselling/{row.pk}/", subject=SUBJECT, subject_id=row.pk,
            due=follow_up, posting_id=acting.posting_id or None, now=now,
        )  # fmt: skip
    return row


@transaction.atomic
def call_off(*, session_id: int, version: int, missed: bool, reason: str, now: datetime) -> CounsellingSession:
    """Cancelled, or the person did not come, with the reason."""
    acting = duties.require("counselling.book")
    row = _locked(session_id, version, *((S.BOOKED,) if missed else CounsellingSession.OPEN))
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明原因。")})
    row.state, row.reason, row.closed_at = S.MISSED if missed else S.CANCELLED, reason.strip()[:200], now
    row.closed_by_id = acting.account_id or None
    _save(row, "reason", "closed_at", "closed_by")
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    return row


@transaction.atomic
def call_off_of_dead(*, area: str, now: datetime) -> int:
    """A county's daily job: sessions of people who have died end, with all that waits for them; the number ended. Two statements."""
    duties.require("community.derive")
    rows = CounsellingSession.objects.filter(area__gte=area, area__lt=area + ":", person__died_on__isnull=False)
    waiting = Todo.objects.filter(subject=SUBJECT, subject_id__in=rows.values("pk"), done_at__isnull=True)
    waiting.update(done_at=now)
    return rows.filter(state__in=CounsellingSession.OPEN).update(state=S.CANCELLED, reason="本人已去世", closed_at=now, version=F("version") + 1)


@transaction.atomic
def follow(*, session_id: int, uuid: UUID, now: datetime) -> CounsellingSession:
    """The follow-up session of one that was held."""
    before = CounsellingSession.objects.filter(pk=session_id, state=S.HELD).first()
    if before is None:
        raise ValidationError(_("没有这次心理疏导，或它不由您办理。"))
    row = ask(uuid=uuid, person_id=before.person_id, kind=before.kind, cause=before.cause, urgent=False, follows=before.pk, now=now)
    finish_todos(subject=SUBJECT, subject_id=before.pk, now=now, kind="counselling.follow")
    return row


def read_note(*, session_id: int) -> CounsellingNote | None:
    """The note for its counsellor or supervisor, recorded before it is answered; None for anybody else (the database shows it to nobody else)."""
    duties.require("counselling.view")
    note = CounsellingNote.objects.filter(session=session_id).first()
    if note is not None:
        audit.record_access(what="open", subject=SUBJECT, subject_id=session_id, area=note.area, field="note")
    return note


def numbers_since(since: datetime) -> dict[str, int]:
    """Sessions of the reader's area in numbers: waiting, booked, held since, follow-ups owed."""
    duties.require("counselling.numbers")
    with connection.cursor() as cursor:
        cursor.execute("select * from doudi.counselling_figures(%s)", [since])
        return dict(zip(("waiting", "booked", "held", "follow_up"), cursor.fetchone(), strict=True))
