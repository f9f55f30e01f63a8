"""Guards of price linkage: who reads what; claims enter open proposals only; a later step leans on the one before in its county."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

# what is published for a city or the province is read by everybody below
DOWNWARD = f"({RANGE}) or starts_with(current_setting('app.lo', true), area)"

GUARDS = """
alter table relief_priceclaim add constraint price_claim_previous foreign key (person_id, month, previous, county)
  references relief_priceclaim (person_id, month, step, county);
create function doudi.price_claims_come() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform 1 from relief_priceproposal where id in (select distinct proposal_id from new_rows) order by id for share;
  if exists (select from new_rows n left join relief_priceproposal p on p.id = n.proposal_id
             where p.state is distinct from 'proposed' or not starts_with(n.area, p.area) or n.county <> p.area or n.month <> p.month
                or n.entitlement_id is not null) then
    raise exception 'price claims enter open proposals of their own county and month only' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger price_claims_come after insert on relief_priceclaim referencing new table as new_rows
  for each statement execute function doudi.price_claims_come();
create function doudi.price_claims_go() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from old_rows o join relief_priceproposal p on p.id = o.proposal_id where p.state <> 'proposed') then
    raise exception 'claims of a decided proposal stay' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger price_claims_go after delete on relief_priceclaim referencing old table as old_rows
  for each statement execute function doudi.price_claims_go();
-- a claim changes once: it gets its entitlement, while the proposal is decided
create function doudi.price_claim_granted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if (to_jsonb(old) - 'entitlement_id' - 'area' - 'area_then') is distinct from (to_jsonb(new) - 'entitlement_id' - 'area' - 'area_then')
     or (old.entitlement_id is distinct from new.entitlement_id and (old.entitlement_id is not null
         or not exists (select from enrolment_entitlement e where e.id = new.entitlement_id and e.kind = 'grant' and e.area = new.area)
         or not exists (select from relief_priceproposal p where p.id = new.proposal_id and p.state = 'proposed'))) then
    raise exception 'a price claim never changes' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger price_claim_granted before update on relief_priceclaim for each row execute function doudi.price_claim_granted();
create function doudi.price_proposal_moves_on() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if old.state <> 'proposed' then
    raise exception 'a decided proposal does not change' using errcode = 'check_violation';
  end if;
  if new.state = 'approved' and (new.decided_by_id is null
      or exists (select from relief_priceclaim c where c.proposal_id = new.id and c.entitlement_id is null)
      or (select (count(distinct person_id), coalesce(sum(amount), 0)) from relief_priceclaim c where c.proposal_id = new.id)
         is distinct from (new.people::bigint, new.amount)) then
    raise exception 'an approved proposal is what its claims are' using errcode = 'check_violation';
  end if;
  if new.state in ('sent_back', 'withdrawn') and exists (select from relief_priceclaim c where c.proposal_id = new.id) then
    raise exception 'a proposal that ends gives its claims back' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger price_proposal_moves_on before update on relief_priceproposal for each row
  when ((to_jsonb(old) - 'area' - 'area_then') is distinct from (to_jsonb(new) - 'area' - 'area_then')) execute function doudi.price_proposal_moves_on();
-- People of one's own awards whose subsidy of the month was claimed in another county: only that it is so.
create function doudi.price_claimed_elsewhere(p_county text, p_month date) returns table (person_id bigint)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select distinct c.person_id from relief_priceclaim c
  where c.month = p_month and c.county <> p_county and exists (
    select from enrolment_awardmember m where m.person_id = c.person_id and not m.void and starts_with(m.area, p_county)
      and m.area >= current_setting('app.lo', true) and m.area < current_setting('app.hi', true))
$$;
revoke execute on function doudi.price_claimed_elsewhere(text, date) from public;
grant execute on function doudi.price_claimed_elsewhere(text, date) to doudi_app;
-- After a move the old area goes on paying an award whose people it no longer sees: where that family lives (urban or rural), who they are.
create function doudi.price_moved_away(p_county text) returns table (award_id bigint, person_id bigint, residence text, name text, token uuid)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select a.id, p.id, h.residence::text, p.name::text, p.token
  from enrolment_award a join enrolment_awardmember m on m.award_id = a.id and not m.void
  join registry_person p on p.id = m.person_id left join registry_household h on h.id = a.household_id
  where a.area >= current_setting('app.lo', true) and a.area < current_setting('app.hi', true) and starts_with(a.area, p_county)
    and not starts_with(p.area, p_county)
$$;
revoke execute on function doudi.price_moved_away(text) from public;
grant execute on function doudi.price_moved_away(text) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("relief", "0001_prices"), ("registry", "0002_guards"), ("core", "0002_protect")]
    operations = [
        Protect("relief_priceentry", update=["state", "decided_by_id", "decided_at", "decision_note"], read=DOWNWARD),
        Protect("relief_pricenotice", read=DOWNWARD),
        Protect(
            "relief_priceproposal", update=["state", "summary", "people", "amount", "decided_by_id", "decided_at", "decision_note", "version"], read=DOWNWARD
        ),
        Protect("relief_priceclaim", update=["entitlement_id"], delete=True),
        Protect("relief_priceleftout", delete=True),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
