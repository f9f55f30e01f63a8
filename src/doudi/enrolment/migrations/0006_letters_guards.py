"""Protection of letters and certificates; the public check asks one function that takes a whole code and names nobody."""

from django.db import migrations

from doudi.core.grants import Protect

CHECK = """
grant select on enrolment_certificate to doudi_lookup;
create policy lookup on enrolment_certificate for select to doudi_lookup using (true);
create function doudi.certificate_state(p_code text, p_on date) returns table (programme text, county text, since date, state text)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select a.programme::text, left(a.area, 6), a.starts,
    case when c.replaced_at is not null then 'replaced' when a.void or a.ends <= p_on then 'ended' when a.suspended then 'suspended' else 'valid' end
  from enrolment_certificate c join enrolment_award a on a.id = c.award_id where c.code = p_code
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.certificate_state(text, date) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.certificate_state(text, date) from public;
grant execute on function doudi.certificate_state(text, date) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0005_letters")]
    operations = [
        Protect("enrolment_letter"),
        Protect("enrolment_certificate", update=["replaced_at", "replaced_reason"]),
        migrations.RunSQL(CHECK, migrations.RunSQL.noop),
    ]
