"""The API (接口) as django-ninja runs it: every module of `doudi.api.routers` brings `router`, mounted under its own name."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as SchemaError
from ninja.renderers import JSONRenderer

from doudi.api import limits, routers
from doudi.api.errors import ApiError, answer, of_schema, of_status, of_validation


class PlainRenderer(JSONRenderer):
    """JSON with Chinese as it is written."""

    json_dumps_params = {"ensure_ascii": False}


api = NinjaAPI(
    title="兜底 · 社会救助接口 / Doudi API",
    version="1.3.0",
    description=(
        "供部门、呼叫中心和机构的系统调用。令牌由系统管理员开立，写在请求头 `Authorization: Bearer …`。\n\n"
        "For the systems of departments, call centres and institutions. The administrator issues tokens; send them as `Authorization: Bearer …`."
    ),
    docs_url=None,
    renderer=PlainRenderer(),
    urls_namespace="api:api-v1",
)


def _named(error: ApiError) -> HttpResponse:
    return answer(error, "")


@api.exception_handler(ApiError)
def _api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    return _named(error)


@api.exception_handler(SchemaError)
def _schema_error(request: HttpRequest, error: SchemaError) -> HttpResponse:
    return _named(of_schema(error.errors))


@api.exception_handler(ValidationError)
def _refused(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return _named(of_validation(error))


@api.exception_handler(PermissionDenied)
def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return _named(of_status(403))


@api.exception_handler(OperationalError)
def _too_slow(request: HttpRequest, error: OperationalError) -> HttpResponse:
    if not limits.cancelled(error):
        raise error
    return _named(limits.too_slow())


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _named(of_status(404))


@api.exception_handler(RawPostDataException)
def _not_json(request: HttpRequest, error: RawPostDataException) -> HttpResponse:
    """The body was taken as a file or a form, as its Content-Type says, by an operation that reads JSON."""
    return _named(of_status(415))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _named(of_status(error.status_code))


for _module in pkgutil.iter_modules(routers.__path__):
    api.add_router(f"/{_module.name}", import_module(f"{routers.__name__}.{_module.name}").router, tags=[_module.name])
