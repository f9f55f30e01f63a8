"""No index twice: a foreign key has its own, and none where a declared one begins with its column; equality needs none for beginnings."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('community', '0013_changes_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='counsellingsession',
            name='community_c_person__0ef59b_idx',
        ),
        migrations.RemoveIndex(
            model_name='helpcard',
            name='community_h_care_id_2d7b52_idx',
        ),
        migrations.AlterField(
            model_name='activationcheck',
            name='entry',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='checks', to='community.activationperson'),
        ),
        migrations.AlterField(
            model_name='activationperson',
            name='activation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='community.activation'),
        ),
        migrations.AlterField(
            model_name='activationstep',
            name='activation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='community.activation'),
        ),
        migrations.AlterField(
            model_name='cardprinting',
            name='run',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='printings', to='community.printrun'),
        ),
        migrations.AlterField(
            model_name='careevent',
            name='care',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='community.careperson'),
        ),
        migrations.AlterField(
            model_name='contactabsence',
            name='substitute',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='covers', to='community.carecontact'),
        ),
        migrations.AlterField(
            model_name='contactchange',
            name='contact',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='community.carecontact'),
        ),
        migrations.AlterField(
            model_name='counsellingsession',
            name='counsellor',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='planitem',
            name='plan',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='community.planversion'),
        ),
        migrations.RunSQL(
            'drop index if exists community_helpcard_code_e7a6fecf_like',
            'create index community_helpcard_code_e7a6fecf_like on community_helpcard (code varchar_pattern_ops)',
        ),
    ]
