"""Guards of the needs board: whoever may see an offer; offers fit their answers; calls are counted; what the public page may ask."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

DUTY = "current_setting('app.duty', true)"
SELF = "nullif(current_setting('app.volunteer', true), '')::bigint"
OWN = "nullif(current_setting('app.organisation', true), '')::bigint"
PUBLIC = f"{DUTY} in ('volunteer', 'organisation')"
LOW = "current_setting('app.lo', true)"
OFFERED = f"{RANGE} and (not {PUBLIC} or volunteer_id = {SELF} or organisation_id = {OWN})"
# a call of the county or the city concerns every place below it
CALLED = f"({RANGE}) or ({LOW} <> '' and starts_with({LOW}, area))"
OF_OFFER = f"{RANGE} and exists (select from volunteering_offer o where o.id = offer_id)"

TIES = [
    f"alter table volunteering_{table} add constraint volunteering_{table}_{column}_area foreign key ({column}, area)"
    f" references {parent} (id, area) on update cascade deferrable initially deferred"
    for table, column, parent in (
        ("notice", "need_id", "needs_need"), ("offer", "answer_id", "needs_needanswer"), ("feedback", "offer_id", "volunteering_offer"),
        ("callreply", "call_id", "volunteering_call"),
    )
]  # fmt: skip

GUARDS = """
create sequence doudi.board_number as bigint;
grant usage on sequence doudi.board_number to doudi_app;

-- Distance between two divisions in kilometres, by the tree: the data of divisions have no coordinates. p_km: what is usual within a village, within
-- a township and within a county (settings of the county); 60 within a city, 200 within the province.
create function doudi.division_km(p_from text, p_to text, p_km int[]) returns int language sql immutable parallel safe as $$
  select case when length(p_from) = 12 and p_from = p_to then p_km[1] when length(p_from) >= 9 and left(p_from, 9) = left(p_to, 9) then p_km[2]
    when left(p_from, 6) = left(p_to, 6) then p_km[3] when left(p_from, 4) = left(p_to, 4) then 60 else 200 end
$$;

create function doudi.board_offer_fits() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if not exists (select from needs_needanswer a where a.id = new.answer_id and a.need_id = new.need_id
      and (a.kind = 'volunteer' and a.external_id = new.volunteer_id or a.kind = 'organisation' and a.external_id = new.organisation_id)) then
    raise exception 'an offer does not fit its answer' using errcode = 'check_violation', constraint = 'offer_fits';
  end if;
  return new;
end $$;
create trigger board_offer_fits before insert on volunteering_offer for each row execute function doudi.board_offer_fits();

-- whoever is not in the register as active takes nothing, by whatever way
create function doudi.board_may_take() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if new.kind = 'volunteer' and not exists (
      select from volunteering_volunteer v where v.id = new.external_id and v.state = 'active' and left(v.area, 6) = left(new.area, 6))
    or new.kind = 'organisation' and not exists (select from volunteering_organisation o where o.id = new.external_id and o.state = 'active') then
    raise exception 'not active in the register' using errcode = 'check_violation', constraint = 'need_answer_of_active';
  end if;
  return new;
end $$;
create trigger board_may_take_new before insert on needs_needanswer for each row
  when (new.state = 'accepted' and new.external_id is not null and new.kind in ('volunteer', 'organisation')) execute function doudi.board_may_take();
create trigger board_may_take before update of state on needs_needanswer for each row
  when (old.state = 'offered' and new.state = 'accepted' and new.external_id is not null and new.kind in ('volunteer', 'organisation'))
  execute function doudi.board_may_take();

create function doudi.board_call_counts() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare counted int;
begin
  perform from volunteering_call where id = new.call_id for update;
  select count(*) into counted from volunteering_callreply where call_id = new.call_id and state = 'coming';
  begin
    update volunteering_call set coming = counted,
      state = case when state in ('open', 'enough') then case when counted = wanted then 'enough' else 'open' end else state end
    where id = new.call_id and coming <> counted;
  exception when check_violation then
    raise exception 'the call has enough' using errcode = 'check_violation', constraint = 'call_not_over_wanted';
  end;
  return null;
end $$;
create trigger board_call_counts after update of state on volunteering_callreply for each row execute function doudi.board_call_counts();
create trigger board_call_counts_new after insert on volunteering_callreply for each row
  when (new.state = 'coming') execute function doudi.board_call_counts();

create function doudi.board_call_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state in ('stopped', 'over') and new.state <> old.state then
    raise exception 'a call that has ended stays so' using errcode = 'check_violation', constraint = 'call_ended';
  end if;
  return new;
end $$;
create trigger board_call_moves_on before update of state on volunteering_call for each row execute function doudi.board_call_moves_on();
"""

# What everybody may read: the columns that are public, and no row by any other way.
BOARD = """
grant select (need_id, number, times, shown, published_at, area) on volunteering_notice to doudi_lookup;
grant select (id, kind, urgency, area, by, wanted, taken, skills, state) on needs_need to doudi_lookup;
grant select (area, number, title, words, place, skills, adults, wanted, coming, until, state) on volunteering_call to doudi_lookup;
create policy board on volunteering_notice for select to doudi_lookup using (shown);
create policy board on needs_need for select to doudi_lookup using (state = 'open');
create policy board on volunteering_call for select to doudi_lookup using (state in ('open', 'enough'));
create function doudi.board_notices(p_area text, p_kind text, p_from int, p_most int)
returns table (number text, kind text, urgency text, place text, by date, wanted int, skills text[], times text[], published_on date)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select n.number::text, d.kind::text, d.urgency::text, left(n.area, 9), d.by, (d.wanted - d.taken)::int, d.skills::text[], n.times::text[],
    (n.published_at at time zone 'Asia/Shanghai')::date
  from volunteering_notice n join needs_need d on d.id = n.need_id and d.area = n.area
  where n.shown and d.state = 'open' and d.taken < d.wanted and n.area >= left(p_area, 9) and n.area < left(p_area, 9) || ':'
    and (p_kind = '' or d.kind = p_kind)
  order by array_position(array['red', 'orange', 'yellow'], d.urgency::text), n.published_at desc, n.number limit least(p_most, 101) offset greatest(p_from, 0)
$$;
create function doudi.board_calls(p_area text)
returns table (number text, title text, words text, place text, area text, skills text[], adults boolean, missing int, until timestamptz)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select number::text, title::text, words::text, place::text, area::text, skills::text[], adults, (wanted - coming)::int, until from volunteering_call
  where state in ('open', 'enough') and until > now() - interval '1 day' and (starts_with(area, left(p_area, 9)) or starts_with(left(p_area, 9), area))
  order by until limit 20
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.board_notices(text, text, int, int) owner to doudi_lookup;
alter function doudi.board_calls(text) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.board_notices(text, text, int, int), doudi.board_calls(text) from public;
grant execute on function doudi.board_notices(text, text, int, int), doudi.board_calls(text) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("volunteering", "0010_board")]
    operations = [
        Protect(
            "volunteering_notice",
            read=f"{RANGE} and not {PUBLIC}", write=f"{RANGE} and not {PUBLIC}",
            update=[
                "times", "shown", "offering", "by_rule", "published_by_id", "published_at", "ended_at", "ended_by_id", "reason", "asked_at", "version",
            ],
        ),
        Protect(
            "volunteering_offer", read=OFFERED, write=f"{RANGE} and not {PUBLIC}",
            update=["by", "place", "reasons", "opened", "came_at", "left_at", "no_show_at", "no_show_by_id"],
        ),
        Protect("volunteering_feedback", read=OF_OFFER, write=f"{RANGE} and not {PUBLIC}"),
        Protect(
            "volunteering_call", read=CALLED, write=f"{RANGE} and not {PUBLIC}",
            update=["called", "until", "state", "reason", "ended_at", "version"],
        ),
        Protect(
            "volunteering_callreply", read=f"{RANGE} and (not {PUBLIC} or volunteer_id = {SELF})", write=f"{RANGE} and not {PUBLIC}",
            update=["state", "replied_at"],
        ),
        migrations.RunSQL([*TIES, GUARDS, BOARD], migrations.RunSQL.noop),
    ]
