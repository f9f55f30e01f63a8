"""Guards of pages that are open to everybody (公开页面): a field that people do not see, a small sum, a limit per network.

A form derives from `PublicForm`; the view asks `allowed` before it works, and answers alike whatever it found:

    class ReportForm(PublicForm):
        what = forms.CharField(...)

    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and allowed(request, page="report", most=10, now=now): ...

No session, no script, no cookie beyond the form's own protection. The form's `uuid` is sealed into its sum: one sum, one sending.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from doudi.core import scope as scopes
from doudi.core import side
from doudi.core.network import network_of

SALT = "doudi.core.public"
LASTS = timedelta(hours=4)
# All networks together may send this many times as much to one page in an hour: a flood from everywhere does not fill the queue.
TOGETHER = 40


def allowed(request: HttpRequest, *, page: str, most: int, now: datetime) -> bool:
    """Count one sending to a page, committed at once; whether its network, and all together, are within the limit of this hour."""
    with side.committed(scopes.NOTHING) as cursor:
        cursor.execute("select * from doudi.public_use(%s, %s, %s)", [page, network_of(request), now])
        mine, everybodys = cursor.fetchone()
    return bool(mine <= most and everybodys <= most * TOGETHER)


def _digest(uuid: str, answer: str) -> str:
    return salted_hmac(SALT, f"{uuid}:{answer}", algorithm="sha256").hexdigest()


def challenge(uuid: UUID) -> tuple[str, str]:
    """(question, sealed answer) of a small sum for the form of this uuid."""
    first, second = secrets.randbelow(8) + 2, secrets.randbelow(8) + 1
    return f"{first} + {second} = ?", signing.dumps([str(uuid), _digest(str(uuid), str(first + second))], salt=SALT)


def solved(sealed: str, answer: str) -> UUID:
    """The uuid that was sealed with the question. Raises ValidationError where the answer is wrong or the page too old."""
    try:
        uuid, digest = signing.loads(sealed, salt=SALT, max_age=LASTS)
        found = UUID(uuid)
    except (signing.BadSignature, ValueError, TypeError):
        raise ValidationError(gettext("页面已过期；请核对内容，回答新的算题后再提交。")) from None
    plain = answer.strip().translate(str.maketrans("０１２３４５６７８９", "0123456789"))
    if not constant_time_compare(digest, _digest(str(found), plain)):
        raise ValidationError(gettext("算题的答案不对；请回答新的算题后再提交。"))
    return found


class PublicForm(forms.Form):
    """A form for everybody. After a refusal `fresh()` gives the page a new sum with the same content."""

    website = forms.CharField(label=_("请不要填写这一项"), required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}))
    sealed = forms.CharField(widget=forms.HiddenInput, max_length=400)
    answer = forms.CharField(label=_("算题"), max_length=10, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.uuid: UUID | None = None
        if not self.is_bound:
            self._ask()

    def _ask(self) -> None:
        question, sealed = challenge(uuid4())
        # both: once the form was checked, its bound field keeps the label that it had then
        self.fields["answer"].label = self["answer"].label = gettext("请算一下：%(question)s") % {"question": question}
        if self.is_bound:
            data: Any = self.data.copy()  # type: ignore[attr-defined]
            data["sealed"], data["answer"] = sealed, ""
            self.data = data
        else:
            self.initial["sealed"] = sealed

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        try:
            self.uuid = solved(given.get("sealed", ""), given.get("answer", ""))
        except ValidationError as error:
            self.add_error("answer", error)
        return given

    @property
    def trapped(self) -> bool:
        """Whether the field was filled that people do not see: answered like any other, and not kept."""
        return bool(self.data.get("website"))

    def fresh(self) -> PublicForm:
        """The form for the next try: content and errors stay, the sum is new."""
        self.errors  # noqa: B018  (checked before the data change)
        self._ask()
        return self
