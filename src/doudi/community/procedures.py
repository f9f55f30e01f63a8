"""What places set of community care: who belongs to a group, how many people one care contact looks after, how long printed files are kept."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from doudi.core.parameters import Procedure, declare

OLD_AGE = "procedure.community.old_age"
DISABILITY_GRADE = "procedure.community.disability_grade"
CHILD_AGE = "procedure.community.child_age"
LOAD = "procedure.community.contact_load"
FILE_DAYS = "procedure.community.card_file_days"

declare(
    Procedure(OLD_AGE, _("孤寡独居老人的起始年龄"), "years", Decimal(60), "系统默认", False, 50, 90),
    Procedure(DISABILITY_GRADE, _("列入关爱对象的残疾等级（到几级为止）"), "grade", Decimal(4), "系统默认", False, 1, 4),
    Procedure(CHILD_AGE, _("农村留守儿童的年龄上限（不满）"), "years", Decimal(16), "国发〔2016〕13号", False, 14, 18),
    Procedure(LOAD, _("每名帮扶责任人最多帮扶人数"), "number", Decimal(30), "系统默认", False, 1, 500),
    Procedure(FILE_DAYS, _("打印好的明白卡文件保留"), "days", Decimal(30), "系统默认", False, 1, 366),
)
