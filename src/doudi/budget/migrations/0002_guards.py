"""Guards of budgets: content changes only while the scenario is open, a checked one is the sum of its figures, its course goes one way."""

from django.db import migrations

from doudi.core.grants import Protect

GUARDS = """
alter table budget_scenario add constraint budget_area check (length(area) = 6);
alter table budget_scenario add constraint budget_base_month check (base_month = date_trunc('month', base_month)::date);
alter table budget_figure add constraint budget_figure_month check (month = date_trunc('month', month)::date);
create function doudi.budget_content_open() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare s budget_scenario;
begin
  if tg_op = 'UPDATE' and to_jsonb(old) - array['area', 'area_then'] = to_jsonb(new) - array['area', 'area_then'] then return new; end if;
  select * into s from budget_scenario where id = case when tg_op = 'DELETE' then old.scenario_id else new.scenario_id end for share;
  if s.id is null or s.state not in ('draft', 'returned') then
    raise exception 'the content of a budget stays as it was checked' using errcode = 'check_violation';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  if new.area <> s.area then
    raise exception 'a budget is of one county' using errcode = 'check_violation';
  end if;
  if tg_op = 'UPDATE' and new.scenario_id <> old.scenario_id then
    raise exception 'what belongs to a budget stays with it' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger budget_content_open before insert or update or delete on budget_assumption for each row execute function doudi.budget_content_open();
create trigger budget_content_open before insert or update or delete on budget_figure for each row execute function doudi.budget_content_open();
create trigger budget_content_open before insert or update or delete on budget_source for each row execute function doudi.budget_content_open();
create function doudi.budget_course() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if to_jsonb(old) - array['area', 'area_then'] = to_jsonb(new) - array['area', 'area_then'] then return new; end if;
  if (new.year, new.made_by_id, new.made_at) is distinct from (old.year, old.made_by_id, old.made_at) then
    raise exception 'year and author of a budget stay' using errcode = 'check_violation';
  end if;
  if new.state <> old.state and (old.state, new.state) not in (('draft', 'checked'), ('returned', 'checked'), ('checked', 'returned'),
      ('checked', 'submitted'), ('submitted', 'returned'), ('submitted', 'accepted')) then
    raise exception 'a budget does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if old.state not in ('draft', 'returned') and new.state not in ('draft', 'returned')
     and (new.name, new.basis, new.base_month, new.amount, new.covered, new.content_hash, new.calculated_at, new.law_version, new.settings_id, new.households)
         is distinct from (old.name, old.basis, old.base_month, old.amount, old.covered, old.content_hash, old.calculated_at, old.law_version,
                           old.settings_id, old.households) then
    raise exception 'the content of a budget stays as it was checked' using errcode = 'check_violation';
  end if;
  if new.state = 'checked' and old.state <> 'checked' then
    if new.checked_by_id is null or new.content_hash = '' or new.calculated_at is null
       or new.amount <> coalesce((select sum(amount) from budget_figure where scenario_id = new.id), 0) then
      raise exception 'a checked budget is the sum of its figures' using errcode = 'check_violation';
    end if;
  end if;
  if (new.state = 'submitted' and new.submitted_by_id is null) or (new.state = 'accepted' and new.decided_by_id is null) then
    raise exception 'a step of a budget names who took it' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger budget_course before update on budget_scenario for each row execute function doudi.budget_course();
create function doudi.budget_begins() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if new.state <> 'draft' or new.content_hash <> '' or new.checked_by_id is not null or new.submitted_by_id is not null then
    raise exception 'a budget begins as a draft' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger budget_begins before insert on budget_scenario for each row execute function doudi.budget_begins();
"""
CHANGES = [
    "state", "version", "calculated_at", "law_version", "settings_id", "households", "left_out", "covered", "amount", "content_hash",
    "checked_by_id", "checked_at", "submitted_by_id", "submitted_at", "decided_by_id", "decided_at", "remark",
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("budget", "0001_budget")]
    operations = [
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        Protect("budget_scenario", update=CHANGES),
        Protect("budget_assumption", delete=True),
        Protect("budget_figure", delete=True),
        Protect("budget_source", update=["share", "amount", "basis", "entered"], delete=True),
        Protect("budget_event"),
    ]
