"""Requests that nobody should send, built from the addresses and forms of the site and from hostile values."""

import json
import random
import re
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern

HOSTILE = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "2",
        "7",
        "9" * 30,
        "9" * 400,
        "1e999",
        "NaN",
        "-Infinity",
        "0x10",
        "١٢",
        "½",
        "1.5",
        "on",
    ),
    *(
        "null",
        "true",
        "[]",
        "{}",
        '{"a": [1, {"b": null}]}',
        "[" * 4_000,
        '[{"task": "name"}]',
        '[{"task": 3}]',
        "[1, 2]",
    ),
    *(
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff!",
        "\u202e",
        "\ufeff",
        "e\u0301" * 40,
        "😀" * 100,
        "ß" * 61,
        "\r\nSet-Cookie: a=b",
    ),
    *(
        "x" * 61,
        "x" * 300,
        "x" * 5000,
        "../../etc/passwd",
        "..%2f..%2f",
        "%",
        "%%%",
        "{{ 7*7 }}",
        "<script>alert(1)</script>",
    ),
    *(
        "'; DROP TABLE study_answer; --",
        '" OR 1=1',
        "=1+1",
        "//evil.example/",
        "https://evil.example/",
        "mailto:a@b.example",
    ),
    *(
        "2026-02-30",
        "0001-01-01",
        "9999-12-31",
        "2026-11-24T10:00:00+99:99",
        "en",
        "it",
        "xx",
        "_",
        "-",
        "a__b__c",
        "\\",
        "\t",
    ),
    *(
        "completed",
        "withdrawn",
        "active",
        "name",
        "public",
        "full",
        "parquet",
        "jsonl",
        "csv",
        "launch",
        "pause",
        "close",
    ),
    *("cancel", "retry", "first", "other", "none", "administrator", "coder", "paper-2018", "delete", "delete_selected"),
)
FIELD_NAMES = (
    *(
        "text",
        "confidence",
        "no_common_part",
        "choice",
        "rating",
        "reaction_time_ms",
        "client",
        "attempt",
        "events",
        "value",
    ),
    *(
        "action",
        "reason",
        "username",
        "password",
        "role",
        "remove",
        "next",
        "title",
        "slug",
        "preset",
        "contact",
        "code",
    ),
    *(
        "form-TOTAL_FORMS",
        "form-INITIAL_FORMS",
        "form-0-task",
        "form-0-trials",
        "_save",
        "_selected_action",
        "post",
        "csrf",
    ),
    *(
        "choice-1",
        "other-1",
        "code-1",
        "none-1",
        "images",
        "networks",
        "classes",
        "arms",
        "seed",
        "select_across",
        "index",
    ),
)
QUERY_NAMES = (
    *(
        "page",
        "p",
        "q",
        "o",
        "e",
        "all",
        "profile",
        "format",
        "panel",
        "next",
        "_popup",
        "_to_field",
        "_changelist_filters",
    ),
    *(
        "PROLIFIC_PID",
        "STUDY_ID",
        "assignmentId",
        "hitId",
        "workerId",
        "turkSubmitTo",
        "participantId",
        "lab",
        "id",
        "term",
    ),
    *(
        "simulation",
        "preview",
        "attempt",
        "language",
        "study__id__exact",
        "participant__study__slug",
        "answered_at__year",
    ),
    *(
        "answered_at__gte",
        "trial__participant__token__startswith",
        "field_name",
        "model_name",
        "app_label",
        "page_size",
    ),
)
METHODS = (*("GET",) * 9, *("POST",) * 10, "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
HEADERS = (
    {},
    {},
    {},
    {"HTTP_ACCEPT_LANGUAGE": "it,en;q=0.5"},
    {"HTTP_ACCEPT_LANGUAGE": "x" * 600 + ";q=\x00"},
    {"HTTP_HOST": "evil.example"},
    {"HTTP_HOST": "localhost:99999999"},
    {"HTTP_X_FORWARDED_FOR": "not an address, ::1, 999.1.1.1"},
    {"HTTP_X_REQUEST_ID": "\x00" * 10},
    {"HTTP_COOKIE": "sessionid=\x00; csrftoken=" + "x" * 500 + "; study-1=../..; django_language=%ff"},
    {"HTTP_IF_NONE_MATCH": '"' + "0" * 64, "HTTP_RANGE": "bytes=9-1,-"},
    {"HTTP_REFERER": "https://evil.example/\ud800".encode("utf-8", "replace").decode("latin-1")},
    {"HTTP_ACCEPT": "application/json", "HTTP_X_REQUESTED_WITH": "XMLHttpRequest"},
    {"CONTENT_LENGTH": "0"},
)
FORM = "application/x-www-form-urlencoded"
RAW_BODIES = (
    ("application/json", b'{"kind": "blur", "detail": {"a": 1e999, "b": "\\ud800"}}'),
    ("application/json", b'[{"kind": ["blur"]}, {"kind": "paste", "detail": "\\u0000"}, 3, null]'),
    ("application/json", b'{"kind": '),
    ("application/json", b"[" * 3000),
    ("application/json", b"\xff\xfe\x00"),
    ("text/plain; charset=klingon", b"text=beak"),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nbeak\r\n--b--\r\n'),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="text"; filename="a\x00b"\r\n\r\nx',
    ),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: text/html\r\n\r\n"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=" + "b" * 400, b""),
    (FORM, b"text=%ED%A0%80&confidence=%FF&client=%00"),
    (FORM, b"&".join(b"f%d=1" % number for number in range(1100))),
    (FORM, b"text=" + b"a" * 200_000),
    (FORM, b"text=" + b"a" * 2_700_000),
    (FORM, b"=&=&&;;%"),
    ("", b"text=beak"),
)


@dataclass(frozen=True)
class Address:
    """One URL pattern: its route and its name, and the pieces of its path; a piece is text or a parameter's name."""

    route: str
    name: str
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class HostileRequest:
    """One request, as it goes out."""

    actor: str
    method: str
    path: str
    route: str
    query: str = ""
    headers: dict = field(default_factory=dict)
    content_type: str = FORM
    body: bytes = b""

    @property
    def sent(self):
        """Everything that was sent, for telling an echo from a leak."""
        return f"{self.path} {self.query} ".encode("utf-8", "surrogatepass") + self.body


def all_addresses():
    """Return every URL pattern of the site."""

    def walk(resolver, prefix, namespace):
        for entry in resolver.url_patterns:
            pattern = (*prefix, entry.pattern)
            if isinstance(entry, URLPattern):
                route = "".join(str(part) for part in pattern)
                yield Address(route, f"{namespace}{entry.name}", tuple(_pieces(pattern)))
            else:
                yield from walk(entry, pattern, f"{entry.namespace}:" if entry.namespace else namespace)

    return list(walk(get_resolver(), (), ""))


def _pieces(patterns):
    for pattern in patterns:
        text = str(pattern)
        if isinstance(pattern, RoutePattern):
            for part in re.split(r"(<[^>]+>)", text):
                if part:
                    yield (part[1:-1].rpartition(":")[2], True) if part.startswith("<") else (part, False)
        else:
            yield from _pieces_of_expression(text)


def _pieces_of_expression(text):
    """Return the pieces of a regular expression: its named groups, and the plain text between them."""
    for part in re.split(r"(\(\?P<\w+>[^)]*\)\??)", text.strip("^$")):
        named = re.match(r"\(\?P<(\w+)>", part)
        if part:
            yield (named[1], True) if named else (part.replace("\\.", "."), False)


class RequestMaker:
    """Makes requests, always the same ones from the same seed.

    Plain random numbers: ten times as many requests per second as with Hypothesis, and one request needs no shrinking.
    `values` holds good values of path parameters by name, `forms` the fields of forms by the path that they post to.
    """

    def __init__(self, addresses, *, actors, values, forms, seed):
        self.addresses, self.actors, self.values, self.forms = addresses, actors, values, forms
        self.random = random.Random(seed)

    def make(self, number):
        """Return the request of this number; addresses take turns, so that each gets as many as any other."""
        pick = self.random.choice
        address = self.addresses[number % len(self.addresses)]
        path = "/" + "".join(self.parameter(text) if is_parameter else text for text, is_parameter in address.pieces)
        method = pick(METHODS)
        content_type, body = (FORM, b"") if method in {"GET", "HEAD", "OPTIONS"} else self.body(path)
        query = pick(("", "", "pairs", "?%00&=&%ED%A0%80=%FF", "a" * 3000))
        if query == "pairs":
            query = "&".join(self.pairs(QUERY_NAMES, self.random.randint(1, 3)))
        return HostileRequest(pick(self.actors), method, path, address.route, query, pick(HEADERS), content_type, body)

    def parameter(self, name):
        """Return a path parameter, mostly a good one."""
        good = self.values[name]
        value = self.random.choice(good if self.random.random() < 0.85 else HOSTILE)
        return quote(value, safe="/", errors="surrogatepass")

    def body(self, path):
        """Return a body: a page's own form with some fields spoilt, a form of any fields, or something broken."""
        kind = self.random.choice(("own", "own", "own", "any", "raw"))
        if kind == "raw":
            return self.random.choice(RAW_BODIES)
        good = self.forms.get(path, {}) if kind == "own" else {}
        spoilt = self.pairs((*good, *good, *FIELD_NAMES), self.random.randint(0, 3))
        replaced = {pair.partition("=")[0] for pair in spoilt}
        kept = [pair(name, value) for name, value in good.items() if quote_plus(name) not in replaced]
        return FORM, "&".join([*kept, *spoilt]).encode()

    def pairs(self, names, number):
        """Return so many fields with hostile values."""
        return [pair(self.random.choice(names), self.random.choice(HOSTILE)) for _ in range(number)]


def pair(name, value):
    """Return one field of an encoded form."""
    return f"{quote_plus(name)}={quote_plus(value, errors='surrogatepass')}"


def as_json(request):
    """Return a request in one line, for a failure's message."""
    shown = {"actor": request.actor, "method": request.method, "path": request.path, "query": request.query[:300]}
    shown |= {"headers": request.headers, "type": request.content_type, "body": repr(request.body[:600])}
    return json.dumps(shown)
