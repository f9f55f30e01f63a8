"""The giving side of a move is told: its to-do is written as the owner, as neither end sees the other's to-dos. It ends when the request does."""

from django.db import migrations

TOLD = """
grant insert (due) on registry_moverequest to doudi_app;
create function doudi.move_told() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
    values (left(new.from_area, 9), 'township_officer', 'move.release', '有家庭申请转出，请核实后办理', '/moves/' || new.id || '/', 'move', new.id, new.due, new.asked_at)
    on conflict (kind, subject, subject_id, duty) where done_at is null do nothing;
  elsif (new.released_at is not null or new.refused_reason <> '' or new.done_at is not null)
    and old.released_at is null and old.refused_reason = '' and old.done_at is null then
    update core_todo set done_at = coalesce(new.released_at, now()), done_by_id = nullif(current_setting('app.account', true), '')::bigint
     where subject = 'move' and subject_id = new.id and done_at is null;
  end if;
  return null;
end $$;
create trigger move_told after insert or update on registry_moverequest for each row execute function doudi.move_told();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0005_moves_due"), ("registry", "0002_guards"), ("core", "0002_protect")]
    operations = [migrations.RunSQL(TOLD, migrations.RunSQL.noop)]
