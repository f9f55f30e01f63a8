"""A raised standard over many awards at once (2.1): one proposal each, set-based, decided by the county as others are; or, where the county marks
it automatic, by the two officers who entered and confirmed the standard itself. Never silent: each award gets its decision."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Setting
from doudi.core.settings_overlay import get_setting
from doudi.enrolment.services.deciding import approve_proposed
from doudi.enrolment.services.following import refresh_todos
from doudi.enrolment.services.proposing import COLUMNS, INSERT, STAGE, announce
from doudi.enrolment.settings import AUTOMATIC

# Members keep their places; shares follow only where there is one member, whose share is the amount. Awards with shares of several members
# (bands) go to the officer one by one.
FILL = f"""
insert into pg_temp.proposal ({COLUMNS})
select row_number() over (order by r.id), a.area, a.household_id, r.person_id, a.programme, 'change', r.assessment_id, null, a.id,
  jsonb_build_object('household_id', a.household_id, 'area', a.area, 'programme', a.programme, 'kind', 'change', 'person_id', r.person_id, 'members', w.members,
    'amounts', jsonb_build_array(jsonb_build_object('from', r.month, 'amount', r.law_amount::text)), 'starts', r.month, 'start_rule', '', 'applied_on', null,
    'payee', null, 'assessment_id', r.assessment_id, 'award_id', a.id, 'law_amount', r.law_amount::text, 'differs', false, 'reason', %(reason)s::text,
    'document', %(document)s::text, 'ground', ''),
  r.law_amount, r.month, false, %(reason)s
from enrolment_review r
join enrolment_award a on a.id = r.award_id and not a.void and a.ends is null and a.starts < r.month
join lateral (
  select jsonb_agg(jsonb_build_object('person_id', m.person_id, 'name', p.name, 'band', m.band, 'share', case when m.share is not null then r.law_amount::text end)
           order by m.person_id) members, count(*) size, count(m.share) shares
  from enrolment_awardmember m join registry_person p on p.id = m.person_id
  where m.award_id = a.id and not m.void and m.starts <= r.month and (m.ends is null or m.ends > r.month)) w on w.size = 1 or w.shares = 0
where r.area >= %(low)s and r.area < %(high)s and r.state = 'open' and r.cause = 'standard' and r.suggestion = 'raise' and r.law_amount > 0
"""
LINK = """
update enrolment_review r set state = 'proposed', decision_id = d.id, reason = d.reason, version = r.version + 1 from enrolment_decision d
where d.id = any(%s) and r.award_id = d.award_id and r.state = 'open' and r.cause = 'standard' and r.kind = 'difference'
"""


def _propose(*, area: str, document: str, account: int, now: datetime) -> list[int]:
    month = f"{timezone.localdate(now):%Y%m}"
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.proposal")
        cursor.execute(STAGE)
        cursor.execute(FILL, {"low": area, "high": area + ":", "document": document, "reason": f"标准调整：{document}"[:400]})
        cursor.execute("select distinct left(area, 9) from pg_temp.proposal order by 1")
        for (prefix,) in cursor.fetchall():
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('decision number ' || %s, 0))", [prefix])
        cursor.execute(INSERT, {"account": account, "now": now, "month": month})
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("drop table pg_temp.proposal")
        cursor.execute(LINK, [ids])
    return ids


@transaction.atomic
def propose_standard_raise(*, area: str, document: str, now: datetime) -> list[int]:
    """Propose the new amounts of all open reviews that a raised standard alone caused in an area; ids of the new decisions.

    `document`: number of the document that raises it. The county's approver decides them as a batch. Again it adds nothing.
    """
    acting = duties.require("enrolment.raise")
    if not acting.covers(area):
        raise ValidationError(_("该地区不在您的管辖范围内。"))
    if not document.strip():
        raise ValidationError({"document": _("请填写调整标准的文号。")})
    ids = _propose(area=area, document=document.strip()[:200], account=acting.account_id, now=now)
    announce(ids, now=now)
    refresh_todos(area=area, now=now)
    scopes.check_constraints()
    return ids


@transaction.atomic
def raise_automatically(*, area: str, on: date, now: datetime) -> int:
    """Where a county marked it automatic: the amounts follow a standard that two officers entered and confirmed; they stand as proposer and approver,
    the setting's document as the ground. Standards of the package, without officers here, wait for a proposal. The number of awards changed."""
    duties.require("enrolment.monitor")
    county = area[:6]
    if not get_setting(AUTOMATIC, county, on):
        return 0
    setting = (
        Setting.objects.filter(area__in=[county, county[:4], county[:2]], parameter__startswith="dibao.standard", state=Setting.State.CONFIRMED, starts__lte=on)
        .order_by("-starts", "-id")
        .first()
    )
    if setting is None or setting.decided_by_id is None:
        return 0
    ids = _propose(area=county, document=setting.document, account=setting.proposed_by_id, now=now)
    done = approve_proposed(ids=ids, account=setting.decided_by_id, note="县级设定：标准提高后自动调整", now=now)
    refresh_todos(area=county, now=now)
    scopes.check_constraints()
    return len(done)
