"""One-time codes are reached by three functions alone: nobody reads a digest of somebody else's, takes a try back or makes a limit wider."""

from django.db import migrations

# Keep a code of a phone, unless it had its number of them in the last hour or day; what is older than a day goes.
MADE = """
create function doudi.code_made(p_phone bytea, p_subject bytea, p_digest bytea, p_now timestamptz, p_hour int, p_day int) returns boolean
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare in_hour int; in_day int;
begin
  perform pg_advisory_xact_lock(hashtextextended('phone code ' || encode(p_phone, 'hex'), 0));
  delete from core_phonecode where id in (select id from core_phonecode where made_at <= p_now - interval '1 day' order by made_at limit 200 for update skip locked);
  select count(*) filter (where made_at > p_now - interval '1 hour'), count(*) into in_hour, in_day
    from core_phonecode where phone = p_phone and made_at > p_now - interval '1 day';
  if in_hour >= p_hour or in_day >= p_day then
    return false;
  end if;
  insert into core_phonecode (phone, subject, digest, made_at, tries) values (p_phone, p_subject, p_digest, p_now, 0);
  return true;
end $$;
grant execute on function doudi.code_made(bytea, bytea, bytea, timestamptz, int, int) to doudi_app;
"""
# Count a try of the newest code of a subject and give it, locked; nothing where it is ten minutes old, used, or tried five times.
TRIED = """
create function doudi.code_tried(p_subject bytea, p_now timestamptz, out code_id bigint, out code_digest bytea, out code_made_at timestamptz) returns record
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare newest bigint;
begin
  select id into newest from core_phonecode where subject = p_subject order by made_at desc, id desc limit 1 for update;
  update core_phonecode set tries = tries + 1 where id = newest and made_at > p_now - interval '10 minutes' and used_at is null and tries < 5
    returning id, digest, made_at into code_id, code_digest, code_made_at;
end $$;
grant execute on function doudi.code_tried(bytea, timestamptz) to doudi_app;
"""
USED = """
create function doudi.code_used(p_id bigint, p_now timestamptz) returns void
language sql security definer set search_path = doudi, pg_temp as $$ update core_phonecode set used_at = p_now where id = p_id and used_at is null $$;
grant execute on function doudi.code_used(bigint, timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0018_phone_codes")]
    operations = [
        migrations.RunSQL(MADE, "drop function doudi.code_made(bytea, bytea, bytea, timestamptz, int, int)"),
        migrations.RunSQL(TRIED, "drop function doudi.code_tried(bytea, timestamptz)"),
        migrations.RunSQL(USED, "drop function doudi.code_used(bigint, timestamptz)"),
    ]
