"""What volunteers are told on their phones; words of activities stay on the pages."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import PEOPLE, Template, templates

templates.add(
    Template(
        "volunteer.verified", _("志愿者核验通过"), to=PEOPLE, zh="您的志愿者登记已核验通过，编号 {number}。",
        en="Your registration as a volunteer was verified; your number is {number}.",
    ),
    Template(
        "volunteer.place", _("候补转为报名"), to=PEOPLE, zh="您候补的志愿服务活动有了名额，已为您报名：{when}。不能参加请及时退出。",
        en="There is a place for you in the activity you waited for: {when}. Please withdraw in time if you cannot come.",
    ),
    Template(
        "volunteer.cancelled", _("志愿服务活动取消"), to=PEOPLE, zh="您报名的志愿服务活动已取消：{when}。", en="The activity you signed up for was cancelled: {when}."
    ),
)  # fmt: skip
