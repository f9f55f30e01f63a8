"""What lies on desks: by the middle and the end of a month each duty works off what has waited for ten days, so that nothing stays open for ever.

What has no other step is done here through the services that officers' pages call; what a service refuses waits for an officer who looks closer.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services import todos
from doudi.demo.recovering import PAPER
from doudi.demo.simulate.life import Figures, Life, at, follow, key
from doudi.demo.simulate.neighbours import NEIGHBOURS
from doudi.demo.simulate.worked import Desk, subjects, total, worked

WAITED = timedelta(days=10)


def desks(life: Life, on: date) -> Figures:
    """All desks: things dealt with, and those that were refused."""
    done, left = 0, 0
    for desk in (*COUNTY, *NEIGHBOURS):
        found = desk(life, on, at(on) - WAITED)
        done, left = done + found[0], left + found[1]
    return {"desks_done": done, "desks_left": left}


def _read(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Who was asked to look at something has looked."""
    done = left = 0
    for who in life.staff:
        with scopes.acting(who.scope("doudi simulate")):
            rows = Todo.objects.filter(duty=who.duty, kind__in=todos.BY_HAND, done_at__isnull=True, made_at__lt=before).order_by("id")
            found = worked(list(rows.values_list("pk", flat=True)), lambda pk: todos.settle(todo_id=pk, now=at(on, 16)))
        done, left = done + found[0], left + found[1]
    return done, left


def _complaints(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """What was assigned or taken on and not closed is given to somebody who may answer it; batches are approved."""
    from doudi.complaints import services
    from doudi.complaints.models import Complaint, MassClose

    with life.acting(Duty.COUNTY_APPROVER):
        masses = list(MassClose.objects.filter(state="proposed", made_at__lt=before).order_by("id").values_list("pk", flat=True))
        found = worked(masses, lambda pk: services.approve_mass_close(mass_id=pk, note="同意", now=at(on, 9)))
    with life.acting(Duty.COUNTY_REVIEWER):
        rows = list(Complaint.objects.exclude(state__in=("closed", "on_hold")).filter(opened_at__lt=before).order_by("id").values_list("pk", flat=True))
    able = [each for each in life.staff if each.username in ("reviewer2", "reviewer", "town")]
    return total(found, worked(rows, lambda pk: _answered(life, able, pk, on)))


def _answered(life: Life, able: list[Any], pk: int, on: date) -> None:
    """By the first who may: not the one complained about, nor who decided. The city approves what went up to it."""
    from doudi.complaints import services
    from doudi.complaints.models import Complaint

    with life.acting(Duty.COUNTY_REVIEWER):
        row = Complaint.objects.get(pk=pk)
    if row.state != Complaint.State.FOR_APPROVAL:
        for place, who in enumerate(able):
            try:
                with transaction.atomic():
                    with life.acting(Duty.COUNTY_REVIEWER):
                        services.assign(complaint_id=pk, version=row.version, account_id=who.account_id, now=at(on, 9), note="原承办人不便办理，改派")
                    with scopes.acting(who.scope("doudi simulate")):
                        services.begin(complaint_id=pk, version=row.version + 1, now=at(on, 10))
                        services.propose_close(
                            complaint_id=pk, version=row.version + 2, finding="partly", action="none", note="查询台账并入户核实", now=at(on, 14),
                            answer="经核实，情况已查清并当面说明，如仍有疑问可随时联系我们。",
                        )  # fmt: skip
                break
            except (ValidationError, PermissionDenied):
                if place == len(able) - 1:
                    raise
    with life.acting(Duty.COUNTY_REVIEWER):
        row = Complaint.objects.get(pk=pk)
    city = next(each for each in life.staff if each.duty == Duty.SUPERVISOR.value and len(each.area) == 4)
    with life.acting(Duty.COUNTY_APPROVER) if row.escalated < 2 else scopes.acting(city.scope("doudi simulate")):
        services.approve_close(complaint_id=pk, version=row.version, note="同意", now=at(on, 16))


def _payees(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Changes of payees that wait for the county, and spot checks."""
    from doudi.enrolment import services
    from doudi.enrolment.models import PayeeChange, SpotCheck

    with life.acting(Duty.COUNTY_REVIEWER):
        changes = list(PayeeChange.objects.filter(state="proposed", proposed_at__lt=before).order_by("id").values_list("pk", "version"))
        found = worked(changes, lambda row: services.decide_payee(change_id=row[0], version=row[1], agreed=True, now=at(on, 10)))
    with life.acting(Duty.COUNTY_APPROVER):
        left = [row for row in changes if PayeeChange.objects.filter(pk=row[0], state="proposed").exists()]
        found = total(found, worked(left, lambda row: services.decide_payee(change_id=row[0], version=row[1], agreed=True, now=at(on, 10))))
    second = next(each for each in life.staff if each.username == "reviewer2")
    with scopes.acting(second.scope("doudi simulate")):
        checks = list(SpotCheck.objects.filter(closed_at__isnull=True, made_at__lt=before).order_by("id").values_list("pk", flat=True))
        return total(found, worked(checks, lambda pk: _spot_checked(pk, on)))


def _spot_checked(pk: int, on: date) -> None:
    from doudi.enrolment import services
    from doudi.enrolment.models import SpotCheckItem

    for item in SpotCheckItem.objects.filter(check_of_id=pk, finding="").order_by("id"):
        services.record_finding(item_id=item.pk, version=item.version, finding="in_order", text="材料齐全，入户情况一致", now=at(on, 10))
    services.close_spot_check(check_id=pk, note="抽查件均已核对", now=at(on, 15))


def _money(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Documents, layouts, lists and decisions that another officer proposed; drafts beside the month's payroll go through all hands."""
    from doudi.demo.simulate.money import through_hands
    from doudi.payments.models import FundMovement, LayoutChoice, OneOffDecision, OneOffList, Payroll, RecoveryDecision
    from doudi.payments.services import exchange, funds, one_offs, recovery

    def finish(pk: int) -> None:
        with life.acting(Duty.COUNTY_REVIEWER):
            draft = Payroll.objects.get(pk=pk)
        through_hands(life, draft, on)

    found = (0, 0)
    with life.acting(Duty.COUNTY_APPROVER):
        moves = list(FundMovement.objects.filter(state="proposed", area=life.area, proposed_at__lt=before).order_by("id").values_list("pk", flat=True))
        found = total(found, worked(moves, lambda pk: funds.confirm(movement_id=pk, on=on, now=at(on, 9))))
        choices = list(LayoutChoice.objects.filter(state="proposed", area=life.area, proposed_at__lt=before).order_by("id").values_list("pk", flat=True))
        found = total(found, worked(choices, lambda pk: exchange.decide_choice(choice_id=pk, decision="confirmed", note="", now=at(on, 9))))
        decisions = list(RecoveryDecision.objects.filter(state="proposed", proposed_at__lt=before).order_by("id").values_list("pk", "version"))
        found = total(found, worked(decisions, lambda row: recovery.decide_recovery(decision_id=row[0], version=row[1], agreed=True, note="同意", now=at(on, 9))))
        lists = list(OneOffList.objects.filter(state="proposed", area=life.area, made_at__lt=before).order_by("id").values_list("pk", "version"))
        found = total(found, worked(lists, lambda row: one_offs.approve_list(list_id=row[0], version=row[1], note="同意", now=at(on, 9))))
    with life.acting(Duty.COUNTY_REVIEWER):
        owed = list(Todo.objects.filter(kind="payments.one_off_list", area=life.area, done_at__isnull=True, made_at__lt=before).order_by("id").values_list("url", flat=True))
        ids = [int(url.rstrip("/").rsplit("/", 1)[-1]) for url in owed]
        wanted = list(OneOffDecision.objects.filter(pk__in=ids).order_by("id").values_list("pk", flat=True))
        found = total(found, worked(wanted, lambda pk: one_offs.make_list(decision_id=pk, area=life.area, now=at(on, 10))))
        paying = list(OneOffList.objects.filter(area=life.area, state="approved").filter(pk__in=subjects("payments.one_off_pay")).order_by("id").values_list("pk", flat=True))
        found = total(found, worked(paying, lambda pk: one_offs.pay_list(list_id=pk, on=on, now=at(on, 10))))
        drafts = list(
            Payroll.objects.filter(area=life.area, state="draft", lines__gt=0).exclude(kind=Payroll.Kind.REGULAR, month=life.month).order_by("id").values_list("pk", flat=True)
        )
    return total(found, worked(drafts, finish))


def _owing(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Who was paid too much pays back by instalments, to the finance officer."""
    from doudi.payments.models import Instalment
    from doudi.payments.services import recovery

    def paid(row: tuple[int, Decimal, int]) -> None:
        recovery.receive_repayment(overpayment_id=row[0], amount=row[1], way="cash", document=f"收〔{on.year}〕{on:%m%d}-{row[2]}", received_on=on, now=at(on, 11))

    with life.acting(Duty.FINANCE_OFFICER):
        told = Instalment.objects.filter(pk__in=subjects("payments.instalment"), due__lte=on)
        owed = list(told.order_by("due", "id").values_list("decision__overpayment_id", "amount", "pk"))
        return worked(owed, paid)


def _found(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Sweeps whose days are over are closed, records that came twice decided, pairs verified at home, what a sweep told is registered, visits missed are made."""
    from doudi.discovery import services
    from doudi.discovery.models import LinkagePair, Sweep, SweepEntry, Visit, VisitConflict
    from doudi.discovery.services.visits import Result

    def visit(row: Visit) -> None:
        services.record_visit(
            uuid=key(life, "missed", row.pk), visit_id=row.pk, base_version=row.version, done_at=at(on, 9), result=Result("self", "steady", medicine_days=30, note="补走访"),
            paper=True, now=at(on, 18),
        )  # fmt: skip

    with life.acting(Duty.COUNTY_REVIEWER):
        sweeps = list(Sweep.objects.filter(state="open", ends__lt=on).order_by("id").values_list("pk", "version"))
        found = worked(sweeps, lambda row: services.close_sweep(sweep_id=row[0], version=row[1], note="按期办结，未排查到的补走访", now=at(on, 9)))
    with life.acting(Duty.DATA_CHECKER):
        pairs = list(LinkagePair.objects.filter(state="open").order_by("id").values_list("pk", "version"))
        found = total(found, worked(pairs, lambda row: services.decide_pair(pair_id=row[0], version=row[1], choice="different", note="出生日期和住址不同", now=at(on, 9))))
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            pairs = list(LinkagePair.objects.filter(pk__in=subjects("linkage.verify")).order_by("id").values_list("pk", "version"))
            found = total(found, worked(pairs, lambda row: services.decide_pair(pair_id=row[0], version=row[1], choice="different", note="入户核实", now=at(on, 9))))
            twice = list(VisitConflict.objects.filter(pk__in=subjects("visit.conflict")).order_by("id").values_list("pk", flat=True))
            found = total(found, worked(twice, lambda pk: services.resolve_conflict(conflict_id=pk, choice="first", note="以先到的记录为准", now=at(on, 9))))
            told = list(SweepEntry.objects.filter(pk__in=subjects("sweep.change")).order_by("id").values_list("pk", flat=True))
            found = total(found, worked(told, lambda pk: services.settle_change(entry_id=pk, note="已核实并登记", now=at(on, 9))))
            missed = list(Visit.objects.filter(state="missed").order_by("due", "id")[:MISSED])
            found = total(found, worked(missed, visit))
    return found


MISSED = 40  # visits that a township catches up with in a round


def _payees_owed(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Payees whose basis has ended: the head of the household receives."""
    from doudi.enrolment import services
    from doudi.enrolment.models import Award
    from doudi.registry.models import Membership

    done = (0, 0)
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            for award in Award.objects.filter(pk__in=subjects("enrolment.payee_ends"), void=False).order_by("pk"):
                able = Membership.objects.filter(household_id=award.household_id, ends=None, person__died_on=None, person__account__isnull=False)
                given = [(award.pk, person) for person in able.order_by("relationship", "person_id").values_list("person_id", flat=True)[:1]]
                done = total(done, worked(given, lambda row: services.propose_payee(
                    award_id=row[0], kind="member", person_id=row[1], basis="委托期满，由本户成员领取", evidence=[PAPER], now=at(on, 9),
                )))  # fmt: skip
    return done


def _heads(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Households whose head died: the eldest adult follows."""
    done = (0, 0)
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            done = total(done, worked(subjects("head_died"), lambda pk: follow(pk, on)))
    return done


def _township(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """What a spot check found wrong is put right; what was granted out of the reserve and not fetched is brought home."""
    from doudi.demo.relieving import receipt
    from doudi.enrolment.models import Review
    from doudi.enrolment.services import keep_review
    from doudi.relief.models import ReliefCase, ReliefHelp
    from doudi.relief.services import first

    def pay(row: ReliefHelp) -> None:
        case = ReliefCase.objects.get(pk=row.case_id)
        first.pay(case=case, help_id=row.pk, means="cash", received_by=case.name, relation="self", receipts=[("收据.jpg", receipt())], now=at(on, 15))

    with life.acting(Duty.COUNTY_REVIEWER):
        spots = list(Review.objects.filter(state="open", kind="spot").order_by("id").values_list("pk", "version"))
        done = worked(spots, lambda row: keep_review(review_id=row[0], version=row[1], reason="已补齐材料，入户重新核实，符合条件", now=at(on, 11)))
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            owed = ReliefHelp.objects.filter(case_id__in=subjects("relief.pay"), way="reserve", grant__payout__isnull=True, case__decided_at__lt=before)
            done = total(done, worked(list(owed.order_by("id")), pay))
    return done


COUNTY: tuple[Desk, ...] = (_read, _heads, _township, _complaints, _payees_owed, _payees, _money, _owing, _found)
