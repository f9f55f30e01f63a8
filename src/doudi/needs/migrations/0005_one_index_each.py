"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('needs', '0004_urgency'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='need',
            name='needs_need_househo_a58036_idx',
        ),
        migrations.RemoveIndex(
            model_name='need',
            name='needs_need_person__569e87_idx',
        ),
        migrations.AlterField(
            model_name='needanswer',
            name='account',
            field=models.ForeignKey(db_index=False, help_text='null: somebody without an account, reached by phone', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='needanswer',
            name='need',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='needs.need'),
        ),
        migrations.AlterField(
            model_name='needevent',
            name='need',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='needs.need'),
        ),
    ]
