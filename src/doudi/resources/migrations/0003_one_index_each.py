"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('resources', '0002_guards'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='purchasedservice',
            name='purchased_person',
        ),
        migrations.RemoveIndex(
            model_name='purchasedservice',
            name='purchased_acceptance',
        ),
        migrations.RemoveIndex(
            model_name='servicecontract',
            name='contract_organisation',
        ),
        migrations.RemoveIndex(
            model_name='spending',
            name='spending_acceptance',
        ),
        migrations.RemoveIndex(
            model_name='spending',
            name='spending_allocation',
        ),
        migrations.AlterField(
            model_name='acceptance',
            name='contract',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='acceptances', to='resources.servicecontract'),
        ),
        migrations.AlterField(
            model_name='contractline',
            name='contract',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='resources.servicecontract'),
        ),
        migrations.AlterField(
            model_name='donationallocation',
            name='donation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='resources.donation'),
        ),
        migrations.AlterField(
            model_name='purchasedservice',
            name='contract',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='services', to='resources.servicecontract'),
        ),
        migrations.AlterField(
            model_name='purchasedservice',
            name='line',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='services', to='resources.contractline'),
        ),
        migrations.AlterField(
            model_name='qualitycheck',
            name='acceptance',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='checks', to='resources.acceptance'),
        ),
        # letting go of a key's index takes along every index of that column alone, the unique one of what is open too
        migrations.RunSQL(
            "create unique index if not exists acceptance_one_open on resources_acceptance (contract_id) where state in ('open', 'submitted')", migrations.RunSQL.noop
        ),
    ]
