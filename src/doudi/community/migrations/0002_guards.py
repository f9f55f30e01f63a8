"""Rights of community care; what the registry's changes do to it at once; what anybody may learn from a card's code."""

from django.db import migrations

from doudi.core.grants import RANGE, Open, Protect

# A place's own groups and services are read below it too.
ABOVE = f"({RANGE}) or starts_with(current_setting('app.lo', true), area)"
KINDS = (
    "'disability', 'serious_illness', 'special_difficulty', 'orphan', 'de_facto_unsupported_child', 'works_away', 'in_institution', 'needs_long_care',"
    " 'support_obligor', 'child_with_hiv', 'work_injury_nursing'"
)

TIES = [
    "alter table community_careperson add constraint community_careperson_id_area unique (id, area)",
    *[
        f"alter table {table} add constraint {table}_care_area foreign key (care_id, area) references community_careperson (id, area)"
        " on update cascade deferrable initially deferred"
        for table in ("community_careevent", "community_helpcard")
    ],
    "alter table community_helpcard add constraint community_helpcard_id_area unique (id, area)",
    "alter table community_cardprinting add constraint community_cardprinting_card_area foreign key (card_id, area)"
    " references community_helpcard (id, area) on update cascade deferrable initially deferred",
    "create trigger care_household_is_here after insert on community_careperson referencing new table as new_rows"
    " for each statement execute function doudi.household_is_here()",
]

# Death and moving away end at once what the community holds of a person, whoever recorded it; a card ends with what it stands for.
ENDS = """
create function doudi.care_card_ends() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update community_helpcard set void_at = now(), void_reason = new.end_reason where care_id = new.id and void_at is null;
  return null;
end $$;
create trigger care_card_ends after update of ends on community_careperson for each row
  when (old.ends is null and new.ends is not null) execute function doudi.care_card_ends();

create function doudi.care_ends(p_person bigint, p_on date, p_reason text) returns void
language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  with ended as (
    update community_careperson set ends = greatest(p_on, starts), end_reason = p_reason, version = version + 1
    where person_id = p_person and ends is null returning id, area
  )
  insert into community_careevent (care_id, area, at, account_id, what, groups)
  select id, area, now(), nullif(current_setting('app.account', true), '')::bigint, 'left', array[]::varchar[] from ended;
  update community_groupbyhand set ended_at = now() where person_id = p_person and ended_at is null;
end $$;
revoke execute on function doudi.care_ends(bigint, date, text) from public;

create function doudi.care_ends_at_death() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform doudi.care_ends(new.id, new.died_on, 'died');
  return null;
end $$;
create trigger care_ends_at_death after update of died_on on registry_person for each row
  when (old.died_on is null and new.died_on is not null) execute function doudi.care_ends_at_death();

create function doudi.care_ends_at_move() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform doudi.care_ends(new.id, (now() at time zone 'Asia/Shanghai')::date, 'moved');
  return null;
end $$;
create trigger care_ends_at_move after update of area on registry_person for each row
  when (old.area is distinct from new.area) execute function doudi.care_ends_at_move();
"""

# What a change of the registry touches is looked at again in the worker's next round; where many change at once, the whole county.
RECHECK = f"""
create function doudi.care_recheck_people(p_people bigint[]) returns void language sql security definer set search_path = doudi, pg_temp as $$
  insert into community_recheck (area, household_id, made_at)
  select distinct m.area, m.household_id, now() from registry_membership m where m.person_id = any(p_people) and m.ends is null
$$;
revoke execute on function doudi.care_recheck_people(bigint[]) from public;

create function doudi.care_facts_changed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if (select count(*) from (select from new_rows limit 1001) few) > 1000 then
    insert into community_recheck (area, made_at) select distinct left(area, 6), now() from new_rows;
  else
    perform doudi.care_recheck_people(array(select person_id from new_rows where person_id is not null and kind in ({KINDS})));
  end if;
  return null;
end $$;
create trigger care_facts_changed after insert on registry_fact referencing new table as new_rows
  for each statement execute function doudi.care_facts_changed();

create function doudi.care_benefits_changed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if (select count(*) from (select from new_rows limit 1001) few) > 1000 then
    insert into community_recheck (area, made_at) select distinct left(area, 6), now() from new_rows;
  else
    perform doudi.care_recheck_people(array(select person_id from new_rows));
  end if;
  return null;
end $$;
create trigger care_benefits_changed after insert on registry_benefitstatus referencing new table as new_rows
  for each statement execute function doudi.care_benefits_changed();

create function doudi.care_members_changed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if (select count(*) from (select from new_rows limit 1001) few) > 1000 then
    insert into community_recheck (area, made_at) select distinct left(area, 6), now() from new_rows;
  else
    insert into community_recheck (area, household_id, made_at) select distinct area, household_id, now() from new_rows;
  end if;
  return null;
end $$;
create trigger care_members_added after insert on registry_membership referencing new table as new_rows
  for each statement execute function doudi.care_members_changed();
create trigger care_members_changed after update on registry_membership referencing new table as new_rows
  for each statement execute function doudi.care_members_changed();

create function doudi.care_person_corrected() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  perform doudi.care_recheck_people(array[new.id]);
  return null;
end $$;
create trigger care_person_corrected after update of birth_date, died_on on registry_person for each row
  when (old.birth_date is distinct from new.birth_date or old.died_on is distinct from new.died_on) execute function doudi.care_person_corrected();
"""

# A whole code and nothing less; who holds the card is for the one service that takes a call for help.
CARD = """
grant select on community_helpcard to doudi_lookup;
create policy lookup on community_helpcard for select to doudi_lookup using (true);
create function doudi.card_of(p_code text) returns table (card_id bigint, care_id bigint, area text, void boolean)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select id, care_id, area::text, void_at is not null from community_helpcard where code = p_code
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.card_of(text) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.card_of(text) from public;
grant execute on function doudi.card_of(text) to doudi_app;
reset role;

create function doudi.card_called(p_network text, p_what text, p_now timestamptz) returns int
language plpgsql security definer set search_path = doudi, pg_temp as $$
declare counted int; fresh boolean;
begin
  insert into community_cardcall as c (network, what, minute, calls) values (left(p_network, 50), left(p_what, 8), date_trunc('minute', p_now), 1)
  on conflict (network, what) do update set calls = case when c.minute = excluded.minute then c.calls + 1 else 1 end, minute = excluded.minute
  returning calls, xmax = 0 into counted, fresh;
  if fresh then delete from community_cardcall where minute < p_now - interval '1 hour'; end if;
  return counted;
end $$;
grant execute on function doudi.card_called(text, text, timestamptz) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("community", "0001_initial"), ("core", "0002_protect"), ("registry", "0003_moves"), ("enrolment", "0002_guards")]
    operations = [
        Protect("community_groupdefinition", read=ABOVE, update=["ends"]),
        Protect("community_careperson", update=["household_id", "groups", "ends", "end_reason", "contact_id", "contact_since", "version"]),
        Protect("community_groupbyhand", update=["ended_by_id", "ended_at"]),
        Protect("community_careevent"),
        Protect("community_recheck", insert=False, delete=True),
        Protect("community_carecontact", read=ABOVE, update=["name", "kind", "phone", "most", "ends", "version"]),
        Protect("community_contactabsence", read=ABOVE, update=["ends", "cancelled_at", "cancelled_by_id"]),
        Protect("community_placeservice", read=ABOVE, update=["ends"]),
        Protect(
            "community_helpcard",
            update=["digest", "printed_digest", "printed_version", "printed_at", "void_at", "void_by_id", "void_reason"],
        ),
        Protect("community_printrun", update=["cards", "parts", "task", "done_at"]),
        Protect("community_cardprinting"),
        Open("community_cardcall", "select"),
        migrations.RunSQL([*TIES, ENDS, RECHECK, CARD], migrations.RunSQL.noop),
    ]
