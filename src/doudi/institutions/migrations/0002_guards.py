"""Guards of institutions: narrower than area for institution clerks, a bed for everybody, stock that adds up, reports that stay (6.1)."""

from django.db import migrations

from doudi.core.grants import RANGE, Open, Protect

ME = "nullif(current_setting('app.account', true), '')::bigint"
CLERK = "current_setting('app.duty', true) = 'institution_clerk'"


def mine(column: str) -> str:
    """Of the area, and for an institution clerk of the own institution alone."""
    return (
        f"{RANGE} and (not {CLERK} or exists (select from institutions_institutionclerk k"
        f" where k.institution_id = {column} and k.account_id = {ME} and k.ended_at is null))"
    )


def own(table: str) -> dict[str, str]:
    """The table's name stands before the column: alone it would be that of the clerks' table inside."""
    return {"read": mine(f"{table}.institution_id"), "write": mine(f"{table}.institution_id")}


HOUSE = mine("institutions_institution.id")
CLERKS = f"{RANGE} and (not {CLERK} or account_id = {ME})"
OFFICE = f"{RANGE} and not {CLERK}"
OF_REPORT = f"{RANGE} and exists (select from institutions_dailyreport r where r.id = report_id)"
OF_ROOM = f"{RANGE} and exists (select from institutions_isolationroom r where r.id = room_id)"


def tie(table: str, column: str, parent: str) -> str:
    """(column, area) refers to (id, area) of the parent, follows its moves, checked at commit."""
    return (
        f"alter table {table} add constraint {table}_{column}_area foreign key ({column}, area) references {parent} (id, area)"
        " on update cascade deferrable initially deferred"
    )


BELOW = [
    "institutionclerk", "bedcapacity", "isolationroom", "institutioncontact", "visitstate", "institutionevent", "resident", "staffmember", "supplystock",
    "stockmovement", "dailyreport", "reportdue",
]  # fmt: skip

GUARDS = """
-- a bed for every resident; the row of the capacity is what two admissions at once wait for
create function doudi.institutions_has_bed() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare have int; used int;
begin
  if new.ends is not null then return null; end if;
  select beds into have from institutions_bedcapacity where institution_id = new.institution_id and kind = new.bed for update;
  select count(*) into used from institutions_resident where institution_id = new.institution_id and bed = new.bed and ends is null;
  if used > coalesce(have, 0) then
    raise exception 'no free bed of this kind' using errcode = 'check_violation', constraint = 'institution_bed_free';
  end if;
  return null;
end $$;
create trigger institutions_has_bed after insert or update of bed, ends, institution_id on institutions_resident
  for each row execute function doudi.institutions_has_bed();

create function doudi.institutions_beds_in_use() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  if (select count(*) from institutions_resident where institution_id = new.institution_id and bed = new.kind and ends is null) > new.beds then
    raise exception 'more residents than beds' using errcode = 'check_violation', constraint = 'institution_beds_in_use';
  end if;
  return null;
end $$;
create trigger institutions_beds_in_use after update of beds on institutions_bedcapacity for each row execute function doudi.institutions_beds_in_use();

create function doudi.institutions_room_has_place() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
declare have int; house bigint;
begin
  select beds, institution_id into have, house from institutions_isolationroom where id = new.room_id and closed_at is null for update;
  if (select count(*) from institutions_isolationstay where room_id = new.room_id and ended_at is null) > coalesce(have, 0) then
    raise exception 'the room is full or closed' using errcode = 'check_violation', constraint = 'institution_room_full';
  end if;
  if house is distinct from coalesce((select institution_id from institutions_resident where id = new.resident_id and ends is null),
                                     (select institution_id from institutions_staffmember where id = new.staff_id and ends is null)) then
    raise exception 'of another house' using errcode = 'check_violation', constraint = 'institution_isolated_own';
  end if;
  return null;
end $$;
create trigger institutions_room_has_place after insert on institutions_isolationstay for each row execute function doudi.institutions_room_has_place();

-- the balance is the sum of the movements, written here alone
create function doudi.institutions_stock_moves() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  insert into institutions_supplystock (area, institution_id, item_id, balance, daily_use) values (new.area, new.institution_id, new.item_id, 0, 0)
    on conflict (institution_id, item_id) do nothing;
  update institutions_supplystock set balance = balance + new.quantity where institution_id = new.institution_id and item_id = new.item_id;
  return null;
end $$;
create trigger institutions_stock_moves after insert on institutions_stockmovement for each row execute function doudi.institutions_stock_moves();
create function doudi.institutions_stock_starts_empty() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if new.balance <> 0 then
    raise exception 'stock begins at nought and moves by movements' using errcode = 'check_violation', constraint = 'institution_stock_empty';
  end if;
  return new;
end $$;
create trigger institutions_stock_starts_empty before insert on institutions_supplystock for each row execute function doudi.institutions_stock_starts_empty();

-- who left does not come back on the same row; a report once superseded stays so
create function doudi.institutions_stays_ended() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.ends is not null and (new.ends, new.leaving, new.token, new.institution_id) is distinct from (old.ends, old.leaving, old.token, old.institution_id) then
    raise exception 'a stay that ended stays ended' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger institutions_stays_ended before update on institutions_resident for each row execute function doudi.institutions_stays_ended();
create function doudi.institutions_report_stays() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.superseded_at is not null then
    raise exception 'a report that was corrected stays as it is' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger institutions_report_stays before update of superseded_at on institutions_dailyreport for each row execute function doudi.institutions_report_stays();
create function doudi.institutions_due_once() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if old.reported_at is not null and new.reported_at is distinct from old.reported_at then
    raise exception 'when it was first reported stays' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger institutions_due_once before update of reported_at on institutions_reportdue for each row execute function doudi.institutions_due_once();

insert into institutions_supplyitem (code, name, unit, "order") values
  ('n95', 'N95 口罩', '只', 10), ('mask', '医用外科口罩', '只', 20), ('gown', '防护服', '套', 30), ('gloves', '医用手套', '双', 40), ('disinfectant', '消毒液', '升', 50),
  ('antigen', '抗原检测试剂', '份', 60), ('oxygen', '氧气', '瓶', 70), ('fever_medicine', '退热药品', '份', 80), ('chronic_medicine', '慢性病常用药', '人份', 90),
  ('grain', '米面', '公斤', 100), ('oil', '食用油', '升', 110), ('vegetables', '蔬菜肉蛋', '公斤', 120), ('infant_formula', '婴幼儿奶粉', '罐', 130),
  ('diapers', '成人护理垫、纸尿裤', '片', 140), ('coal', '取暖用煤', '公斤', 150), ('diesel', '发电机用油', '升', 160);
"""


class Migration(migrations.Migration):
    dependencies = [("institutions", "0001_initial"), ("core", "0002_protect"), ("registry", "0002_guards")]
    operations = [
        migrations.RunSQL(
            [tie(f"institutions_{name}", "institution_id", "institutions_institution") for name in BELOW]
            + [
                tie("institutions_reportsupply", "report_id", "institutions_dailyreport"),
                tie("institutions_isolationstay", "resident_id", "institutions_resident"),
                tie("institutions_isolationstay", "staff_id", "institutions_staffmember"),
            ],
            migrations.RunSQL.noop,
        ),
        Protect("institutions_institutionclerk", read=CLERKS, write=OFFICE, update=["ended_at"]),
        Protect(
            "institutions_institution",
            read=HOUSE,
            write=HOUSE,
            update=["name", "kind", "public", "address", "phone", "account", "bank", "state", "risk", "risk_reasons", "last_report_on", "version"],
        ),
        Protect("institutions_bedcapacity", read=mine("institutions_bedcapacity.institution_id"), write=OFFICE, update=["beds"]),
        Protect("institutions_isolationroom", **own("institutions_isolationroom"), update=["beds", "closed_at"]),
        Protect("institutions_institutioncontact", **own("institutions_institutioncontact"), update=["phone", "ended_at"]),
        Protect("institutions_visitstate", read=mine("institutions_visitstate.institution_id"), write=OFFICE, update=["ends"]),
        Protect("institutions_institutionevent", **own("institutions_institutionevent")),
        Protect(
            "institutions_resident",
            **own("institutions_resident"),
            update=["person_id", "bed", "room", "kin_name", "kin_relation", "kin_phone", "health", "ends", "leaving", "left_to", "ended_by_id", "version"],
        ),
        Protect("institutions_staffmember", **own("institutions_staffmember"), update=["account_id", "phone", "ends"]),
        Protect("institutions_isolationstay", read=OF_ROOM, write=OF_ROOM, update=["ended_at"]),
        Protect("institutions_supplystock", **own("institutions_supplystock"), update=["daily_use"]),
        Protect("institutions_stockmovement", **own("institutions_stockmovement")),
        Protect("institutions_dailyreport", **own("institutions_dailyreport"), update=["superseded_at"]),
        Protect("institutions_reportsupply", read=OF_REPORT, write=OF_REPORT),
        Protect("institutions_reportdue", **own("institutions_reportdue"), update=["reported_at", "reminded_at", "county_at", "city_at"]),
        Open("institutions_supplyitem", "select, insert, update (name, unit, \"order\", ended_on)"),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
