"""Row-level security and grants of core's tables; the settings of a place are open to all, written within the scope."""

from django.db import migrations

from doudi.core.grants import RANGE, Open, Protect

OWN = "account_id = nullif(current_setting('app.account', true), '')::bigint"


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial"), ("sessions", "0001_initial"), ("contenttypes", "0002_remove_content_type_name")]
    operations = [
        Open("core_division"),
        Open("core_account", "select, insert, update (password, last_login, name, is_active, must_change_password)"),
        # an account reads its own postings before any scope is set
        Protect("core_posting", update=["ends"], read=f"({RANGE}) or {OWN}"),
        Protect("core_setting", update=["state", "decided_by_id", "decided_at", "decision_note"], read="true"),
        Protect("core_attachment", update=["removed_at"]),
        # a record is written for any area that the act touched, and read by the auditor of that area; nobody changes it
        Protect("core_accessrecord", write=OWN),
        Protect("core_todo", update=["done_at", "done_by_id", "due", "title"]),
        Protect("core_taskprogress", update=True),
        Open("core_accessseal", "select, insert"),
        migrations.RunSQL(
            # the sealer sees every record: digests only leave it
            """
            create function doudi.access_rows(p_after bigint, p_limit int) returns table (id bigint, line text)
            language sql stable security definer set search_path = doudi, pg_temp as $$
              select r.id, concat_ws('|', r.id, extract(epoch from r.at), r.xid, r.account_id, r.posting_id, r.what, r.subject, r.subject_id,
                                     r.field, encode(r.digest, 'hex'), r.reason, r.page, coalesce(r.area_then, r.area))
              from core_accessrecord r where r.id > p_after and r.xid < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint order by r.id limit p_limit
            $$;
            grant execute on function doudi.access_rows(bigint, int) to doudi_app;
            """,
            "drop function doudi.access_rows(bigint, int)",
        ),
    ]
