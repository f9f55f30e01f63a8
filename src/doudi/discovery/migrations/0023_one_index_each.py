"""No index twice: a foreign key has its own, and a column in collation C needs none for beginnings."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('discovery', '0022_visit_plans_for_a_time'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='lead',
            name='discovery_l_person__396cd8_idx',
        ),
        migrations.RemoveIndex(
            model_name='lead',
            name='discovery_l_househo_623f8b_idx',
        ),
        migrations.RunSQL(
            'drop index if exists discovery_lead_number_55e15385_like',
            'create index discovery_lead_number_55e15385_like on discovery_lead (number varchar_pattern_ops)',
        ),
    ]
