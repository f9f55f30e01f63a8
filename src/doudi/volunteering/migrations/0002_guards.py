"""Guards of volunteering: who sees whom, volunteers and organisations their own alone; places that are counted; states that go on; minors with consent."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

DUTY = "current_setting('app.duty', true)"
# A session of the public pages is that of one volunteer or of one organisation's contact (`services.session`); officers have neither.
SELF = "nullif(current_setting('app.volunteer', true), '')::bigint"
OWN = "nullif(current_setting('app.organisation', true), '')::bigint"
PUBLIC = f"{DUTY} in ('volunteer', 'organisation')"

LOW, HIGH = "current_setting('app.lo', true)", "current_setting('app.hi', true)"
HERE = f"({LOW} <> '' and (starts_with({LOW}, area) or ({RANGE})))"
SERVES_HERE = f"({LOW} <> '' and (starts_with({LOW}, served) or (served >= {LOW} and served < {HIGH})))"


def theirs(volunteer: str, organisation: str) -> str:
    """For a public session: the volunteer's own, or of an activity of the organisation."""
    return f"(not {PUBLIC} or {volunteer} = {SELF} or {organisation})"


OF_ORGANISATION = (
    "exists (select from volunteering_shift s join volunteering_activity a on a.id = s.activity_id"
    f" where s.id = volunteering_signup.shift_id and a.organisation_id = {OWN})"
)
# Somebody who signed up for a shift here lives elsewhere perhaps: whoever runs the shift sees who comes.
COMES_HERE = (
    "exists (select from volunteering_signup u where u.volunteer_id = volunteering_volunteer.id and u.state in ('signed', 'waiting', 'attended', 'no_show')"
    f" and u.area >= {LOW} and u.area < {HIGH})"
)
VOLUNTEER_READ = (
    f"case when {DUTY} = 'volunteer' then id = {SELF} when {DUTY} = 'organisation' then organisation_id = {OWN} or {COMES_HERE}"
    f" else ({RANGE}) or {COMES_HERE} end"
)
VOLUNTEER_WRITE = f"{RANGE} and (not {PUBLIC} or id = {SELF})"
SIGNUP = f"{RANGE} and {theirs('volunteer_id', OF_ORGANISATION)}"
RECORD = f"{RANGE} and {theirs('volunteer_id', f'organisation_id = {OWN}')}"
CERTIFICATE = f"{RANGE} and {theirs('volunteer_id', 'false')}"
EVENT_READ = f"{RANGE} and (not {PUBLIC} or organisation_id = {OWN})"
EVENT_WRITE = f"{RANGE} and (not {PUBLIC} or coalesce(volunteer_id, organisation_id, activity_id) is not null)"
OF_RECORD = f"{RANGE} and exists (select from volunteering_servicerecord r where r.id = record_id)"
ORGANISATION = f"{RANGE} and (not {PUBLIC} or id = {OWN})"

TIES = [
    f"alter table volunteering_{table} add constraint volunteering_{table}_{column}_area foreign key ({column}, area)"
    f" references volunteering_{parent} (id, area) on update cascade deferrable initially deferred"
    for table, column, parent in (
        ("organisationarea", "organisation_id", "organisation"), ("credential", "organisation_id", "organisation"), ("training", "volunteer_id", "volunteer"),
        ("shift", "activity_id", "activity"), ("signup", "shift_id", "shift"), ("recordcorrection", "record_id", "servicerecord"),
    )
]  # fmt: skip

GUARDS = """
create sequence doudi.volunteering_number as bigint;
grant usage on sequence doudi.volunteering_number to doudi_app;

-- The shift is locked first and the count read in a statement of its own: of two who take the last place at once the second counts the first.
create function doudi.volunteering_counts() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare counted int;
begin
  perform from volunteering_shift where id = new.shift_id for update;
  select count(*) into counted from volunteering_signup where shift_id = new.shift_id and state in ('signed', 'attended', 'no_show');
  begin
    update volunteering_shift set taken = counted where id = new.shift_id and taken <> counted;
  exception when check_violation then
    raise exception 'the shift is full' using errcode = 'check_violation', constraint = 'shift_not_overfull';
  end;
  return null;
end $$;
create trigger volunteering_counts after insert or update of state on volunteering_signup for each row execute function doudi.volunteering_counts();

-- nobody signs up who is not verified, or is a minor where minors may not come
create function doudi.volunteering_may_sign_up() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare who record; what record;
begin
  select state, birth_date into who from volunteering_volunteer where id = new.volunteer_id;
  select s.starts, s.cancelled_at, a.state, a.minors into what from volunteering_shift s join volunteering_activity a on a.id = s.activity_id where s.id = new.shift_id;
  if who.state <> 'active' then
    raise exception 'not an active volunteer' using errcode = 'check_violation', constraint = 'signup_of_active';
  end if;
  if not what.minors and who.birth_date > ((what.starts at time zone 'Asia/Shanghai')::date - interval '18 years')::date then
    raise exception 'minors do not take part' using errcode = 'check_violation', constraint = 'signup_of_minor';
  end if;
  return new;
end $$;
create trigger volunteering_may_sign_up before insert on volunteering_signup for each row execute function doudi.volunteering_may_sign_up();

create function doudi.volunteering_signup_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state <> new.state and (old.state || '>' || new.state) not in ('signed>attended', 'signed>no_show', 'signed>withdrawn', 'signed>cancelled',
      'waiting>signed', 'waiting>withdrawn', 'waiting>cancelled', 'no_show>attended', 'attended>no_show', 'attended>signed') then
    raise exception 'a place does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger volunteering_signup_moves_on before update on volunteering_signup for each row execute function doudi.volunteering_signup_moves_on();

create function doudi.volunteering_organisation_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state <> new.state and (old.state || '>' || new.state) not in ('pending>active', 'pending>ended', 'active>suspended', 'suspended>active',
      'pending>blacklisted', 'active>blacklisted', 'suspended>blacklisted', 'blacklisted>suspended', 'active>ended', 'suspended>ended') then
    raise exception 'an organisation does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger volunteering_organisation_moves_on before update on volunteering_organisation
  for each row execute function doudi.volunteering_organisation_moves_on();

-- a minor is active with a guardian's consent alone, whoever writes the row
create function doudi.volunteering_volunteer_moves_on() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if tg_op = 'UPDATE' and old.state <> new.state and (old.state || '>' || new.state) not in ('pending>active', 'pending>ended', 'pending>blacklisted',
      'active>paused', 'paused>active', 'active>ended', 'paused>ended', 'active>blacklisted', 'paused>blacklisted', 'blacklisted>paused') then
    raise exception 'a volunteer does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  if new.state = 'active' and new.consent_at is null
     and new.birth_date > ((coalesce(new.state_at, new.verified_at) at time zone 'Asia/Shanghai')::date - interval '18 years')::date then
    raise exception 'a minor without consent' using errcode = 'check_violation', constraint = 'volunteer_minor';
  end if;
  return new;
end $$;
create trigger volunteering_volunteer_moves_on before insert or update on volunteering_volunteer
  for each row execute function doudi.volunteering_volunteer_moves_on();

create function doudi.volunteering_record_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.state = 'void' and (to_jsonb(old) - 'area' - 'area_then') is distinct from (to_jsonb(new) - 'area' - 'area_then')
     or old.state <> new.state and (old.state || '>' || new.state) not in ('open>done', 'open>void', 'done>void') then
    raise exception 'a record does not go from % to %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger volunteering_record_stays before update on volunteering_servicerecord for each row execute function doudi.volunteering_record_stays();

create function doudi.volunteering_void_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.void_at is not null then
    raise exception 'a void certificate stays void' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger volunteering_void_stays before update of void_at on volunteering_servicecertificate for each row execute function doudi.volunteering_void_stays();
"""

# A whole code, and a phone whose holder has proved it by a one-time code: what they open, and nothing less opens anything.
LOOKUP = """
grant select on volunteering_servicecertificate, volunteering_volunteer, volunteering_organisation to doudi_lookup;
create policy lookup on volunteering_servicecertificate for select to doudi_lookup using (true);
create policy lookup on volunteering_volunteer for select to doudi_lookup using (true);
create policy lookup on volunteering_organisation for select to doudi_lookup using (true);
create function doudi.certificate_of(p_code text) returns table (id bigint, area text, volunteer_id bigint)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select id, area::text, volunteer_id from volunteering_servicecertificate where code = p_code
$$;
create function doudi.volunteering_by_phone(p_phone uuid) returns table (kind text, id bigint, area text, name text)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select 'volunteer', id, area::text, name::text from volunteering_volunteer where phone = p_phone and state <> 'ended'
  union all
  select 'organisation', id, area::text, name::text from volunteering_organisation where contact_phone = p_phone and state <> 'ended'
  order by 1, 2 limit 20
$$;
grant create on schema doudi to doudi_lookup;
alter function doudi.certificate_of(text) owner to doudi_lookup;
alter function doudi.volunteering_by_phone(uuid) owner to doudi_lookup;
revoke create on schema doudi from doudi_lookup;
set role doudi_lookup;
revoke execute on function doudi.certificate_of(text), doudi.volunteering_by_phone(uuid) from public;
grant execute on function doudi.certificate_of(text), doudi.volunteering_by_phone(uuid) to doudi_app;
reset role;
"""


class Migration(migrations.Migration):
    dependencies = [("volunteering", "0001_initial"), ("core", "0002_protect"), ("registry", "0003_moves")]
    operations = [
        Protect(
            "volunteering_organisation",
            read=f"{HERE} or exists (select from volunteering_organisationarea s where s.organisation_id = volunteering_organisation.id and {SERVES_HERE})",
            write=ORGANISATION,
            update=[
                "name", "kind", "address", "contact_name", "contact_phone", "abilities", "on_call", "state", "state_reason", "state_at", "checked_by_id",
                "checked_at", "version",
            ],
        ),
        Protect("volunteering_organisationarea", read=f"{HERE} or {SERVES_HERE}", delete=True),
        Protect("volunteering_credential", read=f"{RANGE} and not {PUBLIC}", update=["reminded_on", "ended_at"]),
        Protect(
            "volunteering_volunteer",
            read=VOLUNTEER_READ, write=VOLUNTEER_WRITE,
            update=[
                "name", "document_kind", "document", "sex", "birth_date", "phone", "ethnicity", "political", "education", "employment", "address", "skills",
                "services", "times", "distance", "organisation_id", "guardian_name", "guardian_relation", "guardian_phone", "consent_at", "consent_by_id",
                "verified_by_id", "verified_at", "state", "state_reason", "state_at", "version",
            ],
        ),
        Protect("volunteering_training", read=f"{RANGE} and {theirs('volunteer_id', 'false')}", write=f"{RANGE} and not {PUBLIC}"),
        Protect("volunteering_activity", update=["title", "words", "place", "phone", "skills", "minors", "state", "state_reason", "version"]),
        Protect("volunteering_shift", update=["capacity", "cancelled_at"]),
        Protect("volunteering_signup", read=SIGNUP, write=SIGNUP, update=["state", "reason", "ended_at"]),
        Protect(
            "volunteering_servicerecord", read=RECORD, write=RECORD,
            update=["starts", "ends", "minutes", "state", "ended_by", "evaluation", "remark", "version"],
        ),
        Protect("volunteering_recordcorrection", read=OF_RECORD),
        Protect("volunteering_servicecertificate", read=CERTIFICATE, write=CERTIFICATE, update=["void_at", "void_reason"]),
        Protect("volunteering_volunteeringevent", read=EVENT_READ, write=EVENT_WRITE),
        migrations.RunSQL([*TIES, GUARDS, LOOKUP], migrations.RunSQL.noop),
    ]
