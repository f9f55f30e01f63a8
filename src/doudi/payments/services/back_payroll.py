"""The payroll of back pay (补发批次): lines of approved calculations that are not in a payroll yet; signed, released and booked like any other."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.plans import at_once
from doudi.core.services.todos import finish_todos, raise_todos
from doudi.payments.models import BackPay, Payroll
from doudi.payments.services import drafts, payrolls
from doudi.payments.services.turned import STANDS, TURNED

# To the payee and account of the award as they are now: who has taken the place of a dead payee is paid what was owed before too. The beneficiary is
# the one of the month's own line, where this system paid it.
CANDIDATES = (
    """
create temporary table payroll_candidate on commit drop as
with gone as materialized (select * from doudi.moved_people()), item as (
  select i.*, b.document from doudi.payments_backpayitem i
  join doudi.payments_backpay b on b.id = i.back_pay_id and b.state = 'approved'
  left join doudi.payments_payrollline l on l.entitlement_id = i.entitlement_id and l.month_entitled = i.month and l.kind = 'back' and l.cause = i.root
  where i.reason = '' and i.area >= %(low)s and i.area < %(high)s and l.id is null
), member as (
  select i.entitlement_id, i.month, i.root, min(w.person_id) as person_id, bool_or(w.person_id = a.payee_id) as payee_is_member
  from item i join doudi.enrolment_award a on a.id = i.entitlement_id
  join doudi.enrolment_awardmember w on w.award_id = i.entitlement_id and not w.void and w.starts <= i.month and (w.ends is null or w.ends > i.month)
    and (w.died_on is null or w.died_on >= i.month)
  group by 1, 2, 3
)
select i.entitlement_id as id, i.area, i.month, i.root, i.programme, i.household_id, i.amount, i.members, i.living, a.payee_id, a.payee_name, a.account, a.bank,
  coalesce(own.decision_id, a.decision_id) as decision_id, f.fund_id, coalesce(payee.token, gone_payee.token) as payee_token,
  coalesce(own.beneficiary_name, b.name, gone_member.name, a.payee_name) as beneficiary_name,
  coalesce(own.beneficiary, b.token, gone_member.token, payee.token, gone_payee.token) as beneficiary_token,
  case when v.entitlement_id is not null then 'held'
       when a.suspended and (a.ends is null or a.ends > %(month)s) then 'suspended'
       when c.waits then 'cooling'
       when c.is_over then 'payee_over'
       when coalesce(payee.died_on, gone_payee.died_on) is not null then 'payee_died'
       when a.account is null or coalesce(own.beneficiary, b.token, gone_member.token, payee.token, gone_payee.token) is null then 'no_account'
       when f.fund_id is null then 'no_fund'
       when r.entitlement_id is not null then 'returned' end as reason
from item i
join doudi.enrolment_award a on a.id = i.entitlement_id
-- back pay is not in a hurry: it waits for the new account
left join ("""
    + TURNED
    + """) c on """
    + STANDS
    + """
left join doudi.payments_payrollline own on own.entitlement_id = i.entitlement_id and own.month_entitled = i.month and own.kind = 'regular'
left join doudi.funds_for(%(low)s, %(year)s) f on f.programme = i.programme
left join member m on m.entitlement_id = i.entitlement_id and m.month = i.month and m.root = i.root
left join doudi.registry_person payee on payee.id = a.payee_id
left join doudi.registry_person b on b.id = case when m.payee_is_member then a.payee_id else m.person_id end
left join gone gone_payee on gone_payee.id = a.payee_id
left join gone gone_member on gone_member.id = case when m.payee_is_member then a.payee_id else m.person_id end
left join (select distinct entitlement_id from doudi.payments_linereview where payroll_id = %(payroll)s and verdict = 'held') v on v.entitlement_id = i.entitlement_id
left join (select distinct entitlement_id from doudi.payments_bankreturn where state in ('open', 'proposed')) r on r.entitlement_id = i.entitlement_id
"""
)
LINES = """
insert into doudi.payments_payrollline (area, month_entitled, kind, cause, entitlement_id, payroll_id, month_paid, programme, household_id, fund_id,
  fund_year, amount, members, payee_id, payee_name, payee, beneficiary_name, beneficiary, account, bank, decision_id, marked, mark)
select area, month, 'back', root, id, %(payroll)s, %(month)s, programme, household_id, fund_id, %(year)s, amount, living, payee_id, payee_name,
  payee_token, beneficiary_name, beneficiary_token, account, bank, decision_id, false, ''
from pg_temp.payroll_candidate where reason is null order by id, month, root
"""
EXCLUSIONS = """
insert into doudi.payments_payrollexclusion (area, payroll_id, entitlement_id, month_entitled, reason, amount, payee_name, programme, household_id)
select min(area), %(payroll)s, id, month, min(reason), sum(amount), min(payee_name), min(programme), min(household_id)
from pg_temp.payroll_candidate where reason is not null group by id, month order by id, month
"""


@transaction.atomic
def prepare_back_payroll(*, area: str, month: date, now: datetime) -> drafts.Prepared:
    """Prepare (编制) the back-pay payroll of a county and month, or refresh its draft: one line for each month of approved back pay that has none.

    Raises ValidationError where nothing can be paid; what is left out stands on it with its reason and comes back by itself.
    """
    drafts.county_of(area, "payments.prepare")
    _first, month = drafts.payable(month)
    drafts.wait_for_turn(area)
    payroll = drafts.draft_of(area=area, month=month, kind=Payroll.Kind.BACK, now=now)
    county = scopes.Scope(area=area)
    values: dict[str, Any] = {"payroll": payroll.pk, "month": month, "year": month.year, "low": county.low, "high": county.high, "day": timezone.localdate(now)}
    with connection.cursor() as cursor, at_once(cursor):
        drafts.clear(cursor, payroll)
        cursor.execute("drop table if exists pg_temp.payroll_candidate")
        cursor.execute(CANDIDATES, values)
        cursor.execute("analyze pg_temp.payroll_candidate")
        cursor.execute(LINES, values)
        lines = cursor.rowcount
        cursor.execute(EXCLUSIONS, values)
        excluded = cursor.rowcount
    # who is owed it has died: the township finds the heir, who becomes the payee
    raise_todos(
        payrolls.DEATHS.replace("living < members or reason = 'payee_died'", "reason = 'payee_died'").replace("when living = 0 then", "when false then"),
        [Duty.TOWNSHIP_OFFICER, "", "领款人已死亡，补发款待确定继承人", ""],
        now=now,
    )
    with connection.cursor() as cursor:
        cursor.execute("drop table pg_temp.payroll_candidate")
    if not lines and not excluded:
        raise ValidationError(_("没有已审批、待发放的补发。"))
    found = drafts.written(payroll, lines=lines, excluded=excluded)
    if not lines:  # everything waits, mostly for an heir: the reasons stand on the payroll's page
        scopes.check_constraints()
        return found
    for one in BackPay.objects.filter(area=area, state=BackPay.State.APPROVED).values_list("pk", flat=True):
        finish_todos(subject="back_pay_payroll", subject_id=one, now=now)
    drafts.ask_for_check(payroll, "补发批次", now=now)
    return found
