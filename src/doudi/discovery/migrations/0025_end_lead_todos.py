"""To-dos of a lead end with its step, whoever takes it: those of the township, or of another place, are not the village visitor's to see."""

from django.db import migrations

# Only of leads that the acting officer works on; empty `p_kind`: of all kinds.
END = """
create function doudi.end_lead_todos(p_ids bigint[], p_kind text, p_now timestamptz) returns bigint
language sql security definer set search_path = doudi, pg_temp as $$
  with ended as (
    update core_todo t set done_at = p_now, done_by_id = nullif(nullif(current_setting('app.account', true), ''), '0')::bigint
    where t.subject = 'lead' and t.done_at is null and t.subject_id = any(p_ids) and (p_kind = '' or t.kind = p_kind)
      and exists (select from discovery_lead l where l.id = t.subject_id
        and (l.area >= current_setting('app.lo', true) and l.area < current_setting('app.hi', true)
          or l.residence_area >= current_setting('app.lo', true) and l.residence_area < current_setting('app.hi', true)))
    returning 1
  ) select count(*) from ended
$$;
revoke execute on function doudi.end_lead_todos(bigint[], text, timestamptz) from public;
grant execute on function doudi.end_lead_todos(bigint[], text, timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("discovery", "0024_no_index_twice")]
    operations = [migrations.RunSQL(END, "drop function doudi.end_lead_todos(bigint[], text, timestamptz)")]
