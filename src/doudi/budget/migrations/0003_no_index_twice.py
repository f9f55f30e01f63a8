"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('budget', '0002_guards'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='assumption',
            name='budget_assu_scenari_569a50_idx',
        ),
        migrations.RemoveIndex(
            model_name='scenario',
            name='budget_scen_area_6aa2c2_idx',
        ),
        migrations.AlterField(
            model_name='event',
            name='scenario',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='budget.scenario'),
        ),
        migrations.AlterField(
            model_name='figure',
            name='scenario',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='figures', to='budget.scenario'),
        ),
        migrations.AlterField(
            model_name='source',
            name='scenario',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='sources', to='budget.scenario'),
        ),
    ]
