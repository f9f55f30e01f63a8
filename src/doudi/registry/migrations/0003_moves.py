"""Numbers taken before the row is written, and the way from an ID number to the household that a move asks for."""

from django.db import migrations

FOR_MOVE = """
create function doudi.household_for_move(p_token uuid, p_digest bytea, p_record bigint)
returns table (household_id bigint, household_name text, area text) language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  -- as doudi.helped_elsewhere: a committed record of this officer, for this number, fresh and unused
  if not exists (
    select from core_accessrecord r
     where r.id = p_record and r.digest = p_digest and r.what = 'lookup' and r.subject = 'move' and r.at > clock_timestamp() - interval '5 minutes'
       and pg_xact_status(r.xid::text::xid8) = 'committed' and r.account_id = nullif(current_setting('app.account', true), '')::bigint)
  then raise exception 'no committed access record' using errcode = 'insufficient_privilege'; end if;
  begin
    insert into lookup_used (record_id) values (p_record);
  exception when unique_violation then raise exception 'this access record is used up' using errcode = 'insufficient_privilege';
  end;
  if (select count(*) from core_accessrecord s join core_accessrecord r on r.id = p_record and s.account_id = r.account_id
       where s.what = 'lookup' and s.at > clock_timestamp() - interval '1 hour') > 30 then
    raise exception 'too many look-ups' using errcode = 'insufficient_privilege';
  end if;
  return query
    select h.id, h.name::text, h.area::text
    from registry_person p join registry_membership m on m.person_id = p.id and m.ends is null join registry_household h on h.id = m.household_id
    where p.token = p_token;
end $$;
grant select on registry_household, registry_membership to doudi_lookup;
create policy lookup on registry_household for select to doudi_lookup using (true);
create policy lookup on registry_membership for select to doudi_lookup using (true);
grant create on schema doudi to doudi_lookup;
alter function doudi.household_for_move(uuid, bytea, bigint) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.household_for_move(uuid, bytea, bigint) from public;
grant execute on function doudi.household_for_move(uuid, bytea, bigint) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_guards")]
    operations = [
        migrations.RunSQL(
            ["grant usage on sequence registry_person_id_seq, registry_household_id_seq to doudi_app", FOR_MOVE], migrations.RunSQL.noop
        ),
    ]
