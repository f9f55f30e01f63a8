"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0008_left_out'),
    ]

    operations = [
        migrations.AlterField(
            model_name='apianswer',
            name='client',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='api.apiclient'),
        ),
        migrations.AlterField(
            model_name='spdcicallback',
            name='client',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='api.apiclient'),
        ),
        migrations.AlterField(
            model_name='spdcimatch',
            name='subscription',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='api.spdcisubscription'),
        ),
        migrations.AlterField(
            model_name='spdcimessage',
            name='client',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='api.apiclient'),
        ),
        migrations.AlterField(
            model_name='spdcisubscription',
            name='client',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='api.apiclient'),
        ),
    ]
