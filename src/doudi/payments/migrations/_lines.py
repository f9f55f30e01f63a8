"""The trigger on new payroll lines with one-off grants, for 0004."""

LINE_INSERTED = """
create or replace function doudi.line_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare want bigint; got bigint;
begin
  -- the payrolls stand still and are drafts; a line is of the payroll's own area
  perform 1 from payments_payroll where id in (select distinct payroll_id from new_lines) order by id for share;
  if exists (select from new_lines n left join payments_payroll p on p.id = n.payroll_id
             where p.state is distinct from 'draft' or not starts_with(n.area, p.area) or n.month_paid <> p.month) then
    raise exception 'lines enter drafts of their own area only' using errcode = 'check_violation';
  end if;
  if exists (select from new_lines n left join enrolment_entitlement e on e.id = n.entitlement_id where e.id is null) then
    raise exception 'unknown entitlement' using errcode = 'foreign_key_violation';
  end if;
  -- earmarked: a fund pays what it is for (measures 4.1)
  if exists (select from new_lines n left join payments_fundpurpose f on f.fund_id = n.fund_id and f.programme = n.programme where f.id is null) then
    raise exception 'the fund is not for this programme' using errcode = 'check_violation';
  end if;
  -- one-off: grants in payrolls of their own; a line says what its grant says, so that one grant has one line
  if exists (select from new_lines n join payments_payroll p on p.id = n.payroll_id where (p.kind = 'one_off') <> (n.kind = 'grant')) then
    raise exception 'grants are paid by one-off payrolls, and nothing else by them' using errcode = 'check_violation';
  end if;
  if exists (select from new_lines where kind = 'grant') then
    perform pg_advisory_xact_lock(hashtextextended('grants ' || place, 0))
      from (select distinct left(area, 6) as place from new_lines order by 1) places;
    if exists (select from new_lines n left join payments_grant g on g.id = n.entitlement_id
               where n.kind = 'grant' and (g.id is null or g.void or g.way <> 'payroll' or n.month_entitled > n.month_paid
                 or (n.area, n.month_entitled, n.programme, n.cause, n.amount, n.beneficiary, n.account)
                    is distinct from (g.area, g.month, g.programme, g.cause, g.amount, g.beneficiary, g.account))) then
      raise exception 'the line is not what was granted' using errcode = 'check_violation';
    end if;
  end if;
  select coalesce(sum(members), 0) into want from new_lines where kind = 'regular';
  begin
    insert into payments_paidmonth (person_id, grp, month, line_id, area)
    select m.person_id, m.grp, n.month_entitled, n.id, n.area
    from new_lines n join enrolment_awardmember m on m.award_id = n.entitlement_id and not m.void
     and m.starts <= n.month_entitled and (m.ends is null or m.ends > n.month_entitled)
     and (m.died_on is null or m.died_on >= n.month_entitled)
    where n.kind = 'regular' order by 1, 2, 3;
    get diagnostics got = row_count;
  exception when unique_violation then
    raise exception 'a person would be paid twice for a month' using errcode = 'unique_violation';
  end;
  if got <> want or exists (select from new_lines where kind = 'regular' and members < 1) then
    raise exception 'regular lines pay % members, the awards have %', want, got using errcode = 'check_violation';
  end if;
  return null;
end $$;
"""
