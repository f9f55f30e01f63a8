"""Guards of funds (integrity.md, "Ledger"; measures 4.1, 4.2): a line is paid by a fund that may pay it there and in that year; money comes,
moves and goes by a document that the ledger carries to the fen; the money of each level is counted apart."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

# What came with the system is in force; seeds of later migrations need not say more than fund and programme.
PURPOSES = """
update payments_fundpurpose set state = 'confirmed';
alter table payments_fundpurpose alter area set default '41', alter from_year set default 2000, alter allowed set default true,
  alter document set default '系统默认', alter state set default 'confirmed', alter note set default '';
alter table payments_fundpurpose add constraint fund_purpose_area check (length(area) in (2, 4, 6));
alter table payments_fund add constraint fund_area check (length(area) in (2, 4, 6));
insert into payments_fund (id, code, name, pool, area) overriding system value values
  (3, 'services', '政府购买服务资金', 'services', '41'), (4, 'donations', '社会捐赠资金', 'donations', '41');
select setval(pg_get_serial_sequence('payments_fund', 'id'), 1000);
create index fund_purpose_rules on payments_fundpurpose (fund_id, programme);
-- Whether a fund pays a programme in a place with money of a year: the newest rule of the smallest place that has one.
create function doudi.fund_allows(p_fund bigint, p_programme text, p_area text, p_year int) returns boolean
language sql stable security definer set search_path = doudi, pg_temp as $$
  select coalesce((select allowed from payments_fundpurpose
                   where fund_id = p_fund and programme = p_programme and state = 'confirmed' and starts_with(p_area, area)
                     and from_year <= p_year and (until_year is null or until_year >= p_year)
                   order by length(area) desc, confirmed_at desc nulls last, id desc limit 1), false)
$$;
-- The fund that pays each programme in a place and year: the first of those that may.
create function doudi.funds_for(p_area text, p_year int) returns table (programme text, fund_id bigint)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select p.programme, min(p.fund_id)
  from (select distinct r.programme, r.fund_id from payments_fundpurpose r join payments_fund f on f.id = r.fund_id where starts_with(p_area, f.area)) p
  where fund_allows(p.fund_id, p.programme, p_area, p_year) group by 1
$$;
revoke execute on function doudi.fund_allows(bigint, text, text, int), doudi.funds_for(text, int) from public;
grant execute on function doudi.fund_allows(bigint, text, text, int), doudi.funds_for(text, int) to doudi_app;
-- one officer proposes, another confirms; who owns the fund allows, places below may only forbid; a rule never changes
create function doudi.purpose_moves() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare acting bigint := nullif(current_setting('app.account', true), '')::bigint; owner text;
begin
  if current_user <> 'doudi_app' then return new; end if;
  select area into owner from payments_fund where id = new.fund_id;
  if owner is null or not (starts_with(new.area, owner) or starts_with(owner, new.area)) then
    raise exception 'the fund is not of this place' using errcode = 'check_violation';
  end if;
  if new.allowed and not starts_with(owner, current_setting('app.lo', true)) then
    raise exception 'who owns the fund says what it may pay' using errcode = 'check_violation';
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'proposed' or new.confirmed_by_id is not null or new.proposed_by_id is distinct from acting then
      raise exception 'a rule begins as a proposal of its officer' using errcode = 'check_violation';
    end if;
  elsif old.state <> 'proposed' or new.state = 'proposed'
     or (to_jsonb(old) - array['state', 'confirmed_by_id', 'confirmed_at', 'note']) <> (to_jsonb(new) - array['state', 'confirmed_by_id', 'confirmed_at', 'note'])
     or new.confirmed_by_id is distinct from acting then
    raise exception 'a rule is confirmed once, by its officer' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger purpose_moves before insert or update on payments_fundpurpose for each row execute function doudi.purpose_moves();
create function doudi.line_money_allowed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from (select distinct fund_id, programme, left(area, 6) as area, fund_year from new_lines where kind <> 'reissue') n
             where not fund_allows(n.fund_id, n.programme, n.area, n.fund_year)) then
    raise exception 'the fund is not for this programme, place and year' using errcode = 'check_violation';
  end if;
  if exists (select from new_lines where kind <> 'reissue' and fund_year <> extract(year from month_paid)) then
    raise exception 'a payroll draws on money of its own year' using errcode = 'check_violation';
  end if;
  -- what came back is owed by the fund and year that it came from
  if exists (select from new_lines where kind = 'reissue') and exists (
       select from new_lines n left join payments_payrollline l on l.id = n.returned_line and l.month_entitled = n.month_entitled
       where n.kind = 'reissue' and (l.fund_id, l.fund_year) is distinct from (n.fund_id, n.fund_year)) then
    raise exception 'a reissue draws on what came back to its fund and year' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger line_money_allowed after insert on payments_payrollline referencing new table as new_lines
  for each statement execute function doudi.line_money_allowed();
"""

MOVEMENTS = """
alter table payments_fundmovement add constraint fund_movement_area check (length(area) in (2, 4, 6) and length(to_area) in (0, 2, 4, 6));
alter table payments_fundmovement add constraint fund_movement_carry check (
  kind <> 'carry_over' or (to_year > fund_year and to_fund_id = fund_id and to_area = area));
alter table payments_fundmovement add constraint fund_movement_moves check (
  kind <> 'transfer' or (to_year = fund_year and (to_fund_id, to_area) is distinct from (fund_id, area)));
alter table payments_ledgerentry alter level set default '';
alter table payments_ledgerentry add constraint ledger_document check (
  movement_id is not null or account not in ('appropriation', 'plan_source', 'planned', 'transferred', 'handed_back')) not valid;
alter table payments_ledgerentry add constraint ledger_movement check (
  movement_id is null or (payroll_id is null and payout_id is null and length(area) in (2, 4, 6)
    and account in ('available', 'appropriation', 'plan_source', 'planned', 'transferred', 'handed_back')));
-- one officer proposes, another confirms what moves money; plans and receipts are booked by one with their document; then it stays
create function doudi.movement_moves() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare acting bigint := nullif(current_setting('app.account', true), '')::bigint;
begin
  if tg_op = 'INSERT' then
    if (new.state = 'booked') <> (new.kind in ('plan', 'receipt')) or new.state = 'refused' or new.confirmed_by_id is not null or new.reversed
       or new.proposed_by_id is distinct from acting then
      raise exception 'a document begins as a proposal of its officer' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if (to_jsonb(old) - array['state', 'confirmed_by_id', 'confirmed_at', 'note', 'reversed'])
      <> (to_jsonb(new) - array['state', 'confirmed_by_id', 'confirmed_at', 'note', 'reversed'])
     or (old.state <> 'proposed' and (old.state, old.confirmed_by_id, old.confirmed_at, old.note)
         is distinct from (new.state, new.confirmed_by_id, new.confirmed_at, new.note))
     or (old.state = 'proposed' and (new.state = 'proposed' or new.confirmed_by_id is distinct from acting)) then
    raise exception 'what a document says stays' using errcode = 'check_violation';
  end if;
  if old.reversed is distinct from new.reversed and (old.reversed or not exists (
       select from payments_fundmovement where reverses_id = new.id and state = 'booked')) then
    raise exception 'only a booked reversal undoes a document' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger movement_moves before insert or update on payments_fundmovement for each row execute function doudi.movement_moves();
-- the entries that a document asks for
create function doudi.movement_wants(p_movement bigint)
returns table (area text, fund_id bigint, fund_year int, level text, account text, amount numeric)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select m.area, m.fund_id, m.fund_year::int, m.level, a.account, a.sign * m.amount
  from payments_fundmovement m
  join (values ('plan', 'planned', 1), ('plan', 'plan_source', -1), ('receipt', 'available', 1), ('receipt', 'appropriation', -1),
               ('transfer', 'available', -1), ('transfer', 'transferred', 1), ('carry_over', 'available', -1), ('carry_over', 'transferred', 1),
               ('return', 'available', -1), ('return', 'handed_back', 1)) a (kind, account, sign) on a.kind = m.kind
  where m.id = p_movement and m.state = 'booked'
  union all
  select m.to_area, m.to_fund_id, m.to_year::int, m.level, a.account, a.sign * m.amount
  from payments_fundmovement m join (values ('available', 1), ('transferred', -1)) a (account, sign) on m.kind in ('transfer', 'carry_over')
  where m.id = p_movement and m.state = 'booked'
  union all
  select e.area, e.fund_id, e.fund_year::int, e.level, e.account, -sum(e.amount)
  from payments_fundmovement m join payments_ledgerentry e on e.movement_id = m.reverses_id
  where m.id = p_movement and m.state = 'booked' group by 1, 2, 3, 4, 5
$$;
create function doudi.movement_holds(p_movement bigint) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
declare m payments_fundmovement; o payments_fundmovement;
begin
  select * into m from payments_fundmovement where id = p_movement;
  if exists (
    select from (select * from movement_wants(p_movement)) w (area, fund_id, fund_year, level, account, amount)
    full join (select area, fund_id, fund_year::int as fund_year, level, account, sum(amount) as amount from payments_ledgerentry
               where movement_id = p_movement group by 1, 2, 3, 4, 5) e using (area, fund_id, fund_year, level, account)
    where w.amount is distinct from e.amount) then
    raise exception 'the ledger does not carry this document' using errcode = 'check_violation';
  end if;
  if m.plan_id is not null then
    select * into o from payments_fundmovement where id = m.plan_id;
    if m.kind <> 'receipt' or o.kind <> 'plan' or (o.area, o.fund_id, o.fund_year, o.level) is distinct from (m.area, m.fund_id, m.fund_year, m.level) then
      raise exception 'a receipt answers a plan of its own fund, year and level' using errcode = 'check_violation';
    end if;
  end if;
  if m.reverses_id is not null then
    select * into o from payments_fundmovement where id = m.reverses_id;
    if o.kind = 'reversal' or o.state <> 'booked' or (o.area, o.fund_id, o.fund_year, o.level, o.amount)
       is distinct from (m.area, m.fund_id, m.fund_year, m.level, m.amount) or (m.state = 'booked') <> o.reversed then
      raise exception 'a reversal undoes one booked document, whole' using errcode = 'check_violation';
    end if;
  end if;
end $$;
revoke execute on function doudi.movement_wants(bigint), doudi.movement_holds(bigint) from public;
create function doudi.movement_is_booked() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform movement_holds(new.id);
  return null;
end $$;
create constraint trigger movement_is_booked after insert or update on payments_fundmovement deferrable initially deferred
  for each row execute function doudi.movement_is_booked();
"""

LEDGER = """
create or replace function doudi.ledger_balanced() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare held numeric; advanced numeric;
begin
  -- one booking at a time in an area: else two could spend the same money unseen by each other
  perform pg_advisory_xact_lock(hashtextextended('ledger ' || new.area, 0));
  if exists (select from payments_ledgerentry where transaction = new.transaction group by level having sum(amount) <> 0)
     or (select count(distinct (area, fund_id, fund_year)) from payments_ledgerentry where transaction = new.transaction) > 1 then
    raise exception 'ledger transaction % is not balanced', new.transaction using errcode = 'check_violation';
  end if;
  if new.account not in ('appropriation', 'plan_source', 'transferred', 'commitment', 'reserve_source')
     and (select sum(amount) from payments_ledgerentry where area = new.area and fund_id = new.fund_id
          and fund_year = new.fund_year and account = new.account and level = new.level) < 0 then
    raise exception 'the fund does not cover it' using errcode = 'check_violation';
  end if;
  if new.account in ('advanced', 'reserve_source') then
    -- what a county advanced is what its townships got: to the fen, by fund and year
    select coalesce(sum(amount), 0) into advanced from payments_ledgerentry where area = left(new.area, 6) and fund_id = new.fund_id
      and fund_year = new.fund_year and account = 'advanced';
    select coalesce(sum(amount), 0) into held from payments_ledgerentry where area >= left(new.area, 6) and area < left(new.area, 6) || ':'
      and fund_id = new.fund_id and fund_year = new.fund_year and account = 'reserve_source';
    if advanced + held <> 0 then
      raise exception 'the reserves differ from what the county advanced' using errcode = 'check_violation';
    end if;
  end if;
  if new.payout_id is not null then
    perform payout_holds(new.payout_id);
  end if;
  if new.movement_id is not null then
    perform movement_holds(new.movement_id);
  end if;
  return null;
end $$;
create or replace function doudi.payout_holds(p_payout bigint) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
declare o payments_reservepayout; g payments_grant; s numeric;
begin
  select * into o from payments_reservepayout where id = p_payout;
  select * into g from payments_grant where id = o.grant_id;
  if g.way <> 'reserve' or g.void or g.amount <> o.amount or not starts_with(g.area, o.area) then
    raise exception 'the payout is not what was granted' using errcode = 'check_violation';
  end if;
  select coalesce(sum(amount), 0) into s from payments_ledgerentry where payout_id = p_payout and account = 'reserve_paid' and amount > 0 and area = o.area;
  if s <> o.amount then
    raise exception 'the ledger does not carry this payout' using errcode = 'check_violation';
  end if;
  if exists (select from payments_ledgerentry e where e.payout_id = p_payout and not fund_allows(e.fund_id, g.programme, left(e.area, 6), e.fund_year)) then
    raise exception 'the fund is not for this programme' using errcode = 'check_violation';
  end if;
end $$;
"""

# Payrolls that are approved already are noted as committed, like those approved from now on.
COMMITTED = """
with waiting as materialized (
  select p.id, p.area, p.number, coalesce(p.approved_at, p.prepared_at) as at, l.fund_id, l.fund_year, l.amount, nextval('doudi.ledger_transaction_id') as transaction
  from payments_payroll p
  join (select payroll_id, fund_id, fund_year, sum(amount) as amount from payments_payrollline group by 1, 2, 3) l on l.payroll_id = p.id
  where p.state = 'approved' and p.kind <> 'follow_up'
)
insert into payments_ledgerentry (area, transaction, account, fund_id, fund_year, level, amount, what, document, booked_on, booked_at)
select w.area, w.transaction, s.account, w.fund_id, w.fund_year, '', s.sign * w.amount, '审批 ' || w.number, w.number, w.at::date, w.at
from waiting w cross join (values ('committed', 1), ('commitment', -1)) s (account, sign);
set constraints all immediate;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0016_funds")]
    operations = [
        migrations.RunSQL(PURPOSES, migrations.RunSQL.noop),
        migrations.RunSQL(MOVEMENTS, migrations.RunSQL.noop),
        migrations.RunSQL(LEDGER, migrations.RunSQL.noop),
        migrations.RunSQL(COMMITTED, migrations.RunSQL.noop),
        # a county reads the rules and funds of its city and province
        Protect("payments_fund", insert=False, read=f"({RANGE}) or starts_with(current_setting('app.lo', true), area)"),
        Protect(
            "payments_fundpurpose",
            read=f"({RANGE}) or starts_with(current_setting('app.lo', true), area)",
            update=["state", "confirmed_by_id", "confirmed_at", "note"],
        ),
        # both ends read a transfer; who moves it covers both
        Protect(
            "payments_fundmovement",
            read=f"({RANGE}) or (to_area >= current_setting('app.lo', true) and to_area < current_setting('app.hi', true))",
            write=f"({RANGE}) and (to_area = '' or (to_area >= current_setting('app.lo', true) and to_area < current_setting('app.hi', true)))",
            update=["state", "confirmed_by_id", "confirmed_at", "note", "reversed"],
        ),
    ]
