"""No index twice: a foreign key has its own, and a column in collation C needs none for beginnings."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('assessment', '0004_what_if'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='assessment',
            name='assessment__run_id_47dc91_idx',
        ),
        migrations.RunSQL(
            'drop index if exists assessment_assessment_settings_id_c47708d1_like',
            'create index assessment_assessment_settings_id_c47708d1_like on assessment_assessment (settings_id varchar_pattern_ops)',
        ),
    ]
