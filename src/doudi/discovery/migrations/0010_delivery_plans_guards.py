"""Rights on delivery plans; what levels above received, as days and months without rows or people."""

from django.db import migrations

from doudi.core.grants import Protect

ABOVE = """
create function doudi.deliveries_above(p_area text, p_on date)
returns table (dataset text, area text, period text, received_on date)
language sql stable security definer set search_path = doudi, pg_temp as $$
  select distinct on (d.dataset) d.dataset, d.area, d.period, (d.received_at at time zone 'Asia/Shanghai')::date
  from discovery_delivery d
  where d.state = 'accepted' and length(d.area) < length(p_area) and d.area in (left(p_area, 2), left(p_area, 4), left(p_area, 6), left(p_area, 9))
    and (d.received_at at time zone 'Asia/Shanghai')::date <= p_on
  order by d.dataset, length(d.area) desc, d.received_at desc
$$;
grant execute on function doudi.deliveries_above(text, date) to doudi_app;
"""


class Migration(migrations.Migration):
    dependencies = [("discovery", "0009_delivery_plans")]
    operations = [
        Protect("discovery_deliveryplan", update=["contact", "changed_by_id", "changed_at", "version"]),
        migrations.RunSQL(ABOVE, migrations.RunSQL.noop),
    ]
