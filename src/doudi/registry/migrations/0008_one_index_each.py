"""No index twice: a foreign key has its own; a column in collation C needs none for beginnings; facts have one by person and one by household."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0007_moves_refused'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='benefitstatus',
            name='registry_be_person__d7596f_idx',
        ),
        migrations.RemoveIndex(
            model_name='membership',
            name='registry_me_househo_36c53b_idx',
        ),
        migrations.AlterField(
            model_name='fact',
            name='household',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='facts', to='registry.household'),
        ),
        migrations.AlterField(
            model_name='fact',
            name='person',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='facts', to='registry.person'),
        ),
        migrations.RunSQL(
            'drop index if exists registry_household_number_e2e04338_like',
            'create index registry_household_number_e2e04338_like on registry_household (number varchar_pattern_ops)',
        ),
        migrations.RunSQL(
            'drop index if exists registry_membershiphistoryevent_person_id_3dd811f7',
            'create index registry_membershiphistoryevent_person_id_3dd811f7 on registry_membershiphistoryevent (person_id)',
        ),
    ]
