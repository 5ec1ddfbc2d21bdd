"""URLs of the study. The participant's token in the path is the only key to a participant's pages."""

from django.urls import path, re_path

from study.views import beacons, entry, health, home, participant, questionnaires, stimuli, trials

app_name = "study"

urlpatterns = [
    path("healthz", health.is_alive, name="alive"),
    path("readyz", health.is_ready, name="ready"),
    path("", home.show_home, name="home"),
    path("s/<slug:slug>/", entry.enter, name="entry"),
    path("p/<str:token>/", participant.show_page, name="participant"),
    path("p/<str:token>/continue/", participant.continue_study, name="continue"),
    path("p/<str:token>/answer/<str:nonce>/", trials.answer_trial, name="answer"),
    path("p/<str:token>/comprehension/", participant.answer_comprehension, name="comprehension"),
    path(
        "p/<str:token>/questionnaire/<slug:questionnaire>/<slug:moment>/",
        questionnaires.answer_questionnaire,
        name="questionnaire",
    ),
    path("p/<str:token>/withdraw/", participant.withdraw_participant, name="withdraw"),
    path("p/<str:token>/events/", beacons.record_browser_events, name="events"),
    path("p/<str:token>/heartbeat/", beacons.take_heartbeat, name="heartbeat"),
    re_path(
        r"^stimuli/(?P<sha256>[0-9a-f]{64})(?P<small>-small)?\.(?P<extension>webp|png|jpg)$",
        stimuli.show_picture,
        name="stimulus",
    ),
]
