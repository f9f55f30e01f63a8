"""Guards of purchased services, of the register and of donations (8.2, 4.1): prices and quantities as contracted, a record settles once, every yuan
is a booking of the right fund, no donation is given twice."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

ACTING = "nullif(current_setting('app.account', true), '')::bigint"
# A county's contracts are read by its townships and villages.
ABOVE = f"({RANGE}) or starts_with(current_setting('app.lo', true), area)"
# Whom a resource serves reads it too.
SERVED = f"({RANGE}) or starts_with(current_setting('app.lo', true), to_area) or starts_with(to_area, current_setting('app.lo', true))"
# An institution clerk sees what comes to the own house.
OWN_HOUSE = (
    f"({RANGE}) and (current_setting('app.duty', true) <> 'institution_clerk' or exists (select from institutions_institutionclerk k"
    f" where k.institution_id = resources_donationallocation.institution_id and k.account_id = {ACTING} and k.ended_at is null))"
)

CONTRACTS = f"""
alter table resources_servicecontract add constraint contract_area check (length(area) = 6);
create function doudi.contract_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare acting bigint := {ACTING};
begin
  if tg_op = 'INSERT' then
    if new.state <> 'proposed' or new.proposed_by_id is distinct from acting then
      raise exception 'a contract begins as a proposal of its officer' using errcode = 'check_violation';
    end if;
  else
    if (to_jsonb(old) - array['area', 'area_then', 'state', 'decided_by_id', 'decided_at', 'note', 'version'])
        <> (to_jsonb(new) - array['area', 'area_then', 'state', 'decided_by_id', 'decided_at', 'note', 'version']) then
      raise exception 'what a contract says stays' using errcode = 'check_violation';
    end if;
    if old.state <> new.state and (old.state, new.state) not in (('proposed', 'active'), ('proposed', 'refused'), ('active', 'ended')) then
      raise exception 'a contract does not go from % to %', old.state, new.state using errcode = 'check_violation';
    end if;
    if old.state = new.state and (old.decided_by_id, old.note) is distinct from (new.decided_by_id, new.note)
       or old.state <> new.state and new.decided_by_id is distinct from acting then
      raise exception 'who decides signs' using errcode = 'check_violation';
    end if;
  end if;
  if not fund_allows(new.fund_id, 'services', new.area, extract(year from new.starts)::int) then
    raise exception 'the fund is not for purchased services' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger contract_moves before insert or update on resources_servicecontract for each row execute function doudi.contract_moves();
create function doudi.contract_line_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if not exists (select from resources_servicecontract where id = new.contract_id and area = new.area and state = 'proposed') then
    raise exception 'lines come with the proposal of their contract' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger contract_line_inserted before insert on resources_contractline for each row execute function doudi.contract_line_inserted();
create function doudi.contract_adds_up() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare n bigint;
begin
  n := case when tg_table_name = 'resources_contractline' then (to_jsonb(new) ->> 'contract_id')::bigint else new.id end;
  if (select amount from resources_servicecontract where id = n)
     is distinct from (select sum(round(unit_price * quantity, 2)) from resources_contractline where contract_id = n) then
    raise exception 'a contract is the sum of its lines' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger contract_adds_up after insert on resources_servicecontract deferrable initially deferred
  for each row execute function doudi.contract_adds_up();
create constraint trigger contract_adds_up after insert on resources_contractline deferrable initially deferred
  for each row execute function doudi.contract_adds_up();
"""

SERVICES = f"""
alter table resources_purchasedservice add constraint purchased_amount check (amount = round(quantity * unit_price, 2));
alter table resources_purchasedservice add constraint purchased_area check (length(area) >= 6);
create function doudi.line_used(p_contract bigint) returns table (line_id bigint, used numeric)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select line_id, sum(quantity) from resources_purchasedservice where contract_id = p_contract and state not in ('refused', 'void') group by 1
$$;
revoke execute on function doudi.line_used(bigint) from public;
grant execute on function doudi.line_used(bigint) to doudi_app;
-- as contracted: price, period, place; never more than the quantity, whoever records at the same moment
create function doudi.services_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare acting bigint := {ACTING};
begin
  if exists (select from new_rows n left join resources_servicecontract c on c.id = n.contract_id left join resources_contractline l on l.id = n.line_id
             where c.state is distinct from 'active' or l.contract_id is distinct from c.id or n.unit_price <> l.unit_price or not starts_with(n.area, c.area)
                or n.day < c.starts or n.day > c.until or n.state <> 'recorded' or n.acceptance_id is not null or n.confirmed <> ''
                or n.entered_by_id is distinct from acting) then
    raise exception 'a record is as its contract says' using errcode = 'check_violation';
  end if;
  perform from resources_contractline where id in (select line_id from new_rows) order by id for update;
  if exists (select from resources_contractline l
             join (select line_id, sum(quantity) as used from resources_purchasedservice
                   where line_id in (select line_id from new_rows) and state not in ('refused', 'void') group by 1) s on s.line_id = l.id
             where s.used > l.quantity) then
    raise exception 'more than the contracted quantity' using errcode = 'check_violation';
  end if;
  if exists (select from new_rows n join community_counsellingsession s on s.id = n.session_id
             where s.state <> 'held' or s.person_id is distinct from n.person_id) then
    raise exception 'a session that was held, of that person' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger services_inserted after insert on resources_purchasedservice referencing new table as new_rows
  for each statement execute function doudi.services_inserted();
create function doudi.service_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare a resources_acceptance; free text[] := array['area', 'area_then', 'phone', 'asked_at', 'state', 'confirmed', 'confirmed_by_id', 'confirmed_at',
  'satisfaction', 'objection', 'reason', 'acceptance_id', 'version'];
begin
  if (to_jsonb(old) - free) <> (to_jsonb(new) - free) then
    raise exception 'what a record says stays' using errcode = 'check_violation';
  end if;
  if old.state = new.state and old.acceptance_id is not distinct from new.acceptance_id then
    if old.state in ('settled', 'refused', 'void', 'confirmed') and (to_jsonb(old) - array['area', 'area_then', 'phone', 'asked_at', 'version'])
        <> (to_jsonb(new) - array['area', 'area_then', 'phone', 'asked_at', 'version']) then
      raise exception 'what was decided of a record stays' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  select * into a from resources_acceptance where id = coalesce(new.acceptance_id, old.acceptance_id);
  if old.acceptance_id is distinct from new.acceptance_id then
    if old.acceptance_id is null and not (a.state = 'open' and a.contract_id = new.contract_id and new.day between a.starts and a.until
         and old.state = 'confirmed' and new.state = 'confirmed')
       or old.acceptance_id is not null and not (new.acceptance_id is null and a.state = 'cancelled' and old.state = new.state) then
      raise exception 'a record is taken in once' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if not ((old.state = 'recorded' and new.state in ('confirmed', 'disputed', 'void')) or (old.state = 'disputed' and new.state in ('confirmed', 'refused', 'void'))
      or (old.state = 'confirmed' and new.state = 'refused' and (new.acceptance_id is null or a.state = 'open'))
      or (old.state = 'confirmed' and new.state = 'settled' and a.state = 'settled')) then
    raise exception 'a record does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger service_moves before update on resources_purchasedservice for each row execute function doudi.service_moves();
"""

# A whole code and nothing less.
CODE = """
grant select on resources_purchasedservice to doudi_lookup;
create policy lookup on resources_purchasedservice for select to doudi_lookup using (true);
create function doudi.service_of(p_code text) returns table (service_id bigint, area text)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select id, area::text from resources_purchasedservice where code = p_code
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.service_of(text) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.service_of(text) from public;
grant execute on function doudi.service_of(text) to doudi_app;
reset role;
"""

SETTLING = f"""
alter table resources_acceptance add constraint acceptance_area check (length(area) = 6);
create function doudi.acceptance_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare acting bigint := {ACTING}; c resources_servicecontract;
  free text[] := array['area', 'area_then', 'state', 'checked', 'wrong', 'gross', 'deduction', 'payable', 'reason', 'note', 'submitted_by_id', 'submitted_at',
    'settled_by_id', 'settled_at', 'version'];
begin
  if tg_op = 'INSERT' then
    select * into c from resources_servicecontract where id = new.contract_id;
    if new.state <> 'open' or new.made_by_id is distinct from acting or c.area is distinct from new.area or c.state not in ('active', 'ended')
       or new.starts < c.starts or new.until > c.until then
      raise exception 'an acceptance is of its contract' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if (to_jsonb(old) - free) <> (to_jsonb(new) - free)
     or old.state in ('settled', 'cancelled') and (to_jsonb(old) - array['area', 'area_then']) <> (to_jsonb(new) - array['area', 'area_then']) then
    raise exception 'what an acceptance says stays' using errcode = 'check_violation';
  end if;
  if old.state <> new.state and (old.state, new.state) not in (('open', 'submitted'), ('open', 'cancelled'), ('submitted', 'open'), ('submitted', 'settled'))
     or old.state = 'submitted' and (old.gross, old.deduction) is distinct from (new.gross, new.deduction)
     or new.state = 'settled' and old.state <> 'settled' and new.settled_by_id is distinct from acting then
    raise exception 'an acceptance does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if new.state = 'submitted' and exists (select from resources_qualitycheck where acceptance_id = new.id and result = '') then
    raise exception 'the sample is not checked yet' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger acceptance_moves before insert or update on resources_acceptance for each row execute function doudi.acceptance_moves();
-- what it says is what its records say, and what the fund spent
create function doudi.acceptance_holds() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare a resources_acceptance; s numeric; spent numeric;
begin
  select * into a from resources_acceptance where id = new.id;
  if a.state = 'cancelled' then
    if exists (select from resources_purchasedservice where acceptance_id = a.id) then
      raise exception 'a cancelled acceptance lets its records go' using errcode = 'check_violation';
    end if;
    return null;
  end if;
  select coalesce(sum(amount), 0) into s from resources_purchasedservice
    where acceptance_id = a.id and state = case when a.state = 'settled' then 'settled' else 'confirmed' end;
  if s <> a.gross then
    raise exception 'an acceptance is the sum of its records' using errcode = 'check_violation';
  end if;
  select coalesce(sum(amount), 0) into spent from resources_spending where acceptance_id = a.id;
  if spent <> (case when a.state = 'settled' then a.payable else 0 end) then
    raise exception 'what is settled is what the fund spends' using errcode = 'check_violation';
  end if;
  if a.state = 'settled' and (select sum(payable) from resources_acceptance where contract_id = a.contract_id and state = 'settled')
      > (select amount from resources_servicecontract where id = a.contract_id) then
    raise exception 'more than the contract' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger acceptance_holds after insert or update on resources_acceptance deferrable initially deferred
  for each row execute function doudi.acceptance_holds();
create function doudi.check_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if not exists (select from resources_acceptance a join resources_purchasedservice s on s.acceptance_id = a.id
                 where a.id = new.acceptance_id and s.id = new.service_id and a.state = 'open'
                   and (new.checked_by_id is null or new.checked_by_id <> s.entered_by_id)) then
    raise exception 'a record of the open acceptance, checked by somebody else than who entered it' using errcode = 'check_violation';
  end if;
  if tg_op = 'UPDATE' and (old.acceptance_id, old.service_id, old.position) is distinct from (new.acceptance_id, new.service_id, new.position) then
    raise exception 'the sample stays as drawn' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger check_inserted before insert on resources_qualitycheck for each row execute function doudi.check_moves();
create trigger check_moves before update on resources_qualitycheck for each row
  when ((to_jsonb(old) - array['area', 'area_then']) is distinct from (to_jsonb(new) - array['area', 'area_then'])) execute function doudi.check_moves();
"""

MONEY = """
alter table resources_spending add constraint spending_area check (length(area) = 6);
create function doudi.spending_holds() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare purpose text := case when new.acceptance_id is null then 'donation' else 'services' end; out numeric; paid numeric;
begin
  select -sum(amount) filter (where account = 'available'), sum(amount) filter (where account = 'paid') into out, paid from payments_ledgerentry
    where transaction = new.transaction and area = new.area and fund_id = new.fund_id and fund_year = new.fund_year and payroll_id is null;
  if out is distinct from new.amount or paid is distinct from new.amount then
    raise exception 'the ledger does not carry this spending' using errcode = 'check_violation';
  end if;
  if not fund_allows(new.fund_id, purpose, new.area, new.fund_year) then
    raise exception 'the fund is not for this purpose' using errcode = 'check_violation';
  end if;
  if purpose = 'services' and not exists (
       select from resources_acceptance a join resources_servicecontract c on c.id = a.contract_id
       where a.id = new.acceptance_id and a.area = new.area and a.state = 'settled' and c.fund_id = new.fund_id)
     or purpose = 'donation' and not exists (
       select from resources_donationallocation a join resources_donation d on d.id = a.donation_id
       where a.id = new.allocation_id and d.area = new.area and d.kind = 'money' and a.state in ('sent', 'delivered') and d.fund_id = new.fund_id
         and a.quantity = (select sum(amount) from resources_spending where allocation_id = a.id)) then
    raise exception 'spent for what was settled or allocated, by its own fund' using errcode = 'check_violation';
  end if;
  if new.acceptance_id is not null and (select payable from resources_acceptance where id = new.acceptance_id)
      <> (select sum(amount) from resources_spending where acceptance_id = new.acceptance_id) then
    raise exception 'what is settled is what the fund spends' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger spending_holds after insert on resources_spending deferrable initially deferred for each row execute function doudi.spending_holds();
-- money that leaves a fund without a payroll or a reserve leaves it for a settlement or a donation's allocation
create function doudi.spending_is_known() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from payments_ledgerentry where transaction = new.transaction and account = 'paid' and amount > 0)
     and not exists (select from resources_spending where transaction = new.transaction) then
    raise exception 'nothing says what this was spent for' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger spending_is_known after insert on payments_ledgerentry deferrable initially deferred for each row
  when (new.account = 'available' and new.amount < 0 and new.payroll_id is null and new.payout_id is null and new.movement_id is null)
  execute function doudi.spending_is_known();
"""

DONATIONS = f"""
alter table resources_donation add constraint donation_area_county check (length(area) = 6);
create function doudi.donation_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare m payments_fundmovement;
begin
  if tg_op = 'INSERT' then
    if new.state <> 'received' or new.allocated <> 0 or new.delivered <> 0 or new.made_by_id is distinct from {ACTING} then
      raise exception 'a donation begins as it was received' using errcode = 'check_violation';
    end if;
    if new.kind = 'money' then
      select * into m from payments_fundmovement where id = new.movement_id;
      if m.kind is distinct from 'receipt' or m.state <> 'booked' or m.reversed or m.amount <> new.quantity or m.area <> new.area or m.fund_id <> new.fund_id
         or not exists (select from payments_fund where id = new.fund_id and pool = 'donations') then
        raise exception 'donated money is a receipt of the donations fund' using errcode = 'check_violation';
      end if;
    end if;
    return new;
  end if;
  if (to_jsonb(old) - array['area', 'area_then', 'phone', 'state', 'reason', 'version', 'allocated', 'delivered'])
      <> (to_jsonb(new) - array['area', 'area_then', 'phone', 'state', 'reason', 'version', 'allocated', 'delivered']) then
    raise exception 'what a receipt says stays' using errcode = 'check_violation';
  end if;
  if old.state = 'void' and new.state <> 'void' or old.state <> new.state and new.kind = 'money'
     and not exists (select from payments_fundmovement where id = new.movement_id and reversed) then
    raise exception 'money is given back by reversing its receipt' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger donation_moves before insert or update on resources_donation for each row execute function doudi.donation_moves();
-- a reversed receipt ends its donation, unless somebody counts on it already
create function doudi.donation_reversed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update resources_donation set state = 'void', reason = '到账已冲销', version = version + 1 where movement_id = new.id and state <> 'void' and allocated = 0;
  if exists (select from resources_donation where movement_id = new.id and state <> 'void') then
    raise exception 'the donation is allocated: the fund does not cover it' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger donation_reversed after update of reversed on payments_fundmovement for each row when (new.reversed and not old.reversed)
  execute function doudi.donation_reversed();
create function doudi.allocation_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare d resources_donation; acting bigint := {ACTING};
  free text[] := array['area', 'area_then', 'state', 'sent_by_id', 'sent_at', 'carrier', 'received', 'taker', 'proof', 'confirmed_by_id', 'confirmed_at', 'reason', 'version'];
begin
  -- one at a time for a donation: else two could give the same away unseen by each other
  select * into d from resources_donation where id = new.donation_id for update;
  if tg_op = 'INSERT' then
    if d.state is distinct from 'received' or new.state <> 'allocated' or new.kind <> d.kind or new.unit <> d.unit or not starts_with(new.area, d.area)
       or (d.kind = 'goods' and new.item <> d.item) or new.allocated_by_id is distinct from acting
       or (new.institution_id is not null and not exists (select from institutions_institution where id = new.institution_id and area = new.area))
       or (new.need_id is not null and not exists (select from needs_need where id = new.need_id and area = new.area)) then
      raise exception 'an allocation is of its donation' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if (to_jsonb(old) - free) <> (to_jsonb(new) - free)
     or old.state in ('delivered', 'withdrawn') and (to_jsonb(old) - array['area', 'area_then']) <> (to_jsonb(new) - array['area', 'area_then']) then
    raise exception 'what an allocation says stays' using errcode = 'check_violation';
  end if;
  if old.state <> new.state and not ((old.state = 'allocated' and new.state in ('sent', 'withdrawn')) or (old.state = 'sent' and new.state = 'delivered')
      or (old.state = 'sent' and new.state = 'withdrawn' and new.kind = 'goods')) then
    raise exception 'an allocation does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if new.state = 'sent' and old.state = 'allocated' and new.sent_by_id is distinct from acting
     or new.state = 'delivered' and old.state = 'sent' and new.confirmed_by_id is distinct from acting then
    raise exception 'who does it signs' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger allocation_moves before insert or update on resources_donationallocation for each row execute function doudi.allocation_moves();
create function doudi.allocation_counts() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update resources_donation set
    allocated = (select coalesce(sum(quantity), 0) from resources_donationallocation where donation_id = new.donation_id and state <> 'withdrawn'),
    delivered = (select coalesce(sum(received), 0) from resources_donationallocation where donation_id = new.donation_id and state = 'delivered')
  where id = new.donation_id;
  return null;
end $$;
create trigger allocation_counts after insert or update of state on resources_donationallocation for each row execute function doudi.allocation_counts();
-- money goes out by a booking
create function doudi.allocation_paid() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if (select coalesce(sum(amount), 0) from resources_spending where allocation_id = new.id) <> new.quantity then
    raise exception 'donated money goes out by a booking' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger allocation_paid after update of state on resources_donationallocation deferrable initially deferred for each row
  when (new.kind = 'money' and new.state = 'sent') execute function doudi.allocation_paid();
alter table resources_resource add constraint resource_area check (length(area) >= 6 and length(to_area) >= 2);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("resources", "0001_initial"), ("core", "0002_protect"), ("payments", "0022_spending"), ("community", "0002_guards"), ("institutions", "0002_guards"),
        ("needs", "0002_guards"),
    ]  # fmt: skip
    operations = [
        migrations.RunSQL([CONTRACTS, SERVICES, SETTLING, MONEY, DONATIONS], migrations.RunSQL.noop),
        Protect("resources_servicecontract", read=ABOVE, update=["state", "decided_by_id", "decided_at", "note", "version"]),
        Protect("resources_contractline", read=ABOVE),
        Protect(
            "resources_purchasedservice",
            update=[
                "asked_at", "state", "confirmed", "confirmed_by_id", "confirmed_at", "satisfaction", "objection", "reason", "acceptance_id", "version",
            ],
        ),
        Protect(
            "resources_acceptance",
            update=[
                "state", "checked", "wrong", "gross", "deduction", "payable", "reason", "note", "submitted_by_id", "submitted_at", "settled_by_id", "settled_at", "version",
            ],
        ),
        Protect("resources_qualitycheck", update=["result", "note", "checked_by_id", "checked_at"]),
        Protect("resources_spending"),
        Protect(
            "resources_resource",
            read=SERVED,
            update=["quantity", "unit", "period", "until", "conditions", "contact", "phone", "state", "reason", "confirmed_on", "confirmed_by_id", "confirm_by", "version"],
        ),
        Protect("resources_donation", update=["state", "reason", "version"]),
        Protect(
            "resources_donationallocation",
            read=OWN_HOUSE,
            write=OWN_HOUSE,
            update=["state", "sent_by_id", "sent_at", "carrier", "received", "taker", "proof", "confirmed_by_id", "confirmed_at", "reason", "version"],
        ),
        migrations.RunSQL(CODE, migrations.RunSQL.noop),
    ]  # fmt: skip
