"""Household visit, democratic appraisal, township opinion with the law's calculation, review by the disabled persons' federation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.models import Posting
from doudi.core.services.messages import send_message
from doudi.enrolment.models import Application, Case, CaseStep, DataCheck, HouseholdVisit
from doudi.enrolment.procedure import Step
from doudi.enrolment.services import proposing
from doudi.enrolment.services.accepting import take_back_decision
from doudi.enrolment.services.applying import law_says
from doudi.enrolment.services.steps import again, done, go_on, note_event, take, take_all, touched
from doudi.registry.models import Household
from doudi.registry.services.base import service


def companions(area: str, *, on: date) -> list[tuple[int, str, str]]:
    """(account id, name, duty) of others whose posting covers a village or lies in it: who can be the second at a household visit.

    Those of the county who visit people, too: a township sees no posting above its own, and learns of theirs the name alone.
    """
    me = scopes.current().account_id
    places = [area[:length] for length in (6, 9, 12)]
    rows = Posting.objects.filter(area__in=places, starts__lte=on, account__is_active=True).exclude(ends__lte=on).exclude(account_id=me)
    found = [(p.account_id, p.account.name, str(p.get_duty_display())) for p in rows.select_related("account").order_by("-area", "account__name")]
    known = {account for account, _name, _duty in found}
    with connection.cursor() as cursor:
        cursor.execute("select account, name from doudi.visit_companions(%s) order by name, account", [on])
        return found + [(account, name, _("县级")) for account, name in cursor.fetchall() if account != me and account not in known]


def _record_visit(
    application: Application, kind: str, *, visited_on: date, second_id: int, findings: str, agrees: bool, others: str, now: datetime
) -> HouseholdVisit:
    scope = scopes.current()
    today = timezone.localdate(now)
    if visited_on > today or visited_on < application.applied_on:
        raise ValidationError({"visited_on": _("“入户日期”应在申请日期与今天之间；请核对。")})
    if second_id == scope.account_id:
        raise ValidationError({"second": _("入户调查须由两名以上工作人员进行；请选择另一名调查人员。")})
    if second_id not in {account for account, _name, _duty in companions(application.area, on=today)}:
        raise ValidationError({"second": _("请在列表中选择另一名调查人员。")})
    if len(findings.strip()) < 10:
        raise ValidationError({"findings": _("请写明入户所见的家庭情况，不少于 10 个字。")})
    made = HouseholdVisit.objects.create(
        area=application.area, application=application, kind=kind, visited_on=visited_on, first_id=scope.account_id, second_id=second_id,
        others=others.strip()[:100], findings=findings.strip()[:4000], agrees=agrees, recorded_at=now,
    )  # fmt: skip
    # who is named as the second hears of it, so that nobody is put down without knowing
    send_message(
        template="case.visited", area=application.area, key=f"visit:{made.pk}", values={"number": application.number, "day": visited_on},
        account_id=second_id, url=f"/enrolment/applications/{application.pk}/", now=now,
    )  # fmt: skip
    return made


@service("enrolment.visit")
def record_visit(
    *, application_id: int, version: int, visited_on: date, second_id: int, findings: str, agrees: bool, now: datetime, others: str = ""
) -> HouseholdVisit:
    """The household visit (入户调查) of the township: the acting officer and another one, with what they found; for all cases that wait for it."""
    application, cases = take_all(application_id, version, at=Step.VISIT)
    made = _record_visit(
        application, HouseholdVisit.Kind.TOWNSHIP, visited_on=visited_on, second_id=second_id, findings=findings, agrees=agrees, others=others, now=now
    )
    _visited(application, cases, made, "入户调查", now)
    return made


@service("enrolment.visit_county")
def record_county_visit(
    *, application_id: int, version: int, visited_on: date, second_id: int, findings: str, agrees: bool, now: datetime, others: str = ""
) -> HouseholdVisit:
    """The county's own visit, where a close relative of staff or a cadre applies (近亲属备案)."""
    application, cases = take_all(application_id, version, at=Step.COUNTY_VISIT)
    made = _record_visit(
        application, HouseholdVisit.Kind.COUNTY, visited_on=visited_on, second_id=second_id, findings=findings, agrees=agrees, others=others, now=now
    )
    _visited(application, cases, made, "县级入户核查", now)
    return made


def _visited(application: Application, cases: list[Case], made: HouseholdVisit, what: str, now: datetime) -> None:
    touched(application)
    for case in cases:
        done(case, what=what, data={"visit": made.pk, "agrees": made.agrees}, now=now)
        go_on(case, now=now)


@service("enrolment.visit")
def record_appraisal(*, case_id: int, version: int, held_on: date, present: int, agree: int, note: str, now: datetime) -> Case:
    """The democratic appraisal (民主评议) that an objection called for: how many were present, how many agree with the grant."""
    case = take(case_id, version, at=(Step.APPRAISAL,))
    if held_on > timezone.localdate(now):
        raise ValidationError({"held_on": _("“评议日期”晚于今天；请核对。")})
    if present < 3 or not 0 <= agree <= present:
        raise ValidationError({"present": _("参加评议不少于 3 人，同意人数不超过参加人数。")})
    data = {"held_on": held_on.isoformat(), "present": present, "agree": agree}
    done(case, what=f"民主评议：{present} 人参加，{agree} 人同意", note=note, data=data, now=now)
    go_on(case, now=now)
    return case


def _basis(case: Case) -> dict[str, Any]:
    """What the opinion rests on, frozen with the decision: procedure, data check, visits, papers, appraisal."""
    application = case.application
    check = DataCheck.objects.filter(application=application, state=DataCheck.State.CONCLUDED).order_by("-id").first()
    visits = HouseholdVisit.objects.filter(application=application).order_by("id")
    steps = CaseStep.objects.filter(case_id=case.pk, state=CaseStep.State.DONE).order_by("id")
    return {
        "application": application.number, "procedure": case.procedure["hash"], "papers": application.accepted_papers,
        "check": None if check is None else {"id": check.pk, "digest": check.digest, "result": check.result},
        "visits": [{"id": v.pk, "kind": v.kind, "on": v.visited_on.isoformat(), "by": [v.first_id, v.second_id], "agrees": v.agrees} for v in visits],
        "steps": {step.step: step.data for step in steps if step.data},
    }  # fmt: skip


@service("enrolment.propose")
def give_opinion(
    *,
    case_id: int,
    version: int,
    agree: bool,
    now: datetime,
    amount: Decimal | None = None,
    bands: Mapping[int, int] | None = None,
    payee_id: int | None = None,
    reason: str = "",
) -> Case:
    """The township's opinion (初审意见) with the law's calculation of today: grant, or refuse with the reason.

    It makes the proposal (`propose`, `refuse`) that waits until the case comes to its approval. An amount other than the law's, or an
    opinion against it, needs a reason and later a second signature.
    """
    case = take(case_id, version, at=(Step.OPINION,))
    household = Household.objects.filter(pk=case.household_id).first()
    if household is None:
        raise ValidationError(_("该家庭不在您的管辖范围内，或已转出。"))
    if case.person is not None and case.person.died_on is not None:
        raise ValidationError(_("%(name)s已登记死亡；请终止办理。") % {"name": case.person.name})
    assessment = law_says(household=household, now=now)
    application = case.application
    on_case = proposing.OnCase(
        applied_on=application.applied_on, basis=_basis(case), valid_months=int(case.procedure["valid_months"]), lead_id=application.lead_id,
        start=str(case.procedure.get("start", "")),
    )
    if agree:
        decision = proposing.propose(
            assessment=assessment, programme=case.programme, person_id=case.person_id, amount=amount, bands=bands, payee_id=payee_id, reason=reason,
            lead_id=application.lead_id, now=now, on_case=on_case,
        )  # fmt: skip
        what = "初审意见：拟予确认"
    else:
        decision = proposing.refuse(
            assessment=assessment, programme=case.programme, person_id=case.person_id, reason=reason, lead_id=application.lead_id, now=now, on_case=on_case
        )
        what = "初审意见：拟不予确认"
    case.decision, case.amount = decision, decision.amount
    done(case, what=what, note=reason, data={"decision": decision.pk, "differs": decision.differs}, now=now)
    go_on(case, now=now)
    return case


@service("enrolment.federation")
def review_federation(*, case_id: int, version: int, agree: bool, note: str, now: datetime) -> Case:
    """The federation's review (残联审核) of kind and grade of the disability. Not agreed: back to the township's opinion, with the reason."""
    case = take(case_id, version, at=(Step.FEDERATION,))
    if not agree and len(note.strip()) < 4:
        raise ValidationError({"note": _("不同意的，请写明理由。")})
    if agree:
        done(case, what="残联审核：同意", note=note, data={"agree": True}, now=now)
    else:
        note_event(case, "残联审核：退回乡镇", note=note, now=now)
        take_back_decision(case, "残联审核退回", now)
        again(case, (Step.OPINION,), now=now)
    go_on(case, now=now)
    return case
