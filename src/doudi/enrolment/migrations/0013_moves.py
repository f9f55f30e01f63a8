"""A move ends the open reviews of the old area; the new township is told which awards still run from there, and until when."""

from django.db import migrations

MOVES = """
create function doudi.reviews_end_at_move() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update enrolment_review set state = 'settled', reason = '家庭已转出，由转入地核查', decided_at = now(), version = version + 1
   where household_id = new.id and area = old.area and state in ('open', 'held', 'proposed');
  update core_todo t set done_at = now() where t.done_at is null and t.kind like 'review.%' and t.area = left(old.area, 9)
    and not exists (select from enrolment_review r where r.state = 'open' and 'review.' || r.cause = t.kind and r.area >= t.area and r.area < t.area || ':');
  return null;
end $$;
create trigger reviews_end_at_move after update of area on registry_household for each row
  when (old.area is distinct from new.area) execute function doudi.reviews_end_at_move();

create function doudi.awards_told_at_move() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
  select left(new.to_area, 9), 'township_officer', 'move.award',
    '转入家庭的待遇由原地发放至 ' || to_char(a.ends - 1, 'YYYY-MM') || '，请在此前重新认定', '/households/' || new.household_id || '/', 'award', a.id, a.ends - 20, new.done_at
  from enrolment_award a
  where a.household_id = new.household_id and a.area = new.from_area and not a.void and a.ends > new.first_month
  order by a.id
  on conflict (kind, subject, subject_id, duty) where done_at is null do nothing;
  return null;
end $$;
create trigger awards_told_at_move after update on registry_moverequest for each row
  when (new.done_at is not null and old.done_at is null) execute function doudi.awards_told_at_move();
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0012_spot_checks_guards"), ("enrolment", "0008_applications_guards"), ("registry", "0005_moves_due")]
    operations = [migrations.RunSQL(MOVES, migrations.RunSQL.noop)]
