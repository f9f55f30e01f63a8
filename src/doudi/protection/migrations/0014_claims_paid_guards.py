"""Guards: a claim says what was claimed, its payment is noted once; whether anybody can accept a referral is answered across the province (5.3)."""

from importlib import import_module

from django.db import migrations

from doudi.core.grants import Protect

OF_CARE = import_module("doudi.protection.migrations.0011_care_guards").OF_CARE

CLAIMS = """
create function doudi.protection_claim_paid_once() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare own text[] := array['paid_on', 'voucher', 'paid_noted_by_id', 'paid_noted_at', 'area', 'area_then'];
begin
  if to_jsonb(old) - own <> to_jsonb(new) - own
     or (old.paid_on is not null and (old.paid_on, old.voucher, old.paid_noted_by_id, old.paid_noted_at)
         is distinct from (new.paid_on, new.voucher, new.paid_noted_by_id, new.paid_noted_at)) then
    raise exception 'a claim stays as it was, its payment is noted once' using errcode = 'check_violation', constraint = 'protection_claim_once';
  end if;
  return new;
end $$;
create trigger protection_claim_paid_once before update on protection_careclaim for each row execute function doudi.protection_claim_paid_once();
"""
RECEIVERS = """
-- Postings are seen within one's own range alone. Of another county this says only whether somebody holds the duty there, not who.
create function doudi.protection_receiver_there(p_area text, p_duty text, p_on date) returns boolean
language sql stable security definer set search_path = doudi, pg_temp as $$
  select exists (select from core_posting p join core_account a on a.id = p.account_id
                 where p.duty = p_duty and starts_with(p_area, p.area) and a.is_active and p.starts <= p_on and (p.ends is null or p.ends > p_on))
$$;
revoke execute on function doudi.protection_receiver_there(text, text, date) from public;
grant execute on function doudi.protection_receiver_there(text, text, date) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("protection", "0013_claims_paid")]
    operations = [
        Protect("protection_careclaim", read=OF_CARE, write=OF_CARE, update=["paid_on", "voucher", "paid_noted_by_id", "paid_noted_at"]),
        migrations.RunSQL(CLAIMS, migrations.RunSQL.noop),
        migrations.RunSQL(RECEIVERS, migrations.RunSQL.noop),
    ]
