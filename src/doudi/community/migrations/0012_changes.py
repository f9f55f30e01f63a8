"""Who booked and who closed a counselling session; changes of a contact's phone with their history; when printed files were deleted."""

import django.db.models.deletion
import doudi.core.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('community', '0011_plans_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ContactChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('area', doudi.core.fields.AreaField(db_collation='C', max_length=12)),
                ('area_then', doudi.core.fields.AreaField(db_collation='C', editable=False, max_length=12, null=True)),
                ('name', doudi.core.fields.CodeField(db_collation='C', max_length=60)),
                ('kind', doudi.core.fields.CodeField(choices=[('cadre', '村（社区）干部'), ('grid', '网格员'), ('social', '社工'), ('volunteer', '志愿者'), ('neighbour', '邻居'), ('relative', '亲属'), ('other', '其他')], db_collation='C', max_length=10)),
                ('phone', doudi.core.fields.TokenField()),
                ('most', models.SmallIntegerField(null=True)),
                ('reason', models.CharField(max_length=200)),
                ('made_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='carecontact',
            name='phone_changes',
            field=models.SmallIntegerField(default=0, help_text='printed cards with an earlier number are known by it'),
        ),
        migrations.AddField(
            model_name='counsellingsession',
            name='booked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='counsellingsession',
            name='closed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='printrun',
            name='files_gone_at',
            field=models.DateTimeField(help_text='when its PDF files were deleted (procedures.FILE_DAYS)', null=True),
        ),
        migrations.AddIndex(
            model_name='printrun',
            index=models.Index(condition=models.Q(('files_gone_at__isnull', True), ('parts__gt', 0)), fields=['done_at'], name='card_files_there'),
        ),
        migrations.AddField(
            model_name='contactchange',
            name='contact',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='community.carecontact'),
        ),
        migrations.AddField(
            model_name='contactchange',
            name='made_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='contactchange',
            index=models.Index(fields=['contact', '-made_at'], name='community_c_contact_e0646b_idx'),
        ),
    ]
