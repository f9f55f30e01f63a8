"""Guards of one-off payments: what was decided stays, a list is paid as it was approved, nobody is paid twice by a decision."""

ONE_OFFS = """
create function doudi.one_off_stays() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare own text[] := array['state', 'decided_by_id', 'decided_at', 'decision_note', 'version', 'area', 'area_then'];
begin
  if tg_table_name = 'payments_oneofflist' and old.state = 'proposed' then
    own := own || array['summary', 'people', 'amount'];
  end if;
  if to_jsonb(old) - own <> to_jsonb(new) - own then
    raise exception 'what was decided stays' using errcode = 'check_violation';
  end if;
  if old.state <> 'proposed' and to_jsonb(old) - array['area', 'area_then'] <> to_jsonb(new) - array['area', 'area_then'] then
    raise exception 'what was decided stays' using errcode = 'check_violation';
  end if;
  if new.state in ('confirmed', 'approved') and new.decided_by_id is null then
    raise exception 'a signature is missing' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger one_off_stays before update on payments_oneoffdecision for each row execute function doudi.one_off_stays();
create trigger one_off_stays before update on payments_oneofflist for each row execute function doudi.one_off_stays();
create function doudi.one_off_list_begins() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if length(new.area) <> 6 or new.state <> 'proposed' or not exists (
      select from payments_oneoffdecision d where d.id = new.decision_id and d.state = 'confirmed' and starts_with(new.area, d.area)) then
    raise exception 'a list is of a confirmed decision for the county' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger one_off_list_begins before insert on payments_oneofflist for each row execute function doudi.one_off_list_begins();
create function doudi.one_off_claims() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform 1 from payments_oneofflist where id in (select distinct one_off_list_id from rows) order by id for share;
  if exists (select from rows c left join payments_oneofflist l on l.id = c.one_off_list_id left join payments_oneoffdecision d on d.id = l.decision_id
             where l.state is distinct from 'proposed' or c.decision_id <> l.decision_id or not starts_with(c.area, l.area)
               or c.amount <> d.amount or c.whole <> (d.per = 'household') or c.entitlement_id is not null) then
    raise exception 'a claim says what was decided' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger one_off_claims after insert on payments_oneoffclaim referencing new table as rows for each statement execute function doudi.one_off_claims();
create trigger one_off_claims_gone after delete on payments_oneoffclaim referencing old table as rows for each statement execute function doudi.one_off_claims();
create function doudi.one_off_claim_paid() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if old.entitlement_id is not null or to_jsonb(old) - array['entitlement_id', 'area', 'area_then'] <> to_jsonb(new) - array['entitlement_id', 'area', 'area_then'] then
    if to_jsonb(old) - array['area', 'area_then'] <> to_jsonb(new) - array['area', 'area_then'] then
      raise exception 'a claim says what was decided' using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger one_off_claim_paid before update on payments_oneoffclaim for each row execute function doudi.one_off_claim_paid();
-- Of the people and households whom the acting county would list: those who are in a list of another county. Only that it is so.
create function doudi.one_off_elsewhere(p_decision bigint, p_county text) returns table (person_id bigint, household_id bigint, whole boolean)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select distinct c.person_id, c.household_id, c.whole from payments_oneoffclaim c
  where c.decision_id = p_decision and not starts_with(c.area, p_county)
    and p_county >= current_setting('app.lo', true) and p_county < current_setting('app.hi', true)
    and exists (select from enrolment_awardmember m where m.person_id = c.person_id and m.area >= current_setting('app.lo', true) and m.area < current_setting('app.hi', true))
$$;
revoke execute on function doudi.one_off_elsewhere(bigint, text) from public;
grant execute on function doudi.one_off_elsewhere(bigint, text) to doudi_app;
insert into payments_fundpurpose (fund_id, programme) select f.id, 'subsidy' from payments_fund f where f.code = 'assistance'
  and not exists (select from payments_fundpurpose p where p.fund_id = f.id and p.programme = 'subsidy');
"""
