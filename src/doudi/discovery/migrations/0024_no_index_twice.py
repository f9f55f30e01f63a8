"""No index twice: a foreign key has its own, and none where a declared one begins with its column; equality needs none for beginnings."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('discovery', '0023_one_index_each'),
        ('registry', '0008_one_index_each'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='call',
            name='discovery_c_lead_id_a2090f_idx',
        ),
        migrations.RemoveIndex(
            model_name='leadreferral',
            name='discovery_l_lead_id_d9815e_idx',
        ),
        migrations.RemoveIndex(
            model_name='linkagepair',
            name='discovery_l_person__62c781_idx',
        ),
        migrations.RemoveIndex(
            model_name='sweepconflict',
            name='discovery_s_entry_i_d772eb_idx',
        ),
        migrations.RemoveIndex(
            model_name='teamtraining',
            name='discovery_t_member__57350a_idx',
        ),
        migrations.RemoveIndex(
            model_name='visitconflict',
            name='discovery_v_visit_i_794af9_idx',
        ),
        migrations.AlterField(
            model_name='call',
            name='desk',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='calls', to='discovery.hotlinedesk'),
        ),
        migrations.AlterField(
            model_name='call',
            name='operator',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='lead',
            name='merged_into',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='signals', to='discovery.lead'),
        ),
        migrations.AlterField(
            model_name='leadevent',
            name='lead',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='discovery.lead'),
        ),
        migrations.AlterField(
            model_name='linkagedecision',
            name='pair',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='discovery.linkagepair'),
        ),
        migrations.AlterField(
            model_name='sweepanswer',
            name='entry',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='discovery.sweepentry'),
        ),
        migrations.AlterField(
            model_name='sweepanswer',
            name='question',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='discovery.sweepquestion'),
        ),
        migrations.AlterField(
            model_name='sweepentry',
            name='household',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sweep_entries', to='registry.household'),
        ),
        migrations.AlterField(
            model_name='sweepentry',
            name='sweep',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='discovery.sweep'),
        ),
        migrations.AlterField(
            model_name='sweepentry',
            name='visit',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sweep_entries', to='discovery.visit'),
        ),
        migrations.AlterField(
            model_name='sweepplace',
            name='sweep',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='places', to='discovery.sweep'),
        ),
        migrations.AlterField(
            model_name='sweepquestion',
            name='sweep',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='questions', to='discovery.sweep'),
        ),
        migrations.AlterField(
            model_name='teamtraining',
            name='member',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='trainings', to='discovery.teammember'),
        ),
        # by its name: AlterField would drop every index of this column alone, the unique one of what is open too
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL('drop index if exists discovery_visit_household_id_3d48dcbd', 'create index discovery_visit_household_id_3d48dcbd on discovery_visit (household_id)')],
            [migrations.AlterField('visit', 'household', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='visits', to='registry.household'))],
        ),
        migrations.RunSQL(
            'drop index if exists discovery_call_number_a507b368_like',
            'create index discovery_call_number_a507b368_like on discovery_call (number varchar_pattern_ops)',
        ),
    ]
