"""The entries of payments in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("payments", _("发放批次"), "payments:payrolls", "payments.view", 10)
menu.add("payments", _("发放日历"), "payments:calendar", "payments.view", 12)
menu.add("payments", _("支付退票"), "payments:returns", "payments.returns", 20)
menu.add("payments", _("一次性补助"), "payments:subsidies", "payments.one_off_view", 21)
menu.add("payments", _("补发"), "payments:back_pays", "payments.back_view", 22)
menu.add("payments", _("账户变更"), "payments:account_changes", "payments.accounts", 22)
menu.add("payments", _("账户核查"), "payments:account_findings", "payments.accounts", 23)
menu.add("payments", _("多发追缴"), "payments:overpayments", "payments.overpayments", 24)
menu.add("payments", _("发放查询"), "payments:inquiry", "payments.tell", 5)
menu.add("payments", _("乡镇备用金"), "payments:reserves", "payments.fund", 25)
menu.add("payments", _("资金总览"), "payments:funds", "payments.view", 28)
menu.add("payments", _("资金台账"), "payments:ledger", "payments.view", 30)
menu.add("payments", _("代发文件版式"), "payments:layouts", "payments.layouts", 40)
