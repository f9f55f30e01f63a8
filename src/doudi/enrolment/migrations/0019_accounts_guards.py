"""Rights on changes of payee and bank rules, and the first rules."""

from django.db import migrations

from doudi.core.grants import Open, Protect

# Known first digits (发卡行标识) of cards that pay one-card money in Henan, and the lengths of passbook numbers; officers correct and add.
RULES = """
insert into enrolment_bankrule (kind, bank, name, prefix, least, most, source, verified, retired_reason)
select k, b, n, p, least, most, s, false, '' from (values
  ('card', '402', '河南省农村信用社', '622991', 19, 19), ('card', '403', '中国邮政储蓄银行', '621799', 19, 19),
  ('card', '403', '中国邮政储蓄银行', '622188', 19, 19), ('card', '103', '中国农业银行', '622848', 19, 19),
  ('card', '103', '中国农业银行', '622845', 19, 19), ('card', '105', '中国建设银行', '621700', 19, 19),
  ('card', '105', '中国建设银行', '436742', 16, 19), ('card', '102', '中国工商银行', '621226', 19, 19),
  ('card', '102', '中国工商银行', '622202', 19, 19), ('card', '104', '中国银行', '621785', 19, 19),
  ('card', '104', '中国银行', '621660', 19, 19), ('card', '301', '交通银行', '622260', 19, 19), ('card', '313', '中原银行', '623059', 19, 19)
) v (k, b, n, p, least, most), (select '公开的银行卡标识表（发卡行标识），未经银行确认' as s) w;
insert into enrolment_bankrule (kind, bank, name, prefix, least, most, source, verified, retired_reason)
select 'passbook', b, n, '', least, most, '各行存折账号位数，未经银行确认', false, '' from (values
  ('402', '河南省农村信用社', 15, 23), ('403', '中国邮政储蓄银行', 18, 22), ('103', '中国农业银行', 15, 19), ('105', '中国建设银行', 19, 20)
) v (b, n, least, most);
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0018_accounts")]
    operations = [
        Protect(
            "enrolment_payeechange",
            update=[
                "state", "decided_by_id", "decided_at", "note", "version", "usable_from", "was_name", "was_person_id", "was_account", "was_bank",
                "was_until", "old_closed", "lifted_by_id", "lifted_at", "lifted_reason",
            ],
        ),
        Open("enrolment_bankrule", "select, insert, update (retired_by_id, retired_at, retired_reason)"),
        migrations.RunSQL(RULES, migrations.RunSQL.noop),
    ]
