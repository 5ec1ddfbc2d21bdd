"""URLs of the study. The participant's token in the path is the only key to a participant's pages."""

from django.urls import path, re_path

from study.views import entry, home, participant, stimuli

app_name = "study"

urlpatterns = [
    path("", home.show_home, name="home"),
    path("s/<slug:slug>/", entry.enter, name="entry"),
    path("p/<str:token>/", participant.show_page, name="participant"),
    path("p/<str:token>/continue/", participant.continue_study, name="continue"),
    path("p/<str:token>/answer/<str:nonce>/", participant.answer_trial, name="answer"),
    path("p/<str:token>/withdraw/", participant.withdraw_participant, name="withdraw"),
    path("p/<str:token>/events/", participant.record_browser_events, name="events"),
    re_path(r"^stimuli/(?P<sha256>[0-9a-f]{64})\.(?P<extension>webp|png|jpg)$", stimuli.show_picture, name="stimulus"),
]
