"""To-dos of community care: villages where somebody has no care contact, and people newly given to a contact who has an account."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import connection

from doudi.community.models import CareContact
from doudi.core.models import Duty, Posting
from doudi.core.services.todos import finish_todos, raise_todo

# One to-do a village, of its township; it ends when nobody there is without a contact.
GAPS = """
insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
select c.area, %(duty)s, 'care.gap', '关爱对象未落实帮扶责任人：' || coalesce(d.name, c.area), '/community/assign/?area=' || c.area, 'care_village', c.area::bigint, null, %(now)s
from (select distinct area from community_careperson where area >= %(area)s and area < %(area)s || ':' and ends is null and contact_id is null) c
left join core_division d on d.code = c.area order by c.area
on conflict (kind, subject, subject_id, duty) where done_at is null do nothing
"""
FILLED = """
update core_todo t set done_at = %(now)s where t.kind = 'care.gap' and t.done_at is null and t.area >= %(area)s and t.area < %(area)s || ':'
  and not exists (select from community_careperson c where c.area = t.area and c.ends is null and c.contact_id is null)
"""


def tell_gaps(*, area: str, now: datetime) -> int:
    """Bring the to-dos about people without a contact up to date below `area`; two statements. The number raised."""
    values: dict[str, Any] = {"area": area, "now": now, "duty": Duty.TOWNSHIP_OFFICER.value}
    with connection.cursor() as cursor:
        cursor.execute(GAPS, values)
        raised = cursor.rowcount
        cursor.execute(FILLED, values)
    return raised


def posting_of(contact: CareContact, on: date) -> Posting | None:
    """The posting of a contact who signs in that has to do with the place."""
    if contact.account_id is None:
        return None
    held = [each for each in Posting.objects.filter(account=contact.account_id).order_by("-area", "id") if each.holds_on(on)]
    return next((each for each in held if contact.area.startswith(each.area) or each.area.startswith(contact.area)), None)


def tell_contact(contact: CareContact, *, on: date, now: datetime) -> None:
    """Tell a contact who signs in that people were given."""
    posting = posting_of(contact, on)
    if posting is not None:
        raise_todo(
            kind="care.given", area=posting.area, duty=posting.duty, title="帮扶对象有变化，请与本人见面并留下电话", url="/community/mine/",
            subject="care_contact", subject_id=contact.pk, posting_id=posting.pk, now=now,
        )  # fmt: skip


def read_given(*, account_id: int, now: datetime) -> int:
    """A contact has seen who was given and who asked: these to-dos end."""
    mine = CareContact.objects.filter(account=account_id, ends__isnull=True).values_list("pk", flat=True)
    return sum(finish_todos(subject="care_contact", subject_id=pk, now=now) for pk in mine)
