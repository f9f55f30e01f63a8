"""Calls on the public board: the clock of the page decides what still runs (a demo's is set back), not that of the database."""

from django.db import migrations

CALLS = """
grant create on schema doudi to doudi_lookup;
set role doudi_lookup;
create or replace function doudi.board_calls(p_area text)
returns table (number text, title text, words text, place text, area text, skills text[], adults boolean, missing int, until timestamptz)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select number::text, title::text, words::text, place::text, area::text, skills::text[], adults, (wanted - coming)::int, until from volunteering_call
  where state in ('open', 'enough') and (starts_with(area, left(p_area, 9)) or starts_with(left(p_area, 9), area)) order by until limit 20
$$;
reset role;
revoke create on schema doudi from doudi_lookup;
"""


class Migration(migrations.Migration):
    dependencies = [("volunteering", "0011_board_guards")]
    operations = [migrations.RunSQL(CALLS, migrations.RunSQL.noop)]
