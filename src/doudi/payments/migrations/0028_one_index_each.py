"""No index twice: a foreign key has its own, and none where a declared one begins with its column."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0027_the_countys_own'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='backpayitem',
            name='payments_ba_entitle_c3ea3a_idx',
        ),
        migrations.RemoveIndex(
            model_name='bankreturn',
            name='payments_ba_entitle_a6c993_idx',
        ),
        migrations.RemoveIndex(
            model_name='ledgerentry',
            name='payments_le_payroll_6583a9_idx',
        ),
        migrations.RemoveIndex(
            model_name='ledgerentry',
            name='payments_le_movemen_bdc17e_idx',
        ),
        migrations.RemoveIndex(
            model_name='payroll',
            name='payments_pa_area_3a3d18_idx',
        ),
        migrations.AlterField(
            model_name='backpayitem',
            name='back_pay',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='payments.backpay'),
        ),
        migrations.AlterField(
            model_name='bankfile',
            name='payroll',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='payments.payroll'),
        ),
        migrations.AlterField(
            model_name='fundpurpose',
            name='fund',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='purposes', to='payments.fund'),
        ),
        migrations.AlterField(
            model_name='instalment',
            name='decision',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='payments.recoverydecision'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='fund',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.fund'),
        ),
        migrations.AlterField(
            model_name='lineflag',
            name='payroll',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='payments.payroll'),
        ),
        migrations.AlterField(
            model_name='linereview',
            name='payroll',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='payments.payroll'),
        ),
        migrations.AlterField(
            model_name='oneoffclaim',
            name='one_off_list',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='payments.oneofflist'),
        ),
        migrations.AlterField(
            model_name='oneoffleftout',
            name='one_off_list',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='left_out', to='payments.oneofflist'),
        ),
        migrations.AlterField(
            model_name='overpaymentline',
            name='overpayment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='months', to='payments.overpayment'),
        ),
        migrations.AlterField(
            model_name='payrollchange',
            name='payroll',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='payments.payroll'),
        ),
        migrations.AlterField(
            model_name='payrollexclusion',
            name='payroll',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='exclusions', to='payments.payroll'),
        ),
        migrations.AlterField(
            model_name='payrolltotal',
            name='payroll',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='totals', to='payments.payroll'),
        ),
        migrations.AlterField(
            model_name='repayment',
            name='overpayment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='repayments', to='payments.overpayment'),
        ),
    ]
