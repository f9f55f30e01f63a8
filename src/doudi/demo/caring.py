"""Minors in temporary care in the demo county: parents in isolation, living care, guardianship, return; referrals; a child that nobody looks after."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.models import Division, Duty
from doudi.core.models.staff import Account, Posting
from doudi.demo.staff import SINCE, SignIn, by_duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo
    from doudi.protection.models import Care, ProtectionCase, Referral

LIVING: dict[str, Any] = {
    "basis": "civil_34", "reason": "isolation", "situation": "父亲确诊后转运集中隔离，母亲为密接在县城隔离，预计两周", "organiser": "village", "body": "村民委员会",
    "way": "committee", "carer": "朱红霞", "relation": "村儿童主任", "contact": "13900002046 本村二组", "consent": "phone",
    "consent_note": "父亲当日电话同意，通话由村支书在场", "expected_end": date(2022, 12, 15),
}  # fmt: skip
GUARDIANSHIP: dict[str, Any] = {
    **LIVING, "basis": "minors_92_3", "organiser": "civil_affairs", "body": "民政部门", "way": "relative", "carer": "姑姑", "relation": "姑姑",
    "contact": "13900003157 邻镇楼村", "expected_end": date(2023, 2, 28),
}  # fmt: skip
SHEET: dict[str, Any] = {
    "belongings": "冬衣 2 套\n书包和课本 1 个\n手机 1 部（含充电器）\n口罩 20 只", "health": "体温 36.5 度，无咳嗽，无过敏，情绪低落", "documents": "户口簿复印件\n预防接种证",
    "given_signed": False, "taken_signed": True, "witness": "村支书",
}  # fmt: skip


def caring(demo: Demo) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.protection.models import Care, ProtectionCase, Referral
    from doudi.registry.models import Person

    demo.tell("未成年人照料与监护", 0, 0)
    worker, township = (by_duty(demo.staff, duty) for duty in (Duty.PROTECTION_WORKER, Duty.TOWNSHIP_OFFICER))
    with scopes.acting(worker.scope()):
        low, high = township.area, township.area + ":"
        minors = list(
            Person.objects.filter(area__gte=low, area__lt=high, birth_date__gte=date(2008, 1, 1), birth_date__lt=date(2018, 1, 1), died_on__isnull=True)
            .order_by("-pk").values_list("pk", flat=True)[:5]
        )  # fmt: skip
    with scopes.acting(by_duty(demo.staff, Duty.COUNTY_APPROVER).scope()):
        begun = ProtectionCase.objects.filter(uuid=_key(demo, "case", "returned")).exists()
    there = _elsewhere(demo)
    if len(minors) == 5 and not begun:
        Story(demo, worker, there).tell(minors)
    with scopes.acting(by_duty(demo.staff, Duty.COUNTY_APPROVER).scope()):
        demo.figures["care"] = {
            "in_care": Care.objects.filter(state="active").count(), "without": ProtectionCase.objects.filter(unattended_from__isnull=False).count(),
            "referrals": Referral.objects.count(), "elsewhere": there.area,
        }  # fmt: skip


def _key(demo: Demo, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-care-{demo.area}-{demo.seed}-" + "-".join(map(str, parts)))


def _elsewhere(demo: Demo) -> SignIn:
    """The protection worker of the next county of the same city, who receives and transfers."""
    with scopes.acting(scopes.Scope(area=demo.area[:2], duty=Duty.ADMINISTRATOR.value, page="doudi demo")):
        county = Division.objects.filter(parent=demo.area[:4], level="county", ends__isnull=True, statistical_only=False).exclude(code=demo.area).order_by("-code")[0]
        account = Account.objects.filter(username="protection2").first()
        if account is None:
            password = Account.objects.get(username="protection").password
            account = Account.objects.create(username="protection2", name="贾文静", password=password)
        posting, _new = Posting.objects.get_or_create(account=account, duty=Duty.PROTECTION_WORKER, area=county.code, defaults={"starts": SINCE})
    return SignIn(Duty.PROTECTION_WORKER.value, str(Duty.PROTECTION_WORKER.label), "protection2", account.name, county.code, account.pk, posting.pk)


class Story:
    """What happened to each child, step by step through the services."""

    def __init__(self, demo: Demo, worker: SignIn, there: SignIn) -> None:
        from doudi.demo.job import at

        self.demo, self.worker, self.there, self.at = demo, worker, there, at

    def tell(self, minors: list[int]) -> None:
        self._allowance()
        self._returned(minors[0])
        self._guarded(minors[1])
        self._waiting(minors[2])
        self._alone(minors[3])
        self._transferred()
        self._mornings()

    def _acting(self, who: SignIn) -> Any:
        return scopes.acting(who.scope())

    def _case(self, name: str, person: int, reported: str, now: datetime, *, unattended: bool = True) -> ProtectionCase:
        from doudi.protection import services

        with self._acting(by_duty(self.demo.staff, Duty.CHILD_SUPERVISOR)):
            row = services.open_case(
                uuid=_key(self.demo, "case", name), minor=services.Minor(person=person), category="gap", source="visit", urgency="red", reported=reported,
                unattended=unattended, now=now,
            )  # fmt: skip
        with self._acting(self.worker):
            return services.take(case_id=row.pk, version=row.version, now=now + timedelta(minutes=30))

    def _version(self, row: ProtectionCase) -> int:
        from doudi.protection.models import ProtectionCase

        return ProtectionCase.objects.get(pk=row.pk).version

    def _sheet(self, care: Care, name: str, now: datetime, taken_by: str, given_by: str = "父亲（电话）") -> None:
        from doudi.protection import services
        from doudi.protection.models import Care

        services.hand_over(
            care_id=care.pk, version=Care.objects.get(pk=care.pk).version, uuid=_key(self.demo, "sheet", name),
            given=services.Handed(at=now, given_by=given_by, taken_by=taken_by, **SHEET), now=now,
        )  # fmt: skip

    def _living(self, row: ProtectionCase, name: str, now: datetime, **words: Any) -> Care:
        from doudi.protection import services

        with self._acting(self.worker):
            given = LIVING | {"body": f"{places.name(row.area).removesuffix('村委会').removesuffix('村')}村民委员会"} | words
            care = services.begin_living_care(
                case_id=row.pk, version=self._version(row), uuid=_key(self.demo, "living", name), given=services.Arranged(**given), starts=now, now=now
            )
            self._sheet(care, f"living {name}", now + timedelta(hours=1), care.carer)
            return care

    def _guardianship(self, row: ProtectionCase, name: str, now: datetime, document: str = "", **words: Any) -> Care:
        from doudi.protection import services

        with self._acting(self.worker):
            care = services.propose_guardianship(
                case_id=row.pk, version=self._version(row), uuid=_key(self.demo, "guardianship", name), given=services.Arranged(**GUARDIANSHIP | words), now=now
            )
        if document:
            decided = now + timedelta(hours=5)
            with self._acting(by_duty(self.demo.staff, Duty.COUNTY_APPROVER)):
                care = services.decide_guardianship(care_id=care.pk, version=care.version, agreed=True, document=document, note="同意", now=decided)
            with self._acting(self.worker):
                self._sheet(care, f"guardianship {name}", decided + timedelta(hours=2), care.carer, "村儿童主任 朱红霞")
        return care

    def _offer(self, row: ProtectionCase, name: str, now: datetime, again: Referral | None = None, **words: Any) -> Referral:
        from doudi.protection import services

        given: dict[str, Any] = {
            "kind": "referral", "ground": "guardian", "ground_note": "牟民未保〔2022〕12号临时监护决定", "to_area": self.there.area, "to_duty": Duty.PROTECTION_WORKER.value,
            "sections": ("basic",), **words,
        }  # fmt: skip
        with self._acting(self.worker):
            return services.offer(
                case_id=row.pk, version=self._version(row), uuid=_key(self.demo, "offer", name), given=services.Offer(**given), again=again.pk if again else None, now=now
            )

    def _allowance(self) -> None:
        """What the county pays a carer a day: an example."""
        from doudi.core.models import Setting
        from doudi.core.services.settings import confirm_setting, propose_setting

        for kind, value in (("living", "60"), ("guardianship", "50")):
            parameter = f"procedure.protection.allowance.{kind}"
            if not Setting.objects.filter(parameter=parameter, area=self.demo.area).exists():
                with self.demo.acting(Duty.COUNTY_REVIEWER):
                    row = propose_setting(
                        parameter=parameter, area=self.demo.area, starts=date(2022, 11, 1), value=value, document="牟民〔2022〕58号（示例）", now=self.at(date(2022, 10, 28), 9)
                    )
                with self.demo.acting(Duty.COUNTY_APPROVER):
                    confirm_setting(setting_id=row.pk, now=self.at(date(2022, 10, 28), 15))

    def _returned(self, person: int) -> None:
        """Parents go into isolation: living care, guardianship, return; referrals accepted, declined, expired and offered again."""
        from doudi.protection import services
        from doudi.protection.models import Care

        row = self._case("returned", person, "父亲确诊转运，母亲隔离，家中只有孩子一人", self.at(date(2022, 11, 24), 6))
        living = self._living(row, "returned", self.at(date(2022, 11, 24), 15, 30))
        with self._acting(self.worker):
            services.save_section(
                case_id=row.pk, section="basic", version=0, values={"address": "本村二组", "contact": "姑姑 13900003157", "language": "无障碍"}, before={},
                now=self.at(date(2022, 11, 24), 17),
            )  # fmt: skip
        care = self._guardianship(row, "returned", self.at(date(2022, 11, 28), 9), "牟民未保〔2022〕12号")
        station = by_duty(self.demo.staff, Duty.STATION_WORKER)
        accepted = self._offer(
            row, "counselling", self.at(date(2022, 11, 29), 10), service="counselling", to_area=station.area, to_duty=Duty.STATION_WORKER.value,
            purpose="孩子夜间惊醒、不愿说话，请每周安排心理疏导",
        )  # fmt: skip
        with self._acting(station):
            accepted = services.accept(referral_id=accepted.pk, version=1, note="已安排罗艳每周三上门", now=self.at(date(2022, 11, 30), 9))
            services.report_progress(referral_id=accepted.pk, version=2, note="第一次疏导，孩子愿意画画，情绪有好转", now=self.at(date(2022, 11, 30), 17))
        declined = self._offer(row, "school", self.at(date(2022, 11, 29), 11), service="school", purpose="姑姑家在贵县，请协助联系学校借读")
        with self._acting(self.there):
            services.decline(referral_id=declined.pk, version=1, reason="线上授课期间学籍所在学校即可上课，无须借读", now=self.at(date(2022, 11, 30), 15))
        late = self._offer(row, "visit", self.at(date(2022, 11, 29), 14), service="visit", purpose="孩子随姑姑住在贵县，请上门探视并反馈")
        with scopes.acting(self._clock()):
            services.watch_referrals(area=self.demo.area, on=date(2022, 12, 5), now=self.at(date(2022, 12, 5), 2))
        self._offer(row, "visit again", self.at(date(2022, 12, 7), 9), again=late, service="visit", purpose="孩子十二月上旬仍在贵县姑姑家，请上门探视一次并反馈")
        with self._acting(self.worker):
            care = Care.objects.get(pk=care.pk)
            services.review_care(care_id=care.pk, version=care.version, verdict="return", note="父亲出院、母亲解除隔离，身体恢复，能够照料", now=self.at(date(2022, 12, 6), 10))
            care = services.end_care(
                care_id=care.pk, version=care.version + 1, uuid=_key(self.demo, "end"), outcome="parents", note="父母均已返家",
                given=services.Handed(at=self.at(date(2022, 12, 6), 16), given_by="姑姑", taken_by="父亲", **SHEET | {"given_signed": True}), now=self.at(date(2022, 12, 6), 17),
            )  # fmt: skip
            for each, starts, ends in ((living, date(2022, 11, 24), date(2022, 11, 28)), (care, date(2022, 11, 29), date(2022, 12, 6))):
                fresh = Care.objects.get(pk=each.pk)
                services.claim_allowance(care_id=each.pk, version=fresh.version, starts=starts, ends=ends, payee=fresh.carer, now=self.at(date(2022, 12, 7), 9))

    def _guarded(self, person: int) -> None:
        row = self._case("guarded", person, "父亲失联多年，母亲被羁押，奶奶住院", self.at(date(2022, 11, 15), 9))
        self._living(
            row, "guarded", self.at(date(2022, 11, 15), 11), reason="detained", consent="unreachable", consent_note="电话关机，派出所协查无果", expected_end=date(2022, 12, 5)
        )  # fmt: skip
        self._guardianship(
            row, "guarded", self.at(date(2022, 11, 18), 9), "牟民未保〔2022〕9号", basis="minors_92_2", reason="missing", way="foster", carer="李秀英家庭", relation="寄养家庭",
            consent="not_needed", consent_note="", situation="父亲2017年起失联，母亲11月14日被羁押，奶奶住院", expected_end=date(2023, 5, 31),
        )  # fmt: skip

    def _waiting(self, person: int) -> None:
        row = self._case("waiting", person, "单亲母亲住院手术，无亲属可以照料", self.at(date(2022, 12, 5), 9))
        why = {"reason": "hospital", "situation": "母亲12月5日住院手术，预计住院两个月，无其他亲属", "consent": "written"}
        self._living(row, "waiting", self.at(date(2022, 12, 5), 12), consent_note="母亲12月5日签字", **why)
        self._guardianship(
            row, "waiting", self.at(date(2022, 12, 8), 10), way="institution", carer="县未成年人救助保护中心", relation="", consent_note="母亲12月7日签字", **why
        )  # fmt: skip

    def _alone(self, person: int) -> None:
        """Nobody looks after this child: red from the evening before."""
        self._case("alone", person, "父母傍晚同时转运隔离，孩子独自在家，邻居送过一次饭", self.at(date(2022, 12, 8), 19))

    def _transferred(self) -> None:
        """Another county hands a case over: it waits to be accepted here."""
        from doudi.protection import services

        now = self.at(date(2022, 12, 8), 14)
        with self._acting(self.there):
            row = services.open_case(
                uuid=_key(self.demo, "case", "transfer"), minor=services.Minor(name="郭晓晓", birth_date=date(2013, 6, 9), sex="2"), category="left_behind", source="staff",
                urgency="yellow", reported="外公病故，孩子随母亲迁到贵县居住", area=self.there.area, now=now,
            )  # fmt: skip
            row = services.take(case_id=row.pk, version=row.version, now=now)
            services.offer(
                case_id=row.pk, version=row.version, uuid=_key(self.demo, "transfer"), now=now,
                given=services.Offer(
                    kind="transfer", service="case", to_area=self.demo.area, to_duty=Duty.PROTECTION_WORKER.value, ground="law", ground_note="",
                    purpose="孩子已随母亲迁到贵县居住，请接收个案并继续回访",
                ),
            )  # fmt: skip

    def _clock(self) -> scopes.Scope:
        from doudi.core.duties import WORKER

        return scopes.Scope(area=self.demo.area[:2], duty=WORKER, page="doudi demo", acts=frozenset({"protection.clocks"}))

    def _mornings(self) -> None:
        """What the worker does by itself."""
        from doudi.protection import services

        today = date(2022, 12, 9)
        with scopes.acting(self._clock()):
            services.watch_referrals(area=self.demo.area, on=today, now=self.at(today, 2))
            services.watch_care(area=self.demo.area, on=today, now=self.at(today, 2))
            services.escalate_gaps(now=self.at(today, 7))
