"""A to-do may be one posting's; what is open of leads goes to whoever has them."""

import django.db.models.deletion
from django.db import migrations, models

# the column comes with a later migration of discovery: a fresh database may run this one before it
GIVEN = """
do $$ begin
  if exists (select from pg_attribute where attrelid = to_regclass('discovery_lead') and attname = 'posting_id') then
    update core_todo t set posting_id = l.posting_id from discovery_lead l, core_posting p
    where t.subject = 'lead' and t.kind = 'lead' and t.done_at is null and l.id = t.subject_id and p.id = l.posting_id and p.duty = t.duty;
  end if;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0010_messages_protect")]
    operations = [
        migrations.AddField(
            model_name="todo",
            name="posting",
            field=models.ForeignKey(
                db_index=False,
                help_text="whose it is; null: any officer's of that duty there",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.posting",
            ),
        ),
        migrations.RunSQL(GIVEN, migrations.RunSQL.noop),
    ]
