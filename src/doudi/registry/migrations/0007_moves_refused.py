"""Who asked for a move that is refused is told, in the own posting; else the township it was to go to."""

from django.db import migrations

TOLD = """
create or replace function doudi.move_told() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    update core_todo t set done_at = new.asked_at, done_by_id = new.asked_by from registry_moverequest r
     where r.household_id = new.household_id and t.subject = 'move' and t.subject_id = r.id and t.kind = 'move.refused' and t.done_at is null;
    insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
    values (left(new.from_area, 9), 'township_officer', 'move.release', '有家庭申请转出，请核实后办理', '/moves/' || new.id || '/', 'move', new.id, new.due, new.asked_at)
    on conflict (kind, subject, subject_id, duty) where done_at is null do nothing;
  elsif (new.released_at is not null or new.refused_reason <> '' or new.done_at is not null)
    and old.released_at is null and old.refused_reason = '' and old.done_at is null then
    update core_todo set done_at = coalesce(new.released_at, now()), done_by_id = nullif(current_setting('app.account', true), '')::bigint
     where subject = 'move' and subject_id = new.id and done_at is null;
    if new.refused_reason <> '' then
      insert into core_todo (area, duty, kind, title, url, subject, subject_id, posting_id, made_at)
      select coalesce(p.area, left(new.to_area, 9)), coalesce(p.duty, 'township_officer'), 'move.refused', '家庭转入申请未获同意，请查看理由',
        '/moves/' || new.id || '/', 'move', new.id, p.id, now()
      from (select 1) one left join lateral (
        select id, area, duty from core_posting where account_id = new.asked_by and starts_with(new.to_area, area)
          and starts <= current_date and (ends is null or ends > current_date) order by length(area) desc, id limit 1) p on true
      on conflict (kind, subject, subject_id, duty) where done_at is null do nothing;
    end if;
  end if;
  return null;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0006_moves_told"), ("core", "0011_todo_posting")]
    operations = [migrations.RunSQL(TOLD, migrations.RunSQL.noop)]
