"""Rights and keys of referrals and of the discovery team; a referral's to-do is raised on the receiving side, which the sender cannot see."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

FROM = RANGE.replace("area", "from_area")

TODO = """
create function doudi.lead_referral_todo() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  insert into core_todo (area, duty, kind, title, url, subject, subject_id, due, made_at)
  values (new.area, case when length(new.area) = 6 then 'county_reviewer' else 'township_officer' end, 'lead_referral', '外地转来救助线索：签收',
          '/leads/referrals/' || new.id || '/', 'lead_referral', new.id, (new.sent_at at time zone 'Asia/Shanghai')::date, new.sent_at);
  return null;
end $$;
create trigger lead_referral_todo after insert on discovery_leadreferral for each row execute function doudi.lead_referral_todo();
"""

# County and city stand above whoever ends the delay: their to-dos are not the township's to see.
CAUGHT_UP = """
create function doudi.lead_caught_up() returns trigger language plpgsql security definer set search_path = doudi, pg_temp as $$
begin
  update core_todo set done_at = greatest(new.contacted_at, new.verified_at, new.closed_at), done_by_id = new.handler_id
  where subject = 'lead' and subject_id = new.id and kind = 'lead_overdue' and done_at is null;
  return null;
end $$;
create trigger lead_caught_up after update of escalated on discovery_lead for each row when (old.escalated > 0 and new.escalated = 0)
  execute function doudi.lead_caught_up();
"""


class Migration(migrations.Migration):
    dependencies = [("discovery", "0006_referrals_team")]
    operations = [
        Protect("discovery_teammember", update=["name", "kind", "organisation", "phone", "contact", "account_id", "ends", "version"]),
        Protect("discovery_teamtraining"),
        Protect("discovery_leadreferral", read=f"({RANGE}) or ({FROM})", write=FROM),
        migrations.RunSQL(
            [
                f"create policy scope_update on discovery_leadreferral for update to doudi_app using ({RANGE}) with check ({RANGE})",
                "grant update (taken_by_id, taken_at, lead_there, result, result_at) on discovery_leadreferral to doudi_app",
                "alter table discovery_leadreferral add constraint discovery_leadreferral_lead_area foreign key (lead_id, from_area)"
                " references discovery_lead (id, area) on update cascade deferrable initially deferred",
                "alter table discovery_teammember add constraint discovery_teammember_id_area unique (id, area)",
                "alter table discovery_teamtraining add constraint discovery_teamtraining_member_area foreign key (member_id, area)"
                " references discovery_teammember (id, area) on update cascade deferrable initially deferred",
                TODO,
                CAUGHT_UP,
            ],
            migrations.RunSQL.noop,
        ),
    ]
