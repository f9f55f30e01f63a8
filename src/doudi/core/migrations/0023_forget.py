"""What the machine notes for itself goes after its time, by one function alone: the application deletes nothing else."""

from django.db import migrations

# Ages stand here, past the reach of the application; whatever day it is told, nothing younger goes.
FORGET = """
create function doudi.core_forget(p_now timestamptz, p_jobs text[], p_most int) returns table (runs bigint, tasks bigint, results bigint, sessions bigint)
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare t timestamptz := least(p_now, now());
begin
  delete from core_dailyrun where id in (
    select id from core_dailyrun where "on" < (t at time zone 'Asia/Shanghai')::date - 400 and name = any(p_jobs) order by "on" limit p_most);
  get diagnostics runs = row_count;
  delete from core_taskprogress where id in (
    select id from core_taskprogress where asked_at < t - interval '180 days' and finished_at is not null and state in ('done', 'failed', 'cancelled') limit p_most);
  get diagnostics tasks = row_count;
  delete from django_tasks_database_dbtaskresult where id in (
    select id from django_tasks_database_dbtaskresult where finished_at < t - interval '14 days' and status in ('SUCCESSFUL', 'FAILED') limit p_most);
  get diagnostics results = row_count;
  delete from django_session where session_key in (select session_key from django_session where expire_date < t limit p_most);
  get diagnostics sessions = row_count;
  return next;
end $$;
grant execute on function doudi.core_forget(timestamptz, text[], int) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0022_deliveries_guards")]
    operations = [migrations.RunSQL(FORGET, "drop function doudi.core_forget(timestamptz, text[], int)")]
