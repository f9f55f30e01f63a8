"""Hours of those who come to a call (召集的服务时长; 8.1): the call becomes an activity with a shift, in which they stand as signed up and check in like everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.volunteering.models import Activity, Call, Shift, SignUp
from doudi.volunteering.services.activities import LIVE, NewShift, locked_shift, open_activity
from doudi.volunteering.services.base import account_id
from doudi.volunteering.services.board.base import eighteen_before, in_county

LARGEST = 500  # places of a shift
POST = "召集"
# Those who come and have no place in this activity nor elsewhere at that time, in the order of their answers; one statement a shift.
SIGN_UP = """
insert into volunteering_signup (area, shift_id, volunteer_id, state, reason, made_by_id, made_at)
select %(area)s, %(shift)s, r.volunteer_id, 'signed', '', %(account)s, %(now)s
from volunteering_callreply r join volunteering_volunteer v on v.id = r.volunteer_id
where r.call_id = %(call)s and r.state = 'coming' and v.state = 'active' and (not %(adults)s or v.birth_date <= %(grown)s)
  and not exists (
    select from volunteering_signup u join volunteering_shift s on s.id = u.shift_id
    where u.volunteer_id = r.volunteer_id and u.state not in ('withdrawn', 'cancelled')
      and (s.activity_id = %(activity)s or u.state = 'signed' and s.starts < %(ends)s and s.ends > %(starts)s)
  )
order by r.replied_at, r.id limit %(room)s
"""


def activity_key(call: Call) -> UUID:
    """The activity of a call is found by this."""
    return uuid5(call.key, "attendance")


@transaction.atomic
def keep_attendance(*, call_id: int, kind: str, phone: str, starts: datetime, ends: datetime, now: datetime) -> tuple[Activity, int]:
    """The activity of a call, made where there is none, and how many who come were signed up now. Again later: those who answered since; its times stay.

    A shift has LARGEST places; a larger call has several at the same time. Who is a minor where the call is for adults, or signed up elsewhere at that
    time, is left out. Raises ValidationError by field.
    """
    duties.require("board.call")
    duties.require("volunteering.activities")
    call = Call.objects.select_for_update(of=("self",)).filter(pk=call_id).first()
    if call is None:
        raise ValidationError(_("没有这次召集，或它不在您的管辖范围内。"))
    if not call.coming:
        raise ValidationError(_("还没有人答复参加。"))
    shifts = [NewShift(_post(at), starts, ends, min(LARGEST, call.wanted - at * LARGEST)) for at in range(-(-call.wanted // LARGEST))]
    activity = open_activity(
        key=activity_key(call), area=call.area, title=call.title, kind=kind, words=call.words, place=call.place, phone=phone, shifts=shifts,
        skills=call.skills, minors=not call.adults, now=now,
    )  # fmt: skip
    if activity.state not in LIVE:
        raise ValidationError(_("这次召集的活动现为“%(state)s”，不能再登记。") % {"state": activity.get_state_display()})
    signed = _sign_up(call, activity, now)
    scopes.check_constraints()
    return activity, signed


def _sign_up(call: Call, activity: Activity, now: datetime) -> int:
    """Who comes gets a place, as the machine over the county: volunteers of a neighbouring township come too."""
    signed, account = 0, account_id()
    with in_county(call.area), connection.cursor() as cursor:
        for shift in Shift.objects.select_for_update(of=("self",)).filter(activity=activity, cancelled_at__isnull=True, ends__gt=now).order_by("id"):
            given: dict[str, Any] = {
                "area": shift.area, "shift": shift.pk, "account": account, "now": now, "call": call.pk, "adults": call.adults, "activity": activity.pk,
                "grown": eighteen_before(timezone.localdate(shift.starts)), "starts": shift.starts, "ends": shift.ends, "room": max(shift.left, 0),
            }  # fmt: skip
            cursor.execute(SIGN_UP, given)
            signed += cursor.rowcount
    return signed


def follow(call: Call, volunteer_id: int, *, coming: bool, now: datetime) -> None:
    """Somebody answers once attendance is kept: who comes gets a place, who does not gives it back, as long as they have not checked in."""
    with in_county(call.area):
        activity = Activity.objects.filter(key=activity_key(call), state__in=LIVE).first()
        if activity is None:
            return
        if coming:
            _sign_up(call, activity, now)
            return
        for row in SignUp.objects.filter(shift__activity=activity, volunteer=volunteer_id, state=SignUp.State.SIGNED):
            locked_shift(row.shift_id)
            SignUp.objects.filter(pk=row.pk, state=SignUp.State.SIGNED).update(state=SignUp.State.WITHDRAWN, ended_at=now)


def attendance_of(call: Call) -> Activity | None:
    return Activity.objects.filter(key=activity_key(call)).first()


def _post(at: int) -> str:
    return POST if not at else f"{POST}（{at + 1}组）"
