"""No index twice: a foreign key has its own, and none where a declared one begins with its column; equality needs none for beginnings."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0023_forget'),
    ]

    operations = [
        migrations.AlterField(
            model_name='division',
            name='parent',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='core.division'),
        ),
        migrations.AlterField(
            model_name='emergencyplace',
            name='emergency',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='places', to='core.emergency'),
        ),
        # by its name: AlterField would drop every index of this column alone, the unique one of what is open too
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL('drop index if exists core_emergencystep_emergency_id_69b6ea16', 'create index core_emergencystep_emergency_id_69b6ea16 on core_emergencystep (emergency_id)')],
            [migrations.AlterField('emergencystep', 'emergency', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='core.emergency'))],
        ),
        migrations.AlterField(
            model_name='emergencyswitch',
            name='emergency',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='switches', to='core.emergency'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunSQL(
            'drop index if exists core_message_dedupe_5a283145_like',
            'create index core_message_dedupe_5a283145_like on core_message (dedupe varchar_pattern_ops)',
        ),
    ]
