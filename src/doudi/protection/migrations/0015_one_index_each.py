"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('protection', '0014_claims_paid_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='care',
            name='protection__case_id_beab14_idx',
        ),
        migrations.RemoveIndex(
            model_name='caseassignment',
            name='protection__case_id_453bea_idx',
        ),
        migrations.RemoveIndex(
            model_name='casegap',
            name='protection__case_id_b25ecd_idx',
        ),
        migrations.RemoveIndex(
            model_name='referral',
            name='protection__case_id_5749e4_idx',
        ),
        migrations.RemoveIndex(
            model_name='report',
            name='protection__case_id_ab0ed5_idx',
        ),
        migrations.AlterField(
            model_name='carereview',
            name='care',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='protection.care'),
        ),
        migrations.AlterField(
            model_name='caseassessment',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='caseassignment',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='casecontact',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='caseevent',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='caseresource',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='casereview',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='casesection',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='sections', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='counselling',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='counselling', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='handover',
            name='care',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='hand_overs', to='protection.care'),
        ),
        migrations.AlterField(
            model_name='plangoal',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='goals', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='planservice',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='services', to='protection.protectioncase'),
        ),
        migrations.AlterField(
            model_name='protectioncase',
            name='responsible',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='sectionversion',
            name='case',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='section_versions', to='protection.protectioncase'),
        ),
        # letting go of a key's index takes along every index of that column alone, the unique one of the rows that are due too
        migrations.RunSQL("create unique index if not exists protection_one_contact_due on protection_casecontact (case_id) where state = 'due'", migrations.RunSQL.noop),
    ]
