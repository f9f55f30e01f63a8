"""Guards of needs: open work moves with its people; answers are counted by the database; whose need it is, is read by fewer than the area."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

ME = "nullif(current_setting('app.account', true), '')::bigint"
DUTY = "current_setting('app.duty', true)"
# Who reads about the people of a place anyway; anybody else (volunteers, institutions) while they answer, and no longer.
MEETS_PEOPLE = (
    f"{DUTY} in ('visitor', 'child_director', 'discovery_member', 'station_worker', 'hotline_operator', 'township_officer', 'child_supervisor',"
    " 'county_reviewer', 'county_approver', 'protection_worker', 'supervisor', 'worker', 'api_client')"
)
PRIVATE = (
    f"{RANGE} and ({MEETS_PEOPLE} or exists (select from needs_needanswer a where a.need_id = needs_needprivate.need_id and a.account_id = {ME}"
    " and a.state in ('accepted', 'reported')) or exists (select from needs_need n where n.id = needs_needprivate.need_id and n.raised_by_id = "
    f"{ME} and n.state in ('open', 'in_hand')))"
)
OF_ANSWER = (
    f"{RANGE} and ({MEETS_PEOPLE} or exists (select from needs_needanswer a where a.id = answer_id and a.account_id = {ME}"
    " and a.state in ('accepted', 'reported', 'done')))"
)

KEYS = [
    "alter table needs_need add constraint needs_need_person_area foreign key (person_id, area)"
    " references registry_person (id, area) on update cascade deferrable initially deferred",
    "alter table needs_need add constraint needs_need_household_area foreign key (household_id, area)"
    " references registry_household (id, area) on update cascade deferrable initially deferred",
    *[
        f"alter table needs_{table} add constraint needs_{table}_need_area foreign key (need_id, area)"
        " references needs_need (id, area) on update cascade deferrable initially deferred"
        for table in ("needprivate", "needanswer", "needevent")
    ],
    "alter table needs_medicinedelivery add constraint needs_medicinedelivery_answer_area foreign key (answer_id, area)"
    " references needs_needanswer (id, area) on update cascade deferrable initially deferred",
]

GUARDS = """
create sequence doudi.need_number as bigint;
grant usage on sequence doudi.need_number to doudi_app;

-- The need is locked first and the sum read in a statement of its own: of two acceptances at once the second counts the first.
create function doudi.need_counts() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare counted record;
begin
  perform from needs_need where id = new.need_id for update;
  select coalesce(sum(quantity), 0) as taken, coalesce(sum(quantity) filter (where state = 'done'), 0) as met into counted
    from needs_needanswer where need_id = new.need_id and state in ('accepted', 'reported', 'done');
  begin
    update needs_need set taken = counted.taken, met = counted.met,
      state = case when state in ('open', 'in_hand') then case when counted.taken = wanted then 'in_hand' else 'open' end else state end
    where id = new.need_id and (taken, met) is distinct from (counted.taken, counted.met);
  exception when check_violation then
    raise exception 'more answers than the need wants' using errcode = 'check_violation', constraint = 'need_not_over_wanted';
  end;
  return null;
end $$;
create trigger need_counts after insert or update of state, quantity on needs_needanswer for each row execute function doudi.need_counts();

create function doudi.need_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  new.clock := case new.state when 'open' then new.answer_due when 'in_hand' then new.due end;
  if tg_op = 'UPDATE' and old.state <> new.state and (old.state || '>' || new.state) not in (
      'open>in_hand', 'in_hand>open', 'open>done', 'in_hand>done', 'open>cancelled', 'in_hand>cancelled', 'open>expired', 'expired>open') then
    raise exception 'a need does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger need_moves_on before insert or update on needs_need for each row execute function doudi.need_moves_on();

create function doudi.need_answer_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state <> new.state and (old.state || '>' || new.state) not in (
      'offered>accepted', 'offered>declined', 'offered>withdrawn', 'offered>lapsed', 'accepted>reported', 'accepted>done', 'accepted>withdrawn',
      'reported>done', 'reported>accepted', 'reported>withdrawn') then
    raise exception 'an answer does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger need_answer_moves_on before update on needs_needanswer for each row execute function doudi.need_answer_moves_on();

create function doudi.delivery_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state = 'handed' and (to_jsonb(old) - 'area' - 'area_then') is distinct from (to_jsonb(new) - 'area' - 'area_then') then
    raise exception 'what was handed over stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger delivery_stays before update on needs_medicinedelivery for each row execute function doudi.delivery_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("needs", "0001_initial"), ("core", "0002_protect"), ("registry", "0003_moves")]
    operations = [
        Protect(
            "needs_need",
            update=[
                "by", "answer_due", "due", "expires_on", "state", "escalated", "escalated_at", "reminded_on", "closed_by_id", "closed_at", "close_reason", "version",
            ],
        ),
        Protect(
            "needs_needanswer",
            update=[
                "state", "accepted_at", "reported_at", "reported_by_id", "ended_at", "reason", "confirmed", "confirmed_by_id", "note", "version",
            ],
        ),
        Protect("needs_needprivate", read=PRIVATE),
        Protect("needs_needevent", read=f"{RANGE} and exists (select from needs_need n where n.id = need_id)"),
        Protect(
            "needs_medicinedelivery",
            read=OF_ANSWER,
            update=[
                "source", "source_name", "medicines", "prescription", "state", "received", "paid", "returned", "advanced", "bought_at", "handed_at",
                "handed_by_id", "proof", "taker", "witness", "version",
            ],
        ),
        migrations.RunSQL([*KEYS, GUARDS], migrations.RunSQL.noop),
    ]
