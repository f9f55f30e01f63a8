"""Protection of changes of payee; what was decided stays (the token of its account follows a rotation of keys; the application may not write it)."""

from django.db import migrations

from doudi.core.grants import Protect

DECIDED = """
create function doudi.payee_change_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state <> 'proposed' and (to_jsonb(old) - 'area' - 'area_then' - 'account') is distinct from (to_jsonb(new) - 'area' - 'area_then' - 'account') then
    raise exception 'a decided change of payee stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payee_change_stays before update on enrolment_payeechange for each row execute function doudi.payee_change_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0014_payees"), ("enrolment", "0013_moves")]
    operations = [
        Protect("enrolment_payeechange", update=["state", "decided_by_id", "decided_at", "note", "version"]),
        migrations.RunSQL(DECIDED, migrations.RunSQL.noop),
    ]
