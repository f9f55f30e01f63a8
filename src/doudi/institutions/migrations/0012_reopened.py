"""Guards: a request that ended is opened again only to be given out anew; other systems see the institutions alone that they report for (6.1, 6.3)."""

from django.db import migrations

REOPENED = """
create or replace function doudi.institutions_request_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state;
begin
  if old.state <> new.state and step not in (
      'raised>assigned', 'assigned>raised', 'assigned>working', 'working>assigned', 'working>raised', 'working>done', 'raised>declined', 'assigned>declined',
      'working>declined', 'raised>withdrawn', 'assigned>withdrawn', 'working>withdrawn', 'done>raised', 'declined>raised', 'withdrawn>raised')
     or old.state = new.state and old.state in ('done', 'declined', 'withdrawn')
        and to_jsonb(old) - array['area', 'area_then'] <> to_jsonb(new) - array['area', 'area_then'] then
    raise exception 'a request does not go from % to %', old.state, new.state using errcode = 'check_violation', constraint = 'request_step';
  end if;
  return new;
end $$;
"""
# A system's account stands among the clerks of each institution that it reports for; every guard that narrows clerks narrows systems too.
SYSTEMS = """
do $$
declare p record; was text := '(current_setting(''app.duty''::text, true) = ''institution_clerk''::text)';
  is_own text := '(current_setting(''app.duty''::text, true) = any (array[''institution_clerk''::text, ''api_client''::text]))'; changed int := 0;
begin
  for p in select tablename, policyname, qual, with_check from pg_policies where schemaname = 'doudi' and starts_with(tablename, 'institutions_')
           and (strpos(coalesce(qual, ''), was) > 0 or strpos(coalesce(with_check, ''), was) > 0) loop
    execute format('alter policy %I on doudi.%I %s %s', p.policyname, p.tablename,
      case when p.qual is null then '' else 'using (' || replace(p.qual, was, is_own) || ')' end,
      case when p.with_check is null then '' else 'with check (' || replace(p.with_check, was, is_own) || ')' end);
    changed := changed + 1;
  end loop;
  if changed < 30 then
    raise exception 'only % policies narrow clerks', changed;
  end if;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("institutions", "0011_coordination_guards")]
    operations = [migrations.RunSQL(REOPENED, migrations.RunSQL.noop), migrations.RunSQL(SYSTEMS, migrations.RunSQL.noop)]
