"""What officers do month by month: visits, monitoring and what follows from it, decisions, payees; the daily jobs and comparisons."""

from __future__ import annotations

from datetime import date, timedelta

from django.core.exceptions import ValidationError

from doudi.core import audit
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo.relieving import receipt
from doudi.demo.simulate.life import Figures, Life, at, key
from doudi.registry.models import Household, Membership

VISITS = 30


def visits(life: Life, on: date) -> Figures:
    """What the plan makes due, and what townships type in from paper."""
    from doudi.discovery.models import Visit
    from doudi.discovery.services import make_due, record_visit
    from doudi.discovery.services.visits import Result

    with scopes.acting(scopes.Scope(area=life.area, duty=WORKER, page="doudi simulate", acts=frozenset({"visits.due"}))):
        make_due(area=life.area, on=on, now=at(on, 2))
    made = 0
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            audit.record_access(what="open", subject="visit_list", area=officer.area, page="doudi simulate")
            owed = list(Visit.objects.filter(state__in=Visit.OPEN, due__lte=on + timedelta(days=10)).order_by("due", "id")[:VISITS])
            for number_, visit in enumerate(owed):
                needy = life.chance.random() < 0.05
                result = Result("self", "hard" if needy else "steady", needs=("medicine",) if needy else (), medicine_days=2 if needy else 30, note="入户走访", witness="村会计")
                record_visit(
                    uuid=key(life, visit.pk), visit_id=visit.pk, base_version=visit.version, done_at=at(on, 9 + number_ % 8), result=result, paper=True,
                    now=at(on, 18),
                )  # fmt: skip
                made += 1
    return {"visits": made}


def monitored(life: Life, on: date) -> Figures:
    """The law over everybody, as the worker runs it on the month's fifth day."""
    from doudi.enrolment.services import monitor

    with scopes.acting(scopes.Scope(area=life.area, duty=WORKER, page="doudi simulate", acts=frozenset({"enrolment.monitor", "assessment.run"}))):
        run = monitor(area=life.area, month=life.month, now=at(on, 3))
    return {"households": run.households, "differences": sum(value for value in (run.figures or {}).values() if isinstance(value, int))}


def reviewed(life: Life, on: date) -> Figures:
    """Townships act on open reviews: they propose what the law suggests, and keep what they must look at again."""
    from doudi.enrolment.models import Award, Review
    from doudi.enrolment.services import keep_review, propose_from_review, propose_standard_raise

    with life.acting(Duty.COUNTY_REVIEWER):
        raised = len(propose_standard_raise(area=life.area, document=f"示例：标准调整{on.year}", now=at(on, 9)))
    what = {"raise": "change", "lower": "change", "members": "change", "stop": "stop", "gradual": "gradual", "grant": "grant"}
    figures = {"raised": raised, "proposed": 0, "kept": 0, "left": 0}
    following = (on.replace(day=1) + timedelta(days=32)).replace(day=1)
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            found = Review.objects.filter(state="open").exclude(kind="spot").order_by("id")
            rows = list(found.values_list("id", "version", "suggestion", "award_id")[:40])
            reasons = set(Award.objects.filter(void=False, decision__differs=True, pk__in=[row[3] for row in rows]).values_list("pk", flat=True))
        for pk, version, suggestion, award in rows:
            try:
                with scopes.acting(officer.scope("doudi simulate")):
                    if award in reasons and suggestion in ("stop", "lower"):  # granted for the township's reasons: they still hold
                        keep_review(review_id=pk, version=version, reason="经乡镇研究予以保障的理由仍在", until=_half_a_year(on), now=at(on, 11))
                        figures["kept"] += 1
                    elif suggestion in what:
                        month = following if suggestion in ("stop", "gradual") else None
                        propose_from_review(
                            review_id=pk, version=version, what=what[suggestion], from_month=month, ground="income" if suggestion == "stop" else "", now=at(on, 11)
                        )
                        figures["proposed"] += 1
                    else:
                        keep_review(review_id=pk, version=version, reason="入户核实，情况未变", now=at(on, 11))
                        figures["kept"] += 1
            except ValidationError:
                figures["left"] += 1  # waits for an officer who looks closer
    return figures


def _half_a_year(on: date) -> date:
    return (on + timedelta(days=183)).replace(day=1)


def decided(life: Life, on: date) -> Figures:
    """The county's approver decides what waits; what differs from the law is signed by the reviewer first."""
    from doudi.enrolment import services
    from doudi.enrolment.models import Decision

    with life.acting(Duty.COUNTY_REVIEWER):
        for pk, version in Decision.objects.filter(state="proposed", differs=True, signed_by=None).order_by("id").values_list("id", "version"):
            try:
                with life.acting(Duty.COUNTY_REVIEWER):
                    services.sign(decision_id=pk, version=version, now=at(on, 9))
            except ValidationError:
                continue
    done, errors, back = 0, 0, 0
    with life.acting(Duty.COUNTY_APPROVER):
        waiting = list(Decision.objects.filter(state="proposed").order_by("id").values_list("id", "version"))
        for first in range(0, len(waiting), 200):
            outcome = services.approve_many(decisions=waiting[first : first + 200], note="同意", now=at(on, 10))
            done, errors = done + len(outcome.done), errors + len(outcome.errors)
            # what somebody's death or a later change stands against goes back with the reason; what is still posted waits
            wrong = Decision.objects.filter(pk__in=outcome.errors, state="proposed", cases__isnull=True).order_by("pk")
            for pk, version in list(wrong.values_list("pk", "version")):
                services.send_back(decision_id=pk, version=version, note=outcome.errors[pk], now=at(on, 11))
                back += 1
    return {"approved": done, "refused_by_guards": errors, "sent_back": back}


def payees(life: Life, on: date) -> Figures:
    """Awards that this month's payroll left out because their payee died, or because who received for them may no longer: a member with an account receives."""
    from doudi.enrolment import services
    from doudi.enrolment.models import Award
    from doudi.payments.models import PayrollExclusion

    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        left_out = PayrollExclusion.objects.filter(payroll__month=life.month, reason__in=("payee_died", "payee_over")).values("entitlement_id")
        rows = list(Award.objects.filter(void=False, ends=None, pk__in=left_out).order_by("pk").values_list("pk", "area", "household_id"))
    done = 0
    for award, area, household in rows:
        with scopes.acting(life.officer(area).scope("doudi simulate")):
            members = Membership.objects.filter(household_id=household, ends=None, person__died_on=None, person__account__isnull=False).order_by("person__birth_date")
            member = members.values_list("person_id", flat=True).first()
            if member is None:
                continue
            try:
                change = services.propose_payee(
                    award_id=award, kind="member", basis="原领款人去世或委托到期，由家庭成员领取", person_id=member, evidence=[("材料.jpg", receipt())], now=at(on, 9)
                )
            except ValidationError:
                continue
        with life.acting(Duty.COUNTY_APPROVER):
            services.decide_payee(change_id=change.pk, version=change.version, agreed=True, now=at(on, 10))
        done += 1
    return {"payees": done}


def jobs(life: Life, on: date) -> Figures:
    """The daily jobs of a day, as the worker runs them; monitoring has a step of its own."""
    from doudi.core import periodic

    done = 0
    for job in periodic.jobs().values():
        if job.name != "enrolment.monitoring":
            for area in periodic.areas_of(job):
                done += periodic.run_daily(job=job, area=area, on=on, now=at(on, 7)) is not None
    return {"jobs": done}


def compared(life: Life, on: date) -> Figures:
    """The lake against the registry as it is now."""
    from doudi.discovery import services

    with life.acting(Duty.DATA_CHECKER):
        found = services.compare(area=life.area, on=on, now=at(on, 15), progress=None)
    return {"hits": found.found, "leads_raised": found.raised}


def households(life: Life) -> int:
    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        return Household.objects.count()
