"""Addresses found by their first word are those that Django finds by trying all."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, include, path, re_path
from django.urls.resolvers import RegexPattern

from doudi.core import rooms

SAMPLES = {"int": "7", "slug": "a-b", "uuid": str(UUID(int=5)), "str": "x"}


def _addresses(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _addresses(each.url_patterns, route)
        else:
            yield route


def _given(route: str) -> str:
    while "<" in route:
        before, _, rest = route.partition("<")
        inside, _, after = rest.partition(">")
        route = before + SAMPLES.get(inside.partition(":")[0], "x") + after
    return route


def test_every_address_of_every_room_leads_where_it_would_without_the_index() -> None:
    ours = [each for each in get_resolver().url_patterns if isinstance(each, rooms.Room)]
    assert len(ours) > 10
    tried = 0
    for each in ours:
        plain = URLResolver(each.pattern, each.urlconf_name, each.default_kwargs, each.app_name, each.namespace)
        for route in _addresses(each.url_patterns):
            for address in (_given(route), _given(route) + "more/", _given(route).rstrip("/")):
                try:
                    expected = plain.resolve(address)
                except Resolver404:
                    with pytest.raises(Resolver404):
                        each.resolve(address)
                    continue
                found, tried = each.resolve(address), tried + 1
                assert (found.func, found.args, found.kwargs, found.view_name, found.route) == (
                    expected.func, expected.args, expected.kwargs, expected.view_name, expected.route
                )  # fmt: skip
    assert tried > 300


def test_what_has_no_fixed_word_is_tried_for_every_address_in_its_order() -> None:
    def view(_request: HttpRequest, **_given: Any) -> HttpResponse:
        return HttpResponse()

    inner: list[URLPattern | URLResolver] = [path("wide", view, name="inner")]
    patterns = [
        path("<slug:any>/", view, name="any"),
        path("fixed/", view, name="behind"),
        path("half<int:n>/", view, name="half"),
        re_path("^ex[0-9]$", view, name="expression"),
        path("open", include(inner)),
        path("", view, name="empty"),
    ]
    made: Any = path("", include(patterns))
    room = rooms.Room(made.pattern, patterns)
    assert isinstance(patterns[3].pattern, RegexPattern)
    for address, name in {"fixed/": "any", "half3/": "any", "ex4": "expression", "openwide": "inner", "": "empty"}.items():
        assert room.resolve(address).view_name == name
    with pytest.raises(Resolver404):
        room.resolve("fixed/more")
