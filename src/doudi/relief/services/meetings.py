"""Case meetings (一事一议, 3.4): recorded once with who was there, what was said and resolved, and frozen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import keys
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.relief.models import CaseMeeting, ReliefCase
from doudi.relief.services.base import hand_on, locked, step, today_of
from doudi.relief.services.cases import Help, add_helps

LEAST_PEOPLE = 3


@dataclass(frozen=True)
class Participant:
    name: str
    unit: str
    post: str = ""


def digest_of(meeting: CaseMeeting) -> str:
    """Keyed digest over all that the record says: a record changed behind the database's back is seen."""
    said = [
        meeting.case.number, f"{meeting.held_on}", meeting.place, meeting.participants, meeting.facts, meeting.opinions, meeting.resolution,
        f"{meeting.amount:.2f}" if meeting.amount is not None else "", f"{meeting.usual:.2f}", meeting.reason, meeting.clash,
        *([str(meeting.sitting)] if meeting.sitting else []),
    ]  # fmt: skip
    return keys.sealing_digest(json.dumps(said, ensure_ascii=False, sort_keys=True)).hex()


@transaction.atomic
def record_meeting(
    *,
    case_id: int,
    version: int,
    held_on: date,
    place: str,
    participants: Sequence[Participant],
    facts: str,
    opinions: str,
    resolution: str,
    reason: str,
    helps: Sequence[Help] = (),
    sitting: UUID | None = None,
    now: datetime,
) -> CaseMeeting:
    """Write down what a case meeting resolved about a case. `helps`: what it resolved to give; none where it refused. It waits for the county's approver.

    `sitting`: of a meeting that is recorded for another case already: day, place and participants are that one's.

    Raises ValidationError by field: fewer than three participants, a day to come, a resolution that does not fit.
    """
    case = locked(case_id=case_id, act="relief.meeting", version=version, states=(ReliefCase.State.MEETING,))
    if sitting is not None:
        same = CaseMeeting.objects.filter(sitting=sitting).order_by("id").first()
        if same is None:
            raise ValidationError({"sitting": _("没有这次会议，或它不在您的管辖范围内；请刷新页面。")})
        held_on, place, participants = same.held_on, same.place, [Participant(**one) for one in same.participants]
    if held_on > today_of(now) or held_on < case.event_on:
        raise ValidationError({"held_on": _("“会议日期”应在事件发生之后，且不晚于今天。")})
    people = [one for one in participants if one.name.strip() and one.unit.strip()]
    if len({one.name.strip() for one in people}) < LEAST_PEOPLE:
        raise ValidationError({"participants": _("一事一议至少 3 人参加；请逐行填写“姓名 单位 职务”，主持人写在第一行。")})
    for field, text in (("place", place), ("facts", facts), ("opinions", opinions), ("reason", reason)):
        if not text.strip():
            raise ValidationError({field: _("此项必填。")})
    grant = resolution == CaseMeeting.Resolution.GRANT
    if CaseMeeting.objects.filter(case=case).exists():
        raise ValidationError(_("这件救助的会议记录已登记，不能再改。"), code="stale")
    amount = add_helps(case, helps) if grant else None
    if grant and not amount:
        raise ValidationError({"amount": _("同意救助的，请填写救助金额或实物价值。")})
    meeting = CaseMeeting(
        area=case.area, case=case, sitting=sitting or uuid4(), held_on=held_on, place=place.strip()[:100], participants=[asdict(one) for one in people], facts=facts.strip(),
        opinions=opinions.strip(), resolution=resolution, amount=amount, usual=case.ceiling, reason=reason.strip(), clash=case.clash,
        recorded_by_id=scopes.current().account_id, recorded_at=now,
    )  # fmt: skip
    meeting.content_hash = digest_of(meeting)
    meeting.save()
    case.proposed_by_id, case.proposed_at, case.version = scopes.current().account_id, now, case.version + 1
    case.save(update_fields=["proposed_by", "proposed_at", "version"])
    step(case, before=case.state, what="meeting", note=f"{meeting.get_resolution_display()} {amount or ''}".strip(), now=now)
    hand_on(case, duty=Duty.COUNTY_APPROVER, kind="relief.approve", title=f"一事一议待审批：{case.name}", due=None, now=now)
    scopes.check_constraints()
    return meeting
