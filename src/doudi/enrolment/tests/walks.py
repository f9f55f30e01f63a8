"""The steps of an application for tests: each officer's part, through the services."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from doudi.assessment.tests.cases import Case as Home
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, officer
from doudi.core.workdays import add_working_days
from doudi.enrolment import services
from doudi.enrolment.models import Application, Case, DataCheck, Decision
from doudi.enrolment.procedure import Step
from doudi.enrolment.services.accepting import checklist
from doudi.enrolment.services.papers import unsigned

START = datetime(2022, 11, 1, 2, tzinfo=UTC)


@dataclass
class Offices:
    """Whoever takes part, one account each, with a clock that goes on."""

    town: scopes.Scope = field(default_factory=lambda: officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name="赵乡镇"))
    second: scopes.Scope = field(default_factory=lambda: officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name="孙同行"))
    checker: scopes.Scope = field(default_factory=lambda: officer(Duty.DATA_CHECKER, COUNTY, name="李核对"))
    reviewer: scopes.Scope = field(default_factory=lambda: officer(Duty.COUNTY_REVIEWER, COUNTY, name="周审核"))
    approver: scopes.Scope = field(default_factory=lambda: officer(Duty.COUNTY_APPROVER, COUNTY, name="钱审批"))
    federation: scopes.Scope = field(default_factory=lambda: officer(Duty.FEDERATION_REVIEWER, COUNTY, name="吴残联"))
    now: datetime = START

    def today(self) -> date:
        return timezone.localdate(self.now)

    def later(self, days: int) -> None:
        self.now += timedelta(days=days)

    def apply(self, home: Home, *programmes: str, person: Any = None, **options: Any) -> Case:
        with scopes.acting(self.town):
            wanted = [(p, person.pk if person else None) for p in programmes or ("dibao",)]
            given = {"channel": "counter", "applicant_id": home.people[0].pk} | options
            made = services.apply(household_id=home.household.pk, programmes=wanted, now=self.now, **given)
            return self.read(made.cases.order_by("id")[0])

    def papers(self, case: Case) -> None:
        """What is owed comes in: documents and signatures."""
        with scopes.acting(self.town):
            application = Application.objects.get(pk=case.application_id)
            for item in checklist(application, list(application.cases.all()), on=self.today()):
                if item.required and item.document is None:
                    services.add_document(household_id=case.household_id, paper=item.paper, application_id=application.pk, now=self.now)
            for person, _name in unsigned(case.household_id, on=self.today()):
                services.record_authorisation(household_id=case.household_id, person_id=person, signed_on=self.today(), sign="paper", now=self.now)

    def take(self, case: Case, **options: Any) -> None:
        """The step at which the case stands, taken by whoever it belongs to."""
        with scopes.acting(self.town):
            case.refresh_from_db()
            getattr(self, f"_{case.step}")(case, **options)
            self.read(case)

    def read(self, case: Case) -> Case:
        """The case as it stands now, with its application."""
        with scopes.acting(self.town):
            case.refresh_from_db()
            case.application = Application.objects.get(pk=case.application_id)
        return case

    def until(self, case: Case, step: str, **opinion: Any) -> Case:
        """Go on until the case stands at a step (`` for closed)."""
        for _ in range(12):
            with scopes.acting(self.town):
                case = Case.objects.get(pk=case.pk)
                if case.step == step:
                    return self.read(case)
                self.take(case, **(opinion if case.step == Step.OPINION else {}))
        raise AssertionError(case.step)

    def _application(self, case: Case) -> dict[str, Any]:
        return {"application_id": case.application_id, "version": Application.objects.get(pk=case.application_id).version, "now": self.now}

    def _case(self, case: Case) -> dict[str, Any]:
        return {"case_id": case.pk, "version": case.version, "now": self.now}

    def _accept(self, case: Case) -> None:
        self.papers(case)
        with scopes.acting(self.town):
            services.accept(**self._application(case))

    def _check(self, case: Case, result: str = "agrees", note: str = "逐项核实，与申报一致") -> None:
        with scopes.acting(self.checker):
            waiting = DataCheck.objects.get(application=case.application_id, state="waiting")
            services.fill_check(check_id=waiting.pk, now=self.now)
            services.conclude_check(result=result, note=note, **self._application(case))

    def visit(self, **options: Any) -> dict[str, Any]:
        return {"visited_on": self.today(), "second_id": self.second.account_id, "findings": "两间砖房，生活困难，与申报一致。", "agrees": True} | options

    def _visit(self, case: Case) -> None:
        with scopes.acting(self.town):
            services.record_visit(**self._application(case), **self.visit())

    def _county_visit(self, case: Case) -> None:
        with scopes.acting(self.reviewer):
            services.record_county_visit(**self._application(case), **self.visit(second_id=self.approver.account_id))

    def _appraisal(self, case: Case) -> None:
        with scopes.acting(self.town):
            services.record_appraisal(held_on=self.today(), present=11, agree=9, note="", **self._case(case))

    def _opinion(self, case: Case, **options: Any) -> None:
        with scopes.acting(self.town):
            services.give_opinion(**({"agree": True} | options), **self._case(case))

    def _federation(self, case: Case, agree: bool = True, note: str = "") -> None:
        with scopes.acting(self.federation):
            services.review_federation(agree=agree, note=note, **self._case(case))

    def _publicity(self, case: Case) -> None:
        with scopes.acting(self.town):
            services.publish(hotline="0371-12345678", **self._case(case))
            self.later(7)
            case.refresh_from_db()
            services.close_publicity(**self._case(case))

    def _objection(self, case: Case, upheld: bool = False) -> None:
        with scopes.acting(self.town):
            services.settle_objection(upheld=upheld, answer="经复核情况属实", **self._case(case))

    def _approval(self, case: Case) -> None:
        with scopes.acting(self.reviewer):
            waiting = Decision.objects.get(pk=case.decision_id)
            if waiting.differs and waiting.signed_by_id is None:
                services.sign(decision_id=waiting.pk, version=waiting.version, now=self.now)
        who = self.second if case.procedure["delegated"] else self.approver
        with scopes.acting(who):
            decision = Decision.objects.get(pk=case.decision_id)
            services.approve(decision_id=decision.pk, version=decision.version, now=self.now, note="同意")

    def _notice(self, case: Case) -> None:
        with scopes.acting(self.town):
            services.deliver_notice(how="person", delivered_on=self.today(), **self._case(case))


def due(start: date, days: int) -> date:
    return add_working_days(start, days)
