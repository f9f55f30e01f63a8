"""Guards of relief (integrity.md, "Relief", "Across areas"): claims written by one function that sees every area and says as little as it
can, the recorded look-up, cases and meetings that stay as they were decided."""

from django.db import migrations

from doudi.core.grants import Protect

CLAIMS = """
alter table relief_reliefclaim add constraint relief_claim_until check (until = (event_on + interval '1 year')::date);
-- Claims for every person of a case, or none: '' done, else what stands against it ('cause', 'times'). The year is that of the grant, in China.
create function doudi.claim_relief(p_case bigint, p_beyond boolean, p_now timestamptz) returns text language plpgsql security definer
set search_path = doudi, pg_temp as $$
declare c relief_reliefcase; m record; v_year int; v_until date; v_slot int; v_clash text;
begin
  select * into c from relief_reliefcase where id = p_case and area >= current_setting('app.lo', true) and area < current_setting('app.hi', true) for update;
  if not found or c.state not in ('open', 'county', 'meeting') then
    raise exception 'no open case here' using errcode = 'insufficient_privilege';
  end if;
  if p_beyond and not exists (select from relief_casemeeting where case_id = p_case and resolution = 'grant') then
    raise exception 'beyond the rule only by a case meeting' using errcode = 'check_violation';
  end if;
  if exists (select from relief_reliefclaim where case_id = p_case and not void) then return ''; end if;
  v_year := extract(year from p_now at time zone 'Asia/Shanghai');
  v_until := (c.event_on + interval '1 year')::date;
  -- one grant to a person at a time, in the whole province
  perform pg_advisory_xact_lock(hashtextextended('relief ' || token, 0)) from (select token::text from relief_reliefmember where case_id = p_case order by 1) t;
  for m in select token from relief_reliefmember where case_id = p_case order by token loop
    v_clash := null;
    if exists (select from relief_reliefclaim x where x.token = m.token and x.cause = c.cause and not x.void
               and x.event_on <= v_until and x.until >= c.event_on) then
      v_clash := 'cause';
    else
      select min(s) into v_slot from generate_series(1, coalesce(c.times, 99)) s
       where not exists (select from relief_reliefclaim x where x.token = m.token and x.year = v_year and x.slot = s and not x.void);
      if v_slot is null or (select count(*) from relief_reliefclaim x where x.token = m.token and x.year = v_year and not x.void) >= coalesce(c.times, 99) then
        v_clash := 'times';
      end if;
    end if;
    if v_clash is not null and not p_beyond then
      delete from relief_reliefclaim where case_id = p_case and not void;
      return v_clash;
    end if;
    insert into relief_reliefclaim (area, case_id, token, cause, event_on, until, year, slot, beyond, void, made_at)
    values (c.area, p_case, m.token, c.cause, c.event_on, v_until, v_year, case when v_clash is null then v_slot end, v_clash is not null, false, p_now);
  end loop;
  return '';
exception when unique_violation or exclusion_violation then
  raise exception 'relief was granted already' using errcode = 'unique_violation';
end $$;
revoke execute on function doudi.claim_relief(bigint, boolean, timestamptz) from public;
grant execute on function doudi.claim_relief(bigint, boolean, timestamptz) to doudi_app;
-- Claims of a case whose grants are all void are given back.
create function doudi.release_relief(p_case bigint) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform 1 from relief_reliefcase where id = p_case and area >= current_setting('app.lo', true) and area < current_setting('app.hi', true) for update;
  if not found then raise exception 'no case here' using errcode = 'insufficient_privilege'; end if;
  if exists (select from payments_grant where programme = 'temporary' and cause = p_case and not void) then
    raise exception 'what was granted stands' using errcode = 'check_violation';
  end if;
  update relief_reliefclaim set void = true where case_id = p_case;
end $$;
revoke execute on function doudi.release_relief(bigint) from public;
grant execute on function doudi.release_relief(bigint) to doudi_app;
"""

LOOKUP = """
grant select on relief_reliefclaim to doudi_lookup;
create policy lookup on relief_reliefclaim for select to doudi_lookup using (true);
-- Temporary assistance of the year before a day to the holder of a number: county, cause, event, day of the grant. After a committed record only.
create function doudi.relief_elsewhere(p_token uuid, p_digest bytea, p_record bigint, p_on date)
returns table (county text, cause text, event_on date, granted_on date) language plpgsql security definer set search_path = doudi, pg_temp as $$
declare v_account bigint;
begin
  select r.account_id into v_account from core_accessrecord r
   where r.id = p_record and r.digest = p_digest and r.what = 'lookup' and r.at > clock_timestamp() - interval '5 minutes'
     and pg_xact_status(r.xid::text::xid8) = 'committed'
     and r.account_id = nullif(current_setting('app.account', true), '')::bigint;
  if not found then raise exception 'no committed access record' using errcode = 'insufficient_privilege'; end if;
  begin
    insert into lookup_used (record_id) values (p_record);
  exception when unique_violation then raise exception 'this access record is used up' using errcode = 'insufficient_privilege';
  end;
  if (select count(*) from core_accessrecord s where s.account_id = v_account and s.what = 'lookup' and s.at > clock_timestamp() - interval '1 hour') > 30 then
    raise exception 'too many look-ups' using errcode = 'insufficient_privilege';
  end if;
  return query
    select left(x.area, 6)::text, x.cause::text, x.event_on, (x.made_at at time zone 'Asia/Shanghai')::date from relief_reliefclaim x
    where x.token = p_token and not x.void and (x.until >= p_on or x.year = extract(year from p_on))
    order by x.event_on desc, x.id desc limit 20;
end $$;
grant create on schema doudi to doudi_lookup;
alter function doudi.relief_elsewhere(uuid, bytea, bigint, date) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.relief_elsewhere(uuid, bytea, bigint, date) from public;
grant execute on function doudi.relief_elsewhere(uuid, bytea, bigint, date) to doudi_app;
reset role;
"""

CASES = """
create function doudi.relief_case_begins() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if new.state <> 'open' or new.level <> '' or num_nonnulls(new.amount, new.decided_by_id, new.decided_at, new.explained_at, new.proposed_by_id) > 0 then
    raise exception 'a case begins open' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger relief_case_begins before insert on relief_reliefcase for each row execute function doudi.relief_case_begins();
-- what was told and decided stays; a granted case is what its claims, grants and meeting say
create function doudi.relief_case_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state;
        moving text[] := array['area', 'area_then', 'state', 'level', 'amount', 'clash', 'clash_note', 'checked', 'relief_first', 'explanation_due', 'explanation',
                               'explained_by_id', 'explained_at', 'proposed_by_id', 'proposed_at', 'decided_by_id', 'decided_at', 'note', 'version'];
        later text[] := array['area', 'area_then', 'explanation', 'explained_by_id', 'explained_at', 'version'];
begin
  if to_jsonb(old) - moving <> to_jsonb(new) - moving then
    raise exception 'what a case says stays' using errcode = 'check_violation';
  end if;
  if old.state <> new.state and step not in ('open>county', 'open>meeting', 'open>granted', 'open>refused', 'open>withdrawn', 'county>open', 'county>meeting',
      'county>granted', 'county>refused', 'county>withdrawn', 'meeting>granted', 'meeting>refused', 'meeting>withdrawn', 'granted>withdrawn') then
    raise exception 'a case does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if old.state in ('granted', 'refused', 'withdrawn') and old.state = new.state and to_jsonb(old) - later <> to_jsonb(new) - later then
    raise exception 'a decided case stays' using errcode = 'check_violation';
  end if;
  if old.explained_at is not null and (old.explanation, old.explained_at, old.explained_by_id) is distinct from (new.explanation, new.explained_at, new.explained_by_id) then
    raise exception 'an explanation stays' using errcode = 'check_violation';
  end if;
  if step in ('open>granted', 'county>granted', 'meeting>granted') then
    -- a referral alone gives no money: it claims nothing
    if new.amount > 0 and (select count(*) from relief_reliefclaim where case_id = new.id and not void) <> (select count(*) from relief_reliefmember where case_id = new.id)
       or not exists (select from relief_reliefmember where case_id = new.id) then
      raise exception 'every person of a granted case is claimed for' using errcode = 'check_violation';
    end if;
    if (select coalesce(sum(h.amount), 0) from relief_reliefhelp h where h.case_id = new.id) <> new.amount
       or exists (select from relief_reliefhelp h left join payments_grant g on g.id = h.grant_id
                  where h.case_id = new.id and h.kind <> 'referral'
                    and (g.id is null or g.void or (g.programme, g.cause, g.part, g.amount, g.way) is distinct from ('temporary', new.id, h.part, h.amount, h.way))) then
      raise exception 'a granted case is the sum of its grants' using errcode = 'check_violation';
    end if;
    if new.level = 'meeting' and not exists (select from relief_casemeeting where case_id = new.id and resolution = 'grant' and amount = new.amount) then
      raise exception 'the meeting resolved something else' using errcode = 'check_violation';
    end if;
  elsif step = 'granted>withdrawn' then
    if exists (select from payments_grant where programme = 'temporary' and cause = new.id and not void)
       or exists (select from relief_reliefclaim where case_id = new.id and not void) then
      raise exception 'what was granted stands' using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger relief_case_moves before update on relief_reliefcase for each row execute function doudi.relief_case_moves();
-- people and helps belong to open cases of their own area
create function doudi.relief_part_of_open() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from new_rows n left join relief_reliefcase c on c.id = n.case_id and c.area = n.area where c.id is null or c.state not in ('open', 'county', 'meeting')) then
    raise exception 'only an open case of the own area takes more' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger relief_part_of_open after insert on relief_reliefmember referencing new table as new_rows
  for each statement execute function doudi.relief_part_of_open();
create trigger relief_part_of_open after insert on relief_reliefhelp referencing new table as new_rows
  for each statement execute function doudi.relief_part_of_open();
create trigger relief_part_of_open after insert on relief_casemeeting referencing new table as new_rows
  for each statement execute function doudi.relief_part_of_open();
create function doudi.relief_help_stays() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    if old.grant_id is not null or exists (select from relief_reliefcase where id = old.case_id and state not in ('open', 'county', 'meeting')) then
      raise exception 'what was given stays' using errcode = 'check_violation';
    end if;
    return old;
  end if;
  if to_jsonb(old) - array['area', 'area_then', 'grant_id', 'answered_on', 'answer'] <> to_jsonb(new) - array['area', 'area_then', 'grant_id', 'answered_on', 'answer']
     or (old.grant_id is not null and old.grant_id is distinct from new.grant_id) then
    raise exception 'what was given stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger relief_help_stays before update or delete on relief_reliefhelp for each row execute function doudi.relief_help_stays();
create function doudi.stays_as_written() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if tg_op = 'UPDATE' and to_jsonb(old) - array['area', 'area_then'] = to_jsonb(new) - array['area', 'area_then'] then return new; end if;
  raise exception 'a record of a meeting stays as it was written' using errcode = 'check_violation';
end $$;
create trigger stays_as_written before update or delete on relief_casemeeting for each row execute function doudi.stays_as_written();
"""


class Migration(migrations.Migration):
    dependencies = [("relief", "0003_cases"), ("relief", "0002_prices_guards"), ("payments", "0004_grants_guards")]
    operations = [
        Protect(
            "relief_reliefcase",
            update=[
                "state", "level", "amount", "clash", "clash_note", "checked", "relief_first", "explanation_due", "explanation", "explained_by_id", "explained_at",
                "proposed_by_id", "proposed_at", "decided_by_id", "decided_at", "note", "version",
            ],
        ),
        Protect("relief_reliefmember"),
        Protect("relief_reliefhelp", update=["grant_id", "answered_on", "answer"], delete=True),
        Protect("relief_reliefstep"),
        Protect("relief_casemeeting"),
        Protect("relief_reliefclaim", insert=False),
        Protect(
            "relief_vagrantcase",
            update=[
                "name", "named_by_station", "token", "age", "minor", "stay_until", "extended_reason", "extended_by_id", "origin", "state", "leaving", "left_at",
                "left_to", "receiver", "receiver_unit", "handed_over_by", "note", "closed_by_id", "version",
            ],
        ),
        Protect("relief_vagrantsearch"),
        Protect("relief_careagreement", update=["ends", "end_reason"]),
        Protect("relief_funeralcase", update=["state", "grant_id", "decided_by_id", "decided_at", "note"]),
        migrations.RunSQL(CLAIMS, migrations.RunSQL.noop),
        migrations.RunSQL(LOOKUP, migrations.RunSQL.noop),
        migrations.RunSQL(CASES, migrations.RunSQL.noop),
    ]
