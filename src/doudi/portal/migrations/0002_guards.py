"""Protection of what comes in through the public door; the one question that crosses areas: where the case of a number is."""

from django.db import migrations

from doudi.core.grants import Protect

TIES = [
    "alter table portal_onlinemember add constraint portal_onlinemember_application_area foreign key (application_id, area)"
    " references portal_onlineapplication (id, area) on update cascade deferrable initially deferred",
    "create sequence doudi.portal_receipt",
    "grant usage on sequence doudi.portal_receipt to doudi_app",
]
# A whole number and nothing less. What it answers is for the service that compares the phone; nobody is shown it.
FOLLOW = """
grant select on portal_onlineapplication, enrolment_application, registry_person to doudi_lookup;
create policy lookup on portal_onlineapplication for select to doudi_lookup using (true);
create policy lookup on enrolment_application for select to doudi_lookup using (true);
create function doudi.followed_case(p_number text) returns table (kind text, id bigint, area text, phone uuid)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select 'online', o.id, o.area::text, o.phone from portal_onlineapplication o where o.number = p_number
  union all
  select 'application', a.id, a.area::text, p.phone from enrolment_application a join registry_person p on p.id = a.applicant_id where a.number = p_number
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.followed_case(text) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.followed_case(text) from public;
grant execute on function doudi.followed_case(text) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial"), ("core", "0020_public_files")]
    operations = [
        Protect("portal_publicreport"),
        Protect("portal_onlineapplication", update=["state", "application_id", "reason", "handled_by_id", "handled_at", "version"]),
        Protect("portal_onlinemember"),
        migrations.RunSQL([*TIES, FOLLOW], migrations.RunSQL.noop),
    ]
