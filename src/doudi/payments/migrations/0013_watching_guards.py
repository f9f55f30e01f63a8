"""Guards of the check and the approval: lines that stand out were looked at; the signer's duty covers the amount; who prepared is another."""

from django.db import migrations

from doudi.core.grants import Protect

GUARDS = """
create function doudi.payroll_signed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare duties constant text[] := array['county_approver', 'county_director']; need int;
begin
  if old.state <> 'draft' and new.state <> 'draft' and (new.signer, new.prepared_by_id, new.frozen_at) is distinct from (old.signer, old.prepared_by_id, old.frozen_at) then
    raise exception 'who must sign, who prepared and the freeze stay once it is checked' using errcode = 'check_violation';
  end if;
  if new.prepared_by_id <> old.prepared_by_id and new.prepared_by_id::text is distinct from current_setting('app.account', true) then
    raise exception 'who prepared it is who writes the lines' using errcode = 'check_violation';
  end if;
  if old.state = 'draft' and new.state = 'checked' then
    if exists (select from payments_lineflag f left join payments_linereview r on r.payroll_id = f.payroll_id and r.entitlement_id = f.entitlement_id
                and r.verdict = 'normal' and (r.amount is null or r.amount = f.amount)
               where f.payroll_id = new.id and f.must and r.id is null) then
      raise exception 'lines that stand out wait for a review' using errcode = 'check_violation';
    end if;
    if exists (select from payments_linereview r join payments_payrollline l on l.payroll_id = r.payroll_id and l.entitlement_id = r.entitlement_id
               where r.payroll_id = new.id and r.verdict = 'held') then
      raise exception 'a line that was taken out is still there' using errcode = 'check_violation';
    end if;
  elsif old.state = 'checked' and new.state = 'approved' then
    need := coalesce(array_position(duties, coalesce(nullif(new.signer, ''), duties[1])), 99);
    if not exists (select from core_posting p where p.account_id = new.approved_by_id and array_position(duties, p.duty) >= need
                    and starts_with(new.area, p.area) and p.starts <= (new.approved_at at time zone 'Asia/Shanghai')::date
                    and (p.ends is null or p.ends > (new.approved_at at time zone 'Asia/Shanghai')::date)) then
      raise exception 'this amount needs another signer' using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger payroll_signed before update on payments_payroll for each row execute function doudi.payroll_signed();
grant update (signer, prepared_by_id) on payments_payroll to doudi_app;
grant update (amount) on payments_linereview to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_watching"), ("core", "0015_director")]
    operations = [
        Protect("payments_payrolltotal", delete=True),
        Protect("payments_payrollchange", delete=True),
        Protect("payments_lineflag", delete=True),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
