"""Addresses of a room, found by their first word.

Every room's pages stand at the root, so Django would try each room's addresses one after the other: several hundred expressions for a page of the
last room, and for an address that does not exist. Here only those are tried that begin with the word that was asked for. Matching itself stays
Django's; names are reversed as always.
"""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, include, path
from django.urls.exceptions import Resolver404
from django.utils.functional import cached_property

Pattern = URLPattern | URLResolver


def _word(pattern: Pattern) -> str | None:
    """What an address begins with, up to the first stroke; None where that is not fixed."""
    word, stroke, _rest = str(pattern.pattern).partition("/")
    plain = hasattr(pattern.pattern, "_route") and "<" not in word  # no expression, no language's prefix
    return word if plain and (stroke or isinstance(pattern, URLPattern)) else None


class Room(URLResolver):
    """A room's addresses at the root."""

    @cached_property
    def _parts(self) -> dict[str | None, URLResolver]:
        """First word -> a resolver of the patterns that may fit it, in their order; None: of those that may fit any other."""
        words = [_word(pattern) for pattern in self.url_patterns]
        return {
            part: URLResolver(
                self.pattern,
                [pattern for pattern, word in zip(self.url_patterns, words, strict=True) if word in (part, None)],
                self.default_kwargs,
                self.app_name,
                self.namespace,
            )
            for part in {*words, None}
        }

    def resolve(self, path: str) -> Any:
        part = self._parts.get(str(path).partition("/")[0], self._parts[None])
        if not part.url_patterns:
            raise Resolver404({"path": path, "tried": []})
        return part.resolve(path)


def room(urls: str) -> Room:
    """`path("", include(urls))`, quicker."""
    plain: Any = path("", include(urls))
    return Room(plain.pattern, plain.urlconf_name, plain.default_kwargs, plain.app_name, plain.namespace)
