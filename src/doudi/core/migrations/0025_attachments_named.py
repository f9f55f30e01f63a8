"""Which of the given attachments have a row anywhere in the province: asked before a file without one is deleted, and nothing else is answered."""

from django.db import migrations

NAMED = """
create function doudi.attachments_named(p_ids uuid[]) returns setof uuid language sql stable security definer set search_path = doudi, pg_temp as
$$ select id from core_attachment where id = any(p_ids) $$;
revoke all on function doudi.attachments_named(uuid[]) from public;
grant execute on function doudi.attachments_named(uuid[]) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0024_no_index_twice")]
    operations = [migrations.RunSQL(NAMED, "drop function doudi.attachments_named(uuid[])")]
