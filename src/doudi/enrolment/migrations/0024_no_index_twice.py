"""No index twice: a foreign key has its own, and none where a declared one begins with its column; equality needs none for beginnings."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrolment', '0023_companions'),
        ('registry', '0008_one_index_each'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='application',
            name='enrolment_a_househo_4b1fda_idx',
        ),
        migrations.RemoveIndex(
            model_name='authorisation',
            name='enrolment_a_househo_5bc2a0_idx',
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='enrolment_c_applica_f5f89e_idx',
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='enrolment_c_househo_1f3c09_idx',
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='enrolment_c_decisio_bdc674_idx',
        ),
        migrations.RemoveIndex(
            model_name='caseevent',
            name='enrolment_c_case_id_8bab6d_idx',
        ),
        migrations.RemoveIndex(
            model_name='casestep',
            name='enrolment_c_case_id_8418a0_idx',
        ),
        migrations.RemoveIndex(
            model_name='datacheck',
            name='enrolment_d_applica_905da9_idx',
        ),
        migrations.RemoveIndex(
            model_name='householdvisit',
            name='enrolment_h_applica_0da4f5_idx',
        ),
        migrations.RemoveIndex(
            model_name='objection',
            name='enrolment_o_case_id_6de631_idx',
        ),
        migrations.RemoveIndex(
            model_name='payeechange',
            name='enrolment_p_award_i_1f587e_idx',
        ),
        migrations.RemoveIndex(
            model_name='publicity',
            name='enrolment_p_case_id_d06bad_idx',
        ),
        migrations.RemoveIndex(
            model_name='relative',
            name='enrolment_r_househo_98744f_idx',
        ),
        migrations.RemoveIndex(
            model_name='spotcheckitem',
            name='enrolment_s_decisio_890079_idx',
        ),
        migrations.AlterField(
            model_name='document',
            name='household',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='documents', to='registry.household'),
        ),
        migrations.AlterField(
            model_name='letter',
            name='decision',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='letters', to='enrolment.decision'),
        ),
        migrations.AlterField(
            model_name='review',
            name='decision',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrolment.decision'),
        ),
        migrations.AlterField(
            model_name='review',
            name='household',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='registry.household'),
        ),
        migrations.AlterField(
            model_name='spotcheckitem',
            name='check_of',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='enrolment.spotcheck'),
        ),
        migrations.AlterField(
            model_name='spotcheckitem',
            name='review',
            field=models.ForeignKey(db_constraint=False, db_index=False, help_text='by which it was reopened', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='spot_items', to='enrolment.review'),
        ),
        migrations.AlterField(
            model_name='spotcheckstratum',
            name='check_of',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='strata', to='enrolment.spotcheck'),
        ),
        migrations.RunSQL(
            'drop index if exists enrolment_application_number_cfdf5a5f_like',
            'create index enrolment_application_number_cfdf5a5f_like on enrolment_application (number varchar_pattern_ops)',
        ),
        migrations.RunSQL(
            'drop index if exists enrolment_certificate_number_d78765a4_like',
            'create index enrolment_certificate_number_d78765a4_like on enrolment_certificate (number varchar_pattern_ops)',
        ),
        migrations.RunSQL(
            'drop index if exists enrolment_certificate_code_3ae7157b_like',
            'create index enrolment_certificate_code_3ae7157b_like on enrolment_certificate (code varchar_pattern_ops)',
        ),
    ]
