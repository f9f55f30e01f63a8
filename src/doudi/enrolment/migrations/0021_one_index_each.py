"""No index twice: a foreign key has its own, and a column in collation C needs none for beginnings."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('enrolment', '0020_group_member'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='award',
            name='enrolment_a_househo_754a45_idx',
        ),
        migrations.RemoveIndex(
            model_name='awardevent',
            name='enrolment_a_award_i_74508f_idx',
        ),
        migrations.RemoveIndex(
            model_name='awardmember',
            name='enrolment_a_award_i_f3eb56_idx',
        ),
        migrations.RemoveIndex(
            model_name='awardmember',
            name='enrolment_a_person__964b71_idx',
        ),
        migrations.RemoveIndex(
            model_name='decision',
            name='enrolment_d_househo_ca60ed_idx',
        ),
        migrations.RunSQL(
            'drop index if exists enrolment_decision_number_867b54d6_like',
            'create index enrolment_decision_number_867b54d6_like on enrolment_decision (number varchar_pattern_ops)',
        ),
    ]
