"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assessment', '0005_one_index_each'),
        ('registry', '0008_one_index_each'),
    ]

    operations = [
        migrations.AlterField(
            model_name='assessment',
            name='household',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='registry.household'),
        ),
    ]
