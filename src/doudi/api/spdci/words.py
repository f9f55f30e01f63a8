"""The standard's codes of refusal in words, for people who read them: in Chinese, or in English where the caller asks for it (`Accept-Language`)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.api.errors import ApiError, Text

# At the door: nothing of the message is looked at.
REFUSALS: dict[str, Text] = {
    "err.sender_id.invalid": _("sender_id 不是本令牌登记的标识；请联系系统管理员。"),
    "err.signature.missing": _("缺少 signature。"),
    "err.signature.invalid": _("签名不正确、已过期或时钟相差过多；请核对密钥、签名内容和时间。"),
    "err.request.bad": _("请求无法读取；请对照接口文档核对格式。"),
    "err.request.forbidden": _("这一客户端没有登记为社会登记接口的使用单位；请联系系统管理员。"),
    "err.receiver_id.invalid": _("receiver_id 不是本系统。"),
    "err.encryption.invalid": _("不接收加密的 message；传输由 TLS 加密。"),
    "err.version.not_supported": _("不支持这一版本；本系统的版本为 1.0.0。"),
    "err.sender_uri.invalid": _("没有登记回调地址，不能使用异步接口；请联系系统管理员，或使用 sync 接口。"),
}
# Of a message, or of one request in it.
REJECTIONS: dict[str, Text] = {
    "rjct.message_id.duplicate": _("这一 message_id 已经受理过；新的消息请换一个。"),
    "rjct.message_ts.invalid": _("message_ts 缺少时区，或与本系统时钟相差超过 5 分钟。"),
    "rjct.action.invalid": _("header 中的 action 与所调用的地址不符。"),
    "rjct.reference_id.invalid": _("reference_id 缺失或格式不正确。"),
    "rjct.reference_id.duplicate": _("reference_id 在这一消息中重复。"),
    "rjct.timestamp.invalid": _("timestamp 缺失、格式不正确或没有时区。"),
    "rjct.search_criteria.invalid": _("查询条件不符合要求"),
    "rjct.filter.invalid": _("筛选条件不符合要求"),
    "rjct.pagination.invalid": _("分页不符合要求"),
    "rjct.sort.invalid": _("排序不符合要求"),
    "rjct.notify_details.invalid": _("订阅条件不符合要求"),
    "rjct.notify_types.invalid": _("订阅的变化或记录种类不符合要求"),
    "rjct.person_id.invalid": _("身份证号不符合要求"),
    "rjct.event.already_unsubscribed": _("这些订阅已经取消。"),
    "rjct.subscription_code.invalid": _("没有这些订阅。"),
}
PURPOSE = _("consent.purpose.code 不是本单位登记的用途，或它已停用")


def refusal(code: str, status: int = 400) -> ApiError:
    return ApiError(status, code, REFUSALS[code])


def message(code: str, detail: Text = "") -> str:
    """A code in words; `detail` points at the part of the message that it is about."""
    reason = str(REJECTIONS[code])
    return gettext("%(reason)s：%(detail)s") % {"reason": reason, "detail": detail} if detail else reason


def rejection(code: str, detail: Text = "") -> dict[str, Any]:
    """What the standard writes where something is refused."""
    return {"status": "rjct", "status_reason_code": code, "status_reason_message": message(code, detail)}
