"""Clocks of care and referrals: reviews and ends that come near, the eighteenth birthday, gaps told upwards, referrals that nobody takes (5.3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from doudi.core import duties, workdays
from doudi.core.models import Duty, Todo
from doudi.core.models.divisions import ancestors
from doudi.core.parameters import PROCEDURES
from doudi.core.services.todos import raise_todo, raise_todos
from doudi.core.settings_overlay import confirmed_rows, get_setting
from doudi.protection.models import ProtectionCase, Referral
from doudi.protection.services.base import SUBJECT

# who was born on 29 February is grown up on 1 March
GROWN = "(case when to_char(c.birth_date, 'MMDD') = '0229' then c.birth_date + 1 else c.birth_date end + interval '18 years')::date"
OF_CARE = """
select c.area::text, %(duty)s::text, %(kind)s::text, '个案 ' || c.number || ' ' || case k.kind when 'living' then '临时生活照料' else '临时监护' end || %(words)s::text,
  '/protection/cases/' || c.id || '/?tab=care', 'protection_case', c.id, {due}
from protection_care k join protection_protectioncase c on c.id = k.case_id
where k.state = 'active' and k.area >= %(low)s and k.area < %(high)s and {when}
"""


def _of_care(area: str, kind: str, duty: str, words: str, due: str, when: str, now: datetime, **values: Any) -> int:
    given = {"duty": duty, "kind": kind, "words": words, "low": area, "high": area + ":", **values}
    return raise_todos_named(OF_CARE.format(due=due, when=when), given, now=now)


def raise_todos_named(sql: str, values: dict[str, Any], *, now: datetime) -> int:
    """`raise_todos` for a SELECT with named values."""
    order: list[Any] = []

    class Names(dict[str, str]):
        def __missing__(self, name: str) -> str:
            order.append(values[name])
            return "%s"

    return raise_todos(sql % Names(), order, now=now)


def watch_care(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """To-dos of a county's cares, once each: reviews, ends, beyond the latest end, the eighteenth birthday, no hand-over sheet."""
    duties.require("protection.clocks")
    days, grown = (int(get_setting(f"procedure.protection.{name}", area, on)) for name in ("care_remind_days", "adult_remind_days"))
    worker, approver = Duty.PROTECTION_WORKER.value, Duty.COUNTY_APPROVER.value
    soon, day = on + timedelta(days=days), timezone.make_aware(datetime.combine(on, datetime.min.time()))
    return {
        "reviews": _of_care(area, "care_review", worker, "评估到期", "k.review_due", "k.review_due <= %(on)s", now, on=on + timedelta(days=1)),
        "ends": _of_care(area, "care_end", worker, "即将到期，请安排送回、延长或长期监护", "k.expected_end", "k.expected_end <= %(on)s", now, on=soon),
        "over": _of_care(area, "care_over", approver, "已超过最长期限，请决定", "k.latest_end", "k.latest_end < %(on)s", now, on=on),
        "grown": _of_care(
            area, "care_adult", worker, "：孩子将满十八周岁，须按期结束并交接", GROWN, f"c.birth_date is not null and {GROWN} <= %(on)s", now, on=on + timedelta(days=grown)
        ),
        "sheets": _of_care(
            area, "care_hand_over", worker, "待填交接记录", "(k.starts at time zone 'Asia/Shanghai')::date",
            "k.starts < %(day)s and not exists (select from protection_handover h where h.direction = 'in' and (h.care_id = k.id or (h.care_id = k.follows_id"
            " and exists (select from protection_care b where b.id = k.follows_id and b.carer = k.carer))))", now, day=day,
        ),
    }  # fmt: skip


def escalate_gaps(*, now: datetime) -> int:
    """Tell gaps upwards by the hours that each place has set: at once to who works there, then to the county's approver, then to the city. Returns to-dos raised."""
    acting = duties.require("protection.clocks")
    on, raised = timezone.localdate(now), 0
    limits = confirmed_rows("procedure.protection.gap_hours.", on)

    def hours(level: str, area: str) -> float:
        name = f"procedure.protection.gap_hours.{level}"
        there = limits.get(name, {})
        nearest = max((place for place in ancestors(area) if place in there), key=len, default=None)
        return float(PROCEDURES[name].default if nearest is None else there[nearest])

    rows = ProtectionCase.objects.filter(
        area__gte=acting.low, area__lt=acting.high, unattended_from__isnull=False, state__in=ProtectionCase.OPEN
    ).values_list("pk", "number", "area", "unattended_from")[:2000]
    told = set(Todo.objects.filter(subject=SUBJECT, subject_id__in=[row[0] for row in rows], kind__startswith="care_gap", done_at__isnull=True)
               .values_list("subject_id", "kind", "duty"))  # fmt: skip
    for pk, number, area, since in rows:
        if since is None:
            continue
        lasted = (now - since) / timedelta(hours=1)
        for kind, duty, place, after in (
            ("care_gap", Duty.PROTECTION_WORKER, area, 0), ("care_gap", Duty.CHILD_SUPERVISOR, area, 0),
            ("care_gap_county", Duty.COUNTY_APPROVER, area[:6], hours("county", area)), ("care_gap_city", Duty.SUPERVISOR, area[:4], hours("city", area)),
        ):  # fmt: skip
            if lasted >= after and (pk, kind, duty) not in told:
                raised += raise_todo(
                    kind=kind, area=place, duty=duty, title=f"个案 {number}：孩子已无人照料 {int(lasted)} 小时，请立即安排", url=f"/protection/cases/{pk}/?tab=care",
                    subject=SUBJECT, subject_id=pk, due=timezone.localdate(since), now=now,
                )  # fmt: skip
    return raised


REMIND = """
select {area}::text, {duty}::text, 'referral_remind', case r.kind when 'transfer' then '个案移交' else '转介' end || '即将到期，对方尚未接收：' || r.case_number,
  '/protection/referrals/' || r.id || '/', 'protection_referral', r.id, r.due
from protection_referral r where r.state = 'offered' and r.to_duty <> '' and r.area >= %s and r.area < %s and r.due <= %s
"""


def watch_referrals(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Referrals that nobody took by their last working day expire; those whose day is near are brought to mind at both ends."""
    acting = duties.require("protection.clocks")
    if not acting.covers(area):
        raise PermissionDenied
    expired = 0
    late = (
        Referral.objects.select_for_update(of=("self",))
        .filter(state=Referral.State.OFFERED, area__gte=area, area__lt=area + ":", due__lt=on)
        .order_by("pk")
    )
    for pk in list(late.values_list("pk", flat=True)):  # one by one: each wakes the giving side
        expired += Referral.objects.filter(pk=pk, state=Referral.State.OFFERED).update(state=Referral.State.EXPIRED, ended_at=now)
    near = workdays.add_working_days(on, int(get_setting("procedure.protection.referral_remind_days", area, on)))
    values = [area, area + ":", near]
    reminded = raise_todos(REMIND.format(area="r.to_area", duty="r.to_duty"), values, now=now)
    reminded += raise_todos(REMIND.format(area="r.area", duty="'child_supervisor'") + " and r.to_duty <> 'child_supervisor'", values, now=now)
    return {"expired": expired, "reminded": reminded}
