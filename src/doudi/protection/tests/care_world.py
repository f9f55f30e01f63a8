"""Care and referrals for tests: what forms say, and cases brought to each state."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import officer
from doudi.protection import services
from doudi.protection.models import Care, ProtectionCase, Referral
from doudi.protection.services import Arranged, Handed, Offer
from doudi.protection.tests.world import NOW, Office

ELSEWHERE = "410184"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def arranged(**words: Any) -> Arranged:
    return Arranged(**{
        "basis": "civil_34", "reason": "isolation", "situation": "父亲确诊住院，母亲在外地隔离", "organiser": "village", "body": "陈固村村民委员会", "way": "committee",
        "carer": "郭小兰", "relation": "村妇联主席", "contact": "13900002046 本村三组", "consent": "phone", "consent_note": "父亲11月24日电话同意",
        "expected_end": date(2022, 12, 10), **words,
    })  # fmt: skip


GUARDIANSHIP: dict[str, Any] = {
    "basis": "minors_92_3",
    "organiser": "civil_affairs",
    "way": "relative",
    "carer": "郭兰",
    "relation": "姑姑",
    "expected_end": date(2022, 12, 31),
}


def handed(at: datetime = NOW, **words: Any) -> Handed:
    return Handed(**{
        "at": at, "given_by": "父亲（电话）", "taken_by": "郭小兰", "belongings": "冬衣 2 套\n书包 1 个\n手机 1 部", "health": "良好，无过敏", "documents": "户口簿复印件",
        "given_signed": False, "taken_signed": True, "witness": "村支书 陈某", **words,
    })  # fmt: skip


class CareOffice(Office):
    def __init__(self) -> None:
        super().__init__()
        self.there = officer(Duty.PROTECTION_WORKER, ELSEWHERE)

    def living(self, row: ProtectionCase | None = None, now: datetime = NOW, starts: datetime | None = None, **words: Any) -> Care:
        row = row or self.taken(now=now, unattended=True)
        with scopes.acting(self.worker):
            return services.begin_living_care(
                case_id=row.pk, version=fresh(row).version, uuid=uuid4(), given=arranged(**words), starts=starts or now, now=now
            )

    def sheeted(self, care: Care, now: datetime = NOW) -> Care:
        with scopes.acting(self.worker):
            services.hand_over(care_id=care.pk, version=Care.objects.get(pk=care.pk).version, uuid=uuid4(), given=handed(now), now=now)
            return Care.objects.get(pk=care.pk)

    def proposed(self, row: ProtectionCase, now: datetime = NOW, **words: Any) -> Care:
        with scopes.acting(self.worker):
            return services.propose_guardianship(
                case_id=row.pk, version=fresh(row).version, uuid=uuid4(), given=arranged(**GUARDIANSHIP | words), now=now
            )

    def guarded(self, row: ProtectionCase, now: datetime = NOW, **words: Any) -> Care:
        care = self.proposed(row, now, **words)
        with scopes.acting(self.approver):
            return services.decide_guardianship(
                care_id=care.pk, version=care.version, agreed=True, document="牟民未保〔2022〕12号", note="同意", now=now
            )

    def offered(self, row: ProtectionCase | None = None, now: datetime = NOW, again: int | None = None, **words: Any) -> Referral:
        row = row or self.taken(now=now)
        given = {
            "kind": "referral", "service": "counselling", "to_area": ELSEWHERE, "to_duty": Duty.PROTECTION_WORKER.value, "ground": "consent",
            "ground_note": "父亲11月24日电话同意", "purpose": "孩子夜间惊醒，请安排心理疏导", "sections": ("health",),
        }  # fmt: skip
        with scopes.acting(self.worker):
            return services.offer(case_id=row.pk, version=fresh(row).version, uuid=uuid4(), given=Offer(**given | words), again=again, now=now)  # type: ignore[arg-type]


def fresh(row: ProtectionCase) -> ProtectionCase:
    return ProtectionCase.objects.get(pk=row.pk)
