"""Rights on messages: those of the own area, and one's own wherever they come from. An opt-out counts everywhere, so everybody with a place reads it."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

OWN = "account_id = nullif(current_setting('app.account', true), '')::bigint"


class Migration(migrations.Migration):
    dependencies = [("core", "0009_messages")]
    operations = [
        Protect("core_message", read=f"({RANGE}) or {OWN}"),
        migrations.RunSQL(
            [
                f"create policy scope_update on core_message for update to doudi_app using (({RANGE}) or {OWN}) with check (({RANGE}) or {OWN})",
                "grant update (state, attempts, next_at, error, sent_at, read_at) on core_message to doudi_app",
            ],
            migrations.RunSQL.noop,
        ),
        Protect("core_messageoptout", update=["ended_by_id", "ended_at"], read="coalesce(current_setting('app.lo', true), '') <> ''"),
    ]
