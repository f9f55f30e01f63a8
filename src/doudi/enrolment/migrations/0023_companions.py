"""The second at a household visit may have a posting of the county, which a township's scope does not see: a function tells who, by number and name alone."""

from django.db import migrations

COMPANIONS = """
grant select (id, name, is_active) on core_account to doudi_lookup;
grant select (account_id, duty, area, starts, ends) on core_posting to doudi_lookup;
create policy companions on core_posting for select to doudi_lookup using (length(area) = 6);
create function doudi.visit_companions(p_on date) returns table (account bigint, name text)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select distinct a.id, a.name::text from core_posting p join core_account a on a.id = p.account_id
  where p.area = left(current_setting('app.lo', true), 6) and p.duty in ('visitor', 'child_director', 'discovery_member', 'station_worker', 'county_reviewer')
    and a.is_active and p.starts <= p_on and (p.ends is null or p.ends > p_on)
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.visit_companions(date) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.visit_companions(date) from public;
grant execute on function doudi.visit_companions(date) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0022_county_of_awards"), ("core", "0002_protect")]
    operations = [migrations.RunSQL(COMPANIONS, migrations.RunSQL.noop)]
