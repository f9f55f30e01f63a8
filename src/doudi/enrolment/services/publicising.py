"""Publicity (公示): what may be posted and nothing else, objections, and the end of the days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.core import scope as scopes
from doudi.core.services import todos
from doudi.enrolment.models import Case, CaseStep, DataCheck, Objection, Publicity
from doudi.enrolment.procedure import CHILDREN, PUBLIC_FIELDS, Step
from doudi.enrolment.services.accepting import take_back_decision
from doudi.enrolment.services.checking import ask_check
from doudi.enrolment.services.steps import again, done, go_on, note_event, save, take
from doudi.registry.services.base import service

State = Publicity.State
PHONE = re.compile(r"^[0-9][0-9 -]{4,19}$")


def shown(case: Case, *, hotline: str, on: date) -> dict[str, Any]:
    """All that is posted of a case: `procedure.PUBLIC_FIELDS`. Who decides about a minor posts nothing (43号: minors are not published)."""
    decision = case.decision
    assert decision is not None
    applicant = case.person.name if case.person else case.application.applicant.name
    values: dict[str, Any] = {
        "applicant": applicant, "members": len(decision.content["members"]), "amount": None if decision.amount is None else str(decision.amount),
        "hotline": hotline, "date": on.isoformat(),
    }  # fmt: skip
    return {name: values[name] for name in PUBLIC_FIELDS}


def masked(posted: Mapping[str, Any]) -> dict[str, Any]:
    """What the internet may show of it: the name masked."""
    return {**posted, "applicant": idnumber.mask_name(str(posted["applicant"]))}


def is_minor(case: Case, on: date) -> bool:
    person = case.person
    if person is None:
        return False
    return on.year - person.birth_date.year - ((on.month, on.day) < (person.birth_date.month, person.birth_date.day)) < 18


@service("enrolment.publicise")
def publish(*, case_id: int, version: int, hotline: str, now: datetime, starts: date | None = None) -> Publicity:
    """Post the case in village and township (公示) for the days of its way. A minor is never posted: the step is done without."""
    case = take(case_id, version, at=(Step.PUBLICITY,))
    today = timezone.localdate(now)
    day = starts or today
    if not PHONE.match(hotline.strip()):
        raise ValidationError({"hotline": _("请填写监督电话，只含数字和短横线。")})
    if not today - timedelta(days=3) <= day <= today:
        raise ValidationError({"starts": _("公示开始日期应为今天或前三天内；请核对。")})
    if case.programme in CHILDREN or is_minor(case, today):
        raise ValidationError(_("未成年人不公示；请点“不公示，继续办理”。"))
    if Publicity.objects.filter(case_id=case.pk, state=State.RUNNING).exists():
        raise ValidationError(_("该件正在公示，不能重复公示。"))
    ends = day + timedelta(days=int(case.procedure["publicity_days"]))
    made = Publicity.objects.create(
        area=case.area, case_id=case.pk, programme=case.programme, starts=day, ends=ends, shown=shown(case, hotline=hotline.strip(), on=day),
        posted_by_id=scopes.current().account_id, posted_at=now,
    )  # fmt: skip
    note_event(case, f"公示 {day.isoformat()} 至 {(ends - timedelta(days=1)).isoformat()}", now=now)
    _limit(case, ends)
    return made


def _limit(case: Case, ends: date) -> None:
    CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.OPEN).update(due=ends)
    todos.move_due(subject="case", subject_id=case.pk, due=ends)
    save(case, due=ends)


@service("enrolment.publicise")
def skip_publicity(*, case_id: int, version: int, now: datetime) -> Case:
    """A minor is not posted: on to the next step."""
    case = take(case_id, version, at=(Step.PUBLICITY,))
    if not is_minor(case, timezone.localdate(now)):
        raise ValidationError(_("只有未成年人不公示。"))
    done(case, what="未成年人不公示", now=now)
    go_on(case, now=now)
    return case


@service("enrolment.publicise")
def close_publicity(*, case_id: int, version: int | None, now: datetime) -> Case:
    """The days are over without an objection: on to the next step. The daily job does it too."""
    case = take(case_id, version, at=(Step.PUBLICITY,))
    today = timezone.localdate(now)
    running = Publicity.objects.select_for_update().filter(case_id=case.pk, state=State.RUNNING).first()
    if running is None:
        raise ValidationError(_("该件尚未公示；请先登记公示。"))
    if running.ends > today:
        raise ValidationError(_("公示期到 %(day)s 满，期满前不能结束。") % {"day": (running.ends - timedelta(days=1)).isoformat()})
    Publicity.objects.filter(pk=running.pk).update(state=State.OVER, closed_at=now)
    done(case, what="公示期满，无异议", data={"publicity": running.pk, "from": running.starts.isoformat(), "until": running.ends.isoformat()}, now=now)
    go_on(case, now=now)
    return case


def close_due(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Daily: close what has been posted for its days within an area."""
    closed = 0
    rows = Publicity.objects.filter(state=State.RUNNING, ends__lte=on, area__gte=area, area__lt=area + ":")
    for case_id in list(rows.order_by("case_id").values_list("case_id", flat=True)):
        if Case.objects.filter(pk=case_id, step=Step.PUBLICITY, state=Case.State.OPEN).exists():
            close_publicity(case_id=case_id, version=None, now=now)
            closed += 1
    return {"closed": closed}


@service("enrolment.publicise")
def raise_objection(*, case_id: int, version: int, way: str, text: str, now: datetime, by: str = "", raised_on: date | None = None) -> Objection:
    """Somebody objects (异议) while the case is posted: the publicity stops, a new check or a democratic appraisal opens."""
    case = take(case_id, version, at=(Step.PUBLICITY,))
    running = Publicity.objects.select_for_update().filter(case_id=case.pk, state=State.RUNNING).first()
    if running is None:
        raise ValidationError(_("该件尚未公示，不能登记异议。"))
    if way not in Objection.Way.values:
        raise ValidationError({"way": _("请选择重新核对或民主评议。")})
    if len(text.strip()) < 4:
        raise ValidationError({"text": _("请写明异议内容，不少于 4 个字。")})
    day = raised_on or timezone.localdate(now)
    if not running.starts <= day <= timezone.localdate(now):
        raise ValidationError({"raised_on": _("异议日期应在公示开始之后；请核对。")})
    return _objected(case, running, way=way, day=day, by=by.strip()[:200], text=text, now=now)


@service("complaints.open")
def object_by_complaint(*, publicity_id: int, number: str, text: str, now: datetime) -> Objection | None:
    """What a complaint says against something that is posted stands in the case as its objection too: the publicity stops, the facts are checked anew.

    `number`: of the complaint, which keeps who made it to itself. None where the publicity is over; then the complaint goes its own way.
    """
    running = Publicity.objects.filter(pk=publicity_id, state=State.RUNNING).first()
    if running is None or not Case.objects.filter(pk=running.case_id, step=Step.PUBLICITY, state=Case.State.OPEN).exists():
        return None
    case = take(running.case_id, None, at=(Step.PUBLICITY,))
    running = Publicity.objects.select_for_update().filter(pk=publicity_id, state=State.RUNNING).first()
    if running is None:
        return None
    return _objected(case, running, way=Objection.Way.CHECK, day=timezone.localdate(now), by=number, text=text, now=now)


def _objected(case: Case, running: Publicity, *, way: str, day: date, by: str, text: str, now: datetime) -> Objection:
    made = Objection.objects.create(
        area=case.area, case_id=case.pk, way=way, raised_on=day, by=by or None, text=text.strip()[:2000],
        recorded_by_id=scopes.current().account_id, recorded_at=now,
    )  # fmt: skip
    Publicity.objects.filter(pk=running.pk).update(state=State.STOPPED, closed_at=now)
    note_event(case, f"公示异议，转{Objection.Way(way).label}", note=text, now=now)
    again(case, (Step.CHECK, Step.VISIT) if way == Objection.Way.CHECK else (Step.APPRAISAL,), now=now)
    go_on(case, now=now)
    if case.step == Step.CHECK and not DataCheck.objects.filter(application_id=case.application_id).exclude(state="concluded").exists():
        ask_check(application=case.application, now=now)
    return made


@service("enrolment.publicise")
def settle_objection(*, case_id: int, version: int, upheld: bool, answer: str, now: datetime) -> Case:
    """Answer the objection: upheld, the township gives its opinion anew; rejected, the case is posted again."""
    case = take(case_id, version, at=(Step.OBJECTION,))
    objection = Objection.objects.select_for_update().filter(case_id=case.pk, state=Objection.State.OPEN).first()
    if objection is None:
        raise ValidationError(_("没有待处理的异议；请刷新页面。"))
    if len(answer.strip()) < 4:
        raise ValidationError({"answer": _("请写明处理结果和理由，不少于 4 个字。")})
    objection.state = Objection.State.UPHELD if upheld else Objection.State.REJECTED
    objection.answer, objection.settled_by_id, objection.settled_at = answer.strip()[:2000], scopes.current().account_id, now
    objection.save(update_fields=["state", "answer", "settled_by", "settled_at"])
    done(case, what="异议成立" if upheld else "异议不成立", note=answer, data={"objection": objection.pk, "upheld": upheld}, now=now)
    # another objection to the next posting is a step of its own
    again(case, (Step.OBJECTION, Step.PUBLICITY, *((Step.OPINION, Step.FEDERATION) if upheld else ())), now=now)
    if upheld:
        take_back_decision(case, "公示异议成立", now)
    go_on(case, now=now)
    return case


def poster(village: str) -> list[Publicity]:
    """What is posted now in a village, for the printed sheet."""
    rows = Publicity.objects.filter(state=State.RUNNING, area__gte=village, area__lt=village + ":")
    return list(rows.order_by("programme", "starts", "id"))
