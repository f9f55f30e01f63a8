"""What an access record was about, in the auditor's words: the tables keep short codes, one a kind of record or of field."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SUBJECTS: dict[str, str | Promise] = {
    "access_record": _("查阅记录"), "account": _("账号与岗位"), "account_finding": _("账户核查"), "activity": _("志愿服务活动"), "api_client": _("接口客户端"),
    "assessments": _("测算说明"), "attachment": _("附件"), "authorisation": _("核对授权书"), "awards": _("保障待遇"), "back_pay": _("补发"),
    "back_pay_item": _("补发明细"), "backpays": _("补发"), "bank_return": _("支付退票"), "board": _("供需对接"), "call": _("来电记录"),
    "call_for_volunteers": _("志愿者召集"), "card_run": _("明白卡"), "care": _("关爱对象"), "care_agreement": _("特困照料护理"), "care_contact": _("帮扶责任人"),
    "case": _("救助申请"), "comparison": _("信息比对"), "complaint": _("异议与投诉"), "confirmed": _("乡镇确认"), "counselling": _("心理疏导"),
    "credential": _("资质"), "daily_run": _("定时任务"), "data_check": _("家庭经济状况核对"), "decision": _("决定"), "decisions": _("办理列表"),
    "delivery": _("数据报送"), "delivery_handover": _("药品配送"), "delivery_prescription": _("药品配送"), "document": _("申请材料"), "donation": _("捐赠管理"),
    "donation_allocation": _("捐赠送达"), "emergency": _("应急状态"), "fund_movement": _("资金凭证"), "funeral": _("特困丧葬费"), "group_meeting": _("会议纪要"),
    "group_member": _("专项工作组"), "help_card": _("明白卡"), "household": _("家庭"), "household_visit": _("入户调查"), "import": _("批量导入"),
    "institution": _("机构"), "institution_request": _("协调事项"), "institution_transfer": _("转移安置"), "lead": _("救助线索"), "lead_referral": _("外地转办"),
    "ledger": _("资金台账"), "line_flag": _("异常明细"), "linkage_pair": _("疑似同一人核查"), "measures": _("八项举措"), "message": _("消息发送"),
    "move": _("家庭转移"), "national_export": _("上报全国平台"), "national_fault": _("上报问题数据"), "need": _("需求"), "ofpayroll": _("发放批次"),
    "one_off_claim": _("一次性补助名单"), "online_application": _("网上申请"), "organisation": _("社会组织"), "overpayment": _("多发追缴"),
    "payee_change": _("账户变更"), "payroll": _("发放批次"), "payroll_change": _("与上月比较"), "payroll_exclusion": _("未列入本批"), "payroll_line": _("发放明细"),
    "payrolls": _("发放批次"), "person": _("人员"), "plan_activation": _("预案启动"), "price_claim": _("价格临时补贴名单"), "price_entry": _("价格指数"),
    "protection_case": _("个案"), "protection_claim": _("照料补贴"), "protection_referral": _("转介"), "protection_report": _("强制报告"),
    "public_report": _("网上申报"), "publicity": _("公示"), "purchased_service": _("购买服务记录"), "relief": _("临时救助"), "relief_case": _("临时救助"),
    "reserve_payout": _("备用金支出"), "resident": _("入住人员"), "resource": _("社会资源"), "reviews": _("动态监测"), "service_contract": _("购买服务合同"),
    "service_plan": _("服务应急响应预案"), "service_record": _("服务时长"), "setting": _("标准与参数"), "spotchecks": _("抽查"), "statistics": _("统计名单"),
    "sweep": _("集中排查"), "sweep_entry": _("集中排查"), "task_group": _("专项工作组"), "team": _("主动发现队伍"), "todos": _("待办"),
    "transfer_person": _("转移安置"), "vagrant": _("流浪乞讨人员救助"), "visit": _("入户走访"), "visit_conflict": _("走访记录冲突"),
    "visit_device": _("走访手机"), "visit_list": _("走访名单"), "volunteer": _("志愿者"), "what_if": _("政策测算"),
}  # fmt: skip
# what was looked at of it, or the form it left in; what is not here (a layout, a section of a minor's file) stands as it was recorded
FIELDS: dict[str, str | Promise] = {
    "account": _("银行账号"), "accounts": _("银行账号"), "assessment": _("测算说明"), "award": _("保障待遇"), "caller_phone": _("来电号码"), "card": _("明白卡"),
    "care": _("社区关爱"), "case": _("救助申请"), "certificate": _("低保证"), "complainant": _("反映人"), "contact": _("联系方式"), "contact_phone": _("联系电话"),
    "csv": "CSV", "decision": _("决定"), "detail": _("文字里的号码"), "holder": _("户名"), "id_number": _("身份证号"), "kin_phone": _("亲属电话"), "letter": _("告知书"),
    "letter:notice": _("告知书"), "meeting": _("一事一议"), "note": _("疏导记录"), "notice": _("告知书"), "number": _("身份证号"), "payee_change": _("账户变更"),
    "payments": _("发放记录"), "pdf": "PDF", "phone": _("联系电话"), "phones": _("联系电话"), "preview": _("预览名单"), "rejects": _("退回清单"),
    "report": _("核对报告"), "reporter": _("报告人"), "reserve_payout": _("备用金支出"), "review": _("定期核查"), "spot_check": _("抽查"),
    "visits": _("入户走访"), "xlsx": "Excel", "zip": "ZIP",
}  # fmt: skip


def subject_words(subject: str, number: int | None = None) -> str:
    """The kind of record in words, with its number where one was opened: `lead`, 37 as 救助线索 37."""
    return f"{SUBJECTS.get(subject, subject)} {number or ''}".strip()


def field_words(field: str) -> str:
    return str(FIELDS.get(field, field))
