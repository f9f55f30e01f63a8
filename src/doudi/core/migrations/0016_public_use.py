"""How often networks use pages that are open to everybody: counted by a function alone, so that nobody can take a count back."""

import doudi.core.fields
from django.db import migrations, models

# Count one sending; what stands older than a day goes. Returns the sendings of this network, and of all, to the page in this hour.
USE = """
create function doudi.public_use(p_page text, p_network text, p_now timestamptz, out mine int, out everybodys int) returns record
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare fresh boolean;
begin
  insert into core_publicuse as u (page, network, hour, uses) values (left(p_page, 40), left(p_network, 50), date_trunc('hour', p_now), 1)
  on conflict (page, network, hour) do update set uses = u.uses + 1 returning uses, xmax = 0 into mine, fresh;
  if fresh then
    delete from core_publicuse where hour < date_trunc('hour', p_now) - interval '1 day';
  end if;
  select coalesce(sum(uses), 0) into everybodys from core_publicuse where page = left(p_page, 40) and hour = date_trunc('hour', p_now);
end $$;
grant execute on function doudi.public_use(text, text, timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0015_director'),
    ]

    operations = [
        migrations.CreateModel(
            name='PublicUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', doudi.core.fields.CodeField(db_collation='C', max_length=40)),
                ('network', doudi.core.fields.CodeField(db_collation='C', max_length=50)),
                ('hour', models.DateTimeField()),
                ('uses', models.IntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['hour'], name='core_public_hour_ab958a_idx')],
                'constraints': [models.UniqueConstraint(fields=('page', 'network', 'hour'), name='public_use_once')],
            },
        ),
        migrations.RunSQL(USE, "drop function doudi.public_use(text, text, timestamptz)"),
    ]
