"""Protection of spot checks; one that is closed stays as it was found; what was confirmed by a township before is marked."""

from django.db import migrations

from doudi.core.grants import Protect

FROZEN = """
create function doudi.spot_check_is_open() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
begin
  if tg_table_name = 'enrolment_spotcheck' then
    if old.state = 'closed' then
      raise exception 'a closed spot check stays' using errcode = 'check_violation', constraint = 'spot_check_frozen';
    end if;
    if (old.number, old.starts, old.ends, old.share, old.seed, old.size, old.drawn) is distinct from
       (new.number, new.starts, new.ends, new.share, new.seed, new.size, new.drawn) then
      raise exception 'what was drawn stays' using errcode = 'check_violation', constraint = 'spot_check_frozen';
    end if;
  elsif exists (select from enrolment_spotcheck c where c.id = new.check_of_id and c.state = 'closed') then
    raise exception 'a closed spot check stays' using errcode = 'check_violation', constraint = 'spot_check_frozen';
  end if;
  return new;
end $$;
create trigger spot_check_is_open before update on enrolment_spotcheck for each row execute function doudi.spot_check_is_open();
create trigger spot_check_is_open before insert or update on enrolment_spotcheckitem for each row execute function doudi.spot_check_is_open();
create trigger spot_check_is_open before insert on enrolment_spotcheckstratum for each row execute function doudi.spot_check_is_open();
grant usage on sequence enrolment_spotcheck_id_seq to doudi_app;
grant update (by_township) on enrolment_decision to doudi_app;
"""
BEFORE = [
    "alter table enrolment_decision disable trigger decision_is_frozen",
    """update enrolment_decision d set by_township = true where d.state = 'approved'
    and exists (select from core_posting p where p.account_id = d.decided_by_id and length(p.area) >= 9 and p.duty in ('township_officer', 'county_approver'))
    and not exists (select from core_posting p where p.account_id = d.decided_by_id and length(p.area) < 9)""",
    "alter table enrolment_decision enable trigger decision_is_frozen",
]


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0011_spot_checks"), ("enrolment", "0010_reviews_guards"), ("enrolment", "0008_applications_guards")]
    operations = [
        Protect("enrolment_spotcheck", update=["state", "figures", "closed_by_id", "closed_at", "note"]),
        Protect("enrolment_spotcheckstratum"),
        Protect("enrolment_spotcheckitem", update=["finding", "text", "checked_by_id", "checked_at", "review_id", "version"]),
        migrations.RunSQL(FROZEN, migrations.RunSQL.noop),
        migrations.RunSQL(BEFORE, migrations.RunSQL.noop),
    ]
