"""Pages of organisations: the list."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from doudi.core import numbers
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.templatetags import ui
from doudi.volunteering import codes, queries
from doudi.volunteering.models import Organisation


class OrganisationFilter(django_filters.FilterSet):
    name = PrefixFilter(label=gettext_lazy("名称"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=Organisation.Kind.choices, empty_label=gettext_lazy("全部"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Organisation.State.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Organisation
        fields: list[str] = []


class Organisations(ListPage):
    title = gettext_lazy("社会组织")
    act = "volunteering.view"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = OrganisationFilter
    order = ("-state", "area", "name", "id")
    subject = "organisation"
    empty_title = gettext_lazy("没有符合条件的组织")
    empty_hint = gettext_lazy("慈善组织、志愿服务组织、社会工作服务站和愿意出力的企业登记、审核后列在这里。")
    columns = (
        Column(gettext_lazy("名称"), "name"),
        Column(gettext_lazy("类别"), "get_kind_display"),
        Column(gettext_lazy("登记地"), "area", kind="area"),
        Column(gettext_lazy("服务能力"), lambda row: codes.words(row.abilities, codes.ABILITIES)),
        Column(gettext_lazy("联系人"), "contact_name", small=lambda row: ui.mask_phone(numbers.plain(row.contact_phone))),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.ORGANISATION_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Organisation]:
        return Organisation.objects.all()
