"""The portal's own doors."""

from django.utils.translation import gettext_lazy as _

from doudi.core import doors, menu

doors.add("report", _("报告困难群众"), _("看到有人吃饭、看病、照料有困难，告诉我们。可以不留姓名。"), "heart", "portal:report", 10)
doors.add("apply", _("申请救助与自测"), _("先用 3 分钟测一测可能符合哪一项，再在网上申请。"), "document-text", "portal:check", 20)
doors.add("follow", _("查询进度"), _("用受理编号和手机号查看办到哪一步。"), "magnifying-glass", "portal:follow", 30)
doors.add("policies", _("救助政策"), _("条件、标准、材料和期限，用大白话说。"), "book-open", "portal:policies", 50)
doors.add("publicity", _("公示"), _("本村（社区）公示中的救助事项。"), "megaphone", "portal:publicity", 60)
doors.add("hotlines", _("救助服务热线"), _("按地方查电话。"), "phone", "portal:hotlines", 70)
doors.add("child", _("报告孩子受侵害、没人照料"), _("学校、医院等应当报告；任何人都可以报告。"), "shield-check", "protection:public_report", 80)

menu.add("enrolment", _("网上申请"), "portal:online_applications", "portal.receive", 15)
