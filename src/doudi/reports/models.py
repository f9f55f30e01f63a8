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


class CountyFigure(AreaModel):
    """The sum of a county's figures: pages of a city and of the province read these, a hundredth of the rows. Written with them, never by hand."""

    month = models.DateField()
    key = CodeField(max_length=40)
    value = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        indexes = [models.Index(fields=["month", "area"])]
        constraints = [models.UniqueConstraint(fields=["area", "month", "key"], name="county_figure_once")]


class MeasureFigure(AreaModel):
    """A number of a clause of the eight measures (八项举措) as it was last counted: of a county, or of what belongs to a city or the province itself.

    `key`: the clause and the number's name in `core.measures`, "1.5.contacted". Written each night as a whole; numbers of minors' cases are seen by those
    duties alone who see all cases of their area.
    """

    key = CodeField(max_length=40)
    value = models.DecimalField(max_digits=16, decimal_places=2)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["area", "key"], name="measure_figure_once")]


class NationalExport(AreaModel):
    """A file for the national low-income platform (全国低收入人口动态监测信息平台): an area's low-income population on the first of a month.

    Made again without a change, it is the same file: `sha256` is over its content. The file lies encrypted in the data folder under `file`.
    """

    month = models.DateField()
    layout = CodeField(max_length=20)
    number = CodeField(max_length=30)
    households = models.IntegerField()
    people = models.IntegerField()
    faults = models.IntegerField(help_text="rows that lack something: their households are left out")
    left_out = models.IntegerField(help_text="households left out")
    sha256 = CodeField(max_length=64)
    size = models.BigIntegerField()
    file = CodeField(max_length=60)
    made_by = models.ForeignKey("core.Account", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["area", "-made_at"])]
        constraints = [models.UniqueConstraint(fields=["area", "month", "layout", "sha256"], name="national_export_once")]


class NationalFault(AreaModel):
    """A row that could not be sent: which field lacks what. `area`: of the household, so that the township mends its own."""

    export = models.ForeignKey(NationalExport, models.CASCADE, related_name="rows", db_constraint=False, db_index=False)
    household_id = models.BigIntegerField()
    person_id = models.BigIntegerField(null=True)
    name = CodeField(max_length=60)
    field = CodeField(max_length=20)
    reason = CodeField(max_length=20)

    class Meta:
        indexes = [models.Index(fields=["export", "area"])]
