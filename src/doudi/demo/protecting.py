"""Minors' cases of the demo county in different states: just reported, late, followed by plan, of high risk, closed and opened again."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.demo.staff import by_duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo
    from doudi.protection.models import ProtectionCase

SAFE = {
    "now": "safe", "harm": "none", "self_harm": "none", "care": "daily", "guardian": "able", "carer": "good", "living": "enough", "health": "good", "mind": "steady",
    "school": "attends", "support": "some",
}  # fmt: skip


def protecting(demo: Demo) -> None:
    """All of it; what is there already is left as it is."""
    from doudi.protection.models import ProtectionCase

    demo.tell("未成年人个案", 0, 0)
    with scopes.acting(by_duty(demo.staff, Duty.COUNTY_APPROVER).scope()):
        begun = ProtectionCase.objects.filter(uuid=_key(demo, "followed")).exists()
    if not begun:
        Cases(demo).tell()
    with scopes.acting(by_duty(demo.staff, Duty.COUNTY_APPROVER).scope()):
        demo.figures["cases"] = {
            state: ProtectionCase.objects.filter(state=state).count() for state in ("intake", "assessing", "following", "closed")
        }


def _key(demo: Demo, *parts: Any) -> UUID:
    return uuid5(NAMESPACE_URL, f"doudi-demo-case-{demo.area}-{demo.seed}-" + "-".join(map(str, parts)))


class Cases:
    """What happened to each child, through the services."""

    def __init__(self, demo: Demo) -> None:
        from doudi.demo.job import at

        self.demo, self.at = demo, at
        self.worker, self.director = by_duty(demo.staff, Duty.PROTECTION_WORKER), by_duty(demo.staff, Duty.CHILD_DIRECTOR)
        self.town, self.station = by_duty(demo.staff, Duty.TOWNSHIP_OFFICER), by_duty(demo.staff, Duty.STATION_WORKER)

    def key(self, *parts: Any) -> UUID:
        return _key(self.demo, *parts)

    def minors(self) -> list[int]:
        """Children of the first township: one with the children's allowance first, then those of the child director's village."""
        from doudi.registry.models import BenefitStatus, Person

        with scopes.acting(self.town.scope()):
            rows = Person.objects.filter(birth_date__gte=date(2008, 1, 1), birth_date__lt=date(2019, 1, 1), died_on__isnull=True).order_by("pk")
            found = list(rows.values_list("pk", "area")[:400])
            unsupported = set(BenefitStatus.objects.filter(programme__in=["unsupported_child", "orphan"], state="active").values_list("person_id", flat=True))
        return [pk for pk, _area in sorted(found, key=lambda each: (each[0] not in unsupported, each[1] != self.director.area, each[0]))[:4]]

    def tell(self) -> None:
        minors = self.minors()
        if len(minors) == 4:
            self.followed(minors[0])
            self.closed(minors[1])
            self.grave(minors[2])
            self.late(minors[3])
        self.reported()

    def opened(self, name: str, person: int, now: datetime, **words: Any) -> ProtectionCase:
        from doudi.protection import services

        given = {"category": "gap", "source": "visit", "urgency": "orange"} | words
        with scopes.acting(self.town.scope()):
            return services.open_case(uuid=self.key(name), minor=services.Minor(person=person), now=now, **given)

    def taken(self, row: ProtectionCase, now: datetime) -> ProtectionCase:
        from doudi.protection import services

        with scopes.acting(self.worker.scope()):
            return services.take(case_id=row.pk, version=row.version, now=now)

    def followed(self, person: int) -> None:
        """A child whom nobody supports, followed by plan with its child director, a meeting, counselling, a school."""
        from doudi.protection import services

        at, day = self.at, date(2022, 11, 21)
        row = self.opened("followed", person, at(day, 9), category="unsupported", reported="父亲服刑，母亲失联，由奶奶照料，奶奶年老多病")
        row = self.taken(row, at(day, 10))
        case: dict[str, Any] = {"case_id": row.pk}
        with scopes.acting(self.worker.scope()):
            if row.area.startswith(self.director.area):
                row = services.add_helper(**case, version=row.version, account_id=self.director.account_id, reason="就近回访", now=at(day, 11))
            services.add_helper(**case, version=row.version, account_id=self.station.account_id, reason="心理疏导", now=at(day, 11))
            for section, values in (
                ("basic", {"address": "本村三组", "contact": "奶奶 13900001122"}), ("school", {"school": "镇中心小学四年级", "attends": "yes", "teacher": "王老师"}),
                ("guardianship", {"guardian": "父亲（服刑）", "carer": "奶奶", "reason": "父亲服刑至 2024 年，母亲失联三年", "wish": "愿意跟奶奶生活"}),
                ("health", {"health": "良好", "mind": "想念父亲，话少"}), ("parents", {"father": "服刑，2024-06 刑满", "mother": "失联"}),
            ):  # fmt: skip
                services.save_section(**case, section=section, version=0, values=values, before={}, now=at(day, 14))
            services.record_contact(
                **case,
                uuid=self.key("first"),
                how="home",
                met="with_carer",
                safe="concern",
                note="奶奶照料，冬衣不足",
                done_at=at(day, 15),
                now=at(day, 16),
            )
            row.refresh_from_db()
            row = services.begin_gap(**case, version=row.version, kind="guardian", at=at(day, 9), reason="父亲服刑，母亲失联", now=at(day, 17))
            row = services.end_gap(**case, version=row.version, kind="guardian", at=at(date(2022, 11, 23), 9), how="奶奶（受委托照护）", now=at(date(2022, 11, 23), 9, 30))
            answers = SAFE | {"guardian": "unable", "carer": "limited", "living": "short", "mind": "low"}
            services.record_assessment(
                **case,
                version=row.version,
                uuid=self.key("assessed"),
                answers=answers,
                remarks="奶奶能照料日常生活，需要支持",
                now=at(date(2022, 11, 23), 10),
            )
            goal = services.add_goal(
                **case, uuid=self.key("goal"), goal="基本生活有保障，奶奶得到照料支持", due=date(2022, 12, 31), now=at(date(2022, 11, 23), 11)
            )
            made = [
                services.add_service(
                    **case, goal_id=goal.pk, uuid=self.key("service", at_), kind=kind, what=what, due=due, account_id=who, provider=provider, now=at(date(2022, 11, 23), 11)
                )
                for at_, (kind, what, due, who, provider) in enumerate((
                    ("benefit", "申请事实无人抚养儿童基本生活补贴", date(2022, 12, 5), self.worker.account_id, ""),
                    ("care", "送冬衣、棉被", date(2022, 12, 8), None, "镇社会工作服务站"), ("mind", "每周一次心理疏导", date(2022, 12, 31), self.station.account_id, ""),
                ))
            ]  # fmt: skip
            services.service_progress(
                **case, service_id=made[1].pk, version=1, state="done", progress="冬衣 2 套、棉被 1 床已送到", now=at(date(2022, 12, 6), 16)
            )
            services.service_progress(
                **case, service_id=made[2].pk, version=1, state="running", progress="已疏导 2 次", now=at(date(2022, 12, 7), 16)
            )
            review = services.plan_review(
                **case, uuid=self.key("review"), at=at(date(2022, 12, 2), 9), place="镇政府会议室", members="马晓红 县未保中心\n高洁 镇政府\n王老师 镇中心小学",
                agenda="奶奶住院期间由谁照料", now=at(date(2022, 11, 30)),
            )  # fmt: skip
            services.hold_review(
                **case, review_id=review.pk, version=1, members="马晓红 县未保中心\n高洁 镇政府\n王老师 镇中心小学", minutes="奶奶住院期间由村委会安排临时生活照料，学校提供午餐",
                resolution="continue", resolved="村委会：落实照料人，12 月 5 日前\n学校：午餐，即日起", now=at(date(2022, 12, 2), 11),
            )  # fmt: skip
            services.link_resource(
                **case,
                uuid=self.key("school"),
                kind="school",
                provider="镇中心小学",
                what="免费午餐、线上课程",
                contact="王老师",
                starts=date(2022, 12, 3),
                now=at(date(2022, 12, 3)),
            )
        with scopes.acting(self.station.scope()):
            services.record_counselling(
                **case, uuid=self.key("session"), on=date(2022, 12, 1), minutes=45, counsellor="罗艳", how="face", mood="low",
                topic="想念父亲，担心奶奶", advice="每周一次，联系父亲通话", next_on=date(2022, 12, 15), now=at(date(2022, 12, 1), 17),
            )  # fmt: skip
        who = self.director if row.area.startswith(self.director.area) else self.worker
        with scopes.acting(who.scope()):
            for number, day in enumerate((date(2022, 11, 28), date(2022, 12, 5))):
                services.record_contact(
                    **case,
                    uuid=self.key("contact", number),
                    how="home",
                    met="alone",
                    safe="safe",
                    note="按时上学，奶奶身体好转",
                    done_at=at(day, 17),
                    now=at(day, 18),
                )

    def closed(self, person: int) -> None:
        """A short gap: the father came home from isolation."""
        from doudi.protection import services

        at = self.at
        row = self.opened(
            "closed", person, at(date(2022, 11, 7), 8), urgency="red", unattended=True, reported="父亲作为密接被隔离，母亲在外省务工，孩子独自在家"
        )
        row = self.taken(row, at(date(2022, 11, 7), 8, 30))
        case: dict[str, Any] = {"case_id": row.pk}
        with scopes.acting(self.worker.scope()):
            services.record_contact(
                **case,
                uuid=self.key("c1"),
                how="home",
                met="alone",
                safe="concern",
                note="独自在家一夜，已送到姑姑家",
                done_at=at(date(2022, 11, 7), 9, 40),
                now=at(date(2022, 11, 7), 10),
            )
            row.refresh_from_db()
            row = services.end_gap(
                **case, version=row.version, kind="alone", at=at(date(2022, 11, 7), 10), how="姑姑接到家中", now=at(date(2022, 11, 7), 11)
            )
            row = services.end_gap(
                **case, version=row.version, kind="guardian", at=at(date(2022, 11, 18), 9), how="父亲解除隔离返家", now=at(date(2022, 11, 18), 10)
            )
            services.record_assessment(**case, version=row.version, uuid=self.key("c-assess"), answers=SAFE, now=at(date(2022, 11, 21), 9))
            row.refresh_from_db()
            services.close_case(**case, version=row.version, reason="restored", note="父亲返家，监护恢复，生活平稳", now=at(date(2022, 11, 25), 9))

    def grave(self, person: int) -> None:
        """Signs of violence: high risk, a meeting called for tomorrow."""
        from doudi.protection import services

        at = self.at
        row = self.opened(
            "grave",
            person,
            at(date(2022, 12, 7), 15),
            category="harm",
            urgency="red",
            source="staff",
            reported="老师发现孩子手臂有伤，称被父亲酒后殴打",
        )
        row = self.taken(row, at(date(2022, 12, 7), 15, 20))
        case: dict[str, Any] = {"case_id": row.pk}
        with scopes.acting(self.worker.scope()):
            services.record_contact(
                **case,
                uuid=self.key("g1"),
                how="school",
                met="alone",
                safe="danger",
                note="手臂两处瘀伤，害怕回家",
                done_at=at(date(2022, 12, 7), 16),
                now=at(date(2022, 12, 7), 17),
            )
            row.refresh_from_db()
            services.record_assessment(
                **case,
                version=row.version,
                uuid=self.key("g-assess"),
                answers=SAFE | {"harm": "suspected", "mind": "marked"},
                now=at(date(2022, 12, 7), 18),
            )
            services.plan_review(
                **case,
                uuid=self.key("g-review"),
                at=at(date(2022, 12, 10), 9),
                place="县未保中心",
                members="马晓红 县未保中心\n派出所\n学校",
                agenda="是否带离",
                now=at(date(2022, 12, 8)),
            )

    def late(self, person: int) -> None:
        """Taken, and nobody has seen the child in time."""
        row = self.opened("late", person, self.at(date(2022, 12, 6), 10), category="left_behind", reported="父母在外务工，爷爷住院，孩子寄住邻居家")
        self.taken(row, self.at(date(2022, 12, 6), 14))

    def reported(self) -> None:
        """What a hospital and a school sent through the public page this morning."""
        from doudi.protection.services import Told, receive_report

        today = date(2022, 12, 9)
        receive_report(
            uuid=self.key("hospital"), area=self.town.area, now=self.at(today, 8, 20),
            told=Told("hospital", "县人民医院", "县人民医院急诊科", "母亲急诊入院，孩子约五岁，身边没有其他大人", "alone", reporter="王医生", age=5, alone=True),
        )  # fmt: skip
        receive_report(
            uuid=self.key("school"), area=self.town.area, now=self.at(today, 7, 50),
            told=Told("school", "镇第二小学", "镇第二小学", "学生称父亲被隔离，放学后一个人住", "guardian", reporter="李老师", age=11),
        )  # fmt: skip
