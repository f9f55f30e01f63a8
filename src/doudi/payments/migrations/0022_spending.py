"""Purchased services and donations are paid by funds of their own, which pay nothing else (measures 4.1)."""

from django.db import migrations

import doudi.core.fields

CHOICES = [
    ("dibao", "最低生活保障"), ("dibao_single", "最低生活保障（单人户）"), ("tekun", "特困人员救助供养"), ("marginal", "低保边缘家庭"), ("rigid", "刚性支出困难家庭"),
    ("orphan", "孤儿基本生活费"), ("unsupported_child", "事实无人抚养儿童基本生活补贴"), ("disability_living", "困难残疾人生活补贴"),
    ("disability_nursing", "重度残疾人护理补贴"), ("temporary", "临时救助"), ("price_subsidy", "价格临时补贴"), ("subsidy", "一次性补助"),
    ("funeral", "特困人员丧葬费"), ("services", "政府购买服务"), ("donation", "捐赠款支出"),
]  # fmt: skip

APART = """
create function doudi.purpose_kept_apart() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare kept text;
begin
  select pool into kept from payments_fund where id = new.fund_id;
  if new.allowed and ((new.programme = 'services' and kept <> 'services') or (new.programme = 'donation' and kept <> 'donations')
      or (kept = 'services' and new.programme <> 'services') or (kept = 'donations' and new.programme <> 'donation')) then
    raise exception 'purchased services and donations are kept apart from assistance' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger purpose_kept_apart before insert or update on payments_fundpurpose for each row execute function doudi.purpose_kept_apart();
insert into payments_fundpurpose (fund_id, programme) values (3, 'services'), (4, 'donation');
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0021_recovery_guards")]
    operations = [
        migrations.AlterField("fundpurpose", "programme", doudi.core.fields.CodeField(choices=CHOICES, db_collation="C", max_length=20)),
        migrations.RunSQL(APART, migrations.RunSQL.noop),
    ]
