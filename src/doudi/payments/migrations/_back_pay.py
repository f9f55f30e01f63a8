"""Guards of back pay: what was approved stays, and a line pays exactly one approved month, once by each document."""

BACK_PAY = """
create function doudi.back_pay_moves_on() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare n bigint; s numeric; a bigint;
begin
  if (old.area, old.source, old.document, old.serial, old.root, old.first, old.last, old.programmes, old.made_by_id)
     is distinct from (new.area, new.source, new.document, new.serial, new.root, new.first, new.last, new.programmes, new.made_by_id)
     and to_jsonb(old) - array['area', 'area_then'] <> to_jsonb(new) - array['area', 'area_then'] then
    raise exception 'what back pay is about stays' using errcode = 'check_violation';
  end if;
  if old.state <> 'proposed' and to_jsonb(old) - array['area', 'area_then'] <> to_jsonb(new) - array['area', 'area_then'] then
    raise exception 'back pay that was decided stays' using errcode = 'check_violation';
  end if;
  if new.state = 'approved' then
    if new.decided_by_id is null then
      raise exception 'a signature is missing' using errcode = 'check_violation';
    end if;
    select count(distinct entitlement_id), count(*), coalesce(sum(amount), 0) into a, n, s from payments_backpayitem where back_pay_id = new.id and reason = '';
    if (a, n, s) is distinct from (new.awards::bigint, new.months::bigint, new.amount) then
      raise exception 'back pay differs from its months' using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger back_pay_moves_on before update on payments_backpay for each row execute function doudi.back_pay_moves_on();
create function doudi.back_pay_begins() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if new.state <> 'proposed' or (new.root is not null and not exists (
      select from payments_backpay b where b.id = new.root and b.area = new.area and b.document = new.document and b.source = new.source and b.serial = 1)) then
    raise exception 'back pay begins as a proposal of its document' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger back_pay_begins before insert on payments_backpay for each row execute function doudi.back_pay_begins();
create function doudi.back_pay_items() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  -- the calculation stands still while its months are written
  perform 1 from payments_backpay where id in (select distinct back_pay_id from rows) order by id for share;
  if exists (select from rows i left join payments_backpay b on b.id = i.back_pay_id
             where b.state is distinct from 'proposed' or not starts_with(i.area, b.area) or i.root <> coalesce(b.root, b.id) or i.month < b.first or i.month > b.last) then
    raise exception 'the months of back pay that was decided stay' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger back_pay_items after insert on payments_backpayitem referencing new table as rows for each statement execute function doudi.back_pay_items();
create trigger back_pay_items_gone after delete on payments_backpayitem referencing old table as rows for each statement execute function doudi.back_pay_items();
create function doudi.line_pays_back() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if exists (select from new_lines n join payments_payroll p on p.id = n.payroll_id where (p.kind = 'back') <> (n.kind = 'back')) then
    raise exception 'back pay is paid by payrolls of its own, and nothing else by them' using errcode = 'check_violation';
  end if;
  if exists (select from new_lines n
             left join payments_backpayitem i on i.root = n.cause and i.entitlement_id = n.entitlement_id and i.month = n.month_entitled and i.reason = ''
             left join payments_backpay b on b.id = i.back_pay_id and b.state = 'approved'
             where n.kind = 'back' and (b.id is null or (n.amount, n.programme, n.area) is distinct from (i.amount, i.programme::text, i.area::text))) then
    raise exception 'the line is not what was approved as back pay' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger line_pays_back after insert on payments_payrollline referencing new table as new_lines for each statement execute function doudi.line_pays_back();
"""
