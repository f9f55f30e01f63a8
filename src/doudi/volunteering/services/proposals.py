"""Activities that organisations write themselves (社会组织自拟活动; 8.1): a draft of the contact's own organisation, public once an officer of its place agreed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.volunteering import codes
from doudi.volunteering.models import Activity, Organisation, Shift
from doudi.volunteering.services import session
from doudi.volunteering.services.activities import NewShift, check_shifts, locked_activity, make_shift
from doudi.volunteering.services.base import chosen, needed, note_event, number_of, one_of, reason_of, save

MOST_WAITING = 5
SUBJECT = "volunteering_activity"
KIND = "volunteering.proposed"


@transaction.atomic
def propose_activity(
    *, key: UUID, organisation_id: int, title: str, kind: str, words: str, place: str, phone: str, shifts: Sequence[NewShift], skills: Sequence[str] = (),
    minors: bool = False, now: datetime,
) -> Activity:
    """Draft an activity of one's own organisation; nobody reads it and nobody signs up until `decide_activity`. The same form (`key`) again gives back the first.

    Raises ValidationError by field, or where the organisation is not active or has MOST_WAITING drafts waiting.
    """  # fmt: skip
    duties.require("volunteering.host")
    organisation = Organisation.objects.filter(pk=organisation_id, state=Organisation.State.ACTIVE).first()
    if organisation is None:
        raise ValidationError(_("这家组织目前不能组织活动；有疑问请联系民政部门。"))
    before = Activity.objects.filter(key=key, organisation=organisation).first()
    if before is not None:
        return before
    if Activity.objects.filter(organisation=organisation, state=Activity.State.PROPOSED).count() >= MOST_WAITING:
        raise ValidationError(_("已有 %(most)d 项活动等待审核；请等民政部门审核后再提交。") % {"most": MOST_WAITING})
    needed(title=title, words=words, place=place, phone=phone)
    one_of("kind", kind, list(codes.SERVICES))
    check_shifts(shifts, now)
    row = Activity.objects.create(
        key=key, area=organisation.area, number=number_of("HD", organisation.area), title=title.strip()[:60], kind=kind, organisation=organisation,
        words=words.strip()[:600], place=place.strip()[:80], phone=phone.strip()[:20], skills=chosen("skills", skills, codes.SKILLS), minors=minors,
        state=Activity.State.PROPOSED, made_at=now,
    )  # fmt: skip
    for each in shifts:
        make_shift(row, each)
    note_event(row, "proposed", f"{len(shifts)} 个班次", now)
    with session.machine(row.area):
        raise_todo(
            kind=KIND, area=row.area, duty=Duty.TOWNSHIP_OFFICER if len(row.area) > 6 else Duty.VOLUNTEER_COORDINATOR,
            title=f"{organisation.name}：审核活动“{row.title}”", url=f"/volunteering/activities/{row.pk}/", subject=SUBJECT, subject_id=row.pk, now=now,
        )  # fmt: skip
    scopes.check_constraints()
    return row


@transaction.atomic
def decide_activity(*, activity_id: int, version: int, agree: bool, reason: str = "", now: datetime) -> Activity:
    """Publish what an organisation drafted, or give it back with a reason that its contact reads."""
    row = locked_activity(activity_id, "volunteering.activities", version=version)
    if row.state != Activity.State.PROPOSED:
        raise ValidationError(_("这项活动现为“%(state)s”，不能这样办理。") % {"state": row.get_state_display()})
    if agree:
        if row.organisation is None or row.organisation.state != Organisation.State.ACTIVE:
            raise ValidationError(_("组织方已停用或列入黑名单，不能发布。"))
        if not Shift.objects.filter(activity=row, ends__gt=now).exists():
            raise ValidationError(_("班次的时间已过去；请退回，由组织方重新提交。"))
        row.state = Activity.State.OPEN
        save(row, "state")
        note_event(row, "agreed", "", now)
    else:
        row.state, row.state_reason = Activity.State.CANCELLED, reason_of(reason)[:200]
        save(row, "state", "state_reason")
        note_event(row, "sent_back", row.state_reason, now)
    finish_todos(kind=KIND, subject=SUBJECT, subject_id=row.pk, now=now)
    scopes.check_constraints()
    return row


__all__ = ["decide_activity", "propose_activity"]
