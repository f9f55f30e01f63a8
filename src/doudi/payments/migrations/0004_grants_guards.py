"""Guards of one-off grants and township reserves (integrity.md, "Payroll lines", "Ledger"): a grant is paid once, by a line that says
what it says or by one payout; a reserve is the other side of what its county advanced, and never below nought."""

from django.db import migrations

from doudi.core.grants import Protect
from doudi.payments.migrations._lines import LINE_INSERTED

LINES = """
alter table payments_payrollline drop constraint payments_payrollline_kind_check;
alter table payments_payrollline add constraint payments_payrollline_kind_check check (kind in ('regular', 'back', 'reissue', 'setoff', 'grant'));
alter table payments_payrollline alter column decision_id drop not null;
alter table payments_payrollline add constraint payroll_line_decision check (decision_id is not null or kind in ('grant', 'reissue'));
"""

GRANTS = """
alter table payments_grant add constraint grant_month check (month = date_trunc('month', month)::date);
alter table payments_grant add constraint grant_area check (length(area) >= 6);
create function doudi.grant_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from new_rows n left join enrolment_entitlement e on e.id = n.id and e.kind = 'grant' and e.area = n.area
             where e.id is null or n.void) then
    raise exception 'a grant is an entitlement of its own area' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger grant_inserted after insert on payments_grant referencing new table as new_rows
  for each statement execute function doudi.grant_inserted();
-- amount and cause stay; whom and where it is paid, and that it is void, may change until it is in a payroll or paid out
create function doudi.grant_changes() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if to_jsonb(old) - array['area', 'area_then'] = to_jsonb(new) - array['area', 'area_then'] then return new; end if;
  perform pg_advisory_xact_lock(hashtextextended('grants ' || left(new.area, 6), 0));
  if old.void or (to_jsonb(old) - array['area', 'area_then', 'payee_id', 'payee_name', 'payee', 'account', 'bank', 'void', 'void_reason'])
      <> (to_jsonb(new) - array['area', 'area_then', 'payee_id', 'payee_name', 'payee', 'account', 'bank', 'void', 'void_reason']) then
    raise exception 'what a grant says stays' using errcode = 'check_violation';
  end if;
  if exists (select from payments_payrollline where entitlement_id = old.id and month_entitled = old.month)
     or exists (select from payments_reservepayout where grant_id = old.id) then
    raise exception 'a grant that is being paid stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger grant_changes before update on payments_grant for each row execute function doudi.grant_changes();
"""

RESERVES = """
alter table payments_ledgerentry add constraint ledger_reserve_area check (
  (account not like 'reserve%' or length(area) = 9) and (account <> 'advanced' or length(area) = 6));
alter table payments_ledgerentry add constraint ledger_payout check (
  (account <> 'reserve_paid' or amount < 0 or payout_id is not null) and (payout_id is null or account in ('reserve', 'reserve_paid')));
alter table payments_reservetransfer add constraint reserve_transfer_area check (length(area) = 9);
alter table payments_reservesettlement add constraint reserve_settlement_area check (length(area) = 9);
alter table payments_reservepayout add constraint reserve_payout_area check (length(area) = 9);
create function doudi.payout_begins() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('grants ' || left(new.area, 6), 0));
  if new.settlement_id is not null or new.settled_by_id is not null then
    raise exception 'a payout begins unsettled' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payout_begins before insert on payments_reservepayout for each row execute function doudi.payout_begins();
create function doudi.payout_holds(p_payout bigint) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
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
  if exists (select from payments_ledgerentry e left join payments_fundpurpose f on f.fund_id = e.fund_id and f.programme = g.programme
             where e.payout_id = p_payout and f.id is null) then
    raise exception 'the fund is not for this programme' using errcode = 'check_violation';
  end if;
end $$;
revoke execute on function doudi.payout_holds(bigint) from public;
create function doudi.payout_is_booked() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform payout_holds(new.id);
  return null;
end $$;
create constraint trigger payout_is_booked after insert on payments_reservepayout deferrable initially deferred
  for each row execute function doudi.payout_is_booked();
create function doudi.payout_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if (to_jsonb(old) - array['area', 'area_then', 'settlement_id', 'settled_by_id']) <> (to_jsonb(new) - array['area', 'area_then', 'settlement_id', 'settled_by_id'])
     or (old.settlement_id is not null and (old.settlement_id, old.settled_by_id) is distinct from (new.settlement_id, new.settled_by_id)) then
    raise exception 'a payout stays as it was signed for' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payout_stays before update on payments_reservepayout for each row execute function doudi.payout_stays();
-- a settlement is the sum of its payouts, and the ledger closes the same amount
create function doudi.settlement_holds() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare n bigint; s numeric;
begin
  select count(*), coalesce(sum(amount), 0) into n, s from payments_reservepayout where settlement_id = new.id and area = new.area;
  if n = 0 or (n, s) is distinct from (new.payouts::bigint, new.amount) then
    raise exception 'a settlement is the sum of its payouts' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger settlement_holds after insert on payments_reservesettlement deferrable initially deferred
  for each row execute function doudi.settlement_holds();
create or replace function doudi.ledger_balanced() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare held numeric; advanced numeric;
begin
  -- one booking at a time in an area: else two could spend the same money unseen by each other
  perform pg_advisory_xact_lock(hashtextextended('ledger ' || new.area, 0));
  if (select sum(amount) from payments_ledgerentry where transaction = new.transaction) <> 0
     or (select count(distinct (area, fund_id, fund_year)) from payments_ledgerentry where transaction = new.transaction) > 1 then
    raise exception 'ledger transaction % is not balanced', new.transaction using errcode = 'check_violation';
  end if;
  if new.account not in ('appropriation', 'reserve_source') and (select sum(amount) from payments_ledgerentry where area = new.area and fund_id = new.fund_id
                                         and fund_year = new.fund_year and account = new.account) < 0 then
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
  return null;
end $$;
"""

PURPOSES = """
insert into payments_fundpurpose (fund_id, programme) select id, unnest(array['temporary', 'price_subsidy', 'funeral']) from payments_fund where code = 'assistance';
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_grants_and_reserves"), ("payments", "0002_lines")]
    operations = [
        migrations.RunSQL(LINES, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
        migrations.RunSQL(LINE_INSERTED, migrations.RunSQL.noop),
        migrations.RunSQL(RESERVES, migrations.RunSQL.noop),
        migrations.RunSQL(PURPOSES, migrations.RunSQL.noop),
        Protect("payments_grant", update=["payee_id", "payee_name", "payee", "account", "bank", "void", "void_reason"]),
        Protect("payments_reservetransfer"),
        Protect("payments_reservesettlement"),
        Protect("payments_reservepayout", update=["settlement_id", "settled_by_id"]),
    ]
