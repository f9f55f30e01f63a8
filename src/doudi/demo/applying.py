"""Applications of the demo county: one at each step of its way, with supplements, an objection, relatives on record, a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import SignIn, by_duty
from doudi.registry.models import Programme

CHINA = ZoneInfo("Asia/Shanghai")
MOST = 400
HOTLINE = "0371-62180000"


@dataclass
class Walk:
    """Who acts for one application, and on which day it is. Days that nobody works on are passed over."""

    staff: list[SignIn]
    day: date

    @property
    def now(self) -> datetime:
        return datetime.combine(self.day, time(10), CHINA)

    def acting(self, duty: Duty) -> Any:
        return scopes.acting(by_duty(self.staff, duty).scope("doudi demo"))

    def later(self, days: int) -> None:
        self.day += timedelta(days=days)

    def apply(self, household: int, head: int, programme: str, person: int | None = None, channel: str = "counter") -> Any:
        from doudi.enrolment import services

        with self.acting(Duty.TOWNSHIP_OFFICER):
            made = services.apply(
                household_id=household, applicant_id=head, programmes=[(programme, person)], channel=channel, now=self.now, note="家庭生活困难，申请救助"
            )
            return made.cases.get()

    def papers(self, case: Any) -> None:
        from doudi.enrolment import services
        from doudi.enrolment.services.accepting import checklist
        from doudi.enrolment.services.papers import unsigned

        on = timezone.localdate(self.now)
        for item in checklist(case.application, [case], on=on):
            if item.required and item.document is None:
                services.add_document(household_id=case.household_id, paper=item.paper, application_id=case.application_id, now=self.now)
        for person, _name in unsigned(case.household_id, on=on):
            services.record_authorisation(household_id=case.household_id, person_id=person, signed_on=on, sign="paper", now=self.now)

    def accept(self, case: Any) -> Any:
        from doudi.enrolment import services

        with self.acting(Duty.TOWNSHIP_OFFICER):
            self.papers(case)
            services.accept(application_id=case.application_id, version=self._version(case), now=self.now)
        return self.read(case)

    def checked(self, case: Any, *, conclude: bool = True) -> Any:
        from doudi.enrolment import services
        from doudi.enrolment.models import DataCheck

        with self.acting(Duty.DATA_CHECKER):
            waiting = DataCheck.objects.filter(application=case.application_id, state="waiting").first()
            if waiting is not None:
                services.fill_check(check_id=waiting.pk, now=self.now)
            if conclude:
                services.conclude_check(application_id=case.application_id, version=self._version(case), result="agrees", note="逐项核实，与申报一致", now=self.now)
        return self.read(case)

    def visited(self, case: Any) -> Any:
        from doudi.enrolment import services

        second = by_duty(self.staff, Duty.CHILD_SUPERVISOR).account_id
        with self.acting(Duty.TOWNSHIP_OFFICER):
            services.record_visit(
                application_id=case.application_id, version=self._version(case), visited_on=self.day, second_id=second, agrees=True, now=self.now,
                findings="砖混平房三间，家电陈旧，主要劳动力患慢性病，无其他收入来源，与申报情况一致。",
            )  # fmt: skip
        return self.read(case)

    def opinion(self, case: Any, *, agree: bool = True, amount: Decimal | None = None, reason: str = "") -> Any:
        from doudi.enrolment import services

        with self.acting(Duty.TOWNSHIP_OFFICER):
            services.give_opinion(case_id=case.pk, version=case.version, agree=agree, amount=amount, reason=reason, now=self.now)
        return self.read(case)

    def posted(self, case: Any, days: int = 7) -> Any:
        from doudi.enrolment import services

        with self.acting(Duty.TOWNSHIP_OFFICER):
            services.publish(case_id=case.pk, version=case.version, hotline=HOTLINE, now=self.now)
        case = self.read(case)
        if days:
            self.later(days)
            with self.acting(Duty.TOWNSHIP_OFFICER):
                services.close_publicity(case_id=case.pk, version=case.version, now=self.now)
            case = self.read(case)
        return case

    def approved(self, case: Any) -> Any:
        from doudi.enrolment import services

        with self.acting(Duty.COUNTY_APPROVER):
            services.approve(decision_id=case.decision_id, version=case.decision.version, note="同意", now=self.now)
        return self.read(case)

    def told(self, case: Any) -> Any:
        from doudi.enrolment import services

        with self.acting(Duty.TOWNSHIP_OFFICER):
            services.deliver_notice(case_id=case.pk, version=case.version, how="person", delivered_on=self.day, now=self.now)
        return self.read(case)

    def _version(self, case: Any) -> int:
        from doudi.enrolment.models import Application

        return int(Application.objects.values_list("version", flat=True).get(pk=case.application_id))

    def read(self, case: Any) -> Any:
        from doudi.enrolment.models import Case

        with self.acting(Duty.COUNTY_REVIEWER):
            return Case.objects.select_related("application", "decision").get(pk=case.pk)


def _candidates(staff: list[SignIn], month: date) -> tuple[Iterator[tuple[int, int]], Iterator[tuple[int, int]], Iterator[tuple[int, int, int]]]:
    """Of the first township, households without lead, award and decision: (those that the law gives dibao, others) and disabled members."""
    from doudi.assessment.models import Assessment
    from doudi.discovery.models import Lead
    from doudi.enrolment.models import AwardMember, Decision
    from doudi.registry.models import Fact, Membership

    town = by_duty(staff, Duty.TOWNSHIP_OFFICER)
    with scopes.acting(town.scope("doudi demo")):
        led = set(Lead.objects.exclude(household=None).values_list("household_id", flat=True))
        nursed = set(AwardMember.objects.filter(void=False, ends=None, grp=4).values_list("person_id", flat=True))
        known = led | set(Decision.objects.values_list("household_id", flat=True))
        held = set(AwardMember.objects.filter(void=False, ends=None).values_list("person_id", flat=True))
        rows = Membership.objects.filter(ends=None, person__died_on=None).order_by("household_id", "relationship")
        members: dict[int, list[int]] = {}
        for household, person in rows.values_list("household_id", "person_id"):
            members.setdefault(household, []).append(person)
        free = {h: people for h, people in members.items() if h not in known and not held & set(people)}
        given = set(Assessment.objects.filter(month=month, results__household__dibao_eligible=True).values_list("household_id", flat=True))
        disabled = set(
            Fact.objects.filter(kind="disability", number__lte=2, superseded_at=None, person__isnull=False).values_list("person_id", flat=True)
        )
    fits = [(h, p[0]) for h, p in list(free.items())[: MOST * 20] if h in given]
    # whoever knows two adults signs more papers than a demo needs: small households first
    others = sorted(((h, p[0]) for h, p in free.items() if h not in given), key=lambda pair: (len(free[pair[0]]), pair[0]))[:MOST]
    severe = [(h, p[0], one) for h, p in members.items() if h not in led for one in p if one in disabled and one not in nursed][:MOST]
    return iter(fits + others), iter(others[::-1]), iter(severe)


def applications(demo: Any) -> None:
    """Applications at every step. Doing it again adds nothing."""
    from doudi.enrolment import services
    from doudi.enrolment.models import Application, Case

    demo.tell("救助申请", 0, 0)
    staff = demo.staff
    with scopes.acting(by_duty(staff, Duty.COUNTY_REVIEWER).scope("doudi demo")):
        if Application.objects.exists():
            demo.figures["applications"] = Case.objects.count()
            return
    fitting, others, severe = _candidates(staff, date(2022, 12, 1))
    made: list[Callable[[], Any]] = []

    def walk(day: tuple[int, int], steps: Callable[[Walk], Any]) -> None:
        made.append(lambda: steps(Walk(staff, date(2022, *day))))

    def dibao(w: Walk, pair: tuple[int, int], channel: str = "counter") -> Any:
        return w.apply(*pair, Programme.DIBAO, channel=channel)

    def until_opinion(w: Walk, pair: tuple[int, int], **opinion: Any) -> Any:
        case = w.accept(dibao(w, pair))
        w.later(2)
        case = w.checked(case)
        w.later(1)
        case = w.visited(case)
        w.later(1)
        if opinion.get("agree", True) and not _law_gives(w, case):
            opinion = {"amount": Decimal("320.00"), "reason": "收入不稳定，经乡镇研究拟予保障"} | opinion
        return w.opinion(case, **opinion)

    def relatives(w: Walk, pair: tuple[int, int]) -> None:
        case = w.visited(w.checked(w.accept(dibao(w, pair))))
        with w.acting(Duty.TOWNSHIP_OFFICER):
            services.record_relative(household_id=case.household_id, official="陈永贵", post="village", relationship="堂兄", now=w.now)

    def supplements(w: Walk, pair: tuple[int, int]) -> None:
        case = dibao(w, pair, "village")
        with w.acting(Duty.TOWNSHIP_OFFICER):
            services.ask_supplements(application_id=case.application_id, version=1, points=["户口簿", "家庭财产情况声明", "配偶的核对授权书"], now=w.now)

    def objection(w: Walk, pair: tuple[int, int]) -> None:
        case = w.posted(until_opinion(w, pair), days=0)
        w.later(2)
        with w.acting(Duty.TOWNSHIP_OFFICER):
            services.raise_objection(case_id=case.pk, version=case.version, way="appraisal", text="反映该户长期在外做生意，家有面包车一辆。", now=w.now)

    def paused(w: Walk, pair: tuple[int, int]) -> None:
        case = w.checked(w.accept(dibao(w, pair)))
        with w.acting(Duty.TOWNSHIP_OFFICER):
            services.pause(case_id=case.pk, version=case.version, reason="所在小区封闭管理，暂不能入户", now=w.now)

    def withdrawn(w: Walk, pair: tuple[int, int]) -> None:
        case = w.accept(dibao(w, pair))
        with w.acting(Duty.TOWNSHIP_OFFICER):
            services.withdraw_application(case_id=case.pk, version=case.version, reason="子女已就业，本人不再申请", now=w.now)

    def granted(w: Walk, pair: tuple[int, int]) -> None:
        case = w.posted(until_opinion(w, pair))
        if case.decision.differs:
            with w.acting(Duty.COUNTY_REVIEWER):
                services.sign(decision_id=case.decision_id, version=case.decision.version, now=w.now)
            case = w.read(case)
        w.told(w.approved(case))

    def refused(w: Walk, pair: tuple[int, int]) -> None:
        w.approved(until_opinion(w, pair, agree=False, reason="家庭月人均收入高于当地低保标准"))

    def federation(w: Walk, one: tuple[int, int, int]) -> None:
        household, head, person = one
        case = w.accept(w.apply(household, head, Programme.DISABILITY_NURSING, person))
        if _law_gives(w, case):
            w.opinion(case)
        else:
            w.opinion(case, amount=Decimal("75.00"), reason="需要长期照护，护理依赖证明后补")

    walk((12, 8), lambda w: dibao(w, next(others)))
    walk((12, 9), lambda w: dibao(w, next(others), "village"))
    walk((12, 5), lambda w: supplements(w, next(others)))
    walk((12, 7), lambda w: w.checked(w.accept(dibao(w, next(others))), conclude=False))
    walk((12, 8), lambda w: w.accept(dibao(w, next(others))))
    walk((11, 24), lambda w: w.checked(w.accept(dibao(w, next(others)))))
    walk((12, 7), lambda w: w.visited(w.checked(w.accept(dibao(w, next(fitting))))))
    walk((12, 1), lambda w: relatives(w, next(others)))
    walk((12, 1), lambda w: w.posted(until_opinion(w, next(fitting)), days=0))
    walk((11, 28), lambda w: objection(w, next(fitting)))
    walk((11, 25), lambda w: w.posted(until_opinion(w, next(fitting))))
    walk((11, 25), lambda w: w.posted(until_opinion(w, next(others), amount=Decimal("260.00"), reason="因病支出大，经乡镇研究拟予保障")))
    walk((11, 21), lambda w: granted(w, next(fitting)))
    walk((11, 21), lambda w: refused(w, next(others)))
    walk((12, 1), lambda w: paused(w, next(others)))
    walk((12, 1), lambda w: withdrawn(w, next(others)))
    walk((12, 6), lambda w: federation(w, next(severe)))
    for number, each in enumerate(made, 1):
        demo.tell("救助申请", number, len(made))
        try:
            each()
        except StopIteration:  # a small county has fewer households of a kind
            continue
    with scopes.acting(by_duty(staff, Duty.COUNTY_REVIEWER).scope("doudi demo")):
        demo.figures["applications"] = Case.objects.count()


def _law_gives(w: Walk, case: Any) -> bool:
    from doudi.enrolment import services
    from doudi.registry.models import Household

    with w.acting(Duty.TOWNSHIP_OFFICER):
        assessment = services.law_says(household=Household.objects.get(pk=case.household_id), now=w.now)
        return any(f.fits and f.programme == case.programme and f.person_id == case.person_id for f in services.fits(assessment))
