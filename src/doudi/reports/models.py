"""Tables of reports: what was counted, month by month and township by township, so that a page of years reads a few thousand small rows."""

from __future__ import annotations

from django.db import models

from doudi.core.fields import AreaModel, CodeField


class MonthlyFigure(AreaModel):
    """One figure (月度统计) of a township (a payroll's: of a county) and month. `key`: see `statistics.KEYS`; `value`: people, households, times, or yuan.

    Counted again while the month runs and until it is closed; then it stays, whatever is corrected later. Figures of places add up to those above.
    """

    month = models.DateField()
    key = CodeField(max_length=40)
    value = models.DecimalField(max_digits=16, decimal_places=2)
    counted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["month", "area"])]
        constraints = [models.UniqueConstraint(fields=["area", "month", "key"], name="monthly_figure_once")]
