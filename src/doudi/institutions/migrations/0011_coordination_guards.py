"""Guards of coordination: who sees what, states that follow each other, quantities that add up, a bed kept for everybody on a list, nobody in two places (6.2, 6.3)."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

ME = "nullif(current_setting('app.account', true), '')::bigint"
CLERK = "current_setting('app.duty', true) = 'institution_clerk'"
ABOVE = "starts_with(current_setting('app.lo', true), area)"


def own(column: str) -> str:
    """For an institution clerk the own institution alone. The table's name stands before the column: alone it could be that of the clerks' table."""
    return (
        f"(not {CLERK} or exists (select from institutions_institutionclerk k where k.institution_id = {column} and k.account_id = {ME} and k.ended_at is null))"
    )


OFFICE = f"{RANGE} and not {CLERK}"
GROUP = f"(({RANGE}) or {ABOVE}) and not {CLERK}"
REQUEST = f"{RANGE} and {own('institutions_request.institution_id')}"
OF_REQUEST = f"{RANGE} and exists (select from institutions_request r where r.id = request_id)"
ARRIVES = "to_area >= current_setting('app.lo', true) and to_area < current_setting('app.hi', true)"
TRANSFER = f"(({RANGE}) and {own('institutions_transfer.from_institution_id')}) or (({ARRIVES}) and {own('institutions_transfer.to_institution_id')})"
OF_TRANSFER = "exists (select from institutions_transfer t where t.id = transfer_id)"


def tie(table: str, column: str, parent: str, area: str = "area") -> str:
    """(column, area) refers to (id, area) of the parent, follows its moves, checked at commit."""
    return (
        f"alter table institutions_{table} add constraint {table}_{column}_{area} foreign key ({column}, {area}) references institutions_{parent} (id, area)"
        " on update cascade deferrable initially deferred"
    )


TIES = [
    *(tie(name, "group_id", "taskgroup") for name in ("groupmember", "groupshift", "groupmeeting", "groupaction", "groupevent")),
    tie("groupshift", "member_id", "groupmember"),
    tie("groupaction", "member_id", "groupmember"),
    tie("groupaction", "meeting_id", "groupmeeting"),
    tie("request", "institution_id", "institution"),
    *(tie(name, "request_id", "request") for name in ("requestoffer", "requestdelivery", "requestevent")),
    tie("transfer", "from_institution_id", "institution"),
    tie("transfer", "to_institution_id", "institution", "to_area"),
    *(tie(name, "transfer_id", "transfer") for name in ("transfervehicle", "transferperson", "transferevent")),
]

GUARDS = """
create sequence doudi.request_number as bigint;
create sequence doudi.transfer_number as bigint;
grant usage on sequence doudi.request_number, doudi.transfer_number to doudi_app;

-- who ended stays ended
create function doudi.institutions_action_ends_once() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state <> 'open' then
    raise exception 'an action that ended stays ended' using errcode = 'check_violation', constraint = 'group_action_ended';
  end if;
  return new;
end $$;
create trigger institutions_action_ends_once before update on institutions_groupaction for each row execute function doudi.institutions_action_ends_once();

create function doudi.institutions_request_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state;
begin
  if old.state <> new.state and step not in (
      'raised>assigned', 'assigned>raised', 'assigned>working', 'working>assigned', 'working>raised', 'working>done', 'raised>declined', 'assigned>declined',
      'working>declined', 'raised>withdrawn', 'assigned>withdrawn', 'working>withdrawn')
     or old.state in ('done', 'declined', 'withdrawn') then
    raise exception 'a request does not go from % to %', old.state, new.state using errcode = 'check_violation', constraint = 'request_step';
  end if;
  return new;
end $$;
create trigger institutions_request_moves_on before update on institutions_request for each row execute function doudi.institutions_request_moves_on();

create function doudi.institutions_offer_answered_once() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state in ('declined', 'lapsed') or (old.state = 'accepted' and new.state = 'offered') then
    raise exception 'an offer is answered once' using errcode = 'check_violation', constraint = 'request_offer_answered';
  end if;
  return new;
end $$;
create trigger institutions_offer_answered_once before update on institutions_requestoffer for each row execute function doudi.institutions_offer_answered_once();

-- parts add up; what came is in the books, once
create function doudi.institutions_delivery_fits() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare r institutions_request; total numeric; booked numeric;
begin
  select * into r from institutions_request where id = new.request_id for update;
  if r.kind = 'transfer' then
    raise exception 'people are transferred, not delivered' using errcode = 'check_violation', constraint = 'request_delivery_of_people';
  end if;
  select sum(case state when 'received' then received when 'sent' then quantity else 0 end) into total from institutions_requestdelivery where request_id = r.id;
  if total > r.quantity and new.state <> 'cancelled' and new.note = '' and new.received_note = '' then
    raise exception 'more than is wanted' using errcode = 'check_violation', constraint = 'request_over_wanted';
  end if;
  if new.state = 'received' and r.kind = 'supplies' and new.received > 0 then
    select quantity into booked from institutions_stockmovement
     where id = new.movement_id and institution_id = r.institution_id and item_id = r.item_id and kind = 'received';
    if booked is distinct from new.received then
      raise exception 'what came is not in the books' using errcode = 'check_violation', constraint = 'request_delivery_booked';
    end if;
  end if;
  return null;
end $$;
create trigger institutions_delivery_fits after insert or update on institutions_requestdelivery for each row execute function doudi.institutions_delivery_fits();
create function doudi.institutions_delivery_ends_once() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state <> 'sent' then
    raise exception 'a delivery is confirmed once' using errcode = 'check_violation', constraint = 'request_delivery_once';
  end if;
  return new;
end $$;
create trigger institutions_delivery_ends_once before update on institutions_requestdelivery for each row execute function doudi.institutions_delivery_ends_once();

-- transfers
create function doudi.institutions_transfer_begins_here() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if not (new.area >= current_setting('app.lo', true) and new.area < current_setting('app.hi', true)) or new.state <> 'planned' then
    raise exception 'a transfer is planned where the residents live' using errcode = 'check_violation', constraint = 'transfer_begins_here';
  end if;
  return new;
end $$;
create trigger institutions_transfer_begins_here before insert on institutions_transfer for each row execute function doudi.institutions_transfer_begins_here();
create function doudi.institutions_transfer_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state;
begin
  if old.state <> new.state and step not in (
      'planned>agreed', 'planned>refused', 'planned>cancelled', 'agreed>cancelled', 'agreed>moving', 'agreed>done', 'moving>done') then
    raise exception 'a transfer does not go from % to %', old.state, new.state using errcode = 'check_violation', constraint = 'transfer_step';
  end if;
  if old.ended_at is null and new.ended_at is not null
     and exists (select from institutions_transferperson where transfer_id = new.id and state in ('listed', 'departed', 'missing')) then
    raise exception 'somebody is not settled' using errcode = 'check_violation', constraint = 'transfer_open_people';
  end if;
  return new;
end $$;
create trigger institutions_transfer_moves_on before update on institutions_transfer for each row execute function doudi.institutions_transfer_moves_on();

create function doudi.institutions_person_listed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare t institutions_transfer;
begin
  select * into t from institutions_transfer where id = new.transfer_id for share;
  perform from institutions_resident where id = new.resident_id and institution_id = t.from_institution_id and ends is null for share;
  if not found or t.state not in ('planned', 'agreed') or new.state <> 'listed' then
    raise exception 'not a resident of the house that they leave' using errcode = 'check_violation', constraint = 'transfer_person_of_house';
  end if;
  new.to_institution_id := t.to_institution_id;
  new.area := t.area;
  return new;
end $$;
create trigger institutions_person_listed before insert on institutions_transferperson for each row execute function doudi.institutions_person_listed();
create function doudi.institutions_person_moves_on() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare step text := old.state || '>' || new.state; v institutions_transfervehicle;
begin
  if old.state <> new.state and step not in (
      'listed>departed', 'listed>stayed', 'departed>arrived', 'departed>missing', 'departed>stayed', 'missing>arrived', 'missing>stayed') then
    raise exception 'not from % to %', old.state, new.state using errcode = 'check_violation', constraint = 'transfer_person_step';
  end if;
  if old.told_at is not null and (new.told_at, new.told_whom, new.told_how, new.told_by_id) is distinct from (old.told_at, old.told_whom, old.told_how, old.told_by_id) then
    raise exception 'who was told stays' using errcode = 'check_violation', constraint = 'transfer_told_once';
  end if;
  return new;
end $$;
create trigger institutions_person_moves_on before update on institutions_transferperson for each row execute function doudi.institutions_person_moves_on();
create function doudi.institutions_vehicle_has_seat() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare have int;
begin
  select seats into have from institutions_transfervehicle where id = new.vehicle_id and transfer_id = new.transfer_id for update;
  if have is null or have < (select count(*) from institutions_transferperson where vehicle_id = new.vehicle_id and state <> 'stayed') then
    raise exception 'no seat' using errcode = 'check_violation', constraint = 'transfer_seats';
  end if;
  return null;
end $$;
create trigger institutions_vehicle_has_seat after update of vehicle_id on institutions_transferperson for each row when (new.vehicle_id is not null)
  execute function doudi.institutions_vehicle_has_seat();

-- beds: those who live there and those for whom a bed is kept; the capacity's row is what two transfers at once wait for
create function doudi.institutions_beds_used(p_house bigint, p_bed text) returns int language sql stable security definer set search_path = doudi, pg_temp as $$
  select ((select count(*) from institutions_resident where institution_id = p_house and bed = p_bed and ends is null)
        + (select count(*) from institutions_transferperson where to_institution_id = p_house and bed = p_bed and state in ('listed', 'departed', 'missing')))::int
$$;
create function doudi.institutions_bed_kept() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare k record; have int;
begin
  for k in select distinct to_institution_id as house, bed from fresh order by 1, 2 loop
    have := null;
    select beds into have from institutions_bedcapacity where institution_id = k.house and kind = k.bed for update;
    if institutions_beds_used(k.house, k.bed) > coalesce(have, 0) then
      raise exception 'no free bed of this kind' using errcode = 'check_violation', constraint = 'transfer_bed_free';
    end if;
  end loop;
  return null;
end $$;
create trigger institutions_bed_kept after insert on institutions_transferperson referencing new table as fresh for each statement
  execute function doudi.institutions_bed_kept();
create or replace function doudi.institutions_has_bed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare have int;
begin
  if new.ends is not null then return null; end if;
  select beds into have from institutions_bedcapacity where institution_id = new.institution_id and kind = new.bed for update;
  if institutions_beds_used(new.institution_id, new.bed) > coalesce(have, 0) then
    raise exception 'no free bed of this kind' using errcode = 'check_violation', constraint = 'institution_bed_free';
  end if;
  return null;
end $$;
create or replace function doudi.institutions_beds_in_use() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if institutions_beds_used(new.institution_id, new.kind) > new.beds then
    raise exception 'more residents than beds' using errcode = 'check_violation', constraint = 'institution_beds_in_use';
  end if;
  return null;
end $$;

-- the stay at the one house ends, that at the other begins; the receiving side confirms and sees only its own end
grant select, update (state, arrived_at, arrived_by_id, note, new_resident_id) on institutions_transferperson to doudi_move;
grant select, insert, update (ends, leaving, left_to, ended_by_id, version) on institutions_resident to doudi_move;
grant usage on sequence institutions_resident_id_seq to doudi_move;
grant select, update (ended_at) on institutions_isolationstay to doudi_move;
grant select on institutions_transfer, institutions_institutionclerk to doudi_move;
grant insert on institutions_institutionevent to doudi_move;
do $$ declare t text; begin
  foreach t in array array['transferperson', 'resident', 'isolationstay', 'transfer', 'institutionclerk', 'institutionevent'] loop
    execute format('create policy move on institutions_%s for all to doudi_move using (true) with check (true)', t);
  end loop; end $$;
create function doudi.transfer_arrived(p_transfer bigint, p_people bigint[], p_on date, p_now timestamptz) returns int language plpgsql security definer set search_path = doudi, pg_temp as $$
declare t institutions_transfer; me bigint := nullif(current_setting('app.account', true), '')::bigint; n int; moved bigint[];
begin
  select * into t from institutions_transfer where id = p_transfer;
  if t is null or not (t.to_area >= current_setting('app.lo', true) and t.to_area < current_setting('app.hi', true))
     or (current_setting('app.duty', true) = 'institution_clerk'
         and not exists (select from institutions_institutionclerk k where k.institution_id = t.to_institution_id and k.account_id = me and k.ended_at is null)) then
    raise exception 'not at this end' using errcode = 'check_violation', constraint = 'transfer_other_end';
  end if;
  if t.state <> 'moving' then
    raise exception 'nobody is under way' using errcode = 'check_violation', constraint = 'transfer_stale';
  end if;
  update institutions_transferperson set state = 'arrived', arrived_at = p_now, arrived_by_id = me, note = '', new_resident_id = nextval('institutions_resident_id_seq')
   where transfer_id = p_transfer and id = any(p_people) and state in ('departed', 'missing');
  get diagnostics n = row_count;
  if n = 0 or n <> (select count(distinct x) from unnest(p_people) x) then
    raise exception 'confirmed already' using errcode = 'check_violation', constraint = 'transfer_stale';
  end if;
  with gone as (
    update institutions_resident r set ends = greatest(p_on, r.starts), leaving = 'transfer', left_to = t.to_name, ended_by_id = me, version = r.version + 1
      from institutions_transferperson p
     where p.transfer_id = p_transfer and p.id = any(p_people) and r.id = p.resident_id and r.ends is null and r.institution_id = t.from_institution_id
    returning r.id)
  select array_agg(id) into moved from gone;
  if coalesce(cardinality(moved), 0) <> n then
    raise exception 'does not live there any more' using errcode = 'check_violation', constraint = 'transfer_left_before';
  end if;
  update institutions_isolationstay set ended_at = p_now where resident_id = any(moved) and ended_at is null;
  begin
    insert into institutions_resident (id, area, institution_id, key, person_id, token, name, sex, birth_date, bed, room, kin_name, kin_relation, kin_phone, health,
        starts, leaving, left_to, made_by_id, made_at, version)
      select p.new_resident_id, t.to_area, t.to_institution_id, gen_random_uuid(), r.person_id, r.token, r.name, r.sex, r.birth_date, p.bed, '', r.kin_name, r.kin_relation,
        r.kin_phone, r.health, greatest(p_on, r.starts), '', '', me, p_now, 1
      from institutions_transferperson p join institutions_resident r on r.id = p.resident_id
      where p.transfer_id = p_transfer and p.id = any(p_people) order by p.id;
  exception when exclusion_violation or unique_violation then
    raise exception 'lives in another house' using errcode = 'check_violation', constraint = 'institution_one_place';
  end;
  insert into institutions_institutionevent (area, institution_id, at, account_id, what, note)
    select t.area, t.from_institution_id, p_now, me, 'left', left(string_agg(name, '、' order by name) || ' → ' || t.to_name, 400)
      from institutions_transferperson where id = any(p_people)
    union all
    select t.to_area, t.to_institution_id, p_now, me, 'admitted', left(string_agg(name, '、' order by name), 380) || '（' || t.number || '）'
      from institutions_transferperson where id = any(p_people);
  return n;
end $$;
grant create on schema doudi to doudi_move;
alter function doudi.transfer_arrived(bigint, bigint[], date, timestamptz) owner to doudi_move;
revoke create on schema doudi from doudi_move;
set role doudi_move;
revoke execute on function doudi.transfer_arrived(bigint, bigint[], date, timestamptz) from public;
grant execute on function doudi.transfer_arrived(bigint, bigint[], date, timestamptz) to doudi_app;
reset role;

-- where beds are free, in the whole province: houses and numbers, nobody's name
grant select on institutions_institution, institutions_bedcapacity to doudi_lookup;
grant select (institution_id, bed, ends) on institutions_resident to doudi_lookup;
grant select (to_institution_id, bed, state) on institutions_transferperson to doudi_lookup;
do $$ declare t text; begin
  foreach t in array array['institution', 'bedcapacity', 'resident', 'transferperson'] loop
    execute format('create policy lookup on institutions_%s for select to doudi_lookup using (true)', t);
  end loop; end $$;
create function doudi.free_beds(p_within text) returns table (id bigint, name text, area text, house text, phone text, bed text, free int)
language sql stable security definer set search_path = doudi, pg_temp as $$
  with houses as materialized (
    select i.id, i.name, i.area, i.kind, i.phone from institutions_institution i
     where i.area >= p_within and i.area < p_within || ':' and i.state = 'running' and coalesce(current_setting('app.lo', true), '') <> ''
  ), lives as (
    select r.institution_id, r.bed, count(*) as n from institutions_resident r join houses h on h.id = r.institution_id where r.ends is null group by 1, 2
  ), kept as (
    select p.to_institution_id, p.bed, count(*) as n from institutions_transferperson p join houses h on h.id = p.to_institution_id
     where p.state in ('listed', 'departed', 'missing') group by 1, 2
  )
  select h.id, h.name::text, h.area::text, h.kind::text, h.phone::text, c.kind::text, (c.beds - coalesce(l.n, 0) - coalesce(k.n, 0))::int
    from houses h join institutions_bedcapacity c on c.institution_id = h.id
    left join lives l on l.institution_id = h.id and l.bed = c.kind left join kept k on k.to_institution_id = h.id and k.bed = c.kind
   where c.beds > coalesce(l.n, 0) + coalesce(k.n, 0)
   order by h.area, h.id
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.free_beds(text) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.free_beds(text) from public;
grant execute on function doudi.free_beds(text) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("institutions", "0010_coordination")]
    operations = [
        migrations.RunSQL(TIES, migrations.RunSQL.noop),
        Protect("institutions_taskgroup", read=GROUP, write=OFFICE, update=["title", "document", "led_by", "phone", "rhythm", "ended_at", "ended_by_id", "end_reason", "version"]),
        Protect("institutions_groupmember", read=GROUP, write=OFFICE, update=["ended_at"]),
        Protect("institutions_groupshift", read=OFFICE, write=OFFICE, delete=True),
        Protect("institutions_groupmeeting", read=OFFICE, write=OFFICE),
        Protect("institutions_groupaction", read=OFFICE, write=OFFICE, update=["state", "result", "ended_by_id", "ended_at", "version"]),
        Protect("institutions_groupevent", read=OFFICE, write=OFFICE),
        Protect(
            "institutions_request",
            read=REQUEST,
            write=REQUEST,
            update=[
                "what", "quantity", "urgency", "wanted_by", "state", "held_by", "escalated_at", "accept_due", "due", "department", "unit_name", "accepted_by_id",
                "accepted_at", "closed_by_id", "closed_at", "close_reason", "version",
            ],
        ),
        Protect("institutions_requestoffer", read=OF_REQUEST, write=OF_REQUEST, update=["state", "answered_by_id", "answered_at", "reason"]),
        Protect(
            "institutions_requestdelivery",
            read=OF_REQUEST,
            write=OF_REQUEST,
            update=["state", "received", "received_by_id", "received_at", "received_note", "movement_id"],
        ),
        Protect("institutions_requestevent", read=OF_REQUEST, write=OF_REQUEST),
        Protect("institutions_transfer", read=TRANSFER, write=TRANSFER, update=["state", "agreed_by_id", "agreed_at", "leaves_at", "ended_at", "end_reason", "version"]),
        Protect("institutions_transfervehicle", read=OF_TRANSFER, write=OF_TRANSFER),
        Protect(
            "institutions_transferperson",
            read=OF_TRANSFER,
            write=OF_TRANSFER,
            update=["vehicle_id", "state", "departed_at", "departed_by_id", "note", "told_at", "told_by_id", "told_whom", "told_how"],
        ),
        Protect("institutions_transferevent", read=OF_TRANSFER, write=OF_TRANSFER),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
