"""Guards of awards (integrity.md, entitlements): members where they are managed, whole months, benefit status by trigger,
and the look-up across areas that answers an exact token only, after a committed record."""

from django.db import migrations

from doudi.core.grants import Protect

WHOLE_MONTHS = """
alter table enrolment_award add constraint award_whole_months
  check (starts = date_trunc('month', starts)::date and (ends is null or ends = date_trunc('month', ends)::date));
alter table enrolment_awardmember add constraint award_member_whole_months
  check (starts = date_trunc('month', starts)::date and (ends is null or ends = date_trunc('month', ends)::date));
alter table enrolment_awardamount add constraint award_amount_whole_month check (from_month = date_trunc('month', from_month)::date);
alter table enrolment_awardmember add constraint award_member_award foreign key (award_id, area, grp, void)
  references enrolment_award (id, area, grp, void) on update cascade deferrable initially deferred;
"""

MEMBERS = """
create function doudi.member_is_here() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if exists (select from new_rows n left join registry_person p on p.id = n.person_id where p.area is distinct from n.area) then
    raise exception 'a member is managed elsewhere' using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;
create trigger member_is_here after insert on enrolment_awardmember referencing new table as new_rows
  for each statement execute function doudi.member_is_here();
create trigger household_is_here after insert on enrolment_award referencing new table as new_rows
  for each statement execute function doudi.household_is_here();
create trigger household_is_here after insert on enrolment_decision referencing new table as new_rows
  for each statement execute function doudi.household_is_here();
"""

# What was approved is frozen: only the columns of the decision itself change, and only while it is proposed.
FROZEN = """
create function doudi.decision_is_frozen() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state <> 'proposed' then
    raise exception 'a decided decision does not change' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger decision_is_frozen before update on enrolment_decision for each row execute function doudi.decision_is_frozen();
"""

STATUS = """
create function doudi.refresh_benefit_status(p_awards bigint[]) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  delete from registry_benefitstatus where award_id = any(p_awards);
  insert into registry_benefitstatus (person_id, area, household_id, award_id, programme, starts, ends, amount, band, state)
  select m.person_id, p.area, a.household_id, a.id, a.programme, m.starts, m.ends,
         coalesce(m.share, round(x.amount / nullif(count(*) over (partition by a.id), 0), 2)), m.band,
         case when a.suspended then 'suspended' else 'active' end
  from enrolment_award a
  join enrolment_awardmember m on m.award_id = a.id and not m.void
  join registry_person p on p.id = m.person_id
  left join lateral (select y.amount from enrolment_awardamount y where y.award_id = a.id order by y.from_month desc limit 1) x on true
  where a.id = any(p_awards) and not a.void;
end $$;
revoke execute on function doudi.refresh_benefit_status(bigint[]) from public;
create function doudi.award_changed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform doudi.refresh_benefit_status(array(select distinct id from new_rows));
  return null;
end $$;
create function doudi.award_part_changed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform doudi.refresh_benefit_status(array(select distinct award_id from new_rows));
  return null;
end $$;
create trigger status_of_award after update on enrolment_award referencing new table as new_rows for each statement execute function doudi.award_changed();
create trigger status_of_members after insert on enrolment_awardmember referencing new table as new_rows for each statement execute function doudi.award_part_changed();
create trigger status_of_members_changed after update on enrolment_awardmember referencing new table as new_rows for each statement execute function doudi.award_part_changed();
create trigger status_of_amounts after insert on enrolment_awardamount referencing new table as new_rows for each statement execute function doudi.award_part_changed();

create function doudi.refusal_recorded() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  insert into registry_benefitstatus (person_id, area, household_id, programme, starts, state)
  select (m ->> 'person_id')::bigint, p.area, n.household_id, n.programme, n.starts, 'refused'
  from new_rows n join old_rows o on o.id = n.id and o.state = 'proposed' and n.state = 'approved' and n.kind = 'refuse'
  cross join lateral jsonb_array_elements(n.content -> 'members') m
  join registry_person p on p.id = (m ->> 'person_id')::bigint;
  return null;
end $$;
create trigger refusal_recorded after update on enrolment_decision referencing old table as old_rows new table as new_rows
  for each statement execute function doudi.refusal_recorded();

-- a death is known where the award is paid, also after a move
create function doudi.death_recorded() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update enrolment_awardmember m set died_on = n.died_on from new_rows n join old_rows o on o.id = n.id and o.died_on is distinct from n.died_on
  where m.person_id = n.id;
  return null;
end $$;
create trigger death_recorded after update on registry_person referencing old table as old_rows new table as new_rows
  for each statement execute function doudi.death_recorded();
"""

LOOKUP = """
grant select on enrolment_awardmember, enrolment_award, registry_person to doudi_lookup;
grant select on core_accessrecord to doudi_lookup;
create policy lookup on enrolment_awardmember for select to doudi_lookup using (true);
create policy lookup on enrolment_award for select to doudi_lookup using (true);
create policy lookup on registry_person for select to doudi_lookup using (true);
create policy lookup on core_accessrecord for select to doudi_lookup using (true);
create table doudi.lookup_used (record_id bigint primary key, used_at timestamptz not null default clock_timestamp());
grant select, insert on doudi.lookup_used to doudi_lookup;
create function doudi.helped_elsewhere(p_token uuid, p_digest bytea, p_record bigint, p_on date)
returns table (managed boolean, programme text, since date, county text) language plpgsql security definer set search_path = doudi, pg_temp as $$
declare v_account bigint;
begin
  -- the record must be committed by another transaction, for this number, fresh and unused
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
    select true, a.programme::text, m.starts, left(p.area, 6)
    from registry_person p
    left join enrolment_awardmember m on m.person_id = p.id and not m.void and m.starts <= p_on and (m.ends is null or m.ends > p_on)
    left join enrolment_award a on a.id = m.award_id
    where p.token = p_token;
end $$;
grant create on schema doudi to doudi_lookup;
alter function doudi.helped_elsewhere(uuid, bytea, bigint, date) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.helped_elsewhere(uuid, bytea, bigint, date) from public;
grant execute on function doudi.helped_elsewhere(uuid, bytea, bigint, date) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0001_initial"), ("registry", "0002_guards"), ("core", "0002_protect")]
    operations = [
        migrations.RunSQL(WHOLE_MONTHS, migrations.RunSQL.noop),
        Protect("enrolment_decision", update=["state", "decided_by_id", "decided_at", "decision_note", "version"]),
        Protect("enrolment_entitlement"),
        Protect("enrolment_award", update=["ends", "void", "suspended", "payee_id", "payee_name", "account", "bank"]),
        Protect("enrolment_awardamount"),
        Protect("enrolment_awardmember", update=["ends", "void"]),
        migrations.RunSQL(MEMBERS, migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, migrations.RunSQL.noop),
        migrations.RunSQL(STATUS, migrations.RunSQL.noop),
        migrations.RunSQL(LOOKUP, migrations.RunSQL.noop),
    ]
