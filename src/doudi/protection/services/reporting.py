"""Reports of everybody through the public page (强制报告, 5.2): a case at intake with its urgency, or a word to those who have the case already.

Who reports learns a receipt number and nothing else: whether the minor is known is answered alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.batch.tokens import Kind
from doudi.core import audit, duties, numbers
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.protection.models import ProtectionCase, Report
from doudi.protection.services.base import note_event, tell
from doudi.protection.services.intake import Minor, open_case
from doudi.registry.models import Person

Category, Urgency, State = ProtectionCase.Category, ProtectionCase.Urgency, Report.State
SUBJECT = "protection_report"
# What it looks like -> (words, category of the case, urgency).
WHAT = {
    "alone": (gettext_lazy("无人照料"), Category.GAP, Urgency.RED),
    "guardian": (gettext_lazy("监护人不能履行职责（隔离、住院、羁押、失联等）"), Category.GAP, Urgency.ORANGE),
    "abuse": (gettext_lazy("家庭暴力、虐待"), Category.HARM, Urgency.RED),
    "sexual": (gettext_lazy("性侵害、性骚扰"), Category.HARM, Urgency.RED),
    "abandoned": (gettext_lazy("遗弃、流浪、走失"), Category.GAP, Urgency.RED),
    "danger": (gettext_lazy("其他人身危险"), Category.HARM, Urgency.RED),
    "hardship": (gettext_lazy("生活、上学、就医困难"), Category.OTHER, Urgency.YELLOW),
}
GRAVER = {Urgency.YELLOW: 0, Urgency.ORANGE: 1, Urgency.RED: 2}


@dataclass(frozen=True)
class Told:
    """What a report says. `organisation` of the reporter, `where` the minor is, `what` happened; the rest as far as it is known."""

    reporter_kind: str
    organisation: str
    where: str
    what: str
    harm: str
    reporter: str = ""
    phone: str = ""
    child_name: str = ""
    id_number: str = ""
    sex: str = ""
    age: int | None = None
    alone: bool = False


def place_scope(area: str) -> scopes.Scope:
    """The public page acts for one county, as the machine that takes reports and does nothing else."""
    return scopes.Scope(area=area[:6], duty=duties.WORKER, page="public report", acts=frozenset({"protection.report"}))


def _checked(told: Told, area: str, now: datetime) -> tuple[UUID | None, UUID | None]:
    """Tokens of the minor's number and of the reporter's phone. Raises ValidationError by field; none of them depends on what is known of the minor."""
    problems: dict[str, str] = {}
    if told.reporter_kind not in Report.Reporter.values:
        problems["reporter_kind"] = _("请重新选择。")
    if told.harm not in WHAT:
        problems["harm"] = _("请重新选择。")
    if len(told.what.strip()) < 4:
        problems["what"] = _("请写明孩子的情况，至少 4 个字。")
    if len(told.where.strip()) < 2:
        problems["where"] = _("请写明孩子现在在哪里。")
    if told.age is not None and not 0 <= told.age <= 17:
        problems["age"] = _("年龄应在 0 至 17 岁之间。")
    if len(area) not in (6, 9, 12) or not area.startswith("41") or not Division.objects.filter(code=area, ends__isnull=True).exists():
        problems["area"] = _("请选择孩子所在的县和乡镇。")
    token = phone = None
    if told.id_number.strip():
        try:
            parsed = idnumber.parse(told.id_number, timezone.localdate(now))
            token = numbers.id_token(parsed.number18)
        except ValueError:
            problems["id_number"] = _("身份证号不正确；不清楚的可以不填。")
    if told.phone.strip():
        try:
            phone = numbers.token_of(Kind.PHONE, idnumber.check_phone(told.phone))
        except ValueError:
            problems["phone"] = _("电话号码不正确。")
    if problems:
        raise ValidationError(problems)
    return token, phone


def receive_report(*, uuid: UUID, area: str, told: Told, now: datetime) -> str:
    """Take a report; its receipt number. The same sending again gives the same number. Sets its own scope: nobody needs to be signed in.

    `area`: county, township or village where the minor is. Raises ValidationError by field.
    """
    token, phone = _checked(told, area, now)
    with scopes.acting(place_scope(area)):
        known = Report.objects.filter(uuid=uuid).values_list("receipt", flat=True).first()
        if known is not None:
            return known
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('report ' || %s, 0)), nextval('doudi.protection_receipt')", [str(uuid)])
            serial = cursor.fetchone()[1]
        known = Report.objects.filter(uuid=uuid).values_list("receipt", flat=True).first()
        if known is not None:  # the same, sent twice at once
            return known
        _words, category, urgency = WHAT[told.harm]
        urgency = Urgency.RED if told.alone else urgency
        report = Report(
            uuid=uuid, area=area, receipt=f"BG{timezone.localdate(now):%Y%m%d}{serial:05d}", reporter_kind=told.reporter_kind,
            organisation=told.organisation.strip()[:200], reporter=told.reporter.strip()[:60] or None, phone=phone, child_name=told.child_name.strip()[:60] or None,
            child_token=token, sex=told.sex, age=told.age, where=told.where.strip()[:500], what=told.what.strip()[:4000], harm=told.harm, alone=told.alone,
            urgency=urgency, received_at=now,
        )  # fmt: skip
        _to_case(report, category, told.id_number, now)
        scopes.check_constraints()
        return report.receipt


def _said(report: Report) -> str:
    """What those who work on the case read: never who reported."""
    years = _("，约 %(n)d 岁") % {"n": report.age} if report.age is not None else ""
    return f"{WHAT[report.harm][0]}：{report.what}\n{_('孩子现在在')}：{report.where}{years}"


def _to_case(report: Report, category: str, id_number: str, now: datetime) -> None:
    """Join the report to the minor's open case in the county, or open one; where neither can be, it waits for the county's protection workers."""
    case = ProtectionCase.objects.select_for_update().filter(token=report.child_token, state__in=ProtectionCase.OPEN).first() if report.child_token else None
    if case is not None:
        report.case, report.state, report.area = case, State.JOINED, case.area
        report.save()
        if GRAVER[Urgency(report.urgency)] > GRAVER[Urgency(case.urgency)]:
            case.urgency, case.version = report.urgency, case.version + 1
            case.save(update_fields=["urgency", "version"])
        note_event(case, "reported", _said(report), now)
        if case.state != ProtectionCase.State.INTAKE:
            tell(case, "protection_reported", f"未成年人个案 {case.number} 又收到报告", now, due=now)
        return
    person = Person.objects.filter(token=report.child_token).first() if report.child_token else None
    source = ProtectionCase.Source.PUBLIC if report.reporter_kind == Report.Reporter.CITIZEN else ProtectionCase.Source.MANDATORY
    minor = Minor(person=person.pk) if person else Minor(name=report.child_name or "", id_number=id_number, sex=report.sex)
    try:
        with transaction.atomic():
            made = open_case(
                uuid=report.uuid, minor=minor, category=category, source=source, urgency=report.urgency, reported=_said(report), now=now, area=report.area,
                unattended=report.alone,
            )  # fmt: skip
    except ValidationError:  # has a case elsewhere, is registered as grown up: a person must look
        report.state = State.WAITING
        report.save()
        raise_todo(
            kind="protection_report", area=report.area, duty=Duty.PROTECTION_WORKER, title=f"强制报告 {report.receipt} 待核对", url=f"/protection/reports/{report.pk}/",
            subject=SUBJECT, subject_id=report.pk, due=timezone.localdate(now), now=now,
        )  # fmt: skip
        return
    report.case, report.state, report.area = made, State.OPENED, made.area
    report.save()


@transaction.atomic
def settle_report(*, report_id: int, note: str, number: str, now: datetime) -> Report:
    """A report that waited: joined to the case of that number, or settled with what was found out."""
    acting = duties.require("protection.reports")
    report = Report.objects.select_for_update().filter(pk=report_id).first()
    if report is None or report.state != State.WAITING:
        raise ValidationError(_("这份报告刚由他人核对；请刷新页面。"))
    if len(note.strip()) < 4:
        raise ValidationError({"note": _("请写明核对情况，至少 4 个字。")})
    report.state, report.note, report.settled_at, report.settled_by = State.SETTLED, note.strip()[:1000], now, acting.account_id
    if number.strip():
        case = ProtectionCase.objects.filter(number=number.strip(), state__in=ProtectionCase.OPEN).first()
        if case is None:
            raise ValidationError({"number": _("没有这件未结的个案，或不由您办理。")})
        report.state, report.case = State.JOINED, case
        note_event(case, "reported", _said(report), now)
    report.save(update_fields=["state", "note", "settled_at", "settled_by", "case"])
    finish_todos(subject=SUBJECT, subject_id=report.pk, now=now)
    scopes.check_constraints()
    return report


def reveal_reporter(*, report_id: int) -> tuple[str, str]:
    """Name and phone of who reported; recorded before it answers. Raises ValidationError where the report is not the officer's to see."""
    duties.require("protection.view")
    report = Report.objects.filter(pk=report_id).first()
    if report is None:
        raise ValidationError(_("没有这份报告，或不由您办理。"))
    audit.record_access(what="reveal", subject=SUBJECT, subject_id=report.pk, area=report.area, field="reporter")
    phone = numbers.plain(report.phone) if report.phone else ""
    return report.reporter or "", phone or ""
