"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0004_board_national_guards'),
    ]

    operations = [
        migrations.AlterField(
            model_name='nationalfault',
            name='export',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='reports.nationalexport'),
        ),
    ]
