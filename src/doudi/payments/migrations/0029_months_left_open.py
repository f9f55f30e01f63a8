"""Months that may be unpaid stand in a table, so that a payroll need not go through every month since the first: of a county's months up to that of its
newest released regular payroll, whatever is due and was not paid is in it. Triggers alone write it, when a payroll is released and when an award
comes to be due for a month that the county has behind it; what is paid by a released payroll or not due any more leaves it with the next release."""

import django.db.models.deletion
from django.db import migrations, models

import doudi.core.fields
from doudi.core.grants import Protect

# The months after `p_after` (null: from the first) up to `p_until` of the awards of a place that are due and that no released payroll pays. What an
# earlier system paid (enrolment.loading) is not due.
NOTE = """
create function doudi.note_open_months(p_low text, p_high text, p_after date, p_until date) returns void
language plpgsql security definer set search_path = doudi, pg_temp set enable_nestloop = off set jit = off as $$
declare v_from date;
begin
  select to_date(min(right(relname, 6)), 'YYYYMM') into v_from from pg_class
   where relnamespace = 'doudi'::regnamespace and relname ~ '^payments_payrollline_[0-9]{6}$';
  v_from := greatest(v_from, (p_after + interval '1 month')::date);
  insert into payments_openmonth (area, award_id, month)
  select a.area, a.id, m.month
  from enrolment_award a
  left join (select x.award_id, max(date_trunc('month', d.decided_at at time zone 'Asia/Shanghai'))::date as paid_until
             from enrolment_awardamount x join enrolment_decision d on d.id = x.decision_id
             where d.number >= 'INIT' and d.number < 'INIU' and x.area >= p_low and x.area < p_high group by 1) t on t.award_id = a.id
  join (select generate_series(v_from, p_until, interval '1 month')::date as month) m on a.starts <= m.month and (a.ends is null or a.ends > m.month)
  where a.area >= p_low and a.area < p_high and not a.void and (t.paid_until is null or m.month > t.paid_until)
    and not exists (select from payments_payrollline l join payments_payroll p on p.id = l.payroll_id and p.state in ('released', 'booked')
                    where l.entitlement_id = a.id and l.month_entitled = m.month and l.kind = 'regular'
                      and l.month_entitled >= v_from and l.month_entitled <= p_until)
  on conflict do nothing;
end $$;
revoke execute on function doudi.note_open_months(text, text, date, date) from public;
"""
# One at a time with what makes awards of the county due (award_opens_months), or one would not see the other.
RELEASED = """
create function doudi.payroll_leaves_open() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare v_before date; v_oldest date; v_newest date; v_high constant text := new.area || ':';
begin
  perform pg_advisory_xact_lock(hashtextextended('open months ' || new.area, 0));
  if new.kind = 'regular' then
    select max(month) into v_before from payments_payroll
     where area = new.area and kind = 'regular' and state in ('released', 'booked') and id <> new.id;
    if v_before is null or v_before < new.month then
      perform note_open_months(new.area, v_high, v_before, new.month);
    end if;
  end if;
  select min(month), max(month) into v_oldest, v_newest from payments_openmonth where area >= new.area and area < v_high;
  if v_oldest is null then return null; end if;
  delete from payments_openmonth o using payments_payrollline l, payments_payroll p
   where o.area >= new.area and o.area < v_high and l.entitlement_id = o.award_id and l.month_entitled = o.month and l.kind = 'regular'
     and l.month_entitled >= v_oldest and l.month_entitled <= v_newest and p.id = l.payroll_id and p.state in ('released', 'booked');
  delete from payments_openmonth o using enrolment_award a
   where o.area >= new.area and o.area < v_high and a.id = o.award_id and (a.void or a.ends <= o.month);
  delete from payments_openmonth o using enrolment_awardamount x, enrolment_decision d
   where o.area >= new.area and o.area < v_high and x.award_id = o.award_id and d.id = x.decision_id and d.number >= 'INIT' and d.number < 'INIU'
     and o.month <= date_trunc('month', d.decided_at at time zone 'Asia/Shanghai')::date;
  return null;
end $$;
create trigger payroll_leaves_open after update on payments_payroll for each row
  when (new.state = 'released' and old.state <> 'released' and new.kind in ('regular', 'supplement')) execute function doudi.payroll_leaves_open();
"""
# A new award, one that is not void any more, ends later, begins earlier or bears another area: its months that the county has behind it.
AWARDS = """
create function doudi.award_opens_months() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare v_awards bigint[]; v_since date[]; v_first date;
begin
  if tg_op = 'INSERT' then
    select array_agg(id), array_agg(starts), min(starts) into v_awards, v_since, v_first from new_rows where not void;
  else
    select array_agg(id), array_agg(since), min(since) into v_awards, v_since, v_first
      from (select n.id, case when o.void or n.area <> o.area or n.starts < o.starts then n.starts
                              when coalesce(n.ends, 'infinity') > coalesce(o.ends, 'infinity') then o.ends end as since
            from new_rows n join old_rows o on o.id = n.id where not n.void) c
     where since is not null;
  end if;
  if v_awards is null then return null; end if;
  perform pg_advisory_xact_lock_shared(hashtextextended('open months ' || place, 0))
    from (select distinct left(area, 6) as place from new_rows order by 1) places;
  insert into payments_openmonth (area, award_id, month)
  select n.area, n.id, generate_series(greatest(c.since, (select to_date(min(right(relname, 6)), 'YYYYMM') from pg_class
                                                          where relnamespace = 'doudi'::regnamespace and relname ~ '^payments_payrollline_[0-9]{6}$')),
                                       least(p.seen, (n.ends - interval '1 month')::date), interval '1 month')::date
  from (select area as county, max(month) as seen from payments_payroll
        where kind = 'regular' and state in ('released', 'booked') and area in (select left(area, 6) from new_rows) group by 1) p
  join new_rows n on left(n.area, 6) = p.county
  join unnest(v_awards, v_since) c (id, since) on c.id = n.id
  where v_first <= p.seen and c.since <= p.seen
  on conflict do nothing;
  return null;
end $$;
create trigger award_opens_months after insert on enrolment_award referencing new table as new_rows
  for each statement execute function doudi.award_opens_months();
create trigger award_reopens_months after update on enrolment_award referencing old table as old_rows new table as new_rows
  for each statement execute function doudi.award_opens_months();
"""
# What was released before this table was there.
BEFORE = """
select doudi.note_open_months(area, area || ':', null, seen)
from (select area, max(month) as seen from payments_payroll where kind = 'regular' and state in ('released', 'booked') group by 1) p;
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0023_companions"), ("payments", "0028_one_index_each")]
    operations = [
        migrations.CreateModel(
            name="OpenMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("area", doudi.core.fields.AreaField(db_collation="C", max_length=12)),
                ("area_then", doudi.core.fields.AreaField(db_collation="C", editable=False, max_length=12, null=True)),
                ("month", models.DateField()),
                (
                    "award",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="enrolment.award"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["area", "month"], name="open_month_area")],
                "constraints": [models.UniqueConstraint(fields=("award", "month"), name="open_month_once")],
            },
        ),
        Protect("payments_openmonth", insert=False),
        *(migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (NOTE, RELEASED, AWARDS, BEFORE)),
    ]
