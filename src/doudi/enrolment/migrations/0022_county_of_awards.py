"""Amounts and members of a county's awards are found by their area, as its awards are: a payroll read those of the whole province."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrolment', '0021_one_index_each'),
        ('registry', '0008_one_index_each'),
    ]

    operations = [
        migrations.AlterField(
            model_name='awardamount',
            name='award',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='amounts', to='enrolment.award'),
        ),
        migrations.AddIndex(
            model_name='awardamount',
            index=models.Index(fields=['area'], name='enrolment_a_area_2ef87c_idx'),
        ),
        migrations.AddIndex(
            model_name='awardmember',
            index=models.Index(fields=['area'], name='enrolment_a_area_78afbc_idx'),
        ),
    ]
