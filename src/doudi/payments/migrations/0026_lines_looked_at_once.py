"""New lines are looked at by what they have in common, once for each trigger; what is looked up is the county's, not the province's. Whatever is
neither back pay nor paid again is of the payroll's month or an earlier one, so that every statement about such a payroll may say so."""

from django.db import migrations

# Back pay and what is paid again may be of a month that was paid ahead; all else may not. It was so before: validated here.
MONTHS = """
alter table payments_payrollline add constraint payroll_line_not_ahead check (kind in ('back', 'reissue') or month_entitled <= month_paid);
"""
INSERTED = """
create or replace function doudi.line_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare own record; got bigint;
begin
  -- the payrolls stand still and are drafts; a line is of the payroll's own area
  perform 1 from payments_payroll where id in (select distinct payroll_id from new_lines) order by id for share;
  select coalesce(bool_or(p.state is distinct from 'draft' or not starts_with(k.area, p.area) or k.month_paid <> p.month), false) as foreign_lines,
         coalesce(bool_or(not exists (select from payments_fundpurpose f where f.fund_id = k.fund_id and f.programme = k.programme)), false) as astray,
         coalesce(bool_or((p.kind = 'one_off') <> (k.kind = 'grant')), false) as grants_apart,
         coalesce(bool_or((p.kind = 'follow_up') <> (k.kind = 'reissue')), false) as reissues_apart,
         coalesce(bool_or(k.kind = 'grant'), false) as grants, min(k.area) as low, max(k.area) as high,
         coalesce(sum(k.members) filter (where k.kind = 'regular'), 0) as want, min(k.least) filter (where k.kind = 'regular') as least
    into own
    from (select payroll_id, kind, area, month_paid, fund_id, programme, sum(members) as members, min(members) as least
          from new_lines group by 1, 2, 3, 4, 5, 6) k
    left join payments_payroll p on p.id = k.payroll_id;
  if own.foreign_lines then
    raise exception 'lines enter drafts of their own area only' using errcode = 'check_violation';
  end if;
  -- an award is an entitlement of the same id; the awards of these places first, then whatever is left one by one
  if exists (select from new_lines n left join enrolment_award a on a.id = n.entitlement_id and a.area >= own.low and a.area <= own.high
             where a.id is null and not exists (select from enrolment_entitlement e where e.id = n.entitlement_id)) then
    raise exception 'unknown entitlement' using errcode = 'foreign_key_violation';
  end if;
  -- earmarked: a fund pays what it is for (measures 4.1)
  if own.astray then
    raise exception 'the fund is not for this programme' using errcode = 'check_violation';
  end if;
  -- one-off: grants in payrolls of their own; a line says what its grant says, so that one grant has one line
  if own.grants_apart then
    raise exception 'grants are paid by one-off payrolls, and nothing else by them' using errcode = 'check_violation';
  end if;
  if own.reissues_apart then
    raise exception 'what came back is paid again by payrolls of its own, and nothing else by them' using errcode = 'check_violation';
  end if;
  if own.grants then
    perform pg_advisory_xact_lock(hashtextextended('grants ' || place, 0))
      from (select distinct left(area, 6) as place from new_lines order by 1) places;
    if exists (select from new_lines n left join payments_grant g on g.id = n.entitlement_id
               where n.kind = 'grant' and (g.id is null or g.void or g.way <> 'payroll' or n.month_entitled > n.month_paid
                 or (n.area, n.month_entitled, n.programme, n.cause, n.amount, n.beneficiary, n.account)
                    is distinct from (g.area, g.month, g.programme, g.cause, g.amount, g.beneficiary, g.account))) then
      raise exception 'the line is not what was granted' using errcode = 'check_violation';
    end if;
  end if;
  begin
    insert into payments_paidmonth (person_id, grp, month, line_id, area)
    select m.person_id, m.grp, n.month_entitled, n.id, n.area
    from new_lines n join enrolment_awardmember m on m.award_id = n.entitlement_id and not m.void and m.area >= own.low and m.area <= own.high
     and m.starts <= n.month_entitled and (m.ends is null or m.ends > n.month_entitled)
     and (m.died_on is null or m.died_on >= n.month_entitled)
    where n.kind = 'regular' order by 1, 2, 3;
    get diagnostics got = row_count;
  exception when unique_violation then
    raise exception 'a person would be paid twice for a month' using errcode = 'unique_violation';
  end;
  if got <> own.want or own.least < 1 then
    raise exception 'regular lines pay % members, the awards have %', own.want, got using errcode = 'check_violation';
  end if;
  return null;
end $$;
"""
# The months that lines paid are found by their award's members; only where one is no member any more, by going through the months.
DELETED = """
create or replace function doudi.line_deleted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp set enable_nestloop = on as $$
declare own record; gone bigint;
begin
  perform 1 from payments_payroll where id in (select distinct payroll_id from old_lines) order by id for share;
  select coalesce(bool_or(p.state <> 'draft'), false) as signed, sum(k.members) as paid, min(k.first) as first, max(k.last) as last into own
    from (select payroll_id, sum(members) filter (where kind = 'regular') as members, min(month_entitled) filter (where kind = 'regular') as first,
            max(month_entitled) filter (where kind = 'regular') as last from old_lines group by 1) k
    join payments_payroll p on p.id = k.payroll_id;
  if own.signed then
    raise exception 'a line that left the draft stays' using errcode = 'check_violation';
  end if;
  if own.paid is null then return null; end if;
  delete from payments_paidmonth p using old_lines o join enrolment_awardmember m on m.award_id = o.entitlement_id
   where o.kind = 'regular' and p.person_id = m.person_id and p.grp = m.grp and p.month = o.month_entitled and p.line_id = o.id
     and p.month >= own.first and p.month <= own.last;
  get diagnostics gone = row_count;
  if gone <> own.paid then
    delete from payments_paidmonth p using old_lines o where o.kind = 'regular' and p.line_id = o.id and p.month = o.month_entitled
      and p.month >= own.first and p.month <= own.last;
  end if;
  return null;
end $$;
"""
MONEY = """
create or replace function doudi.line_money_allowed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare own record;
begin
  select coalesce(bool_or(k.kind <> 'reissue' and not fund_allows(k.fund_id, k.programme, k.area, k.fund_year)), false) as refused,
         coalesce(bool_or(k.kind <> 'reissue' and k.fund_year <> extract(year from k.month_paid)), false) as other_year,
         coalesce(bool_or(k.kind = 'reissue'), false) as again into own
    from (select kind, fund_id, programme, left(area, 6) as area, fund_year, month_paid from new_lines group by 1, 2, 3, 4, 5, 6) k;
  if own.refused then
    raise exception 'the fund is not for this programme, place and year' using errcode = 'check_violation';
  end if;
  if own.other_year then
    raise exception 'a payroll draws on money of its own year' using errcode = 'check_violation';
  end if;
  -- what came back is owed by the fund and year that it came from
  if own.again and exists (
       select from new_lines n left join payments_payrollline l on l.id = n.returned_line and l.month_entitled = n.month_entitled
       where n.kind = 'reissue' and (l.fund_id, l.fund_year) is distinct from (n.fund_id, n.fund_year)) then
    raise exception 'a reissue draws on what came back to its fund and year' using errcode = 'check_violation';
  end if;
  return null;
end $$;
"""
BACK = """
create or replace function doudi.line_pays_back() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare own record;
begin
  select coalesce(bool_or((p.kind = 'back') <> (k.kind = 'back')), false) as apart, coalesce(bool_or(k.kind = 'back'), false) as back into own
    from (select payroll_id, kind from new_lines group by 1, 2) k join payments_payroll p on p.id = k.payroll_id;
  if own.apart then
    raise exception 'back pay is paid by payrolls of its own, and nothing else by them' using errcode = 'check_violation';
  end if;
  if own.back and exists (select from new_lines n
             left join payments_backpayitem i on i.root = n.cause and i.entitlement_id = n.entitlement_id and i.month = n.month_entitled and i.reason = ''
             left join payments_backpay b on b.id = i.back_pay_id and b.state = 'approved'
             where n.kind = 'back' and (b.id is null or (n.amount, n.programme, n.area) is distinct from (i.amount, i.programme::text, i.area::text))) then
    raise exception 'the line is not what was approved as back pay' using errcode = 'check_violation';
  end if;
  return null;
end $$;
"""
# The functions stay as they are otherwise: what they count of a payroll's lines does not go through months that it cannot have.
BOUNDED = """
do $$
declare f text; was text;
  months constant text := ' and l.month_entitled <= case when new.kind in (''follow_up'', ''back'') then ''infinity''::date else new.month end';
begin
  f := pg_get_functiondef('doudi.payroll_moves_on'::regproc);
  was := 'select count(*) filter (where amount > 0), coalesce(sum(amount), 0) into n, s from payments_payrollline where payroll_id = new.id';
  if position(was in f) = 0 then raise exception 'payroll_moves_on is not as expected'; end if;
  execute replace(f, was, replace(was, 'payments_payrollline where', 'payments_payrollline l where') || months);
  f := pg_get_functiondef('doudi.payroll_signed'::regproc);
  was := 'where r.payroll_id = new.id and r.verdict = ''held''';
  if position(was in f) = 0 then raise exception 'payroll_signed is not as expected'; end if;
  execute replace(f, was, was || months);
end $$;
"""
# Whom a county's people share a month with may be paid anywhere: asked for by key, not by joining all of the province's month.
ALREADY = "alter function doudi.months_paid_already(date[]) set enable_nestloop = on"


class Migration(migrations.Migration):
    dependencies = [("payments", "0025_money_once"), ("enrolment", "0022_county_of_awards")]
    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (MONTHS, INSERTED, DELETED, MONEY, BACK, BOUNDED, ALREADY)]
