"""Rights on the repair list and on what a check of accounts found; what came back before is put on the list."""

from django.db import migrations

from doudi.core.grants import Protect

REPAIRS = """
create function doudi.repair_of_its_return() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from new_rows n left join payments_bankreturn r on r.id = n.id and r.area = n.area where r.id is null) then
    raise exception 'a repair is of a return of its own area' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger repair_of_its_return after insert on payments_repair referencing new table as new_rows
  for each statement execute function doudi.repair_of_its_return();
insert into payments_repair (id, area, kind, since, due)
select r.id, r.area, case when r.reason like '%户名%' then 'name' when r.reason like '%销户%' then 'closed' when r.reason like '%冻结%' then 'frozen'
  when r.reason like '%非结算%' then 'not_settlement' when r.reason like '%介质%' then 'medium' when r.reason like '%状态异常%' then 'dormant'
  when r.reason like '%重复%' then 'repeated' when r.reason like '%账号%' then 'account' else 'other' end, b.booked_on, b.booked_on + 7
from payments_bankreturn r join payments_bankresult b on b.id = r.result_id;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0018_repairs"), ("payments", "0017_funds_guards")]
    operations = [
        migrations.RunSQL(REPAIRS, migrations.RunSQL.noop),
        Protect("payments_repair", update=["due"]),
        Protect("payments_accountfinding", delete=True),
    ]
