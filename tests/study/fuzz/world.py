"""Two studies with people, accounts and answers; the second one is full of words that nobody of the first may read."""

import os
from collections import Counter
from http.cookies import SimpleCookie

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from django.urls import resolve

from study.forms_in_pages import find_forms
from study.models import Answer, Participant, Role, Stimulus, Study, Trial
from study.presets import load_preset
from study.services.members import set_member
from study.services.runs import import_run
from study.services.studies import create_study, launch_study
from tests.study.conftest import write_run
from tests.study.fuzz.hostile import RequestMaker, all_addresses, as_json

FOREIGN = b"zqxforeign"
"""In the names of the other study's classes, networks and stimuli, which requests may name."""
SECRET = b"qjvsecret"
"""In the other study's tokens, pseudonyms, answers and codes, which no request names."""
SEED = int(os.environ.get("FUZZ_SEED", "20260301"))
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
ANONYMOUS = ("stranger", "passer-by")
MAY_WRITE_FOR_ANYBODY = {"study:entry", "research:sign-in", "admin:login"}
"""Consent makes participants; a wrong password is counted."""


class World:
    """The studies, one browser per actor, good values for path parameters, and the forms of all pages."""

    def __init__(self, run_directory, tmp_path, take_part, users):
        write_run(tmp_path / "other", networks=("zqxforeign-net",), classes=("zqxforeign-bird",), seed=1)
        self.mine = self.make_study("mine", run_directory, "CODE", users)
        self.other = self.make_study("other", tmp_path / "other", "QJVSECRET", users)
        people = []
        for study, word in ((self.mine, "wing"), (self.other, "qjvsecret feather")):
            for number, trials in enumerate((None, 3, 0)):
                people.append(take_part(study, f"{study.slug}-{number}", [word], trials=trials))
        for number, person in enumerate(people[3:]):
            Participant.objects.filter(pk=person.pk).update(
                token=f"qjvsecrettoken{number}", pseudonym=f"p-qjvsecret{number}"
            )
        self.mine_people, self.others = people[:3], list(Participant.objects.filter(study=self.other))
        self.clients = {name: Client() for name in ANONYMOUS}
        self.clients["stranger"].get("/healthz")  # loads the middleware, which notes when somebody signs in
        for role in Role:
            user = users.create_user(f"{role}-of-mine", password="x", is_staff=True)
            set_member(self.mine, user, role)
            self.sign_in(str(role), user)
        self.sign_in("outsider", users.create_user("outsider", password="x", is_staff=True))
        self.sign_in("superuser", users.create_superuser("superuser", password="x"))
        self.values = self.good_values()
        self.forms = self.forms_of_all_pages()
        self.cookies = {
            name: {key: morsel.value for key, morsel in client.cookies.items()} for name, client in self.clients.items()
        }
        self.hits = Counter()
        self.statuses = Counter()

    def make_study(self, slug, directory, code, users):
        block = load_preset("paper-2018").values()["blocks"][0] | {"trials": 4}
        study = create_study(
            load_preset("paper-2018"),
            slug=slug,
            blocks=[block],
            participants_planned=5,
            comprehension=True,
            questionnaires=[{"questionnaire": "comments", "moment": "after"}],
            completion_codes={"completed": code},
        )
        import_run(study, directory)
        return launch_study(study)

    def sign_in(self, name, user):
        self.clients[name] = Client()
        self.clients[name].force_login(user)

    def good_values(self):
        nonces = Trial.objects.filter(participant__study__in=[self.mine, self.other]).values_list("nonce", flat=True)
        pictures = [picture["sha256"] for stimulus in Stimulus.objects.all() for picture in stimulus.pictures["cells"]]
        keys = [str(row.pk) for model in (Study, Stimulus, Participant, Answer) for row in model.objects.all()[:6]]
        return {
            "slug": ["mine", "mine", "mine", "other", "other", "nobody"],
            "token": [person.token for person in self.mine_people],
            "nonce": [*nonces[::3], "x"],
            "identifier": list(Stimulus.objects.values_list("identifier", flat=True))[::3],
            "number": ["1", "2", "999", "9" * 30],
            "class_name": ["robin", "zqxforeign-bird"],
            "table": ["responses_long", "participants", "stimuli", "events", "nothing"],
            "questionnaire": ["comments", "demographics", "nothing"],
            "moment": ["before", "after"],
            "sha256": [*pictures[:4], "0" * 64],
            "small": ["", "-small"],
            "extension": ["webp", "png", "jpg"],
            "object_id": keys,
            "content_type_id": [str(kind.pk) for kind in ContentType.objects.all()],
            "id": keys[:3],
            "pk": keys[:3],
            "app_label": ["study", "auth"],
            "url": ["study", "nothing/", "study/answer"],
        }

    def forms_of_all_pages(self):
        """Open every page as somebody who may, and return its forms' fields by the path that they post to."""
        own = f"/p/{self.mine_people[1].token}/"
        pages = [own, f"{own}withdraw/", self.mine.get_absolute_url(), f"/p/{self.mine_people[2].token}/"]
        research = ("design", "stimuli", "preview", "launch", "names", "names/classes/robin", "data", "people")
        pages += ["/research/new/", "/research/account/", *(f"/research/s/mine/{page}/" for page in research)]
        for model in ("study", "participant", "stimulus", "slot", "answer"):
            key = Answer.objects.first().pk if model == "answer" else 1
            pages += [f"/admin/study/{model}/", f"/admin/study/{model}/{key}/change/", f"/admin/study/{model}/add/"]
        pages += [f"/admin/study/study/{self.mine.pk}/change/", "/admin/auth/user/add/", "/admin/auth/group/add/"]
        found = {}
        with rolled_back():
            for page in pages:
                response = self.clients["superuser"].get(page)
                for form in find_forms(response.content.decode()) if response.status_code == 200 else ():
                    found.setdefault(form.action or page, form.fields)
        return found

    def send(self, request):
        """Send a request, undo what it did, and check what came back."""
        written = []

        def note(execute, sql, params, many, context):
            if sql.lstrip().upper().startswith(WRITES):
                written.append(sql)
            return execute(sql, params, many, context)

        client = self.clients[request.actor]
        cookies = client.cookies.output()
        with rolled_back(), connection.execute_wrapper(note):
            response = client.generic(
                request.method,
                request.path,
                request.body,
                content_type=request.content_type,
                QUERY_STRING=request.query,
                **request.headers,
            )
            content = b"".join(response.streaming_content) if response.streaming else response.content
        if client.cookies.output() != cookies:  # signed out, or in as nobody: what it did is undone, so is this
            client.cookies = SimpleCookie(self.cookies[request.actor])
        self.hits[request.route] += 1
        self.statuses[response.status_code // 100] += 1
        assert response.status_code < 500
        if request.actor != "superuser":
            self.check_secrets(request, content + str(response.headers).encode())
        if request.actor in ANONYMOUS and written:
            self.check_writing(request, written)

    def check_secrets(self, request, content):
        """Nothing of the other study is in the response, but what the request named itself."""
        assert SECRET not in content.lower()
        assert FOREIGN not in content.lower() or FOREIGN in request.sent.lower()

    def check_writing(self, request, written):
        """Without an account, only who has a participant's token, or gives consent, changes anything."""
        has_token = any(f"/p/{person.token}/" in request.path for person in self.mine_people)
        assert has_token or resolve(request.path).view_name in MAY_WRITE_FOR_ANYBODY, written[:3]


def rolled_back():
    """Return a block whose changes are undone."""
    return _RolledBack()


class _RolledBack:
    def __enter__(self):
        self.block = transaction.atomic()
        self.block.__enter__()

    def __exit__(self, *error):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)


def group_of(address):
    """Return which of the tests sends to an address."""
    first = address.route.partition("/")[0]
    return first if first in {"research", "admin"} else "participants"


def fuzz(world, group, *, requests, actors):
    """Send `requests` requests to the addresses of a group, in turns, so that none is left out."""
    addresses = [address for address in all_addresses() if group_of(address) == group]
    maker = RequestMaker(addresses, actors=actors, values=world.values, forms=world.forms, seed=SEED)
    for number in range(requests):
        request = maker.make(number)
        try:
            world.send(request)
        except Exception as error:
            error.add_note(as_json(request))
            raise
    assert sum(world.hits.values()) == requests
    assert set(world.hits) == {address.route for address in addresses}
    assert world.statuses[2] > requests / 20 and world.statuses[3] and world.statuses[4]  # it gets inside
