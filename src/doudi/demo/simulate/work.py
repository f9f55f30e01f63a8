"""What officers do month by month: leads found and closed, visits, applications, relief, monitoring and what follows from it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.core.exceptions import ValidationError

from doudi.core import audit
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo import discovery as finding
from doudi.demo.applying import Walk
from doudi.demo.relieving import number, receipt
from doudi.demo.simulate.life import Figures, Life, at
from doudi.registry.models import Household, Membership, Programme

REPORTS, RELIEFS, APPLICATIONS, VISITS = 4, 2, 3, 12
CAUSES = ("fire", "traffic", "illness", "disaster")
SURNAMES = "陈李王张赵刘周郭马朱何孙胡高林罗宋谢韩唐冯于董萧程曹袁邓许傅"


def key(life: Life, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-simulate-{life.seed}-{life.month}-{life.step}-" + "-".join(map(str, parts)))


def _name(life: Life) -> str:
    return life.chance.choice(SURNAMES) + life.chance.choice(("大山", "二妮", "长贵", "小宝", "玉珍", "满仓", "桂兰", "铁柱", "秀英", "来福", "春花", "建设"))


def reports(life: Life, on: date) -> Figures:
    """The team reports people in difficulty over the month."""
    from doudi.discovery.models import TeamMember
    from doudi.discovery.services import report_by_team

    officer = life.chance.choice(life.officers())
    with scopes.acting(officer.scope("doudi simulate")):
        members = list(TeamMember.objects.filter(ends=None).order_by("id").values_list("id", "area"))
        for at_, urgency in zip(range(REPORTS if members else 0), ("red", "orange", "yellow", "yellow"), strict=False):
            member, area = life.chance.choice(members)
            need = life.chance.choice(sorted(finding.TOLD))
            report_by_team(
                key=key(life, at_), area=area, need=need, urgency=urgency, name=_name(life), detail=finding.TOLD[need], member_id=member,
                now=at(on - timedelta(days=life.chance.randint(0, 6)), 8 + at_),
            )  # fmt: skip
    return {"reports": REPORTS if members else 0}


def closing(life: Life, on: date) -> Figures:
    """Townships work through their open leads: contacted, verified, and helped or not in need; the last few wait for next month."""
    from doudi.discovery.models import Lead
    from doudi.discovery.services import advance_leads

    S = Lead.State
    done = 0
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            open_ = Lead.objects.filter(state__in=Lead.OPEN, merged_into=None).order_by("signal_at", "id")
            ids = list(open_.values_list("id", flat=True)[:60])
            ids = ids[: max(0, len(ids) - 2)]
            for after, states, note, day in (
                (S.CONTACTED, Lead.UNCONTACTED, "已电话联系", on - timedelta(days=2)),
                (S.VERIFIED, (S.CONTACTED,), "两名工作人员入户核实，情况属实", on - timedelta(days=1)),
            ):
                fitting = list(Lead.objects.filter(pk__in=ids, state__in=states).values_list("id", flat=True))
                advance_leads(lead_ids=fitting, after=after, note=note, now=at(day, 10))
            verified = list(Lead.objects.filter(pk__in=ids, state=S.VERIFIED).order_by("id").values_list("id", flat=True))
            helped = [pk for pk in verified if life.chance.random() < 0.6]
            for group, after, note in ((helped, S.HELPED, "已给予救助"), ([pk for pk in verified if pk not in helped], S.NOT_IN_NEED, "核实后家庭收入超过标准，已说明政策")):
                done += len(advance_leads(lead_ids=group, after=after, note=note, now=at(on, 16)).done)
    return {"leads_closed": done}


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


def applications(life: Life, on: date) -> Figures:
    """Households apply at the first township's counter and go the whole way: granted where the law or the township's reasons give it, else refused."""
    from doudi.enrolment.models import Award, Case, Decision

    town = life.officers()[0]
    with scopes.acting(town.scope("doudi simulate")):
        lately = at(on - timedelta(days=365))  # who was refused longer ago may ask again
        known = set(Decision.objects.filter(proposed_at__gte=lately).values_list("household_id", flat=True))
        known |= set(Award.objects.filter(void=False, ends=None).values_list("household_id", flat=True))
        known |= set(Case.objects.filter(state=Case.State.OPEN).values_list("household_id", flat=True))
        rows = Membership.objects.filter(ends=None, person__died_on=None).exclude(household_id__in=known).order_by("household_id", "relationship")
        size: dict[int, list[int]] = {}
        for household, person in rows.values_list("household_id", "person_id"):
            size.setdefault(household, []).append(person)
    few = [(household, members[0]) for household, members in size.items() if len(members) <= 5]
    figures = {"granted": 0, "refused": 0, "waiting": 0}
    for pair in life.some(few, APPLICATIONS):
        try:
            with scopes.acting(town.scope("doudi simulate")):
                figures[_one(life, on, pair)] += 1
        except ValidationError:
            figures["waiting"] += 1  # taken back whole: somebody of it is asked for elsewhere
    return figures


def _one(life: Life, on: date, pair: tuple[int, int]) -> str:
    from doudi.demo.applying import _law_gives
    from doudi.enrolment import services

    walk = Walk(life.staff, on)
    case = walk.visited(walk.checked(walk.accept(walk.apply(*pair, Programme.DIBAO.value))))
    fits = _law_gives(walk, case)
    if not fits and life.chance.random() < 0.5:
        walk.approved(walk.opinion(case, agree=False, reason="家庭月人均收入高于当地低保标准"))
        return "refused"
    case = walk.opinion(case) if fits else walk.opinion(case, amount=Decimal("310.00"), reason="收入不稳定，经乡镇研究拟予保障")
    case = walk.posted(case)
    if case.decision.differs:
        with walk.acting(Duty.COUNTY_REVIEWER):
            services.sign(decision_id=case.decision_id, version=case.decision.version, now=walk.now)
        case = walk.read(case)
    walk.told(walk.approved(case))
    return "granted"


def relief(life: Life, on: date) -> Figures:
    """Urgent cases, paid out of the townships' reserves first and explained afterwards."""
    from doudi.relief import services

    done = 0
    for place in range(RELIEFS):
        officer, cause, name = life.chance.choice(life.officers()), life.chance.choice(CAUSES), _name(life)
        with scopes.acting(officer.scope("doudi simulate")):
            found = services.help_first(
                key=key(life, place), area=officer.area, kind="emergency", cause=cause, event_on=on - timedelta(days=1), place="", facts="突发困难，已现场核实",
                people=[services.Someone(name, _number(life, place))], registered_place="", means="cash", amount=Decimal(life.chance.randint(3, 15) * 100),
                receipts=[("收据.jpg", receipt())], now=at(on, 15),
            )  # fmt: skip
            if found.payout is not None:
                services.explain(case_id=found.case.pk, version=found.case.version, text="村两委和包村干部现场核实，损失属实，已先行救助。", now=at(on + timedelta(days=2), 16))
                done += 1
    return {"relief": done}


def _number(life: Life, place: int) -> str:
    """An example number of nobody, another one for each case."""
    return number(life.month.year * 12 + life.month.month, place * 31 + life.month.month, prefix="410122")


def monitored(life: Life, on: date) -> Figures:
    """The law over everybody, as the worker runs it on the month's fifth day."""
    from doudi.enrolment.services import monitor

    with scopes.acting(scopes.Scope(area=life.area, duty=WORKER, page="doudi simulate", acts=frozenset({"enrolment.monitor", "assessment.run"}))):
        run = monitor(area=life.area, month=life.month, now=at(on, 3))
    return {"households": run.households, "differences": sum(value for value in (run.figures or {}).values() if isinstance(value, int))}


def reviewed(life: Life, on: date) -> Figures:
    """Townships act on open reviews: they propose what the law suggests, and keep what they must look at again."""
    from doudi.enrolment.models import Review
    from doudi.enrolment.services import keep_review, propose_from_review, propose_standard_raise

    with life.acting(Duty.COUNTY_REVIEWER):
        raised = len(propose_standard_raise(area=life.area, document=f"示例：标准调整{on.year}", now=at(on, 9)))
    what = {"raise": "change", "lower": "change", "members": "change", "stop": "stop", "gradual": "gradual", "grant": "grant"}
    figures = {"raised": raised, "proposed": 0, "kept": 0, "left": 0}
    following = (on.replace(day=1) + timedelta(days=32)).replace(day=1)
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            rows = list(Review.objects.filter(state="open").exclude(kind="spot").order_by("id").values_list("id", "version", "suggestion")[:40])
        for pk, version, suggestion in rows:
            try:
                with scopes.acting(officer.scope("doudi simulate")):
                    if suggestion in what:
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
    done, errors = 0, 0
    with life.acting(Duty.COUNTY_APPROVER):
        waiting = list(Decision.objects.filter(state="proposed").order_by("id").values_list("id", "version"))
        for first in range(0, len(waiting), 200):
            outcome = services.approve_many(decisions=waiting[first : first + 200], note="同意", now=at(on, 10))
            done, errors = done + len(outcome.done), errors + len(outcome.errors)
    return {"approved": done, "refused_by_guards": errors}


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
