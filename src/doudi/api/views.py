"""Pages of API clients for the administrator, and the documentation of the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.api import services
from doudi.api.application import api
from doudi.api.forms import ClientForm, HousesForm, RenewForm, VersionForm
from doudi.api.models import ApiCall, ApiClient, ApiUsage
from doudi.api.rights import RIGHTS, short_names
from doudi.batch.datasets import CONTRACTS
from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage
from doudi.core.views.access import may
from doudi.institutions.models import InstitutionClerk
from doudi.institutions.services.systems import houses_of

CALLS_SHOWN = 50
# Parts of the API as the documentation heads them.
PARTS = {
    "calls": gettext_lazy("来电"), "contracts": gettext_lazy("数据共享目录"), "deliveries": gettext_lazy("数据报送"), "institutions": gettext_lazy("机构日报"),
    "leads": gettext_lazy("线索报送"), "payrolls": gettext_lazy("发放进度"), "registry": gettext_lazy("社会登记接口"), "statistics": gettext_lazy("保障统计"),
}  # fmt: skip


def _state(client: ApiClient) -> tuple[str, str]:
    if client.revoked_at:
        return _("已停用"), "gray"
    if timezone.localdate() >= client.expires:
        return _("已到期"), "red"
    return _("有效"), "green"


def reports(client: ApiClient) -> bool:
    """Whether a client reports for institutions, of which it sees those alone whose codes were entered."""
    return any(RIGHTS[name].houses for name in client.scopes if name in RIGHTS)


def _needs_houses(row: Any) -> str:
    return _("还不能上报：请填写机构代码") if reports(row) and not row.has_houses and not row.revoked_at else ""


class ClientFilter(django_filters.FilterSet):
    revoked_at = django_filters.BooleanFilter(
        label=gettext_lazy("状态"), lookup_expr="isnull", widget=django_filters.widgets.forms.Select(
            choices=[("", gettext_lazy("全部")), ("true", gettext_lazy("未停用")), ("false", gettext_lazy("已停用"))]
        ),
    )  # fmt: skip

    class Meta:
        model = ApiClient
        fields: list[str] = []


class Clients(ListPage):
    title = gettext_lazy("接口客户端")
    act = "api.manage"
    crumbs = ((gettext_lazy("系统管理"), ""),)
    filters = ClientFilter
    order = ("organisation", "id")
    template = "api/clients.html"
    subject = "api_client"
    empty_title = gettext_lazy("还没有接口客户端")
    empty_hint = gettext_lazy("部门、呼叫中心的系统要调用接口时，点击右上角“开立客户端”。")
    columns = (
        Column(gettext_lazy("单位"), "organisation", url=lambda row: reverse("api:client", args=[row.pk]), small=lambda row: row.contact),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("权限"), lambda row: "、".join(short_names(row.scopes)), small=lambda row: _needs_houses(row)),
        Column(gettext_lazy("到期日"), "expires", kind="day"),
        Column(gettext_lazy("最近调用"), "last_at", kind="day"),
        Column(gettext_lazy("状态"), lambda row: _state(row)[0], kind="tag", colour=lambda row: _state(row)[1]),
    )

    def rows(self) -> QuerySet[ApiClient]:
        used = ApiUsage.objects.filter(client_number=OuterRef("pk"))
        clerks = InstitutionClerk.objects.filter(account_id=OuterRef("account_id"), ended_at__isnull=True)
        return ApiClient.objects.annotate(last_at=Subquery(used.values("last_at")[:1]), has_houses=Exists(clerks))

    def context(self) -> dict[str, Any]:
        return {"refusals": services.refusals()}


def _areas() -> list[tuple[str, str]]:
    own = scopes.current().area
    return [(own, places.name(own)), *places.children(own)]


def _in_a_year() -> date:
    return timezone.localdate() + timedelta(days=365)


@never_cache
@require_http_methods(["GET", "POST"])
@may("api.manage")
def new(request: HttpRequest) -> HttpResponse:
    """Open a client; its token is shown once."""
    form = ClientForm(request.POST or None, initial={"expires": _in_a_year(), "per_minute": 120})
    if request.method == "POST" and form.is_valid():
        try:
            client, token = services.create_client(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            return render(request, "api/token_once.html", {"client": client, "token": token})
    return render(request, "api/client_new.html", {"form": form, "areas": _areas()}, status=422 if form.errors else 200)


def _client(client_id: int) -> ApiClient:
    found = ApiClient.objects.select_related("made_by", "revoked_by").filter(pk=client_id).first()
    if found is None:
        raise Http404
    return found


def _show(request: HttpRequest, client: ApiClient, form: RenewForm | None = None, status: int = 200, chosen: HousesForm | None = None) -> HttpResponse:
    label, colour = _state(client)
    there = houses_of(client.account_id)
    context: dict[str, Any] = {
        "client": client,
        "state": label,
        "colour": colour,
        "usage": ApiUsage.objects.filter(client_number=client.pk).first(),
        "calls": ApiCall.objects.filter(client_number=client.pk).order_by("-at")[:CALLS_SHOWN],
        "rights": [RIGHTS[name] for name in client.scopes if name in RIGHTS],
        "datasets": [_(CONTRACTS[code].name_zh) for code in client.datasets if code in CONTRACTS],
        "refusals": services.refusals(client_number=client.pk),
        "houses": there,
        "reports": reports(client),
        "chosen": chosen or HousesForm(initial={"houses": "\n".join(house.code for house in there), "version": client.version}),
        "form": form or RenewForm(initial={"expires": _in_a_year(), "version": client.version}),
    }
    return render(request, "api/client.html", context, status=status)


@require_GET
@may("api.manage")
def show(request: HttpRequest, client_id: int) -> HttpResponse:
    """One client with its last calls."""
    return _show(request, _client(client_id))


@never_cache
@require_POST
@may("api.manage")
def renew(request: HttpRequest, client_id: int) -> HttpResponse:
    """A new token, shown once."""
    client, form = _client(client_id), RenewForm(request.POST)
    if form.is_valid():
        try:
            client, token = services.renew_token(client_id=client_id, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return render(request, "api/token_once.html", {"client": client, "token": token})
    return _show(request, client, form, 422)


@require_POST
@may("api.manage")
def houses(request: HttpRequest, client_id: int) -> HttpResponse:
    """Which institutions a client reports for."""
    client, form = _client(client_id), HousesForm(request.POST)
    if form.is_valid():
        try:
            services.change_houses(client_id=client_id, **form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已变更可上报的机构。"))
            return redirect("api:client", client_id)
    return _show(request, client, status=422, chosen=form)


@require_POST
@may("api.manage")
def revoke(request: HttpRequest, client_id: int) -> HttpResponse:
    """End a client."""
    client, form = _client(client_id), VersionForm(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError(_("页面内容不完整；请刷新后重试。"))
        services.revoke_client(client_id=client.pk, version=form.cleaned_data["version"], now=timezone.now())
        messages.success(request, _("客户端已停用，令牌立即失效。"))
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("api:client", client_id)


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """The API's documentation, from its OpenAPI description; our own page, because the library's loads scripts from elsewhere."""
    schema = api.get_openapi_schema()
    groups: dict[str, list[dict[str, Any]]] = {}
    for address, operations in schema["paths"].items():
        for method, operation in operations.items():
            tag = operation["tags"][0]
            groups.setdefault(f"{PARTS[tag]}（{tag}）" if tag in PARTS else tag, []).append(
                {
                    "method": method.upper(),
                    "address": address,
                    "summary": operation.get("summary", ""),
                    "description": operation.get("description", ""),
                    "scope": operation.get("x-scope", ""),
                    "parameters": [
                        each | {"said": each.get("description") or each["schema"].get("description", "")} for each in operation.get("parameters", [])
                    ],
                    "contents": list(operation.get("requestBody", {}).get("content", {})),
                    "fields": _fields(operation, schema["components"]["schemas"]),
                    "answers": _answers(operation, schema["components"]["schemas"]),
                }
            )
    context = {
        "shell": "doudi/base.html" if getattr(request, "posting", None) else "doudi/gate.html",
        "info": schema["info"],
        "groups": groups,
        "rights": RIGHTS.values(),
        "base": request.build_absolute_uri("/api/v1"),
    }
    return render(request, "api/docs.html", context)


def _fields(operation: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """Fields of an operation's JSON body, those of its parts with a dot: name, whether it must be there, what is said of it."""
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    return _fields_of(content.get("application/json", {}).get("schema", {}), schemas, "", 0)


def _fields_of(shape: dict[str, Any], schemas: dict[str, Any], before: str, depth: int) -> list[dict[str, Any]]:
    found = schemas.get(shape.get("$ref", "").rsplit("/", 1)[-1], shape)
    rows: list[dict[str, Any]] = []
    for name, each in found.get("properties", {}).items():
        inner: dict[str, Any] = next((part for part in (each, *each.get("allOf", []), *each.get("anyOf", [])) if "$ref" in part or "properties" in part), {})
        inner = inner or each.get("items", {})
        rows.append({"name": before + name, "required": name in found.get("required", []), "said": each.get("description", "")})
        if depth < 1:
            rows += _fields_of(inner, schemas, f"{before}{name}{'[]' if each.get('type') == 'array' else ''}.", depth + 1)
    return rows


def _answers(operation: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """Answers of an operation with the fields of their JSON; the common form of errors is told once."""
    found = []
    for status, answer in operation["responses"].items():
        if str(status)[0] == "4":
            continue
        contents: dict[str, dict[str, Any]] = answer.get("content", {})
        shape: dict[str, Any] = next((each.get("schema", {}) for each in contents.values()), {})
        several = shape.get("type") == "array"
        name = (shape.get("items", {}) if several else shape).get("$ref", "").rsplit("/", 1)[-1]
        fields = list(schemas.get(name, {}).get("properties", {}))
        found.append({"status": status, "fields": fields, "several": several, "contents": list(contents)})
    return found
