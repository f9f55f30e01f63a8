"""Payroll lines and paid months: partitioned by the month entitled, with their guards (integrity.md, payroll lines)."""

from django.db import migrations

from doudi.core.grants import RANGE, Open, Protect

TABLES = """
create sequence doudi.payroll_line_id as bigint cache 1000;
grant usage on sequence doudi.payroll_line_id to doudi_app;
create table payments_payrollline (
  id bigint not null default nextval('doudi.payroll_line_id'), area text collate "C" not null, area_then text collate "C",
  month_entitled date not null check (month_entitled = date_trunc('month', month_entitled)::date),
  kind text collate "C" not null check (kind in ('regular', 'back', 'reissue', 'setoff')),
  cause bigint, returned_line bigint,
  entitlement_id bigint not null, payroll_id bigint not null, month_paid date not null, programme text collate "C" not null,
  household_id bigint, fund_id bigint not null, fund_year smallint not null, amount numeric(14,2) not null, members smallint not null,
  payee_id bigint, payee_name text collate "C" not null, payee uuid, beneficiary_name text collate "C" not null, beneficiary uuid not null,
  account uuid not null, bank text collate "C" not null default '',
  decision_id bigint not null, marked boolean not null default false, mark text collate "C" not null default '',
  check ((kind = 'regular') = (cause is null)), check ((kind = 'reissue') = (returned_line is not null)), check (returned_line = cause),
  check ((kind = 'setoff') = (amount < 0)), check (amount <> 0),
  primary key (id, month_entitled)
) partition by range (month_entitled);
create unique index payroll_line_once on payments_payrollline (entitlement_id, month_entitled, kind, cause) nulls not distinct;
create index payroll_line_payroll on payments_payrollline (payroll_id, area);
create index payroll_line_household on payments_payrollline (household_id);
alter table payments_payrollline add constraint payroll_line_reissue foreign key (returned_line, month_entitled, entitlement_id, amount)
  references payments_bankreturn (line_id, month_entitled, entitlement_id, amount);
create table payments_paidmonth (
  person_id bigint not null, grp smallint not null, month date not null, line_id bigint not null,
  area text collate "C" not null, area_then text collate "C", primary key (person_id, grp, month)
) partition by range (month);
"""

GUARDS = """
create function doudi.line_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
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
create trigger line_inserted after insert on payments_payrollline referencing new table as new_lines for each statement execute function doudi.line_inserted();
create function doudi.line_deleted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform 1 from payments_payroll where id in (select distinct payroll_id from old_lines) order by id for share;
  if exists (select from old_lines o join payments_payroll p on p.id = o.payroll_id where p.state <> 'draft') then
    raise exception 'a line that left the draft stays' using errcode = 'check_violation';
  end if;
  delete from payments_paidmonth p using old_lines o where o.kind = 'regular' and p.line_id = o.id and p.month = o.month_entitled;
  return null;
end $$;
create trigger line_deleted after delete on payments_payrollline referencing old table as old_lines for each statement execute function doudi.line_deleted();
-- the way of a payroll: draft, checked, approved, released, booked; back to the draft only before the release.
-- What it says of itself is what its lines, the ledger and the bank's results say.
create function doudi.payroll_moves_on() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare n bigint; s numeric; step text := old.state || '>' || new.state;
begin
  if old.state in ('released', 'booked') and new.state not in ('released', 'booked') then
    raise exception 'a released payroll never becomes a draft again' using errcode = 'check_violation';
  end if;
  if old.state <> new.state and step not in ('draft>checked', 'checked>approved', 'approved>released', 'released>booked', 'checked>draft', 'approved>draft') then
    raise exception 'a payroll does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if old.state <> 'draft' and (new.lines, new.amount, new.content_hash) is distinct from (old.lines, old.amount, old.content_hash) and new.state <> 'draft' then
    raise exception 'the content of a checked payroll is frozen' using errcode = 'check_violation';
  end if;
  if old.state not in ('draft', 'checked', 'approved') and (new.checked_by_id, new.approved_by_id, new.released_by_id)
      is distinct from (old.checked_by_id, old.approved_by_id, old.released_by_id) then
    raise exception 'the signatures of a released payroll stay' using errcode = 'check_violation';
  end if;
  if (new.state in ('checked', 'approved', 'released', 'booked') and (new.checked_by_id is null or new.content_hash = ''))
     or (new.state in ('approved', 'released', 'booked') and new.approved_by_id is null)
     or (new.state in ('released', 'booked') and new.released_by_id is null) then
    raise exception 'a signature is missing' using errcode = 'check_violation';
  end if;
  if step = 'draft>checked' then
    select count(*), coalesce(sum(amount), 0) into n, s from payments_payrollline where payroll_id = new.id;
    if (n, s) is distinct from (new.lines::bigint, new.amount) then
      raise exception 'the payroll differs from its lines' using errcode = 'check_violation';
    end if;
  elsif step = 'approved>released' then
    select coalesce(sum(amount), 0) into s from payments_ledgerentry where payroll_id = new.id and account = 'in_payment';
    if s <> new.amount then
      raise exception 'the ledger does not carry this payroll' using errcode = 'check_violation';
    end if;
  elsif step = 'released>booked' then
    select coalesce(sum(paid_lines + returned_lines), 0), coalesce(sum(paid_amount + returned_amount), 0) into n, s
      from payments_bankresult where payroll_id = new.id;
    if (n, s) is distinct from (new.lines::bigint, new.amount) then
      raise exception 'the bank has not answered for every line' using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger payroll_moves_on before update on payments_payroll for each row execute function doudi.payroll_moves_on();
create function doudi.payroll_begins() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if new.state <> 'draft' or new.lines <> 0 or new.amount <> 0 or new.content_hash <> '' or new.month <> date_trunc('month', new.month)::date
     or num_nonnulls(new.checked_by_id, new.approved_by_id, new.released_by_id, new.booked_at) > 0 then
    raise exception 'a payroll begins as an empty draft' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payroll_begins before insert on payments_payroll for each row execute function doudi.payroll_begins();
create function doudi.payroll_deleted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if old.state <> 'draft' or exists (select from payments_payrollline where payroll_id = old.id) then
    raise exception 'only an empty draft is deleted' using errcode = 'check_violation';
  end if;
  return old;
end $$;
create trigger payroll_deleted before delete on payments_payroll for each row execute function doudi.payroll_deleted();
-- the lines of a payroll that left the draft are what was signed: nobody changes them
create function doudi.line_is_frozen() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from old_rows o join new_rows n on n.id = o.id and n.month_entitled = o.month_entitled
             where (to_jsonb(o) - 'area' - 'area_then') is distinct from (to_jsonb(n) - 'area' - 'area_then')) or
     (select count(*) from old_rows o join new_rows n on n.id = o.id and n.month_entitled = o.month_entitled) <> (select count(*) from old_rows) then
    raise exception 'a payroll line never changes' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger line_is_frozen after update on payments_payrollline referencing old table as old_rows new table as new_rows
  for each statement execute function doudi.line_is_frozen();
-- a result answers for a released payroll, and for no more than it holds; what came back are lines of that payroll, to the fen
create function doudi.result_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare p payments_payroll; n bigint; s numeric;
begin
  select * into p from payments_payroll where id = new.payroll_id for share;
  select sum(paid_lines + returned_lines), sum(paid_amount + returned_amount) into n, s from payments_bankresult where payroll_id = new.payroll_id;
  if p.state <> 'released' or n > p.lines or s > p.amount or new.area <> p.area
     or least(new.paid_lines, new.returned_lines, new.paid_amount, new.returned_amount) < 0 then
    raise exception 'the result does not fit the payroll' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger result_inserted after insert on payments_bankresult for each row execute function doudi.result_inserted();
create function doudi.return_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from new_rows n join payments_bankresult r on r.id = n.result_id
             left join payments_payrollline l on l.id = n.line_id and l.month_entitled = n.month_entitled and l.entitlement_id = n.entitlement_id
              and l.amount = n.amount and l.area = n.area and l.payroll_id = r.payroll_id and n.payroll_id = r.payroll_id
             where l.id is null or n.state <> 'open') then
    raise exception 'what comes back is a line of that payroll' using errcode = 'check_violation';
  end if;
  if exists (select from payments_bankresult r
             join (select result_id, count(*) as n, sum(amount) as s from payments_bankreturn where result_id in (select result_id from new_rows) group by 1) b
               on b.result_id = r.id
             where r.returned_lines <> b.n or r.returned_amount <> b.s) then
    raise exception 'the returned lines differ from the total of the result' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger return_inserted after insert on payments_bankreturn referencing new table as new_rows for each statement execute function doudi.return_inserted();
-- correcting: township first, then another officer; back to open until the second has confirmed; a reissued one stays
create function doudi.return_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state = 'reissued' or (old.state <> new.state and old.state || '>' || new.state not in
      ('open>proposed', 'proposed>open', 'proposed>corrected', 'corrected>reissued')) then
    raise exception 'a return does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if new.state in ('corrected', 'reissued') and (new.confirmed_by_id is null or new.corrected_by_id is null or new.new_account is null) then
    raise exception 'a correction needs two officers' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger return_moves_on before update on payments_bankreturn for each row execute function doudi.return_moves_on();
-- Months of own awards for which a person is paid already in the same group, here or in another area. Answers for awards of the
-- acting scope only, and only that it is so (integrity.md: a clash with another area is told in our own words).
create function doudi.months_paid_already(p_months date[]) returns table (award_id bigint, month date)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select distinct m.award_id, p.month
  from enrolment_awardmember m join payments_paidmonth p on p.person_id = m.person_id and p.grp = m.grp
  where m.area >= current_setting('app.lo', true) and m.area < current_setting('app.hi', true) and not m.void
    and p.month = any(p_months) and m.starts <= p.month and (m.ends is null or m.ends > p.month)
    and not exists (select from payments_payrollline l where l.entitlement_id = m.award_id and l.month_entitled = p.month and l.kind = 'regular')
$$;
revoke execute on function doudi.months_paid_already(date[]) from public;
grant execute on function doudi.months_paid_already(date[]) to doudi_app;
create sequence doudi.ledger_transaction_id as bigint;
grant usage on sequence doudi.ledger_transaction_id to doudi_app;
create function doudi.ledger_balanced() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  -- one booking at a time in an area: else two could spend the same money unseen by each other
  perform pg_advisory_xact_lock(hashtextextended('ledger ' || new.area, 0));
  if (select sum(amount) from payments_ledgerentry where transaction = new.transaction) <> 0
     or (select count(distinct (area, fund_id, fund_year)) from payments_ledgerentry where transaction = new.transaction) > 1 then
    raise exception 'ledger transaction % is not balanced', new.transaction using errcode = 'check_violation';
  end if;
  if new.account <> 'appropriation' and (select sum(amount) from payments_ledgerentry where area = new.area and fund_id = new.fund_id
                                         and fund_year = new.fund_year and account = new.account) < 0 then
    raise exception 'the fund does not cover it' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger ledger_balanced after insert on payments_ledgerentry deferrable initially deferred
  for each row execute function doudi.ledger_balanced();
-- append-only for the owner too: a correction is a reversal. Only a recode touches `area` (integrity.md).
create function doudi.ledger_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if tg_op = 'UPDATE' and (to_jsonb(new) - 'area' - 'area_then') = (to_jsonb(old) - 'area' - 'area_then') then return new; end if;
  raise exception 'the ledger is append-only' using errcode = 'check_violation';
end $$;
create trigger ledger_stays before update or delete on payments_ledgerentry for each row execute function doudi.ledger_stays();
"""

# CREATE ... PARTITION OF locks the whole table: months are made ahead by the owner.
MONTHS = """
create function doudi.add_payment_months(p_from date, p_until date) returns int language plpgsql set search_path = doudi, pg_temp as $$
declare m date; t text; p text; made int := 0;
begin
  for m in select generate_series(date_trunc('month', p_from), p_until, interval '1 month')::date loop
    foreach t in array array['payments_payrollline', 'payments_paidmonth'] loop
      p := t || '_' || to_char(m, 'YYYYMM');
      if to_regclass('doudi.' || p) is null then
        execute format('create table doudi.%I partition of doudi.%I for values from (%L) to (%L)', p, t, m, (m + interval '1 month')::date);
        execute format('alter table doudi.%I enable row level security', p);
        made := made + 1;
      end if;
    end loop;
  end loop;
  return made;
end $$;
revoke execute on function doudi.add_payment_months(date, date) from public;
select doudi.add_payment_months('2022-01-01', '2027-12-01');
"""

MOVE = """
grant select, update (area, area_then) on registry_household, registry_person, registry_membership, registry_fact, registry_benefitstatus,
  discovery_lead, discovery_leadevent to doudi_move;
grant select, insert on registry_householdhistoryevent, registry_personhistoryevent, registry_membershiphistoryevent to doudi_move;
grant select, update (ends) on enrolment_award, enrolment_awardmember to doudi_move;
grant select on payments_paidmonth to doudi_move;
grant select, update (done_at) on registry_moverequest to doudi_move;
do $$ declare t text; begin
  foreach t in array array['registry_household', 'registry_person', 'registry_membership', 'registry_fact', 'registry_benefitstatus', 'discovery_lead',
      'discovery_leadevent', 'registry_householdhistoryevent', 'registry_personhistoryevent', 'registry_membershiphistoryevent', 'enrolment_award',
      'enrolment_awardmember', 'payments_paidmonth', 'registry_moverequest'] loop
    execute format('create policy move on %I for all to doudi_move using (true) with check (true)', t);
  end loop; end $$;
create function doudi.move_household(p_request bigint, p_now timestamptz, p_months int) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
declare r registry_moverequest; v_last date;
begin
  select * into r from registry_moverequest where id = p_request and released_by is not null and refused_reason = '' and done_at is null for update;
  if not found then raise exception 'not asked for and released' using errcode = 'insufficient_privilege'; end if;
  update registry_household set area = r.to_area where id = r.household_id and area = r.from_area;
  if not found then raise exception 'the household is not there any more' using errcode = 'no_data_found'; end if;
  update registry_person set area = r.to_area
   where area = r.from_area and id in (select person_id from registry_membership where household_id = r.household_id and (ends is null or ends > p_now::date));
  -- the old area goes on paying, a few months at most, until the new area's award starts
  v_last := (r.first_month + make_interval(months => p_months))::date;
  update enrolment_awardmember m set ends = least(coalesce(m.ends, 'infinity'), v_last) from enrolment_award a
   where a.id = m.award_id and a.household_id = r.household_id and a.area = r.from_area and not m.void and m.starts < v_last;
  update enrolment_award set ends = least(coalesce(ends, 'infinity'), v_last)
   where household_id = r.household_id and area = r.from_area and not void and starts < v_last;
  update registry_moverequest set done_at = p_now where id = p_request;
end $$;
-- the new area's award starts: the old one ends the day before, never before what is paid
create function doudi.succeed_award(p_person bigint, p_group smallint, p_start date) returns date language plpgsql security definer set search_path = doudi, pg_temp as $$
declare s date;
begin
  select greatest(p_start, (max(month) + interval '1 month')::date) into s from payments_paidmonth where person_id = p_person and grp = p_group;
  s := coalesce(s, p_start);
  update enrolment_awardmember m set ends = s
   where m.person_id = p_person and m.grp = p_group and not m.void and m.starts < s and (m.ends is null or m.ends > s)
     and exists (select from registry_moverequest r join enrolment_award a on a.household_id = r.household_id
                 where a.id = m.award_id and r.done_at is not null and r.from_area = m.area);
  update enrolment_award a set ends = s
   where a.starts < s and (a.ends is null or a.ends > s)
     and exists (select from enrolment_awardmember m where m.award_id = a.id and m.person_id = p_person and m.grp = p_group and not m.void and m.ends = s)
     and not exists (select from enrolment_awardmember m where m.award_id = a.id and not m.void and (m.ends is null or m.ends > s));
  return s;
end $$;
grant create on schema doudi to doudi_move;
alter function doudi.move_household(bigint, timestamptz, int) owner to doudi_move;
alter function doudi.succeed_award(bigint, smallint, date) owner to doudi_move;
revoke create on schema doudi from doudi_move;
set role doudi_move;
revoke execute on function doudi.move_household(bigint, timestamptz, int), doudi.succeed_award(bigint, smallint, date) from public;
grant execute on function doudi.move_household(bigint, timestamptz, int), doudi.succeed_award(bigint, smallint, date) to doudi_app;
reset role;
"""

# The assistance fund is one pool over its programmes; disability subsidies are apart (measures 4.1, domain.md).
FUNDS = """
insert into payments_fund (id, code, name, pool) overriding system value values
  (1, 'assistance', '困难群众救助补助资金', 'assistance'), (2, 'disability', '残疾人两项补贴资金', 'disability');
insert into payments_fundpurpose (fund_id, programme)
  select 1, unnest(array['dibao', 'dibao_single', 'tekun', 'orphan', 'unsupported_child'])
  union all select 2, unnest(array['disability_living', 'disability_nursing']);
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("enrolment", "0002_guards"), ("discovery", "0002_guards")]
    operations = [
        migrations.RunSQL(TABLES, migrations.RunSQL.noop),
        Open("payments_fund"),
        Open("payments_fundpurpose"),
        # a township sees the county's payroll that its people are in, and only its own lines of it
        Protect(
            "payments_payroll",
            read=f"({RANGE}) or starts_with(current_setting('app.lo', true), area)",
            update=[
                "state", "lines", "amount", "content_hash", "checked_by_id", "checked_at", "approved_by_id", "approved_at", "released_by_id",
                "released_at", "booked_at", "note",
            ],
            delete=True,
        ),
        Protect("payments_payrollline", delete=True),
        Protect("payments_paidmonth", insert=False),
        Protect("payments_payrollexclusion", delete=True),
        Protect("payments_linereview", update=["verdict", "note", "reviewed_by_id", "reviewed_at"], delete=True),
        Protect("payments_bankfile"),
        Protect("payments_bankresult"),
        Protect(
            "payments_bankreturn",
            update=[
                "state", "corrected_by_id", "corrected_at", "new_name", "new_account", "new_bank", "correction_note", "confirmed_by_id", "confirmed_at",
            ],
        ),
        Protect("payments_ledgerentry"),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(MONTHS, migrations.RunSQL.noop),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.RunSQL(FUNDS, migrations.RunSQL.noop),
    ]
