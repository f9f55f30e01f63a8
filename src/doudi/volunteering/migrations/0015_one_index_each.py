"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('volunteering', '0014_proposed_guards'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='offer',
            name='offer_need',
        ),
        migrations.AlterField(
            model_name='callreply',
            name='call',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='replies', to='volunteering.call'),
        ),
        migrations.AlterField(
            model_name='callreply',
            name='volunteer',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='calls', to='volunteering.volunteer'),
        ),
        migrations.AlterField(
            model_name='feedback',
            name='offer',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='feedback', to='volunteering.offer'),
        ),
        migrations.AlterField(
            model_name='offer',
            name='organisation',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='volunteering.organisation'),
        ),
        migrations.AlterField(
            model_name='offer',
            name='volunteer',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='volunteering.volunteer'),
        ),
    ]
