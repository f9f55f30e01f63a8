"""Forms: register, correct, record. Each view reads a form and calls one service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from doudi.core.forms import errors_into
from doudi.core.services import attachments
from doudi.core.views.access import may
from doudi.registry import facts as kinds
from doudi.registry import services
from doudi.registry.forms import (
    AccountForm,
    CorrectionForm,
    DeathForm,
    FactForm,
    HouseholdChangeForm,
    HouseholdForm,
    JoinForm,
    LeaveForm,
    MemberForm,
    PersonForm,
    kind_choices,
)
from doudi.registry.models import Fact, FactKind, Household, Membership, Person

either = require_http_methods(["GET", "POST"])
PERSON_FIELDS = ("name", "id_number", "birth_date", "sex", "ethnicity", "phone", "bank", "account", "confirmed")
MOST_MEMBERS = 20


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: an empty POST is a POST."""
    return request.POST if request.method == "POST" else None


def ask_only_of(form: forms.Form, duplicates: list[Person], error: ValidationError | None) -> None:
    """The box 已核对，不是同一人 is shown only where somebody alike was found and may be somebody else."""
    asked = bool(duplicates) and not getattr(error, "same_number", True)
    if "confirmed" in form.fields and not asked:
        form.fields["confirmed"].widget = forms.HiddenInput()


def handle(
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    back: str,
    do: Callable[[dict[str, Any], date, datetime], str],
    button: str = "",
    crumbs: list[tuple[str, str]] | None = None,
    hint: str = "",
    confirm: str = "",
) -> HttpResponse:
    """One form and one service: `do(cleaned data, today, now)` returns the message to show on the page `back`."""
    duplicates: list[Person] = []
    refused: ValidationError | None = None
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            said = do(form.cleaned_data, timezone.localdate(), timezone.now())
        except ValidationError as error:
            refused = error
            errors_into(form, error)
            duplicates = getattr(error, "people", [])
            status = 409 if isinstance(error, services.Stale) else 422
        else:
            messages.success(request, said)
            return redirect(back)
    elif request.method == "POST":
        status = 422
    ask_only_of(form, duplicates, refused)
    context = {
        "form": form, "title": title, "back": back, "button": button or _("保存"), "duplicates": duplicates, "crumbs": crumbs or [], "hint": hint,
        "confirm": confirm,
    }  # fmt: skip
    return render(request, "registry/form.html", context, status=status)


def _household(pk: int) -> Household:
    found = Household.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _person(pk: int) -> Person:
    found = Person.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _version(request: HttpRequest, current: int) -> int:
    """Version of the row that the page showed when the form was opened."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else current


class _Versioned:
    """Adds the hidden version to a form instance."""

    def __init__(self, form: forms.Form, version: int) -> None:
        form.fields["version"] = forms.IntegerField(widget=forms.HiddenInput(), initial=version)


@either
@may("registry.edit")
def household_new(request: HttpRequest) -> HttpResponse:
    """A new household: place, head, members; a member more by the button, all or nothing on saving."""
    given = posted(request)
    text = request.POST.get("members", "0")
    count = min(int(text), MOST_MEMBERS) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    growing = "add" in request.POST
    form, head = HouseholdForm(given), PersonForm(given, prefix="head")
    members: list[PersonForm] = [MemberForm(given, prefix=f"m{number}") for number in range(1, count + 1)]
    duplicates: list[Person] = []
    asked: tuple[int, ValidationError] | None = None
    status = 200
    all_forms = [form, head, *members]
    if given is not None and not growing:
        status = 422
        if all([each.is_valid() for each in all_forms]):  # noqa: C419  (every form shows its errors)
            try:
                found = services.register_household(
                    area=form.cleaned_data["area"], residence=form.cleaned_data["residence"], address=form.cleaned_data["address"],
                    head={name: head.cleaned_data[name] for name in PERSON_FIELDS},
                    members=[{name: each.cleaned_data[name] for name in (*PERSON_FIELDS, "relationship")} for each in members],
                    on=timezone.localdate(), now=timezone.now(),
                )  # fmt: skip
            except ValidationError as error:
                position = getattr(error, "member", None)
                errors_into(form if position is None else all_forms[position + 1], error)
                asked = None if position is None else (position + 1, error)
                duplicates = getattr(error, "people", [])
            else:
                messages.success(request, _("已登记 %(name)s 家庭，共 %(n)d 人。") % {"name": found.name, "n": len(members) + 1})
                return redirect("registry:household", found.pk)
    elif growing:
        # keeps what was typed without judging it yet
        for each in all_forms:
            each.errors.clear()
        if count < MOST_MEMBERS:
            members.append(MemberForm(prefix=f"m{count + 1}"))
    for number, each in enumerate([form, head, *members]):
        mine = asked is not None and asked[0] == number
        ask_only_of(each, duplicates if mine else [], asked[1] if asked and mine else None)
    context = {"form": form, "head": head, "members": members, "count": len(members), "duplicates": duplicates}
    return render(request, "registry/household_new.html", context, status=status)


@either
@may("registry.edit")
def household_change(request: HttpRequest, pk: int) -> HttpResponse:
    found = _household(pk)
    form = HouseholdChangeForm(posted(request), initial={"residence": found.residence, "address": found.address or ""})
    _Versioned(form, found.version)

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        services.change_household(household_id=pk, version=data["version"], residence=data["residence"], address=data["address"], on=on, now=now)
        return _("已保存。")

    return handle(request, form, title=_("变更家庭信息"), back=reverse("registry:household", args=[pk]), do=do)


@either
@may("registry.edit")
def member_add(request: HttpRequest, pk: int) -> HttpResponse:
    _household(pk)
    form = JoinForm(posted(request), initial={"starts": timezone.localdate()})

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        known = {"person_id": int(request.POST["person_id"])} if request.POST.get("person_id", "").isdecimal() else None
        member = services.add_member(
            household_id=pk, relationship=data["relationship"], starts=data["starts"], on=on, now=now,
            person=known or {name: data[name] for name in PERSON_FIELDS},
        )  # fmt: skip
        return _("%(name)s 已加入家庭。") % {"name": member.person.name}

    return handle(request, form, title=_("增加家庭成员"), back=reverse("registry:household", args=[pk]), do=do)


@either
@may("registry.edit")
def member_end(request: HttpRequest, pk: int) -> HttpResponse:
    membership = Membership.objects.select_related("person").filter(pk=pk, ends__isnull=True).first()
    if membership is None:
        raise Http404
    form = LeaveForm(posted(request), initial={"ends": timezone.localdate()})

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        services.end_membership(membership_id=pk, ends=data["ends"], on=on, now=now)
        return _("%(name)s 已离开家庭。") % {"name": membership.person.name}

    title = _("%(name)s 离开家庭") % {"name": membership.person.name}
    return handle(request, form, title=title, back=reverse("registry:household", args=[membership.household_id]), do=do)


@either
@may("registry.edit")
def head_change(request: HttpRequest, pk: int) -> HttpResponse:
    found = _household(pk)
    members = list(Membership.objects.select_related("person").filter(household=found, ends__isnull=True).order_by("id"))
    candidates = [each for each in members if each.relationship != "02"]
    if not candidates:
        messages.error(request, _("家庭没有其他成员，不能变更户主。"))
        return redirect("registry:household", pk)
    form = forms.Form(posted(request))
    form.fields["person_id"] = forms.TypedChoiceField(
        label=_("新户主"), coerce=int, choices=[(each.person_id, each.person.name) for each in candidates]
    )
    for each in members:
        form.fields[f"r{each.person_id}"] = forms.ChoiceField(
            label=_("%(name)s 与新户主的关系") % {"name": each.person.name}, required=False, choices=[("", _("新户主本人")), *_relationships()]
        )
    _Versioned(form, found.version)

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        relationships = {each.person_id: data[f"r{each.person_id}"] for each in members if data[f"r{each.person_id}"]}
        changed = services.change_head(
            household_id=pk, version=data["version"], person_id=data["person_id"], relationships=relationships, on=on, now=now
        )
        return _("户主已变更为 %(name)s。") % {"name": changed.name}

    return handle(request, form, title=_("变更户主"), back=reverse("registry:household", args=[pk]), do=do)


def _relationships() -> list[tuple[str, str]]:
    from doudi.registry.forms import RELATIONSHIP_CHOICES

    return list(RELATIONSHIP_CHOICES)


@either
@may("registry.edit")
def person_correct(request: HttpRequest, pk: int) -> HttpResponse:
    found = _person(pk)
    initial = {"name": found.name, "birth_date": found.birth_date, "sex": found.sex, "ethnicity": found.ethnicity}
    form = CorrectionForm(posted(request), initial=initial)
    _Versioned(form, found.version)

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        given = {name: data[name] for name in ("name", "ethnicity")} | {name: data[name] for name in ("id_number", "phone") if data[name]}
        given |= {name: data[name] for name in ("birth_date", "sex")}
        services.correct_person(person_id=pk, version=data["version"], on=on, now=now, confirmed=data["confirmed"], **given)
        return _("已保存。")

    return handle(request, form, title=_("更正人员信息"), back=reverse("registry:person", args=[pk]), do=do)


@either
@may("registry.edit")
def person_account(request: HttpRequest, pk: int) -> HttpResponse:
    found = _person(pk)
    form = AccountForm(posted(request), initial={"bank": found.bank})
    _Versioned(form, found.version)

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        services.change_account(person_id=pk, version=data["version"], account=data["account"], bank=data["bank"], on=on, now=now)
        return _("银行账号已变更。")

    return handle(request, form, title=_("账户变更"), back=reverse("registry:person", args=[pk]), do=do)


@either
@may("registry.edit")
def person_death(request: HttpRequest, pk: int) -> HttpResponse:
    found = _person(pk)
    form = DeathForm(posted(request))
    _Versioned(form, found.version)

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        services.record_death(person_id=pk, version=data["version"], died_on=data["died_on"], on=on, now=now)
        return _("已登记死亡。")

    return handle(
        request, form, title=_("登记死亡：%(name)s") % {"name": found.name}, back=reverse("registry:person", args=[pk]), do=do, button=_("登记死亡"),
        hint=_("登记后，此人自死亡次日起不再是家庭成员，待遇从次月起停发。"), confirm=_("将登记 1 人死亡，其待遇从次月起停发。"),
    )  # fmt: skip


@either
@may("registry.edit")
def fact_new(request: HttpRequest, pk: int) -> HttpResponse:
    """A fact of the household or of one member: owner and kind first (GET), then its value with evidence."""
    found = _household(pk)
    members = list(Membership.objects.select_related("person").filter(household=found, ends__isnull=True).order_by("relationship", "id"))
    owners = [("0", _("全家")), *[(str(each.person_id), each.person.name) for each in members]]
    owner = request.GET.get("owner", "0")
    if owner not in dict(owners):
        raise Http404
    choices = kind_choices(owner == "0")
    kind = request.GET.get("kind", choices[0][0])
    if kind not in dict(choices):
        kind = choices[0][0]
    now_holds = Fact.objects.filter(
        superseded_at__isnull=True, kind=kind, **({"household": found} if owner == "0" else {"person_id": int(owner)})
    ).first()
    form = FactForm(kind, posted(request), initial={"starts": timezone.localdate()})
    form.fields["replaces"] = forms.IntegerField(widget=forms.HiddenInput(), initial=now_holds.pk if now_holds else 0)

    def do(data: dict[str, Any], on: date, now: datetime) -> str:
        evidence = None
        file = request.FILES.get("evidence")
        if file:
            try:
                if (file.size or 0) > attachments.LARGEST:
                    raise ValidationError(_("“证明材料”超过 10 MB；请压缩后重新上传。"))
                evidence = attachments.attach(
                    subject="household", subject_id=pk, area=found.area, name=file.name or "", content=file.read(), now=now
                ).pk
            except ValidationError as error:
                raise ValidationError(_("“证明材料”：%(reason)s") % {"reason": "；".join(error.messages)}) from None
        from decimal import Decimal

        number = data.get("number")
        services.record_fact(
            fact=services.NewFact(
                kind=kind, starts=data["starts"], source=data["source"], person_id=None if owner == "0" else int(owner),
                household_id=pk if owner == "0" else None, number=None if number in (None, "") else Decimal(str(number)), text=data.get("text", ""),
                certificate=data.get("certificate", ""), note=data["note"], evidence_id=evidence, replaces=data["replaces"],
            ),
            on=on, now=now,
        )  # fmt: skip
        return _("已登记“%(kind)s”。") % {"kind": FactKind(kind).label}

    back = reverse("registry:household", args=[pk]) + "?tab=facts"
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, do(form.cleaned_data, timezone.localdate(), timezone.now()))
            return redirect(back)
        except ValidationError as error:
            errors_into(form, error)
    past = Fact.objects.filter(kind=kind, **({"household": found} if owner == "0" else {"person_id": int(owner)})).order_by("-starts", "-id")[:20]
    context = {
        "form": form, "household": found, "owners": owners, "owner": owner, "choices": choices, "kind": kind, "back": back,
        "past": [(fact, kinds.say(fact)) for fact in past],
    }  # fmt: skip
    return render(request, "registry/fact.html", context, status=422 if form.errors else 200)
