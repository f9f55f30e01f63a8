"""The demo's policy questions: a higher standard over the registered households, and two months side by side."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from doudi.assessment import whatif
from doudi.core.models import Duty

if TYPE_CHECKING:
    from doudi.demo.job import Demo

REFORM = """name: 城乡低保标准提高百分之五
from: 2022-12-01
areas: ["{county}", "41"]
changes:
  - {{parameter: dibao.standard.urban, times: 1.05}}
  - {{parameter: dibao.standard.rural, times: 1.05}}
"""


def questions(demo: Demo) -> None:
    """Two questions of the county's reviewer; asked once."""
    from doudi.demo.job import CHINA

    now = datetime(2022, 12, 8, 10, tzinfo=CHINA)
    demo.tell("政策测算", 0, 0)
    county = "41" if demo.area == "41" else demo.area
    with demo.acting(Duty.COUNTY_REVIEWER, "政策测算"):
        for asked, _fresh in (
            whatif.start_what_if(
                name="城乡低保标准提高百分之五", source="registry", month=date(2022, 12, 1), reform=REFORM.format(county=county), now=now
            ),
            whatif.start_what_if(name="十一月与十二月比较", source="registry", month=date(2022, 11, 1), month_after=date(2022, 12, 1), now=now),
        ):
            done = whatif.run_what_if(what_if_id=asked.pk, now=now)
            assert done.result is not None
            demo.figures.setdefault("what_if", {})[done.name] = {"winners": done.result["winners"], "losers": done.result["losers"]}
