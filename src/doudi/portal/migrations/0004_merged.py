import doudi.core.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrolment', '0020_group_member'),
        ('portal', '0003_numbers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='onlineapplication',
            name='online_application_reason',
        ),
        migrations.AlterField(
            model_name='onlineapplication',
            name='state',
            field=doudi.core.fields.CodeField(choices=[('sent', '待受理登记'), ('registered', '已登记'), ('declined', '未予登记'), ('merged', '已并入')], db_collation='C', default='sent', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='onlineapplication',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['declined', 'merged']), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='online_application_reason'),
        ),
    ]
