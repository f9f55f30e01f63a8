"""Who goes out to people may have a posting of the county, which a township's scope does not see: a function tells who, by posting, duty and name alone."""

from django.db import migrations

# Enrolment, a room below, has grants and a policy of the same kind for its own function: neither leans on the other.
ABOVE = """
grant select (id, name, is_active) on core_account to doudi_lookup;
grant select (id, account_id, duty, area, starts, ends) on core_posting to doudi_lookup;
create policy posted_above on core_posting for select to doudi_lookup using (length(area) = 6);
create function doudi.need_posted_above(p_on date) returns table (posting bigint, account bigint, duty text, name text)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select p.id, a.id, p.duty::text, a.name::text from core_posting p join core_account a on a.id = p.account_id
  where p.area = left(current_setting('app.lo', true), 6) and p.duty in ('visitor', 'child_director', 'discovery_member', 'station_worker')
    and a.is_active and p.starts <= p_on and (p.ends is null or p.ends > p_on)
  order by p.duty, p.id limit 200
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.need_posted_above(date) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.need_posted_above(date) from public;
grant execute on function doudi.need_posted_above(date) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("needs", "0005_one_index_each"), ("core", "0002_protect")]
    operations = [migrations.RunSQL(ABOVE, migrations.RunSQL.noop)]
