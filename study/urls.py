"""URLs of the study. The participant's token in the path is the only key to a participant's pages."""

from django.urls import path, re_path, register_converter

from study.views import beacons, entry, health, home, participant, questionnaires, stimuli, trials

app_name = "study"


class TokenConverter:
    """What a token or nonce can be; anything else is no page, and never reaches the database."""

    regex = "[A-Za-z0-9_-]{1,32}"

    def to_python(self, value: str) -> str:
        """Return the token as it stands in the URL."""
        return value

    def to_url(self, value: str) -> str:
        """Return the token as it stands in the URL."""
        return value


register_converter(TokenConverter, "token")

urlpatterns = [
    path("healthz", health.is_alive, name="alive"),
    path("readyz", health.is_ready, name="ready"),
    path("", home.show_home, name="home"),
    path("s/<slug:slug>/", entry.enter, name="entry"),
    path("p/<token:token>/", participant.show_page, name="participant"),
    path("p/<token:token>/continue/", participant.continue_study, name="continue"),
    path("p/<token:token>/answer/<token:nonce>/", trials.answer_trial, name="answer"),
    path("p/<token:token>/comprehension/", participant.answer_comprehension, name="comprehension"),
    path(
        "p/<token:token>/questionnaire/<slug:questionnaire>/<slug:moment>/",
        questionnaires.answer_questionnaire,
        name="questionnaire",
    ),
    path("p/<token:token>/withdraw/", participant.withdraw_participant, name="withdraw"),
    path("p/<token:token>/events/", beacons.record_browser_events, name="events"),
    path("p/<token:token>/heartbeat/", beacons.take_heartbeat, name="heartbeat"),
    re_path(
        r"^stimuli/(?P<sha256>[0-9a-f]{64})(?P<small>-small)?\.(?P<extension>webp|png|jpg)$",
        stimuli.show_picture,
        name="stimulus",
    ),
]
