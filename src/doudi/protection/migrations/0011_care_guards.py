"""Guards of care, referrals and transfers: seen with the case; a receiver sees what was chosen while the referral is open; states go one way (5.3)."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

ME = "nullif(nullif(current_setting('app.account', true), ''), '0')::bigint"
DUTY = "current_setting('app.duty', true)"
SUPERVISES = f"{DUTY} in ('child_supervisor', 'county_approver', 'supervisor', 'worker')"
OF_VISIBLE = f"{RANGE} and exists (select from protection_protectioncase c where c.id = case_id)"
# as the section on guardianship: a station worker who helps sees the case without it
OF_CARE = f"{OF_VISIBLE} and {DUTY} <> 'station_worker'"
RECEIVES = (
    "to_area >= current_setting('app.lo', true) and to_area < current_setting('app.hi', true)"
    f" and to_duty = {DUTY} and (accepted_by_id is null or accepted_by_id = {ME})"
)
GIVES = f"{RANGE} and ({SUPERVISES} or offered_by_id = {ME} or exists (select from protection_protectioncase c where c.id = case_id))"
EITHER = f"({GIVES}) or ({RECEIVES})"
# The receiver's sight ends with the referral; the giving side sees it with the case.
IN_REFERRAL = f"({OF_VISIBLE}) or exists (select from protection_referral r where r.id = referral_id and r.state in ('offered', 'accepted') and {RECEIVES})"

CARE = """
create function doudi.protection_care_begins() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if new.state <> (case new.kind when 'living' then 'active' else 'proposed' end) then
    raise exception 'living care begins at once, guardianship is proposed' using errcode = 'check_violation';
  end if;
  select c.token, c.person_id, c.area into new.token, new.person_id, new.area from protection_protectioncase c where c.id = new.case_id;
  return new;
end $$;
create trigger protection_care_begins before insert on protection_care for each row execute function doudi.protection_care_begins();
create function doudi.protection_care_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state;
begin
  if old.state <> new.state and step not in ('proposed>active', 'proposed>refused', 'proposed>withdrawn', 'active>ended') then
    raise exception 'a care does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if old.state in ('ended', 'refused', 'withdrawn')
     and (to_jsonb(old) - array['area', 'area_then', 'token', 'person_id']) is distinct from (to_jsonb(new) - array['area', 'area_then', 'token', 'person_id']) then
    raise exception 'a care that is over stays as it was' using errcode = 'check_violation';
  end if;
  if old.state = 'active' and (old.starts, old.document, old.decided_by_id) is distinct from (new.starts, new.document, new.decided_by_id) then
    raise exception 'what was decided stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger protection_care_moves_on before update on protection_care for each row execute function doudi.protection_care_moves_on();
-- whom a case is about becomes known later: the exclusion across the province follows
create function doudi.protection_care_of_whom() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update protection_care set token = new.token, person_id = new.person_id where case_id = new.id;
  return null;
end $$;
create trigger protection_care_of_whom after update of token, person_id on protection_protectioncase for each row
  when ((old.token, old.person_id) is distinct from (new.token, new.person_id)) execute function doudi.protection_care_of_whom();
"""

GAPS = """
-- what was raised above the county ends with the gap, too
create function doudi.protection_gap_over() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update core_todo set done_at = now(), done_by_id = nullif(nullif(current_setting('app.account', true), ''), '0')::bigint
   where subject = 'protection_case' and subject_id = new.id and starts_with(kind, 'care_gap') and done_at is null;
  return null;
end $$;
create trigger protection_gap_over after update of unattended_from on protection_protectioncase for each row
  when (old.unattended_from is not null and new.unattended_from is null) execute function doudi.protection_gap_over();
-- nobody is forgotten in a closed case
create function doudi.protection_closed_without_care() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from protection_care where case_id = new.id and state in ('proposed', 'active')) then
    raise exception 'a case with care is not closed' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger protection_closed_without_care before update of state on protection_protectioncase for each row
  when (old.state <> 'closed' and new.state = 'closed') execute function doudi.protection_closed_without_care();
"""

REFERRALS = """
create function doudi.protection_referral_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare
  step text := old.state || '>' || new.state;
  receiver boolean := new.to_duty = '' or (new.to_duty = current_setting('app.duty', true)
    and new.to_area >= current_setting('app.lo', true) and new.to_area < current_setting('app.hi', true));
  giver boolean := new.area >= current_setting('app.lo', true) and new.area < current_setting('app.hi', true);
begin
  if old.state <> new.state then
    if step not in ('offered>accepted', 'offered>declined', 'offered>revoked', 'offered>expired', 'accepted>done', 'accepted>declined', 'accepted>revoked', 'offered>done')
       or (step = 'offered>done' and new.kind <> 'transfer') then
      raise exception 'a referral does not go from % to %', old.state, new.state using errcode = 'check_violation';
    end if;
    if (new.state in ('accepted', 'declined', 'done') and not receiver) or (new.state = 'revoked' and not giver)
       or (new.state = 'expired' and current_setting('app.duty', true) <> 'worker') then
      raise exception 'not this side''s to say' using errcode = 'insufficient_privilege';
    end if;
  elsif (to_jsonb(old) - array['area', 'area_then', 'to_area', 'version']) is distinct from (to_jsonb(new) - array['area', 'area_then', 'to_area', 'version']) then
    raise exception 'a referral changes with its state alone' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger protection_referral_moves_on before update on protection_referral for each row execute function doudi.protection_referral_moves_on();
-- To-dos at the other end and the event of the case: neither side may write at the other's place.
create function doudi.protection_referral_told() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare
  me bigint := nullif(nullif(current_setting('app.account', true), ''), '0')::bigint;
  at timestamptz := case when tg_op = 'INSERT' then new.offered_at else coalesce(new.ended_at, new.accepted_at) end;
  words text := case new.kind when 'transfer' then '个案移交' else '转介' end;
begin
  if tg_op = 'UPDATE' and old.state = new.state then return null; end if;
  update core_todo set done_at = at, done_by_id = me where subject = 'protection_referral' and subject_id = new.id and done_at is null;
  if tg_op = 'INSERT' and new.follows_id is not null then
    update core_todo set done_at = at, done_by_id = me where subject = 'protection_referral' and subject_id = new.follows_id and done_at is null;
  end if;
  if new.state = 'offered' and new.to_duty <> '' then
    insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
    values (new.to_area, new.to_duty, 'referral_offered', words || '待接收：' || new.case_number, '/protection/referrals/' || new.id || '/', 'protection_referral', new.id, new.due, at)
    on conflict (kind, subject, subject_id, duty) where done_at is null do nothing;
  elsif new.state = 'revoked' and old.state = 'accepted' and new.to_duty <> '' then
    insert into core_todo (area, duty, kind, title, url, subject, subject_id, posting_id, made_at)
    select p.area, p.duty, 'referral_revoked', words || '已撤回：' || new.case_number, '/protection/referrals/' || new.id || '/', 'protection_referral', new.id, p.id, at
    from core_posting p where p.account_id = new.accepted_by_id and p.duty = new.to_duty and (p.ends is null or p.ends > at::date) order by p.id limit 1
    on conflict (kind, subject, subject_id, duty) where done_at is null do nothing;
  elsif new.state in ('declined', 'expired', 'done') and new.to_duty <> '' then
    insert into core_todo (area, duty, kind, title, url, subject, subject_id, posting_id, made_at)
    select p.area, p.duty, 'referral_' || new.state, words || case new.state when 'declined' then '被退回：' when 'expired' then '逾期未接收，请重新转介：' else '已完成：' end
      || new.case_number, '/protection/referrals/' || new.id || '/', 'protection_referral', new.id, p.id, at
    from core_posting p where p.account_id = new.offered_by_id and starts_with(new.area, p.area) and (p.ends is null or p.ends > at::date) order by length(p.area) desc, p.id limit 1
    on conflict (kind, subject, subject_id, duty) where done_at is null do nothing;
  end if;
  insert into protection_caseevent (case_id, area, at, account_id, what)
  select new.case_id, c.area, at, me, case new.kind when 'transfer' then 'transfer_' else 'referral_' end || new.state from protection_protectioncase c where c.id = new.case_id;
  return null;
end $$;
create trigger protection_referral_told after insert or update of state on protection_referral for each row execute function doudi.protection_referral_told();
-- A transfer accepted: the case and everything that hangs on it comes under the new place, found in the catalogue, so that no table of a case stays
-- behind. Runs as the owner, who alone may rewrite `area` everywhere; it acts for the receiver of an offered transfer and for nobody else.
create function doudi.move_protection_case(p_referral bigint, p_now timestamptz) returns text language plpgsql security definer set search_path = doudi, pg_temp as $$
declare
  r protection_referral; t text; v_from text;
  me bigint := nullif(nullif(current_setting('app.account', true), ''), '0')::bigint;
begin
  select * into r from protection_referral
   where id = p_referral and kind = 'transfer' and state = 'offered' and to_duty = current_setting('app.duty', true)
     and to_area >= current_setting('app.lo', true) and to_area < current_setting('app.hi', true) for update;
  if not found or me is null then raise exception 'not offered to this officer' using errcode = 'insufficient_privilege'; end if;
  select area into v_from from protection_protectioncase where id = r.case_id and state in ('assessing', 'following') for update;
  if not found then raise exception 'the case is not open any more' using errcode = 'no_data_found'; end if;
  update protection_protectioncase set area = r.to_area, responsible_id = me, version = version + 1 where id = r.case_id;
  for t in select a.table_name from information_schema.columns a join information_schema.columns c using (table_schema, table_name)
     where table_schema = 'doudi' and starts_with(table_name, 'protection_') and a.column_name = 'area' and c.column_name = 'case_id'
       and table_name <> 'protection_referral' order by 1 loop
    execute format('update doudi.%I set area = $1 where case_id = $2 and area <> $1', t) using r.to_area, r.case_id;
  end loop;
  -- earlier transfers stay where they were given
  update protection_referral set area = r.to_area where case_id = r.case_id and kind = 'referral';
  update protection_caseassignment set ends = p_now where case_id = r.case_id and ends is null;
  insert into protection_caseassignment (case_id, area, account_id, role, starts, made_by_id, reason)
  values (r.case_id, r.to_area, me, 'responsible', p_now, r.offered_by_id, '移交');
  update core_todo set area = r.to_area, posting_id = null where subject = 'protection_case' and subject_id = r.case_id and done_at is null;
  update core_attachment set area = r.to_area where subject = 'protection_case' and subject_id = r.case_id;
  update protection_referral set state = 'done', accepted_by_id = me, accepted_at = p_now, ended_by_id = me, ended_at = p_now, version = version + 1 where id = r.id;
  return v_from;
end $$;
revoke execute on function doudi.move_protection_case(bigint, timestamptz) from public;
grant execute on function doudi.move_protection_case(bigint, timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("protection", "0010_care"), ("core", "0011_todo_posting")]
    operations = [
        Protect(
            "protection_care",
            read=OF_CARE,
            write=OF_CARE,
            update=[
                "state", "starts", "way", "carer", "relation", "contact", "expected_end", "latest_end", "review_due", "document", "decided_by_id", "decided_at",
                "decision_note", "ended_at", "ended_by_id", "outcome", "end_note", "version",
            ],
        ),
        Protect("protection_handover", read=OF_CARE, write=OF_CARE),
        Protect("protection_carereview", read=OF_CARE, write=OF_CARE),
        Protect("protection_careclaim", read=OF_CARE, write=OF_CARE),
        Protect(
            "protection_referral", read=EITHER, write=EITHER,
            update=["state", "accepted_by_id", "accepted_at", "ended_by_id", "ended_at", "version"],
        ),
        Protect("protection_referralcontent", read=IN_REFERRAL, write=OF_VISIBLE),
        Protect("protection_referralstep", read=IN_REFERRAL, write=IN_REFERRAL),
        migrations.RunSQL(CARE, migrations.RunSQL.noop),
        migrations.RunSQL(GAPS, migrations.RunSQL.noop),
        migrations.RunSQL(REFERRALS, migrations.RunSQL.noop),
    ]
