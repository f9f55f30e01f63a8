"""Guards of bank files, choices of layouts, keys and waiting answers: what was recorded stays, steps come in order, two officers choose."""

from django.db import migrations

from doudi.core.grants import Protect

NUMBERS = """
update payments_bankfile f set number = p.number from payments_payroll p where p.id = f.payroll_id and f.number = '';
"""

GUARDS = """
-- a file belongs to a payroll that has left the house; a part is made again only after the bank refused it whole
create function doudi.bank_file_begins() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare p payments_payroll; n bigint; s numeric;
begin
  select * into p from payments_payroll where id = new.payroll_id for share;
  if p.state not in ('released', 'booked') or new.area <> p.area or new.refused_at is not null then
    raise exception 'a bank file is made of a released payroll' using errcode = 'check_violation';
  end if;
  if new.attempt > 1 and not exists (select from payments_bankfile where payroll_id = new.payroll_id and layout = new.layout
      and choice_id is not distinct from new.choice_id and part = new.part and attempt = new.attempt - 1 and refused_at is not null) then
    raise exception 'a file is made again only when the bank refused it whole' using errcode = 'check_violation';
  end if;
  select coalesce(sum(lines), 0) + new.lines, coalesce(sum(amount), 0) + new.amount into n, s from payments_bankfile
   where payroll_id = new.payroll_id and refused_at is null
     and (case when new.choice_id is null then layout = new.layout and choice_id is null else choice_id is not null end);
  if n > p.lines or s > p.amount then
    raise exception 'the files hold more than the payroll' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger bank_file_begins before insert on payments_bankfile for each row execute function doudi.bank_file_begins();
create function doudi.bank_file_changes() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare k text[] := array['area', 'area_then', 'refused_at', 'refused_reason', 'refused_by_id'];
begin
  if tg_op = 'DELETE' or (to_jsonb(old) - k) <> (to_jsonb(new) - k)
     or (old.refused_at is not null and (old.refused_at, old.refused_reason, old.refused_by_id) is distinct from (new.refused_at, new.refused_reason, new.refused_by_id))
     or (old.refused_at is null and new.refused_at is not null and (select state from payments_payroll where id = new.payroll_id) <> 'released') then
    raise exception 'a recorded file stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger bank_file_changes before update or delete on payments_bankfile for each row execute function doudi.bank_file_changes();
create function doudi.layout_choice_steps() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare k text[] := array['area', 'area_then', 'state', 'decided_by_id', 'decided_at', 'decision_note'];
begin
  if tg_op = 'INSERT' then
    if new.state <> 'proposed' or new.decided_by_id is not null or length(new.area) <> 6 then
      raise exception 'a choice begins as the proposal of a county' using errcode = 'check_violation';
    end if;
  elsif (to_jsonb(old) - k) <> (to_jsonb(new) - k) or (old.state <> new.state
      and (old.state || '>' || new.state not in ('proposed>confirmed', 'proposed>refused', 'proposed>withdrawn', 'confirmed>withdrawn') or new.decided_by_id is null)) then
    raise exception 'a choice does not change; a later one takes its place' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger layout_choice_steps before insert or update on payments_layoutchoice for each row execute function doudi.layout_choice_steps();
create function doudi.bank_answer_steps() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare k text[] := array['area', 'area_then', 'state', 'decided_by_id', 'decided_at', 'reason'];
begin
  if tg_op = 'INSERT' then
    if new.state <> 'waiting' or new.area is distinct from (select area from payments_payroll where id = new.payroll_id) then
      raise exception 'an answer waits first' using errcode = 'check_violation';
    end if;
  elsif (to_jsonb(old) - k) <> (to_jsonb(new) - k) or (old.state <> new.state and old.state <> 'waiting')
     or (old.state <> new.state and new.state = 'booked' and not exists (select from payments_bankresult where sha256 = new.sha256 and payroll_id = new.payroll_id)) then
    raise exception 'an answer stays as it came' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger bank_answer_steps before insert or update on payments_bankanswer for each row execute function doudi.bank_answer_steps();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_bank_files")]
    operations = [
        migrations.RunSQL(NUMBERS, migrations.RunSQL.noop),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        Protect("payments_bankfile", update=["refused_at", "refused_reason", "refused_by_id"]),
        # what a county agreed on with its bank is no secret within its levels; only the county writes it
        Protect("payments_layoutchoice", update=["state", "decided_by_id", "decided_at", "decision_note"]),
        Protect("payments_countykey"),
        Protect("payments_bankanswer", update=["state", "decided_by_id", "decided_at", "reason"]),
    ]
