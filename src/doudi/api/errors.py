"""Errors of the API: one form, in the language that the caller asks for (Chinese otherwise) and in English beside it, naming field and reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpResponse, JsonResponse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from ninja import Schema

Text = str | Promise
# What any operation may answer other than success: `response={200: ..., REFUSALS: ErrorOut}`.
REFUSALS = frozenset({400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503})
ONLY_CHINESE = "Refused; the Chinese message says why."


class FieldFault(Schema):
    field: str
    reason: str
    reason_en: str


class ErrorBody(Schema):
    code: str
    message: str
    message_en: str
    fields: list[FieldFault]
    request_id: str


class ErrorOut(Schema):
    """Every answer of 400 and above. `code` does not change; the messages may."""

    error: ErrorBody


class StandardError(Schema):
    code: str
    message: str


class StandardErrorOut(ErrorOut):
    """With the SPDCI standard's own words beside ours (`in_the_standards_words`)."""

    errors: list[StandardError]


def in_both(message: Text, params: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """A text in Chinese and English. One that was put into the caller's language already is in that alone: of a Chinese one there is no English."""
    found = []
    for language in ("zh-hans", "en"):
        with translation.override(language):
            found.append(str(message) % params if params else str(message))
    chinese, english = found
    return chinese, ONLY_CHINESE if chinese == english and not chinese.isascii() and not _in_english() else english


def _in_english() -> bool:
    return translation.get_language() == "en"


class ApiError(Exception):
    """An answer other than success. `message` is lazy; `fields`: (field, lazy reason)."""

    def __init__(
        self,
        status: int,
        code: str,
        message: Text,
        params: Mapping[str, Any] | None = None,
        *,
        fields: Iterable[tuple[str, Text]] = (),
        retry_after: int = 0,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.retry_after = status, code, retry_after
        self.message = in_both(message, params)
        self.fields = [(field, *in_both(reason)) for field, reason in fields]


def answer(error: ApiError, request_id: str) -> JsonResponse:
    shown = int(_in_english())  # of (Chinese, English)
    body = {
        "code": error.code,
        "message": error.message[shown],
        "message_en": error.message[1],
        "fields": [{"field": field, "reason": reason[shown], "reason_en": reason[1]} for field, *reason in error.fields],
        "request_id": request_id,
    }
    content: dict[str, Any] = {"error": body}
    response = JsonResponse(content, status=error.status, json_dumps_params={"ensure_ascii": False})
    response.error_code = error.code  # type: ignore[attr-defined]
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    return response


# The SPDCI standard's words for what is refused before its own rules are asked.
STANDARD = {
    401: "err.request.unauthorized", 403: "err.request.forbidden", 404: "err.request.not_found", 429: "err.request.too_many_requests",
    500: "err.service.unavailable", 503: "err.service.unavailable",
}  # fmt: skip


def in_the_standards_words(response: HttpResponse) -> None:
    """Add to an error answer its `errors`, as partners of the social registry interface expect it beside ours."""
    content = json.loads(response.content)
    own = content["error"]
    code = own["code"] if own["code"].startswith("err.") else STANDARD.get(response.status_code, "err.request.bad")
    content["errors"] = [{"code": code, "message": own["message"]}]
    rewrite(response, content)


def rewrite(response: HttpResponse, content: Mapping[str, Any]) -> None:
    """Another body for an answer that the framework has finished: the length that it was given would cut the new one off."""
    response.content = json.dumps(content, ensure_ascii=False).encode()
    response["Content-Length"] = str(len(response.content))


# What a status means where the framework itself answered.
BY_STATUS: dict[int, tuple[str, Text]] = {
    400: ("bad_request", _("请求无法读取；请对照接口文档核对格式。")),
    403: ("forbidden", _("令牌没有办理这项业务的权限；请联系系统管理员。")),
    404: ("not_found", _("没有这一地址或这一记录，或它不在令牌的范围内。")),
    405: ("method_not_allowed", _("这一地址不支持这种请求方法；请查看接口文档。")),
    413: ("too_large", _("内容太大；请拆分后分别提交。")),
    415: ("not_json", _("这一地址只接收 JSON；请在请求头中写明 Content-Type: application/json。")),
    500: ("internal", _("系统出错，本次请求没有生效；请稍后重试，仍然失败的请把 request_id 告知系统管理员。")),
}


def of_status(status: int) -> ApiError:
    code, message = BY_STATUS.get(status, BY_STATUS[500 if status >= 500 else 400])
    return ApiError(status, code, message)


def of_validation(error: ValidationError) -> ApiError:
    """A service's refusal: 422, with its fields where it names them."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    texts = [(field, fault.message, fault.params) for field, faults in by_field.items() for fault in faults]
    made = ApiError(422, getattr(error, "code", None) or "refused", "")
    made.fields = [(field, *in_both(message, params)) for field, message, params in texts if field != NON_FIELD_ERRORS]
    pairs = [in_both(message, params) for _field, message, params in texts]
    made.message = "；".join(pair[0] for pair in pairs), " ".join(dict.fromkeys(pair[1] for pair in pairs))
    return made


REASONS: dict[str, Text] = {
    "missing": _("缺少这一项"),
    "string_pattern_mismatch": _("格式不正确"),
    "string_too_long": _("太长"),
    "string_too_short": _("太短"),
    "extra_forbidden": _("没有这一项；请对照接口文档核对名称"),
    "int_parsing": _("应为整数"),
    "json_invalid": _("不是有效的 JSON"),
}


def of_schema(errors: Iterable[Mapping[str, Any]]) -> ApiError:
    """Faults that the schema of an operation found. The values given do not come back in the answer."""
    fields = []
    for fault in errors:
        parts = (
            fault["loc"][2:] if fault["loc"][0] == "body" and len(fault["loc"]) > 2 else fault["loc"]
        )  # without the operation's own name of its body
        place = [str(part) for part in parts if part not in ("body", "query", "path", "header", "form", "file")]
        reason: Text = REASONS.get(fault["type"], _("不符合接口文档的要求"))
        if fault["type"] == "literal_error":
            reason = format_lazy("{}{}", _("只能填："), fault["ctx"]["expected"].replace("'", "").replace(" or ", ", "))
        fields.append((".".join(place[-3:]) or str(fault["loc"][-1]), reason))
    return ApiError(422, "invalid", _("有 %(count)s 项不符合要求；请按 fields 逐项更正后重新提交。"), {"count": len(fields)}, fields=fields)
