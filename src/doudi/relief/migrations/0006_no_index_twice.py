"""No index twice: a foreign key has its own, and none where a declared one begins with its column; equality needs none for beginnings."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('relief', '0005_sittings'),
    ]

    operations = [
        migrations.AlterField(
            model_name='casemeeting',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='meetings', to='relief.reliefcase'),
        ),
        migrations.AlterField(
            model_name='priceclaim',
            name='proposal',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='relief.priceproposal'),
        ),
        migrations.AlterField(
            model_name='priceleftout',
            name='proposal',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='left_out', to='relief.priceproposal'),
        ),
        migrations.AlterField(
            model_name='reliefhelp',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='helps', to='relief.reliefcase'),
        ),
        migrations.AlterField(
            model_name='reliefmember',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='members', to='relief.reliefcase'),
        ),
        migrations.AlterField(
            model_name='reliefstep',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='relief.reliefcase'),
        ),
        migrations.AlterField(
            model_name='vagrantsearch',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='searches', to='relief.vagrantcase'),
        ),
        migrations.RunSQL(
            'drop index if exists relief_reliefcase_number_b865a15f_like',
            'create index relief_reliefcase_number_b865a15f_like on relief_reliefcase (number varchar_pattern_ops)',
        ),
    ]
