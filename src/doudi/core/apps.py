from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "doudi.core"

    def ready(self) -> None:
        from doudi.core import attachable, clock, forgetting, grants, keystate, leftovers, menu, periodic, routing
        from doudi.core.models import Emergency, Setting
        from doudi.core.services.sending import ask_due, send_due

        clock.install()
        pre_migrate.connect(routing.begin, dispatch_uid="doudi.routing.begin")
        post_migrate.connect(routing.end, dispatch_uid="doudi.routing.end")
        post_migrate.connect(grants.after_migrate, dispatch_uid="doudi.grants")
        connection_created.connect(keystate.on_connect, dispatch_uid="doudi.keystate")
        menu.add("workbench", _("工作台"), "dashboard", None, 10)
        menu.add("workbench", _("待办"), "todos", None, 20)
        menu.add("workbench", _("后台任务"), "tasks", "tasks.view", 30)
        menu.add("system", _("查阅记录"), "audit", "audit.view", 30)
        menu.add("settings", _("标准与参数"), "settings", "settings.view", 10)
        attachable.add("setting", model=Setting, view="settings.view", change="settings.propose")
        menu.add("settings", _("应急状态"), "emergencies", "settings.view", 20)
        attachable.add("emergency", model=Emergency, view="emergencies.view", change="emergencies.declare")
        menu.add("system", _("账号与岗位"), "accounts", "staff.manage", 10)
        menu.add("workbench", _("消息"), "inbox", None, 25)
        menu.add("system", _("消息发送"), "messages_sent", "messages.manage", 25)
        periodic.every_round("core.messages", send_due, quick=True)
        periodic.every_round("core.reports", ask_due, quick=True)
        gone = {"runs": _("定时任务记录"), "tasks": _("后台任务"), "results": _("任务队列"), "sessions": _("登录会话")}
        periodic.daily("core.forget", _("清理到期的运行记录"), forgetting.forget, acts=["records.forget"], figures=gone)
        files = {"files": _("删除文件"), "kept": _("未删除（无记录的过多，请检查数据库与目录是否对应）")}
        periodic.daily("core.leftovers", _("清理没有记录的附件文件"), leftovers.clear, acts=["records.forget"], figures=files)
        menu.add("settings", _("退订短信"), "opt_outs", "messages.optout", 40)
        menu.add("system", _("定时任务"), "daily", "tasks.watch", 20)
        # `menu.py`, `panels.py`, `clauses.py`, `periodic.py` and `texts.py` of a room add its entries, panels, actions, clauses, daily jobs, messages
        for room in settings.ROOMS:
            for module in ("menu", "panels", "clauses", "periodic", "texts"):
                if find_spec(f"{room}.{module}"):
                    import_module(f"{room}.{module}")
