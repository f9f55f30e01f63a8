"""Scopes of API clients (接口权限): the word in a token's list, and the acts of `core.duties` that it stands for."""

from __future__ import annotations

from collections.abc import Iterable
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
    """`short`: as lists name it. `datasets`, `houses`: the client must also say which datasets or which institutions it is for."""

    name: str
    short: str | Promise
    label: str | Promise
    acts: frozenset[str]
    datasets: bool = False
    houses: bool = False


_ALL = [
    Right("deliveries:write", _("数据报送"), _("报送部门数据、查看核验结果和退回清单"), frozenset({"discovery.deliver"}), datasets=True),
    Right("calls:write", _("来电"), _("报告呼叫中心的来电、查看来电的办理状态"), frozenset({"hotline.events"})),
    Right("leads:report", _("线索报送"), _("报告救助线索、查询本单位所报线索的办理进度"), frozenset({"discovery.report"})),
    Right("institutions:report", _("机构日报"), _("上报养老、福利机构和救助管理站的日报、查询已报的日报"), frozenset({"institutions.report"}), houses=True),
    Right("payrolls:read", _("发放进度"), _("查询发放批次的进度和金额（不含人员）"), frozenset({"payments.view"})),
    Right("registry:search", _("社会登记查询"), _("社会登记接口（SPDCI）：按登记的用途查询和订阅"), frozenset({"spdci.answer"})),
    Right("statistics:read", _("保障统计"), _("查询保障统计（限已公布的月份，取整到十人、万元，少于 10 人的组不给数字）"), frozenset({"reports.view"})),
    Right("statistics:full", _("保障统计（准确数字）"), _("查询保障统计（含当月和准确数字，限民政、财政等统计责任单位）"), frozenset({"reports.view"})),
]
RIGHTS: dict[str, Right] = {right.name: right for right in _ALL}


def short_names(scopes: Iterable[str]) -> list[str]:
    """What a token may do, in words; a right that is no more by its own name."""
    return [str(RIGHTS[name].short) if name in RIGHTS else name for name in scopes]


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
    """The token was checked by the middleware; here the operation's own right, or one of several."""

    def __init__(self, *rights: str) -> None:
        super().__init__()
        self.rights = rights

    def __call__(self, request: HttpRequest) -> Any:
        caller: Caller = request.caller  # type: ignore[attr-defined]
        if self.rights and not caller.scopes & set(self.rights):
            raise ApiError(403, "missing_scope", _("令牌没有权限“%(right)s”；请联系系统管理员。"), {"right": self.rights[0]})
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Any:  # pragma: no cover - __call__ does not come here
        raise NotImplementedError


def needs(*rights: str, **extra: Any) -> dict[str, Any]:
    """Arguments of an operation: `@router.post("", **needs("deliveries:write"))`, or one right of several; `extra` goes into its OpenAPI."""
    if unknown := set(rights) - RIGHTS.keys():
        raise KeyError(*unknown)
    return {"auth": Bearer(*rights), "openapi_extra": {"x-scope": " / ".join(rights), **extra}}
