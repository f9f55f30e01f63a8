"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0004_merged'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='publicreport',
            name='portal_publ_lead_id_d8cf8e_idx',
        ),
        migrations.AlterField(
            model_name='onlinemember',
            name='application',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='members', to='portal.onlineapplication'),
        ),
    ]
