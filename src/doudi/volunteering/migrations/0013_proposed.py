from django.db import migrations

import doudi.core.fields


class Migration(migrations.Migration):

    dependencies = [
        ('volunteering', '0012_board_calls'),
    ]

    operations = [
        migrations.AlterField(
            model_name='activity',
            name='state',
            field=doudi.core.fields.CodeField(choices=[('proposed', '待审核'), ('open', '报名中'), ('closed', '停止报名'), ('done', '已结束'), ('cancelled', '已取消')], db_collation='C', default='open', max_length=10),
        ),
    ]
