"""Tab Names: two people code names blind to each other and to conditions, then disagreements are settled."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from study.access import Capability, may
from study.coding import coder_agreement
from study.exports.privacy import plain_name
from study.models import Answer, AnswerKind, Coder, Membership, NameCode, Phase, Study
from study.research.pages import actor, show, study_page
from study.services.name_codes import CodingError, store_codes, take_seat

FIELD = "code-"
NONE_FIELD = "none-"


@dataclass(frozen=True)
class ClassProgress:
    """How many names of a class there are, and how many of them somebody has coded."""

    name: str
    names: int
    coded: int


def names_of(study: Study) -> dict[str, list[str]]:
    """Return the names given for each class, in alphabetical order: nothing tells how often or for which condition."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = (
        Answer.objects.filter(
            trial__participant__study=study,
            trial__participant__test_at=None,
            trial__phase=Phase.MAIN,
            kind=AnswerKind.NAMED,
        )
        .order_by()
        .values_list("trial__stimulus__condition__class_name", "text")
        .distinct()
    )
    for class_name, text in rows:
        if class_name:
            found[class_name].add(plain_name(text))
    return {class_name: sorted(names) for class_name, names in sorted(found.items())}


def codes_of(study: Study, coder: Coder) -> dict[tuple[str, str], str]:
    """Return one coder's codes by class and name."""
    rows = NameCode.objects.filter(study=study, coder=coder).values_list("class_name", "name", "code")
    return {(class_name, name): code for class_name, name, code in rows}


@study_page(Capability.CODE_NAMES)
def show_names(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the classes with this person's own progress, and, to those who may settle, the coders' agreement."""
    names = names_of(study)
    seat = (
        Membership.objects.filter(study=study, user__username=actor(request))
        .values_list("coder_seat", flat=True)
        .first()
    )
    own = codes_of(study, Coder(f"coder-{seat}")) if seat else {}
    progress = [
        ClassProgress(class_name, len(given), sum((class_name, name) in own for name in given))
        for class_name, given in names.items()
    ]
    total = sum(one.names for one in progress)
    context: dict[str, Any] = {
        "progress": progress,
        "seat": seat,
        "total": total,
        "coded": sum(one.coded for one in progress),
        "coders": study.memberships.exclude(coder_seat=None).count(),
    }
    return show(request, study, "names.html", tab="names", **context)


@study_page(Capability.CODE_NAMES, methods=("GET", "POST"))
def code_class(request: HttpRequest, study: Study, class_name: str) -> HttpResponse:
    """Show the names of a class with this person's codes, and store them."""
    names = names_of(study).get(class_name)
    if names is None:
        raise Http404
    try:
        coder = take_seat(study, request.user)  # type: ignore[arg-type]  # pages are for accounts only
    except CodingError as error:
        messages.error(request, str(error))
        return redirect("research:names", study.slug)
    problem = ""
    if request.method == "POST":
        try:
            stored = store_codes(study, class_name, _sent(request, names), coder=coder, actor=actor(request))
        except CodingError as error:
            problem = str(error)
        else:
            messages.success(request, _("%(number)d codes stored.") % {"number": stored})
            return redirect("research:names", study.slug)
    own = {name: code for (of_class, name), code in codes_of(study, coder).items() if of_class == class_name}
    context: dict[str, Any] = {
        "class_name": class_name,
        "rows": [(name, own.get(name), name in own) for name in names],
        "codes": sorted({code for code in own.values() if code}),
        "coder": coder,
        "problem": problem,
    }
    return show(request, study, "code_class.html", tab="names", status=422 if problem else 200, **context)


def _sent(request: HttpRequest, names: list[str]) -> dict[str, str]:
    """Return the codes that were sent: words, or an empty code for “no part”; nothing for names left untouched."""
    sent = {}
    for number, name in enumerate(names, start=1):
        code = request.POST.get(f"{FIELD}{number}", "").strip()
        if code:
            sent[name] = code
        elif request.POST.get(f"{NONE_FIELD}{number}"):
            sent[name] = ""
    return sent


@study_page(Capability.RESOLVE_NAMES, methods=("GET", "POST"))
def resolve(request: HttpRequest, study: Study) -> HttpResponse:
    """Show where the two coders disagree, and store the consensus.

    Whoever is a coder has to finish first: seeing the other's codes ends the blindness.
    """
    names = [(class_name, name) for class_name, given in names_of(study).items() for name in given]
    first, second, agreed = (codes_of(study, coder) for coder in Coder)
    both = [key for key in names if key in first and key in second]
    seat = (
        Membership.objects.filter(study=study, user__username=actor(request))
        .values_list("coder_seat", flat=True)
        .first()
    )
    own = {1: first, 2: second}.get(seat or 0)
    if own is not None and len(both) < len(names):
        messages.error(
            request, _("You code names yourself: the agreement opens once both coders have coded all names.")
        )
        return redirect("research:names", study.slug)
    if request.method == "POST":
        if not may(request.user, Capability.RESOLVE_NAMES, study):
            raise PermissionDenied
        _store_consensus(request, study, both, first, second)
        return redirect("research:resolve-names", study.slug)
    differing = [key for key in both if first[key] != second[key]]
    context: dict[str, Any] = {
        "agreement": coder_agreement([(first[key], second[key]) for key in both]),
        "names": len(names),
        "both": len(both),
        "differing": [
            {
                "number": number,
                "class": key[0],
                "name": key[1],
                "first": first[key],
                "second": second[key],
                "consensus": agreed.get(key),
                "settled": key in agreed,
            }
            for number, key in enumerate(differing, start=1)
        ],
        "settled": sum(key in agreed for key in both),
    }
    return show(request, study, "resolve_names.html", tab="names", **context)


def _store_consensus(
    request: HttpRequest,
    study: Study,
    both: list[tuple[str, str]],
    first: dict[tuple[str, str], str],
    second: dict[tuple[str, str], str],
) -> None:
    """Store the common code where coders agree, and what was chosen where they do not."""
    chosen: dict[str, dict[str, str]] = defaultdict(dict)
    for key in both:
        if first[key] == second[key]:
            chosen[key[0]][key[1]] = first[key]
    differing = [key for key in both if first[key] != second[key]]
    for number, key in enumerate(differing, start=1):
        choice = request.POST.get(f"choice-{number}", "")
        other = request.POST.get(f"other-{number}", "").strip()
        if choice == "other" and other:
            chosen[key[0]][key[1]] = other
        elif choice in {"first", "second"}:
            chosen[key[0]][key[1]] = (first if choice == "first" else second)[key]
        elif choice == "none":
            chosen[key[0]][key[1]] = ""
    try:
        stored = sum(
            store_codes(study, class_name, codes, coder=Coder.CONSENSUS, actor=actor(request))
            for class_name, codes in chosen.items()
        )
    except CodingError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(number)d codes settled.") % {"number": stored})
