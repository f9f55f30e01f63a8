"""Desks of those beside the county's offices: houses and task groups, needs and counselling, volunteers and organisations, services bought and given."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.models.staff import Account
from doudi.demo.simulate.life import SURNAMES, Life, at, fate, key
from doudi.demo.simulate.worked import Desk, subjects, total, worked


def _user(life: Life, username: str) -> Any:
    return next(each for each in life.staff if each.username == username)


def _requests(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """What houses asked for is sent by a member who signs in and received by the house; whom to move is moved; actions of the group are done."""
    from doudi.institutions.models import GroupAction, Institution, Request, Transfer
    from doudi.institutions.services import group, reports

    with life.acting(Duty.COUNTY_REVIEWER):
        asked = list(Request.objects.filter(state__in=Request.OPEN, raised_at__lt=before).order_by("id").values_list("pk", flat=True))
        moving = list(Transfer.objects.filter(state__in=("agreed", "moving"), made_at__lt=before).order_by("id").values_list("pk", flat=True))
        decided = list(GroupAction.objects.filter(state="open", due__lt=on).order_by("id").values_list("pk", "version"))
        found = worked(decided, lambda row: group.end_action(action_id=row[0], version=row[1], done=True, result="已落实", now=at(on, 9)))
        happened = list(Institution.objects.filter(pk__in=subjects("institutions.incident")).order_by("id").values_list("pk", flat=True))
        found = total(found, worked(happened, lambda pk: reports.deal_with_incident(institution_id=pk, note="已到场处置，情况平稳", now=at(on, 9))))
    found = total(found, worked(asked, lambda pk: _supplied(life, pk, on)))
    return total(found, worked(moving, lambda pk: _moved(life, pk, on)))


def _supplied(life: Life, pk: int, on: date) -> None:
    from doudi.institutions.models import GroupMember, Request
    from doudi.institutions.services import fulfilling, requests

    def fresh() -> Request:
        return Request.objects.get(pk=pk)

    names = dict(Account.objects.filter(pk__in=[each.account_id for each in life.staff]).values_list("pk", "username"))
    with life.acting(Duty.COUNTY_REVIEWER):
        row = fresh()
        if row.state == Request.State.RAISED:
            member = next(each for each in requests.candidates(row) if names.get(each.account_id or 0, "") in ("health", "cdc"))
            row = requests.assign(request_id=pk, version=row.version, member_ids=[member.pk], now=at(on, 9))
        offer = row.offers.filter(state__in=("offered", "accepted")).order_by("-id")[0]
        worker = _user(life, names[GroupMember.objects.get(pk=offer.member_id).account_id or 0])
    with scopes.acting(worker.scope("doudi simulate")):
        row = fresh()
        if row.state == Request.State.ASSIGNED:
            row = requests.accept(request_id=pk, offer_id=offer.pk, version=row.version, now=at(on, 10))
        left = row.quantity - requests.sent_of(row)
        if left > 0:
            fulfilling.send(request_id=pk, version=row.version, key=key(life, "sent", pk), quantity=Decimal(left), carrier="县医院供应科", now=at(on, 11))
    with life.acting(Duty.COUNTY_REVIEWER):
        for each in fresh().deliveries.filter(state="sent").order_by("id"):
            fulfilling.receive(request_id=pk, version=fresh().version, delivery_id=each.pk, received=each.quantity, now=at(on, 14))
        if fresh().state == Request.State.WORKING:
            requests.close_done(fresh(), "已全部收到", at(on, 15))


def _moved(life: Life, pk: int, on: date) -> None:
    from doudi.institutions.models import TransferPerson, TransferVehicle
    from doudi.institutions.services import moving

    def those(*states: str) -> list[int]:
        return list(TransferPerson.objects.filter(transfer=pk, state__in=states).order_by("pk").values_list("pk", flat=True))

    with life.acting(Duty.COUNTY_REVIEWER):
        if waiting := those("listed"):
            vehicle = TransferVehicle.objects.filter(transfer=pk).order_by("pk").values_list("pk", flat=True)[0]
            moving.told(transfer_id=pk, people=waiting, whom="", how="电话", now=at(on, 9))
            moving.depart(transfer_id=pk, people=waiting, vehicle_id=vehicle, now=at(on, 10))
        moving.arrive(transfer_id=pk, people=those("departed", "missing"), now=at(on, 11))


def _stays(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Who stays at the aid station past the limit has been identified and goes home with an escort."""
    from doudi.relief.models import VagrantCase
    from doudi.relief.services import vagrants

    def home(pk: int) -> None:
        vagrants.search(vagrant_id=pk, way="face", on=on, result="人像比对确认身份，与家属取得联系", found=True, origin="安徽省阜阳市", now=at(on, 9))
        vagrants.leave(
            vagrant_id=pk, leaving="family", left_at=at(on, 15), left_to="安徽省阜阳市", receiver="弟弟", receiver_unit="亲属", handed_over_by="救助站 值班员", now=at(on, 16)
        )  # fmt: skip

    with life.acting(Duty.COUNTY_REVIEWER):
        rows = list(VagrantCase.objects.filter(state="staying", arrived_at__lt=before).order_by("id").values_list("pk", flat=True))
        return worked(rows, home)


def _needs(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """What somebody was asked for and did not answer, or what is on the board and past its day, is not needed any more: the township has asked."""
    from doudi.needs import services
    from doudi.needs.models import Need

    found = (0, 0)
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            rows = list(Need.objects.filter(state__in=("open", "in_hand"), due__lt=before).order_by("id").values_list("pk", "version"))
            found = total(found, worked(rows, lambda row: services.cancel_need(need_id=row[0], version=row[1], reason="电话核实，已由家人解决", now=at(on, 9))))
    return found


def _talks(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Sessions are booked and held by the station's worker; who was to be looked at again is, and then it is over."""
    from doudi.community.models import CounsellingSession
    from doudi.community.services import counselling

    station, town = (_user(life, name) for name in ("station", "town"))

    def held(row: tuple[int, int, str]) -> None:
        pk, version, state = row
        if state == "asked":
            version = counselling.book(
                session_id=pk, version=version, counsellor=station.account_id, supervisor=town.account_id, way="phone", starts=at(on, 9), minutes=10, now=at(on, 8)
            ).version  # fmt: skip
        counselling.hold(session_id=pk, version=version, note="情绪平稳，睡眠和饮食恢复，家人常来电话", follow_up=None, now=at(on, 17))

    with scopes.acting(station.scope("doudi simulate")):
        again = list(CounsellingSession.objects.filter(pk__in=subjects("counselling.follow"), follow_up__lt=on).order_by("id").values_list("pk", flat=True))
        found = worked(again, lambda pk: counselling.follow(session_id=pk, uuid=key(life, "follow", pk), now=at(on, 8)))
        rows = list(CounsellingSession.objects.filter(state="booked", starts__lt=at(on)).order_by("id").values_list("pk", "version", "state"))
        rows += list(CounsellingSession.objects.filter(state="asked", asked_at__lt=before).order_by("id").values_list("pk", "version", "state")[:1])
        return total(found, worked(rows, held))


def _plans(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Plans that were submitted are approved; who put one to work says what it taught."""
    from doudi.community.models import Activation, PlanVersion
    from doudi.community.services import activating, plans

    with scopes.acting(_user(life, "town").scope("doudi simulate")):
        rows = list(PlanVersion.objects.filter(state="submitted").order_by("id").values_list("pk", "version"))
        found = worked(rows, lambda row: plans.approve_plan(plan_id=row[0], version=row[1], now=at(on, 9)))
        over = list(Activation.objects.filter(pk__in=subjects("plan.review")).exclude(state="active").order_by("id").values_list("pk", "version"))
        text = "名单当天核对完毕，送药送煤及时；下次提前备好雪天车辆。"
        return total(found, worked(over, lambda row: activating.review(activation_id=row[0], version=row[1], text=text, now=at(on, 10))))


def _contacts(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """A village where people have nobody gets a contact of its committee, a few villages a round; who was given people has seen it."""
    from doudi.community import services
    from doudi.community.models import CareContact, CarePerson
    from doudi.community.services import telling

    def given(area: str) -> None:
        contact = CareContact.objects.filter(area=area, ends__isnull=True).order_by("id").first()
        if contact is None:
            chance = fate(life, "contact", area)
            name = chance.choice(SURNAMES) + chance.choice(("桂英", "海涛", "玉兰", "庆山", "守信"))
            contact = services.add_contact(area=area, name=name, kind="cadre", phone=f"139{chance.randint(0, 99999999):08d}", most=400, now=at(on, 9))
        services.assign_village(area=area, contact_ids=[contact.pk], now=at(on, 10))

    found = (0, 0)
    for officer in life.officers():
        with scopes.acting(officer.scope("doudi simulate")):
            bare = CarePerson.objects.filter(ends__isnull=True, contact__isnull=True, area__gt=officer.area + "0").order_by("area").values_list("area", flat=True).distinct()
            found = total(found, worked([area for area in bare[:VILLAGES] if len(area) == 12], given))
    visitor = _user(life, "visitor")
    with scopes.acting(visitor.scope("doudi simulate")):
        telling.read_given(account_id=visitor.account_id, now=at(on, 11))
    return found


VILLAGES = 8


def _volunteers(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Documents of volunteers, registrations and papers of organisations, drafts of activities."""
    from doudi.volunteering import services
    from doudi.volunteering.models import Activity, Credential, Organisation, Volunteer

    found = (0, 0)
    for who in (_user(life, "volunteers"), *life.officers()):
        with scopes.acting(who.scope("doudi simulate")):
            rows = list(Volunteer.objects.filter(state="pending", made_at__lt=before).order_by("id").values_list("pk", "version"))
            found = total(found, worked(rows, lambda row: _verified(row, on)))
    with life.acting(Duty.COUNTY_REVIEWER):
        new = list(Organisation.objects.filter(state="pending", made_at__lt=before).order_by("id").values_list("pk", "version"))
        found = total(found, worked(new, lambda row: services.check_organisation(organisation_id=row[0], version=row[1], agree=False, reason="尚未取得登记证书", now=at(on, 9))))
    with scopes.acting(_user(life, "volunteers").scope("doudi simulate")):
        over = list(Credential.objects.filter(ended_at__isnull=True, expires__lt=on + timedelta(days=10)).order_by("id"))
        found = total(found, worked(over, lambda row: services.add_credential(
            organisation_id=row.organisation_id, kind=row.kind, number=f"{row.number.split('-续')[0]}-续{on:%y}", issuer=row.issuer, starts=on,
            expires=on + timedelta(days=1095), now=at(on, 9),
        )))  # fmt: skip
        drafts = list(Activity.objects.filter(state="proposed", made_at__lt=before).order_by("id").values_list("pk", "version"))
        reason = "活动日期已过，请重新填报"
        found = total(found, worked(drafts, lambda row: services.decide_activity(activity_id=row[0], version=row[1], agree=False, reason=reason, now=at(on, 9))))
    return found


def _verified(row: tuple[int, int], on: date) -> None:
    """The document was seen; of a minor the guardian was asked."""
    from doudi.volunteering import services
    from doudi.volunteering.models import Volunteer
    from doudi.volunteering.services.volunteers import is_older

    pk, version = row
    born = Volunteer.objects.values_list("birth_date", flat=True).get(pk=pk)
    if born is not None and not is_older(born, 18, on):
        services.give_consent(volunteer_id=pk, version=version, guardian=services.Guardian("王芳", "母亲", "13900004567"), now=at(on, 8))
        version += 1
    services.verify_volunteer(volunteer_id=pk, version=version, now=at(on, 9))


def _resources(life: Life, on: date, before: datetime) -> tuple[int, int]:
    """Services and contracts that wait, donations on their way, entries of the register that are to be confirmed."""
    from doudi.resources.models import DonationAllocation, PurchasedService, Resource, ServiceContract
    from doudi.resources.services import answering, contracts, donating, recording, register

    with life.acting(Duty.COUNTY_APPROVER):
        rows = list(ServiceContract.objects.filter(state="proposed", proposed_at__lt=before).order_by("id").values_list("pk", "version"))
        found = worked(rows, lambda row: contracts.decide_contract(contract_id=row[0], version=row[1], agreed=False, note="请补充询价材料后重新提交", now=at(on, 9)))
    with life.acting(Duty.COUNTY_REVIEWER):
        waiting = list(PurchasedService.objects.filter(state="recorded", entered_at__lt=before).order_by("id").values_list("pk", "area"))
        disputed = list(PurchasedService.objects.filter(state="disputed").order_by("id").values_list("pk", "version"))
        reason = "服务对象表示未接受服务，不予认可"
        found = total(found, worked(disputed, lambda row: recording.drop(service_id=row[0], version=row[1], reason=reason, now=at(on, 10))))
    found = total(found, worked(waiting, lambda row: answering.answer(row, right=True, satisfaction=4, now=at(on, 10))))
    with life.acting(Duty.FINANCE_OFFICER):
        money = list(DonationAllocation.objects.filter(pk__in=subjects("donations.pay"), state="allocated", allocated_at__lt=before).order_by("id").values_list("pk", "version"))
        carrier = f"拨付凭证 {on:%Y-%m}"
        found = total(found, worked(money, lambda row: donating.send(allocation_id=row[0], version=row[1], carrier=carrier, on=on, now=at(on, 10))))
    for who in (_user(life, "volunteers"), *life.officers(), _user(life, "visitor")):
        with scopes.acting(who.scope("doudi simulate")):
            sent = list(DonationAllocation.objects.filter(state="sent", sent_at__lt=before).order_by("id").values_list("pk", "version", "quantity"))
            found = total(found, worked(sent, lambda row: donating.confirm_arrival(
                allocation_id=row[0], version=row[1], received=row[2], taker="王会计", proof="signature", now=at(on, 15),
            )))  # fmt: skip
            old = list(Resource.objects.filter(pk__in=subjects("resources.confirm")).order_by("id").values_list("pk", "version"))
            found = total(found, worked(old, lambda row: register.confirm(resource_id=row[0], version=row[1], now=at(on, 11))))
    return found


NEIGHBOURS: tuple[Desk, ...] = (_requests, _stays, _needs, _talks, _plans, _contacts, _volunteers, _resources)
