"""What is counted each month (民政统计月报): the keys, their words and order, how they are drawn from the tables, set-based.

    area, month ─▶ COUNT (one statement) ─▶ `MonthlyFigure` per township ─▶ sums per place, averages from sums
                └▶ READ (the same, by village, for one township or county) ─▶ a workbook

Recipients are those whose award holds on the first of the month; the dead of earlier months are not counted. Expenditure is what payrolls of the month
released less what came back; of temporary assistance, what was granted, from the reserve too. Of dibao, employment follows the facts on record: wages
are employment, other work or work away is flexible employment. In time is what came by the county's pay day, as its calendar has it (4.3).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Line:
    """One line of the monthly table. `over`: an average, the first key's sum divided by the second's; else `key` is summed."""

    label: str | Promise
    unit: str | Promise
    key: str = ""
    over: tuple[str, str] | None = None
    below: bool = False
    """One of the parts of the line above."""


PEOPLE, HOUSEHOLDS, YUAN, TIMES = _("人"), _("户"), _("元"), _("人次")
STANDARDS = {residence: (f"dibao.{residence}.standard", f"dibao.{residence}.counties") for residence in ("urban", "rural")}
"""The counties' monthly standards on the first, added up, and how many counties have one: their mean is the average standard (平均标准)."""


def _paid(label: str | Promise, key: str) -> Line:
    return Line(label, YUAN, f"{key}.yuan")


SECTIONS: tuple[tuple[str | Promise, tuple[Line, ...]], ...] = (
    (
        _("最低生活保障"),
        (
            Line(_("城市低保对象"), PEOPLE, "dibao.urban.people"), Line(_("城市低保家庭"), HOUSEHOLDS, "dibao.urban.households"),
            _paid(_("城市低保支出"), "dibao.urban"), Line(_("城市低保人均支出"), YUAN, over=("dibao.urban.yuan", "dibao.urban.people")),
            Line(_("城市低保平均标准"), YUAN, over=STANDARDS["urban"]),
            Line(_("农村低保对象"), PEOPLE, "dibao.rural.people"), Line(_("农村低保家庭"), HOUSEHOLDS, "dibao.rural.households"),
            _paid(_("农村低保支出"), "dibao.rural"), Line(_("农村低保人均支出"), YUAN, over=("dibao.rural.yuan", "dibao.rural.people")),
            Line(_("农村低保平均标准"), YUAN, over=STANDARDS["rural"]),
            Line(_("低保对象中：老年人"), PEOPLE, "dibao.old", below=True), Line(_("低保对象中：在职人员"), PEOPLE, "dibao.employed", below=True),
            Line(_("低保对象中：灵活就业人员"), PEOPLE, "dibao.flexible", below=True), Line(_("低保对象中：未就业成年人"), PEOPLE, "dibao.unemployed", below=True),
            Line(_("低保对象中：未成年人"), PEOPLE, "dibao.minor", below=True), Line(_("低保对象中：残疾人"), PEOPLE, "dibao.disabled", below=True),
            Line(_("单人户纳入"), PEOPLE, "dibao_single.people"),
        ),
    ),
    (
        _("特困人员救助供养"),
        (
            Line(_("城市特困人员"), PEOPLE, "tekun.urban.people"), _paid(_("城市特困人员支出"), "tekun.urban"),
            Line(_("农村特困人员"), PEOPLE, "tekun.rural.people"), _paid(_("农村特困人员支出"), "tekun.rural"),
            Line(_("其中：集中供养"), PEOPLE, "tekun.institution", below=True), Line(_("其中：分散供养"), PEOPLE, "tekun.home", below=True),
            _paid(_("特困人员丧葬费支出"), "funeral"),
        ),
    ),
    (
        _("儿童"),
        (
            Line(_("孤儿"), PEOPLE, "orphan.people"), _paid(_("孤儿基本生活费支出"), "orphan"),
            Line(_("事实无人抚养儿童"), PEOPLE, "unsupported_child.people"),
            _paid(_("事实无人抚养儿童补贴支出"), "unsupported_child"),
        ),
    ),
    (
        _("残疾人两项补贴"),
        (
            Line(_("困难残疾人生活补贴"), PEOPLE, "disability_living.people"), _paid(_("困难残疾人生活补贴支出"), "disability_living"),
            Line(_("重度残疾人护理补贴"), PEOPLE, "disability_nursing.people"),
            _paid(_("重度残疾人护理补贴支出"), "disability_nursing"),
        ),
    ),
    (
        _("低收入人口中的其他人员"),
        (
            Line(_("低保边缘家庭成员"), PEOPLE, "marginal.people"), Line(_("低保边缘家庭"), HOUSEHOLDS, "marginal.households"),
            Line(_("刚性支出困难家庭成员"), PEOPLE, "rigid.people"), Line(_("刚性支出困难家庭"), HOUSEHOLDS, "rigid.households"),
        ),
    ),
    (
        _("急难救助"),
        (
            Line(_("临时救助"), TIMES, "temporary.times"), Line(_("其中：非本地户籍人员"), TIMES, "temporary.elsewhere", below=True),
            _paid(_("临时救助支出"), "temporary"), _paid(_("价格临时补贴支出"), "price_subsidy"), _paid(_("一次性补助支出"), "subsidy"),
        ),
    ),
    (
        _("主动发现"),
        (
            Line(_("新增救助线索"), _("条"), "leads.signals"), Line(_("已救助的线索"), _("条"), "leads.helped"), Line(_("入户走访"), _("户次"), "visits.done"),
        ),
    ),
    (_("资金发放"), (_paid(_("应发放"), "regular"), Line(_("其中：10日前到账"), YUAN, "in_time.yuan", below=True))),
)  # fmt: skip
LINES: tuple[Line, ...] = tuple(line for _title, lines in SECTIONS for line in lines)
SLOWEST = 15
"""Days from a signal to contact or help are counted one by one up to here; what took longer is in the last."""
WAYS = {step: tuple(f"leads.{step}.{days:02d}" for days in range(SLOWEST + 1)) for step in ("contact", "help")}
"""Leads contacted and helped in the month by the days it took: sums of places add up, and their medians are exact."""
IN_TIME: dict[str, tuple[str, str]] = {
    "leads": ("leads.contacted_in_time", "leads.contacted"), "cases": ("cases.in_time", "cases.decided"), "payments": ("in_time.yuan", "regular.yuan"),
    "relief": ("relief.in_time", "relief.decided"), "needs": ("needs.in_time", "needs.met"), "daily": ("daily.reported", "daily.owed"),
}  # fmt: skip
"""What is measured by its limit: done in time, and all that was done (owed). Shares come from sums, never from shares."""
FURTHER = ("reviews.made", "reviews.done", "calls.rang", "calls.missed", "complaints.opened", "complaints.closed")
PAID = ("regular.yuan", "in_time.yuan")
"""Of payrolls, which are a county's: a township has no such number, which is not nought."""
KEYS: frozenset[str] = frozenset(
    [key for line in LINES for key in ((line.key,) if line.key else (line.over or ())) if line.over not in STANDARDS.values()]
    + [key for keys in (*WAYS.values(), *IN_TIME.values(), FURTHER) for key in keys]
)

# %(low)s, %(high)s: areas; %(length)s: of the codes by which is counted; %(month)s: its first day; %(next)s: of the month after;
# %(counties)s, %(dues)s: counties that pay, and the day by which each should have.
FIGURES = """
with holders as (
  select left(a.area, %(length)s) as place, case a.programme when 'dibao_single' then 'dibao' else a.programme end as programme, a.programme as own, h.residence,
    m.person_id, a.household_id, p.birth_date
  from enrolment_awardmember m
  join enrolment_award a on a.id = m.award_id
  join registry_household h on h.id = a.household_id
  join registry_person p on p.id = m.person_id
  where m.area >= %(low)s and m.area < %(high)s and not m.void and m.starts <= %(month)s and (m.ends is null or m.ends > %(month)s)
    and not a.void and a.starts <= %(month)s and (a.ends is null or a.ends > %(month)s) and (p.died_on is null or p.died_on >= %(month)s)
), said as (
  select f.person_id, coalesce(bool_or(f.number > 0) filter (where f.kind = 'wage_income'), false) as wages,
    coalesce(bool_or(f.number > 0) filter (where f.kind in ('business_income', 'works_away')), false) as works,
    coalesce(bool_or(f.number > 0) filter (where f.kind = 'disability'), false) as disabled,
    coalesce(bool_or(f.number > 0) filter (where f.kind = 'in_institution'), false) as institution
  from registry_fact f
  where f.superseded_at is null and f.kind in ('wage_income', 'business_income', 'works_away', 'disability', 'in_institution')
    and f.area >= %(low)s and f.area < %(high)s and f.person_id is not null
  group by 1
), who as (
  select h.*, coalesce(s.wages, false) as wages, coalesce(s.works, false) as works, coalesce(s.disabled, false) as disabled,
    coalesce(s.institution, false) as institution, h.birth_date > %(month)s::date - interval '18 years' as minor, h.birth_date <= %(month)s::date - interval '60 years' as old
  from holders h left join said s using (person_id)
), lines as (
  select left(l.area, %(length)s) as place, case l.programme when 'dibao_single' then 'dibao' else l.programme end as programme, h.residence,
    l.amount - coalesce(r.amount, 0) as yuan
  from payments_payrollline l
  join payments_payroll p on p.id = l.payroll_id and p.state in ('released', 'booked') and p.month = %(month)s
  left join payments_bankreturn r on r.line_id = l.id and r.payroll_id = l.payroll_id
  left join registry_household h on h.id = l.household_id
  where l.area >= %(low)s and l.area < %(high)s and l.month_paid = %(month)s and l.programme <> 'temporary'
), figures as (
  select place, programme || case when programme in ('dibao', 'tekun') then '.' || residence else '' end || '.people' as key, count(distinct person_id)::numeric as value
    from who group by 1, 2
  union all
  select place, programme || case when programme in ('dibao', 'tekun') then '.' || residence else '' end || '.households', count(distinct household_id)
    from who where programme in ('dibao', 'marginal', 'rigid') group by 1, 2
  union all
  select place, 'dibao_single.people', count(distinct person_id) from who where own = 'dibao_single' group by 1
  union all
  select place, 'dibao.' || part, count(distinct person_id) from who cross join lateral (values
      ('minor', minor), ('old', old), ('disabled', disabled), ('employed', wages and not minor and not old), ('flexible', works and not wages and not minor and not old),
      ('unemployed', not wages and not works and not minor and not old)) parts (part, holds)
    where programme = 'dibao' and holds group by 1, 2
  union all
  select place, 'tekun.' || case when institution then 'institution' else 'home' end, count(distinct person_id) from who where programme = 'tekun' group by 1, 2
  union all
  select place, programme || case when programme in ('dibao', 'tekun') then '.' || coalesce(residence, 'rural') else '' end || '.yuan', sum(yuan) from lines group by 1, 2
  union all
  select left(area, %(length)s), 'temporary.times', sum(people) from relief_reliefcase
    where area >= %(low)s and area < %(high)s and state = 'granted' and decided_at >= %(begins)s and decided_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'temporary.elsewhere', sum(people) from relief_reliefcase
    where area >= %(low)s and area < %(high)s and state = 'granted' and elsewhere and decided_at >= %(begins)s and decided_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'temporary.yuan', sum(amount) from relief_reliefcase
    where area >= %(low)s and area < %(high)s and state = 'granted' and decided_at >= %(begins)s and decided_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'leads.signals', count(*) from discovery_lead
    where area >= %(low)s and area < %(high)s and merged_into_id is null and signal_at >= %(begins)s and signal_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'leads.helped', count(*) from discovery_lead
    where area >= %(low)s and area < %(high)s and merged_into_id is null and helped_at >= %(begins)s and helped_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'visits.done', count(*) from discovery_visit
    where area >= %(low)s and area < %(high)s and state = 'done' and done_at >= %(begins)s and done_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'regular.yuan', sum(amount) from payments_payroll
    where area >= %(low)s and area < %(high)s and month = %(month)s and kind = 'regular' and state <> 'draft' group by 1
  union all
  select left(r.area, %(length)s), 'in_time.yuan', sum(r.paid_amount) from payments_bankresult r join payments_payroll p on p.id = r.payroll_id
    join unnest(%(counties)s::text[], %(dues)s::date[]) pay (county, due) on pay.county = p.area
    where r.area >= %(low)s and r.area < %(high)s and p.month = %(month)s and p.kind = 'regular' and r.booked_on <= pay.due group by 1
  union all
  select left(area, %(length)s), 'leads.contact.' || lpad(least(%(slowest)s, greatest(0, (contacted_at at time zone 'Asia/Shanghai')::date
      - (signal_at at time zone 'Asia/Shanghai')::date))::text, 2, '0'), count(*) from discovery_lead
    where area >= %(low)s and area < %(high)s and merged_into_id is null and contacted_at >= %(begins)s and contacted_at < %(over)s group by 1, 2
  union all
  select left(area, %(length)s), 'leads.help.' || lpad(least(%(slowest)s, greatest(0, (helped_at at time zone 'Asia/Shanghai')::date
      - (signal_at at time zone 'Asia/Shanghai')::date))::text, 2, '0'), count(*) from discovery_lead
    where area >= %(low)s and area < %(high)s and merged_into_id is null and helped_at >= %(begins)s and helped_at < %(over)s group by 1, 2
  union all
  select left(area, %(length)s), counted.key, count(*) from discovery_lead cross join lateral (values ('leads.contacted', true),
      ('leads.contacted_in_time', (contacted_at at time zone 'Asia/Shanghai')::date <= contact_due)) counted (key, holds)
    where area >= %(low)s and area < %(high)s and merged_into_id is null and contact_due is not null and contacted_at >= %(begins)s and contacted_at < %(over)s
      and holds group by 1, 2
  union all
  select left(c.area, %(length)s), counted.key, count(*) from enrolment_case c left join enrolment_decision d on d.id = c.decision_id
    cross join lateral (values ('cases.decided', true),
      ('cases.in_time', (coalesce(d.decided_at, c.closed_at) at time zone 'Asia/Shanghai')::date <= c.decide_by)) counted (key, holds)
    where c.area >= %(low)s and c.area < %(high)s and c.outcome in ('granted', 'refused') and c.decide_by is not null
      and c.closed_at >= %(begins)s and c.closed_at < %(over)s and holds group by 1, 2
  union all
  select left(area, %(length)s), counted.key, count(*) from relief_reliefcase cross join lateral (values ('relief.decided', true), ('relief.in_time',
      (decided_at at time zone 'Asia/Shanghai')::date - (made_at at time zone 'Asia/Shanghai')::date <= 1)) counted (key, holds)
    where area >= %(low)s and area < %(high)s and state = 'granted' and kind = 'emergency' and decided_at >= %(begins)s and decided_at < %(over)s
      and holds group by 1, 2
  union all
  select left(area, %(length)s), counted.key, count(*) from needs_need cross join lateral (values ('needs.met', true), ('needs.in_time', closed_at <= due)) counted (key, holds)
    where area >= %(low)s and area < %(high)s and state = 'done' and closed_at >= %(begins)s and closed_at < %(over)s and holds group by 1, 2
  union all
  select left(area, %(length)s), counted.key, count(*) from institutions_reportdue cross join lateral (values ('daily.owed', true),
      ('daily.reported', reported_at is not null)) counted (key, holds)
    where area >= %(low)s and area < %(high)s and "on" >= %(month)s and "on" < %(next)s and due_at < %(now)s and holds group by 1, 2
  union all
  select left(area, %(length)s), 'reviews.made', count(*) from enrolment_review
    where area >= %(low)s and area < %(high)s and kind = 'difference' and made_at >= %(begins)s and made_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'reviews.done', count(*) from enrolment_review
    where area >= %(low)s and area < %(high)s and kind = 'difference' and decided_at >= %(begins)s and decided_at < %(over)s group by 1
  union all
  select left(area, %(length)s), counted.key, count(*) from discovery_call cross join lateral (values ('calls.rang', true), ('calls.missed', state = 'missed')) counted (key, holds)
    where area >= %(low)s and area < %(high)s and rang_at >= %(begins)s and rang_at < %(over)s and holds group by 1, 2
  union all
  select left(area, %(length)s), 'complaints.opened', count(*) from complaints_complaint
    where area >= %(low)s and area < %(high)s and opened_at >= %(begins)s and opened_at < %(over)s group by 1
  union all
  select left(area, %(length)s), 'complaints.closed', count(*) from complaints_complaint
    where area >= %(low)s and area < %(high)s and closed_at >= %(begins)s and closed_at < %(over)s group by 1
)
"""
COUNT = f"""{FIGURES}
insert into reports_monthlyfigure (area, month, key, value, counted_at)
select place, %(month)s, key, value, %(now)s from figures where key = any(%(keys)s) and value is not null
"""
READ = f"""{FIGURES}
select place, key, value from figures where key = any(%(keys)s) and value is not null and length(place) = %(length)s
"""
