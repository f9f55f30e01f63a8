"""Scopes of API clients (接口权限): the word in a token's list, and the acts of `core.duties` that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja.security import HttpBearer

from doudi.api.errors import ApiError
from doudi.core.duties import API_CLIENT
from doudi.core.scope import Scope


@dataclass(frozen=True)
class Right:
    """`datasets`, `houses`: the client must also say which datasets or which institutions it is for."""

    name: str
    label: str | Promise
    acts: frozenset[str]
    datasets: bool = False
    houses: bool = False


_ALL = [
    Right("deliveries:write", _("报送部门数据、查看核验结果和退回清单"), frozenset({"discovery.deliver"}), datasets=True),
    Right("calls:write", _("报告呼叫中心的来电、查看来电的办理状态"), frozenset({"hotline.events"})),
    Right("leads:report", _("报告救助线索、查询本单位所报线索的办理进度"), frozenset({"discovery.report"})),
    Right("institutions:report", _("上报养老、福利机构和救助管理站的日报、查询已报的日报"), frozenset({"institutions.report"}), houses=True),
    Right("payrolls:read", _("查询发放批次的进度和金额（不含人员）"), frozenset({"payments.view"})),
    Right("registry:search", _("社会登记接口（SPDCI）：按登记的用途查询和订阅"), frozenset({"spdci.answer"})),
    Right("statistics:read", _("查询保障统计（少于 5 人的组不给数字）"), frozenset({"reports.view"})),
]
RIGHTS: dict[str, Right] = {right.name: right for right in _ALL}


@dataclass(frozen=True)
class Caller:
    """The client behind a call."""

    client_id: int
    area: str
    account_id: int
    organisation: str
    scopes: frozenset[str]
    datasets: frozenset[str]
    per_minute: int

    def acting(self, page: str) -> Scope:
        """Its scope: area range, account, and the acts of its rights; a duty that no table of duties knows."""
        acts = frozenset[str]().union(*(RIGHTS[name].acts for name in self.scopes if name in RIGHTS))
        return Scope(area=self.area, account_id=self.account_id, duty=API_CLIENT, page=page[:200], acts=acts)


class Bearer(HttpBearer):
    """The token was checked by the middleware; here the operation's own right."""

    def __init__(self, right: str) -> None:
        super().__init__()
        self.right = right

    def __call__(self, request: HttpRequest) -> Any:
        caller: Caller = request.caller  # type: ignore[attr-defined]
        if self.right and self.right not in caller.scopes:
            raise ApiError(403, "missing_scope", _("令牌没有权限“%(right)s”；请联系系统管理员。"), {"right": self.right})
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Any:  # pragma: no cover - __call__ does not come here
        raise NotImplementedError


def needs(right: str = "", **extra: Any) -> dict[str, Any]:
    """Arguments of an operation: `@router.post("", **needs("deliveries:write"))`; `extra` goes into its OpenAPI."""
    if right and right not in RIGHTS:
        raise KeyError(right)
    return {"auth": Bearer(right), "openapi_extra": {"x-scope": right, **extra}}
