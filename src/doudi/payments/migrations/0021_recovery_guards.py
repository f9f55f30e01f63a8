"""Guards of overpayments and their recovery: a month is never claimed beyond what was paid, money and waivers are what two officers and receipts say."""

from django.db import migrations

from doudi.core.grants import Protect

GUARDS = """
alter table payments_overpayment add constraint overpayment_area check (length(area) >= 6);
alter table payments_overpaymentline add constraint overpayment_month check (month_entitled = date_trunc('month', month_entitled)::date);
create function doudi.overpayment_line_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from new_rows n left join payments_overpayment o on o.id = n.overpayment_id and o.area = n.area and o.entitlement_id = n.entitlement_id
             where o.id is null or n.recovered <> 0) then
    raise exception 'a month belongs to its own case' using errcode = 'check_violation';
  end if;
  if exists (select from (select entitlement_id, month_entitled, sum(excess) as claimed from payments_overpaymentline
                          where (entitlement_id, month_entitled) in (select entitlement_id, month_entitled from new_rows) group by 1, 2) c
             left join (select l.entitlement_id, l.month_entitled, sum(l.amount) as paid from payments_payrollline l
                        where l.kind = 'regular' and (l.entitlement_id, l.month_entitled) in (select entitlement_id, month_entitled from new_rows) group by 1, 2) p
               on p.entitlement_id = c.entitlement_id and p.month_entitled = c.month_entitled
             where c.claimed > coalesce(p.paid, 0)) then
    raise exception 'more is claimed back than was paid' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger overpayment_line_inserted after insert on payments_overpaymentline referencing new table as new_rows
  for each statement execute function doudi.overpayment_line_inserted();
-- a case is the sum of its months, its receipts and its confirmed waivers
create function doudi.overpayment_holds(p_id bigint) returns void language plpgsql security definer set search_path = doudi, pg_temp as $$
declare o payments_overpayment; months numeric; back numeric; got numeric; let numeric;
begin
  select * into o from payments_overpayment where id = p_id;
  select coalesce(sum(excess), 0), coalesce(sum(recovered), 0) into months, back from payments_overpaymentline where overpayment_id = p_id;
  select coalesce(sum(amount), 0) into got from payments_repayment where overpayment_id = p_id;
  select coalesce(sum(amount), 0) into let from payments_recoverydecision where overpayment_id = p_id and way = 'waive' and state = 'confirmed';
  if (o.amount, o.recovered, o.recovered, o.waived) is distinct from (months, back, got, let) then
    raise exception 'the case differs from its months, receipts and waivers' using errcode = 'check_violation';
  end if;
  if o.state in ('recovering', 'closed', 'dismissed') and not exists (
      select from payments_recoverydecision where overpayment_id = p_id and state = 'confirmed' and (o.state <> 'dismissed' or way = 'dismiss')) then
    raise exception 'two officers have not decided' using errcode = 'check_violation';
  end if;
end $$;
revoke execute on function doudi.overpayment_holds(bigint) from public;
create function doudi.overpayment_is_whole() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform overpayment_holds(new.id);
  return null;
end $$;
create constraint trigger overpayment_is_whole after insert or update on payments_overpayment deferrable initially deferred
  for each row execute function doudi.overpayment_is_whole();
create function doudi.overpayment_part() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform overpayment_holds(new.overpayment_id);
  return null;
end $$;
create constraint trigger repayment_is_counted after insert on payments_repayment deferrable initially deferred
  for each row execute function doudi.overpayment_part();
create constraint trigger recovery_is_counted after insert or update on payments_recoverydecision deferrable initially deferred
  for each row execute function doudi.overpayment_part();
create function doudi.overpayment_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state in ('closed', 'dismissed') and (to_jsonb(old) - 'area' - 'area_then') <> (to_jsonb(new) - 'area' - 'area_then') then
    raise exception 'a closed case stays' using errcode = 'check_violation';
  end if;
  if old.state <> new.state and old.state || '>' || new.state not in ('found>recovering', 'found>dismissed', 'recovering>closed') then
    raise exception 'a case does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger overpayment_moves_on before update on payments_overpayment for each row execute function doudi.overpayment_moves_on();
create function doudi.recovery_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare free text[] := array['area', 'area_then', 'ended_at'];
begin
  if old.state <> 'proposed' and ((to_jsonb(old) - free) <> (to_jsonb(new) - free) or old.ended_at is not null and new.ended_at is distinct from old.ended_at) then
    raise exception 'a decided recovery stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger recovery_stays before update on payments_recoverydecision for each row execute function doudi.recovery_stays();
"""

# Set-offs: below nought, beside a carrier of the same payroll, award and month, as two officers decided, and with the household's consent where it lives on
# the minimum. What came back is paid again with what was set off.
SETOFFS = """
alter table payments_payrollline add column carrier bigint;
do $$ declare c text; begin
  for c in select conname from pg_constraint where conrelid = 'doudi.payments_payrollline'::regclass and contype = 'c'
           and pg_get_constraintdef(oid) like '%setoff%' and pg_get_constraintdef(oid) like '%amount%' loop
    execute format('alter table doudi.payments_payrollline drop constraint %I', c);
  end loop; end $$;
alter table payments_payrollline add constraint payroll_line_setoff check (
  (kind <> 'setoff' or amount < 0) and (amount > 0 or kind in ('setoff', 'reissue')) and ((amount < 0) = (carrier is not null)));
create index payroll_line_less on payments_payrollline (payroll_id, carrier) where amount < 0;
create function doudi.setoff_inserted() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if not exists (select from new_rows where amount < 0) then return null; end if;
  if exists (select from new_rows n left join payments_payrollline c on c.id = n.carrier and c.month_entitled = n.month_entitled
               and c.payroll_id = n.payroll_id and c.entitlement_id = n.entitlement_id and c.account = n.account and c.amount > 0
             where n.amount < 0 and c.id is null) then
    raise exception 'a set-off stands beside the line that it is deducted from' using errcode = 'check_violation';
  end if;
  if exists (select from (select n.carrier, sum(n.amount) as less from payments_payrollline n
                          where n.amount < 0 and n.payroll_id in (select payroll_id from new_rows) group by 1) s
             join payments_payrollline c on c.id = s.carrier where c.amount + s.less <= 0) then
    raise exception 'a set-off leaves something of the month' using errcode = 'check_violation';
  end if;
  if exists (select from new_rows n left join payments_recoverydecision d on d.id = n.cause and d.way = 'setoff' and d.state = 'confirmed'
               and d.ended_at is null and d.award_id = n.entitlement_id
             where n.kind = 'setoff' and (d.id is null or d.consent = '' and n.programme in ('dibao', 'dibao_single', 'tekun', 'orphan', 'unsupported_child'))) then
    raise exception 'a set-off is decided by two officers, and agreed to by who lives on the minimum' using errcode = 'check_violation';
  end if;
  if exists (select from payments_recoverydecision d join payments_overpayment o on o.id = d.overpayment_id
             where d.id in (select cause from new_rows where kind = 'setoff')
               and o.amount - o.waived < (select coalesce(sum(r.amount), 0) from payments_repayment r where r.overpayment_id = o.id and r.way <> 'setoff')
                 - (select coalesce(sum(l.amount), 0) from payments_payrollline l join payments_recoverydecision e on e.id = l.cause
                    where l.kind = 'setoff' and e.overpayment_id = o.id)) then
    raise exception 'more is set off than is owed' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger setoff_inserted after insert on payments_payrollline referencing new table as new_rows
  for each statement execute function doudi.setoff_inserted();
"""

# A set-off is part of its carrier: payrolls, results and returns count lines that the bank sees. The functions stay as they are otherwise.
COUNTED = """
do $$ declare f text; begin
  f := pg_get_functiondef('doudi.payroll_moves_on'::regproc);
  if f not like '%select count(*), coalesce(sum(amount), 0) into n, s from payments_payrollline%' then raise exception 'payroll_moves_on is not as expected'; end if;
  execute replace(f, 'select count(*), coalesce(sum(amount), 0) into n, s from payments_payrollline',
                     'select count(*) filter (where amount > 0), coalesce(sum(amount), 0) into n, s from payments_payrollline');
  f := pg_get_functiondef('doudi.return_inserted'::regproc);
  if f not like '%select result_id, count(*) as n, sum(amount) as s from payments_bankreturn%' then raise exception 'return_inserted is not as expected'; end if;
  execute replace(f, 'select result_id, count(*) as n, sum(amount) as s from payments_bankreturn',
                     'select result_id, count(*) filter (where amount > 0) as n, sum(amount) as s from payments_bankreturn');
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0020_recovery"), ("payments", "0019_repairs_guards")]
    operations = [
        Protect("payments_overpayment", update=["recovered", "waived", "state", "debtor", "debtor_name", "closed_at", "version"]),
        Protect("payments_overpaymentline", update=["recovered"]),
        Protect("payments_recoverydecision", update=["state", "decided_by_id", "decided_at", "note", "version", "ended_at"]),
        Protect("payments_instalment", update=["received"]),
        Protect("payments_repayment"),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(SETOFFS, migrations.RunSQL.noop),
        migrations.RunSQL(COUNTED, migrations.RunSQL.noop),
    ]
