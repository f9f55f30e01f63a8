"""People in care month by month: needs answered, houses that report, plans put to work in the cold, children's numbers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from doudi.batch.idnumber import check_character
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo.simulate.life import Figures, Life, at, fate, key
from doudi.registry.models import Household, Person

NEEDS, ANSWERED, NUMBERS = 3, 60, 12
LATE = 0.08
"""Share of needs that are met after their day."""
WANTED = (
    ("food", "摔伤了腿，一周做不了饭"), ("supplies", "取暖煤快用完了"), ("accompaniment", "要到县医院复查，一个人去不了"), ("repairs", "屋里线路老化，常跳闸"),
    ("comfort", "老伴刚走，想有人说说话"), ("medicine", "降压药快吃完了，出不了门"),
)  # fmt: skip


def needs(life: Life, on: date) -> Figures:
    """Townships raise a few needs; what is open is met in its time and confirmed by another officer, one in twelve later than it should."""
    from doudi.needs import services
    from doudi.needs.models import Need

    raised = 0
    for place in range(NEEDS):
        officer = life.chance.choice(life.officers())
        with scopes.acting(officer.scope("doudi simulate")):
            living = Household.objects.filter(memberships__ends__isnull=True, memberships__person__died_on__isnull=True).distinct()
            homes = list(living.order_by("id").values_list("pk", flat=True)[:200])
            if homes:
                kind, what = life.chance.choice(WANTED)
                about = services.About(household=life.chance.choice(homes))
                services.raise_need(
                    uuid=key(life, "need", place), about=about, kind=kind, what=what, urgency=life.chance.choice(("red", "orange", "yellow")), source="phone",
                    now=at(on - timedelta(days=4), 9, place),
                )  # fmt: skip
                raised += 1
    met, left = 0, 0
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            rows = list(Need.objects.filter(state=Need.State.OPEN, raised_at__lt=at(on)).order_by("id")[:ANSWERED])
        for row in rows:
            chance = fate(life, "need", row.area, row.kind, row.raised_at)
            part = 1.5 if chance.random() < LATE else chance.uniform(0.2, 0.9)
            done = timezone.localtime(row.raised_at + (row.due - row.raised_at) * part).replace(second=0, microsecond=0)
            if done > at(on, 18):
                continue  # its day comes
            try:
                with transaction.atomic():
                    _met(life, officer, row, done)
                met += 1
            except ValidationError:
                left += 1  # an officer of the place looks closer
        met += _in_hand(life, officer, on)
    return {"needs": raised, "needs_met": met, "needs_left": left}


def _in_hand(life: Life, officer: Any, on: date) -> int:
    """What others took in hand and is past its day: done by now, confirmed by the county."""
    from doudi.needs import services
    from doudi.needs.models import NeedAnswer

    done = 0
    with scopes.acting(officer.scope("doudi simulate")):
        rows = NeedAnswer.objects.filter(state__in=("accepted", "reported"), need__state="in_hand", need__due__lt=at(on))
        answers = list(rows.order_by("id").values_list("pk", "version", "state")[:ANSWERED])
    for pk, version, state in answers:
        try:
            with transaction.atomic():
                if state == "accepted":
                    with scopes.acting(officer.scope("doudi simulate")):
                        version = services.report_done(answer_id=pk, version=version, note="已办妥，时间晚于约定", now=at(on, 10)).version
                with life.acting(Duty.COUNTY_REVIEWER):
                    services.confirm(answer_id=pk, version=version, confirmed="recipient", now=at(on, 15))
            done += 1
        except (ValidationError, PermissionDenied):
            continue  # medicines are handed over, not reported; who did it does not confirm it
    return done


def _met(life: Life, officer: Any, row: Any, done: datetime) -> None:
    from doudi.needs import services
    from doudi.needs.services import Medicine

    def earlier(minutes: int) -> datetime:
        return max(row.raised_at, done - timedelta(minutes=minutes))

    with scopes.acting(officer.scope("doudi simulate")):
        answer = services.offer(uuid=key(life, "answer", row.uuid), need_id=row.pk, kind="officer", quantity=row.wanted - row.taken, now=earlier(100))
        if row.delivery:
            made = services.prepare(
                answer_id=answer.pk, source="clinic", source_name="村卫生室", medicines=[Medicine("苯磺酸氨氯地平片", "1 盒", "每日一次")], prescription=False,
                now=earlier(80),
            )  # fmt: skip
            made = services.bought(delivery_id=made.pk, version=made.version, received=Decimal("20.00"), paid=Decimal("18.50"), now=earlier(40))
            services.hand_over(delivery_id=made.pk, version=made.version, proof="witness", taker="本人", witness="村医", returned=Decimal("1.50"), now=done)
            return
        answer = services.report_done(answer_id=answer.pk, version=answer.version, note="已送到家中", now=earlier(30))
    with life.acting(Duty.COUNTY_REVIEWER):
        services.confirm(answer_id=answer.pk, version=answer.version, confirmed="recipient", now=done)


def houses(life: Life, on: date) -> Figures:
    """Who owes a report that day gives it, but for one now and then; somebody is taken in, somebody leaves."""
    from doudi.institutions import services
    from doudi.institutions.models import DailyReport, Institution, ReportDue, Resident
    from doudi.institutions.services.residents import Newcomer

    with scopes.acting(scopes.Scope(area=life.area, duty=WORKER, page="doudi simulate", acts=frozenset({"institutions.remind"}))):
        services.new_day(area=life.area, on=on, now=at(on, 1))
    reported = 0
    with life.acting(Duty.COUNTY_REVIEWER):
        owed = list(ReportDue.objects.filter(on=on, reported_at__isnull=True).order_by("institution_id").values_list("institution_id", flat=True))
        for pk in owed:
            if life.chance.random() < 0.03:
                continue  # silent today
            living = Resident.objects.filter(institution_id=pk, ends__isnull=True).count()
            last = DailyReport.objects.filter(institution_id=pk, superseded_at__isnull=True).order_by("-on").first()
            staff = last.staff if last is not None else max(1, living // 4)
            figures = {"residents": max(living, 1), "staff": staff, "staff_on_site": max(1, staff - life.chance.randint(0, 2))}
            services.report_day(institution_id=pk, on=on, figures=figures, now=at(on, 9))
            reported += 1
        moved = 0
        for house in Institution.objects.filter(state="running", kind__in=("tekun_home", "care_home")).order_by("pk")[:1] if on.day > 20 else []:
            leaving = list(Resident.objects.filter(institution=house, ends__isnull=True).order_by("pk").values_list("pk", "bed"))
            for resident, bed in life.some(leaving, 1):
                services.leave(institution_id=house.pk, resident_id=resident, leaving="family", on=on, left_to="", now=at(on, 14))
                newcomer = Newcomer(
                    key=key(life, "resident", house.pk), name=life.chance.choice("赵钱孙李") + life.chance.choice(("守田", "桂英", "德顺", "秀兰")), bed=bed, sex="1",
                    birth_date=date(on.year - life.chance.randint(66, 88), 3, 5), kin_name="赵建军", kin_relation="侄子", kin_phone="13900008888",
                )  # fmt: skip
                services.admit(institution_id=house.pk, newcomer=newcomer, starts=on, now=at(on, 15))
                moved += 1
    with scopes.acting(scopes.Scope(area=life.area, duty=WORKER, page="doudi simulate", acts=frozenset({"institutions.remind"}))):
        services.watch(on=on, now=at(on, 12, 30))
    return {"house_reports": reported, "residents_changed": moved}


def plans(life: Life, on: date) -> Figures:
    """In the cold months a township puts one of its plans to work for four days, looks after the list, ends it and writes what it learned."""
    from doudi.community.models import Activation, ActivationPerson, PlanVersion
    from doudi.community.services import activating

    if life.month.month not in (1, 12):
        return {}
    with life.acting(Duty.TOWNSHIP_OFFICER):
        active = set(Activation.objects.filter(state="active").values_list("area", flat=True))
        ready = [area for area in PlanVersion.objects.filter(state="approved").order_by("area").values_list("area", flat=True) if area not in active]
        for area in life.some(ready, 1):
            (row,) = activating.activate(areas=[area], reason="寒潮大风，道路结冰", document="镇政府电话通知", until=on + timedelta(days=4), now=at(on, 8))
            for step in row.steps.order_by("position"):
                activating.tick_step(step_id=step.pk, now=at(on, 9))
            checked = 0
            for entry in ActivationPerson.objects.filter(activation=row, due__lte=on).order_by("priority", "id")[:30]:
                activating.record_check(entry_id=entry.pk, outcome="well", note="", now=at(on, 11))
                checked += 1
            row.refresh_from_db()
            over = on + timedelta(days=2)
            row = activating.deactivate(activation_id=row.pk, version=row.version, reason="气温回升", now=at(over, 16))
            activating.review(activation_id=row.pk, version=row.version, text="名单当天核对完毕，送药送煤及时。", now=at(over, 17))
            return {"plans": 1, "plan_checks": checked}
    return {}


def registered(life: Life, on: date) -> Figures:
    """Children born here are entered in the household register: the next month they have an ID number of their own."""
    from doudi.registry.services import people

    with scopes.acting(scopes.Scope(area=life.area, page="doudi simulate")):
        born = Person.objects.filter(died_on__isnull=True, birth_date__gte=on - timedelta(days=400), birth_date__lt=life.month, memberships__ends__isnull=True)
        rows = [
            (pk, area, version, day, sex)
            for pk, area, version, day, sex, token in born.order_by("pk").values_list("pk", "area", "version", "birth_date", "sex", "token")
            if numbers.plain(token) is None or len(str(numbers.plain(token))) != 18
        ]
    done = 0
    for pk, area, version, day, sex in rows[:NUMBERS]:
        head = f"{life.area}{day:%Y%m%d}{(pk * 2 + (sex == '1')) % 900 + 90:03d}"
        head = head[:-1] + str((int(head[-1]) // 2 * 2 + (sex == "1")) % 10)
        try:
            with scopes.acting(life.officer(area).scope("doudi simulate")):
                people.correct_person(person_id=pk, version=version, on=on, now=at(on, 9), confirmed=True, id_number=head + check_character(head))
            done += 1
        except ValidationError:
            continue  # an example number that somebody has: left to the officers
    return {"numbers": done}
