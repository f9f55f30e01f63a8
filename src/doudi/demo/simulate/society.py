"""What others do beside the county's officers: callers, complainants, the public page, volunteers, purchased services, donors; and next year's budget."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty
from doudi.demo.simulate.life import Figures, Life, at, key, name
from doudi.demo.staff import by_duty
from doudi.registry.models import Household, Person

CALLS, COMPLAINTS, RECORDS = (2, 7), 2, 6
TOLD_CALLS = (
    ("lead", ("illness",), "yellow", "邻居家孩子做手术，借了不少钱"), ("lead", ("elderly",), "orange", "独居老人摔伤，出院后没人照料"),
    ("consult", (), "", "问临时救助要带什么材料"), ("consult", (), "", "问残疾人两项补贴怎么申请"), ("complaint", (), "", "反映申请交上去很久没有答复"),
)  # fmt: skip
SAID = (
    ("objection", "amount", "household", "这个月的钱比以前少了，没有人说明原因"), ("complaint", "payment", "phone", "上个月的钱到月底还没有到卡上"),
    ("complaint", "other", "letter", "希望入户走访提前打个电话"), ("report", "wrong_receipt", "letter", "该户儿子在县城买了新房，请核实"),
)  # fmt: skip
SEEN = (("elderly", "独居老人几天没有出门，敲门没人应"), ("supplies", "一家人家里米面快没了"), ("stranded", "桥洞下住着两个人，带着铺盖"))


def calls(life: Life, on: date) -> Figures:
    """The county's desk: some calls, a few of which become leads or complaints; now and then one that nobody took, called back the same day."""
    from doudi.discovery.models import CallBack
    from doudi.discovery.services import hotline

    done, missed = 0, 0
    with life.acting(Duty.HOTLINE_OPERATOR):
        if hotline.desk_of(life.area) is None:
            return {}
        homes = list(Household.objects.order_by("number").values_list("area", flat=True)[:500])
        for place in range(life.chance.randint(*CALLS) if homes else 0):
            outcome, needs, urgency, words = life.chance.choice(TOLD_CALLS)
            area = life.chance.choice(homes) if outcome == "lead" else ""
            intake = hotline.Intake(caller_name="", caller_role="neighbour" if outcome == "lead" else "self", area=area, needs=needs, urgency=urgency, detail=words)
            rang = at(on, 9 + place)
            hotline.register_call(uuid=key(life, "call", place), intake=intake, outcome=outcome, rang_at=rang, now=rang + timedelta(minutes=4))
            done += 1
        for place in range(life.chance.choice((0, 0, 1, 1, 2))):
            phone = f"1390371{life.chance.randint(0, 9999):04d}"
            hotline.call_event(desk_area=life.area, external=f"S{on:%Y%m%d}{place}", event="missed", phone=phone, at=at(on, 12, place), now=at(on, 12, place + 1))
            missed += 1
        for pk in list(CallBack.objects.filter(done_at__isnull=True).order_by("id").values_list("pk", flat=True)[:20]):
            hotline.try_call_back(callback_id=pk, reached=True, note="已回电，问清情况", now=at(on, 16))
    return {"calls": done + missed, "calls_missed": missed}


def complaints(life: Life, on: date) -> Figures:
    """What was said the month before is looked into, answered and closed by three people; a few new ones are taken down."""
    from doudi.complaints import services
    from doudi.complaints.models import Complaint

    closed = 0
    second = next(each for each in life.staff if each.username == "reviewer2")
    with life.acting(Duty.COUNTY_REVIEWER):
        waiting = list(Complaint.objects.filter(state__in=("new", "reopened"), opened_at__lt=at(on)).order_by("id").values_list("pk", "version")[:10])
    for pk, version in waiting:
        try:
            with transaction.atomic():
                with life.acting(Duty.COUNTY_REVIEWER):
                    row = services.assign(complaint_id=pk, version=version, account_id=second.account_id, now=at(on, 9))
                with scopes.acting(second.scope("doudi simulate")):
                    row = services.begin(complaint_id=pk, version=row.version, now=at(on, 10))
                    row = services.propose_close(
                        complaint_id=pk, version=row.version, finding=life.chance.choice(("upheld", "partly", "unfounded")), action="none", note="查询台账并入户核实",
                        answer="经核实，情况已查清并当面说明，如仍有疑问可随时联系我们。", now=at(on, 14),
                    )  # fmt: skip
                with life.acting(Duty.COUNTY_APPROVER):
                    services.approve_close(complaint_id=pk, version=row.version, note="同意", now=at(on, 16))
            closed += 1
        except ValidationError:
            continue  # who decided may not answer: left to somebody else
    officer = life.chance.choice(life.officers())
    with scopes.acting(officer.scope("doudi simulate")):
        homes = list(Household.objects.filter(memberships__ends__isnull=True).distinct().order_by("id").values_list("pk", flat=True)[:300])
        opened = 0
        for place, home in enumerate(life.some(homes, COMPLAINTS)):
            kind, category, channel, content = life.chance.choice(SAID)
            services.open_complaint(
                uuid=key(life, "complaint", place), kind=kind, category=category, channel=channel, content=content,
                identity=services.Identity("" if channel == "letter" else name(life)), links=services.Links(household=home), now=at(on, 17, place),
            )  # fmt: skip
            opened += 1
    return {"complaints": opened, "complaints_closed": closed}


def portal(life: Life, on: date) -> Figures:
    """The public page: a report, and an application that the township takes or answers."""
    from doudi.portal.models import OnlineApplication
    from doudi.portal.services import applications, reports
    from doudi.portal.services.applications import Named, Sent
    from doudi.portal.services.reports import Told

    town = life.officers()[0]
    need, what = life.chance.choice(SEEN)
    reports.receive_report(uuid=key(life, "report"), area=town.area, told=Told(need, "soon", what, address=f"村西头第{life.chance.randint(1, 40)}排"), now=at(on, 9))
    born = date(life.chance.randint(1950, 1990), life.chance.randint(1, 12), life.chance.randint(1, 28))
    head = f"410102{born:%Y%m%d}{life.chance.randint(600, 999)}"
    phone = f"139{life.chance.randint(10_000_000, 99_999_999)}"
    sent = Sent(Named(name(life), head + check_character(head)), phone, "rural", "三组 9 号", programmes=["dibao"], note="收入低，有病人")
    applications.send_application(uuid=key(life, "online"), area=town.area, sent=sent, now=at(on, 10))
    declined = 0
    with scopes.acting(town.scope("doudi simulate")):
        for row in OnlineApplication.objects.filter(state="sent", sent_at__lt=at(on, 11)).order_by("id")[:5]:
            applications.decline_application(
                application_id=row.pk, version=row.version, reason="户籍地和居住地都不在本乡镇，请向居住地乡镇申请，或拨打热线转办。", now=at(on, 15)
            )
            declined += 1
    return {"public_reports": 1, "online_declined": declined}


def volunteers(life: Life, on: date) -> Figures:
    """A Saturday of deliveries: called, signed up, checked in and out, hours counted by the nightly jobs."""
    from doudi.volunteering import services
    from doudi.volunteering.models import Organisation, Volunteer
    from doudi.volunteering.services import NewShift, session

    day = on + timedelta(days=(5 - on.weekday()) % 7 or 7)
    with life.acting(Duty.VOLUNTEER_COORDINATOR):
        host = Organisation.objects.filter(state="active", kind="volunteers").order_by("id").first()
        people = list(Volunteer.objects.filter(state="active", birth_date__lt=date(on.year - 18, 1, 1)).order_by("id"))
        if host is None or not people:
            return {}
        activity = services.open_activity(
            key=key(life, "activity"), area=life.area, title="月末送菜送药上门", kind="supplies", organisation_id=host.pk, words="为行动不便的居民送菜、送药到门口。",
            place="青年路便民服务中心门口", phone="0371-62160012", shifts=[NewShift("上午", at(day, 8, 30), at(day, 11, 30), 8)], now=at(on, 9),
        )  # fmt: skip
        shift = activity.shifts.get()
    came = 0
    for place, row in enumerate(life.some(people, 6)):
        with session.acting(session.Who("volunteer", row.pk, row.area, row.name)):
            services.sign_up(shift_id=shift.pk, volunteer_id=row.pk, now=at(on, 18, place))
            if place < 5:
                services.check_in(key=key(life, "in", row.pk), shift_id=shift.pk, volunteer_id=row.pk, code=shift.code, now=shift.starts - timedelta(minutes=5))
                if place < 4:
                    services.check_out(shift_id=shift.pk, volunteer_id=row.pk, code=shift.code, now=shift.ends)
                came += 1
    with scopes.acting(scopes.Scope(area=life.area, duty=WORKER, page="doudi simulate", acts=frozenset({"volunteering.clocks"}))):
        services.close_open(area=life.area, on=day + timedelta(days=2), now=at(day + timedelta(days=2), 1))
        services.finish_over(area=life.area, on=day + timedelta(days=2), now=at(day + timedelta(days=2), 1))
    return {"volunteers": came}


def purchases(life: Life, on: date) -> Figures:
    """Services of the running contract: recorded, confirmed by those who received them, last month's accepted and settled out of the fund; a new contract in October."""
    from doudi.resources.models import PurchasedService, ServiceContract
    from doudi.resources.services import answering, recording
    from doudi.resources.services.recording import Given

    with life.acting(Duty.VOLUNTEER_COORDINATOR):
        found = ServiceContract.objects.filter(state="active", fund__code="services").order_by("-starts", "id").first()
    if found is None:
        return {}
    if found.until < on:
        found = _renewed(life, found, on)
    day = max(found.starts, on - timedelta(days=3))
    with life.acting(Duty.COUNTY_REVIEWER):
        people = list(Person.objects.filter(phone__isnull=False, died_on__isnull=True, birth_date__lt=date(1962, 1, 1)).order_by("area", "id")[:200])
    with life.acting(Duty.VOLUNTEER_COORDINATOR):
        lines = list(found.lines.order_by("position"))
        left = recording.left_of(found)
        lines = [line for line in lines if left[line.pk] >= RECORDS]
        rows = [
            Given(
                uuid=key(life, "service", place), line_id=lines[place % len(lines)].pk, day=day, quantity=Decimal(1), worker="林静", area=person.area, recipient=person.name,
                person_id=person.pk, phone=person.phone, note="上门陪伴，了解近况",
            )
            for place, person in enumerate(life.some(people, RECORDS if lines else 0))
        ]  # fmt: skip
        recording.write(found, rows, now=at(on, 9))
    with life.acting(Duty.COUNTY_REVIEWER):
        waiting = list(PurchasedService.objects.filter(contract=found, state="recorded").order_by("id").values_list("pk", "area"))
    for each in waiting:
        answering.answer(each, right=True, satisfaction=life.chance.randint(3, 5), now=at(on, 12))
    return {"services": len(rows)} | _accepted(life, found, on)


def _accepted(life: Life, contract: Any, on: date) -> Figures:
    """The acceptance that is under way, else one of the contract's days until the end of last month: checked, handed over, settled."""
    from doudi.resources.models import Acceptance, PurchasedService, QualityCheck
    from doudi.resources.services import settling

    until = min(life.month - timedelta(days=1), contract.until)
    with life.acting(Duty.COUNTY_REVIEWER):
        made = Acceptance.objects.filter(contract=contract, state="open").first()
        if made is None:
            waiting = PurchasedService.objects.filter(contract=contract, state="confirmed", acceptance=None, day__lte=until).order_by("day").first()
            if waiting is None:
                return {}
            made = settling.open_acceptance(key=key(life, "acceptance"), contract_id=contract.pk, starts=waiting.day, until=until, now=at(on, 14))
        for check in QualityCheck.objects.filter(acceptance=made, result="").order_by("position"):
            settling.check(check_id=check.pk, result="right", now=at(on, 15))
        made = settling.submit(acceptance_id=made.pk, version=made.version, now=at(on, 16))
    with life.acting(Duty.FINANCE_OFFICER):
        settling.settle(acceptance_id=made.pk, version=made.version, on=on, now=at(on, 17))
    return {"settled": f"{made.payable:.2f}"}


def _renewed(life: Life, over: Any, on: date) -> Any:
    """The same services for another year, with money for them."""
    from doudi.payments.services import ledger
    from doudi.resources.services import contracts
    from doudi.resources.services.contracts import Line

    with life.acting(Duty.FINANCE_OFFICER):
        ledger.receive_appropriation(
            fund="services", area=life.area, year=on.year, amount=Decimal("60000.00"), document=f"示例服务资金{on.year}", level="county", issuer="county", on=on, now=at(on, 8)
        )
    with life.acting(Duty.VOLUNTEER_COORDINATOR):
        lines = [Line(line.kind, line.name, line.unit, line.unit_price, line.quantity) for line in over.lines.order_by("position")]
        row = contracts.propose_contract(
            key=key(life, "contract"), number=f"MZGM-{on.year}-07", title=over.title, organisation_id=over.organisation_id, fund="services", starts=life.month,
            until=life.month + timedelta(days=364), document=f"牟民购〔{on.year}〕5号", lines=lines, now=at(on, 8, 10),
        )  # fmt: skip
    with life.acting(Duty.COUNTY_APPROVER):
        return contracts.decide_contract(contract_id=row.pk, version=row.version, agreed=True, now=at(on, 8, 20))


def donations(life: Life, on: date) -> Figures:
    """A gift in each quarter, half of it given on to a township and confirmed there."""
    from doudi.resources.services import donating

    if life.month.month % 3 != 2:
        return {}
    amount = Decimal(life.chance.randint(10, 80) * 100)
    with life.acting(Duty.FINANCE_OFFICER):
        gift = donating.receive(
            key=key(life, "gift"), kind="money", number=f"JK-{on:%Y%m}-01", quantity=amount, purpose="living", received_on=on, donor="", anonymous=True, named=False, item="",
            unit="", now=at(on, 9),
        )  # fmt: skip
    with life.acting(Duty.VOLUNTEER_COORDINATOR):
        part = donating.allocate(
            key=key(life, "part"), donation_id=gift.pk, quantity=amount / 2, target="community", area=life.officers()[0].area, purpose="困难家庭过节", now=at(on, 10)
        )
    with life.acting(Duty.FINANCE_OFFICER):
        part = donating.send(allocation_id=part.pk, version=part.version, carrier=f"拨付凭证 {on:%Y-%m}", on=on, now=at(on, 11))
    with scopes.acting(by_duty(life.staff, Duty.TOWNSHIP_OFFICER).scope("doudi simulate")):
        donating.confirm_arrival(allocation_id=part.pk, version=part.version, received=part.quantity, taker="王会计", proof="signature", now=at(on, 16))
    return {"donated": f"{amount:.2f}"}


def budget(life: Life, on: date) -> Figures:
    """In November next year's budget is calculated from who is helped now, checked by finance and sent up by the approver."""
    from doudi.budget.services import course, scenarios

    if life.month.month != 11:
        return {}
    with life.acting(Duty.COUNTY_REVIEWER):
        row = scenarios.create_scenario(year=on.year + 1, name="基本方案", basis="awards", base_month=life.month, note="按现行标准和在享对象", now=at(on, 9))
        row = scenarios.calculate(scenario_id=row.pk, now=at(on, 10))
    with life.acting(Duty.FINANCE_OFFICER):
        row = course.check_scenario(scenario_id=row.pk, version=row.version, note="与执行数核对一致", now=at(on, 14))
    with life.acting(Duty.COUNTY_APPROVER):
        row = course.submit_scenario(scenario_id=row.pk, version=row.version, note="同意上报", now=at(on, 16))
    return {"budget": f"{row.amount:.2f}"}
