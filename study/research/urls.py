"""URLs of the researchers' pages, below /research/."""

from django.urls import path

from study.research.views import account, data, design, home, launch, monitor, names, people, stimuli

app_name = "research"

urlpatterns = [
    path("", home.show_home, name="home"),
    path("sign-in/", home.SignIn.as_view(), name="sign-in"),
    path("sign-out/", home.SignOut.as_view(), name="sign-out"),
    path("account/", account.show_account, name="account"),
    path("account/password/", account.ChangePassword.as_view(), name="password"),
    path("account/second-step/", account.second_step, name="second-step"),
    path("account/second-step/change/", account.change_second_factor, name="change-second-factor"),
    path("new/", home.create, name="create"),
    path("s/<slug:slug>/design/", design.edit, name="design"),
    path("s/<slug:slug>/design/check/", design.check, name="design-check"),
    path("s/<slug:slug>/stimuli/", stimuli.show_stimuli, name="stimuli"),
    path("s/<slug:slug>/stimuli/runs/<int:number>/", stimuli.show_pregeneration, name="pregeneration"),
    path("s/<slug:slug>/stimuli/classes/<path:class_name>/", stimuli.show_class, name="class"),
    path("s/<slug:slug>/stimuli/summaries/<str:identifier>/", stimuli.show_summary, name="summary"),
    path("s/<slug:slug>/stimuli/summaries/<str:identifier>/<int:number>/", stimuli.show_region, name="region"),
    path("s/<slug:slug>/preview/", launch.preview, name="preview"),
    path("s/<slug:slug>/launch/", launch.launch, name="launch"),
    path("s/<slug:slug>/monitor/", monitor.show_monitor, name="monitor"),
    path("s/<slug:slug>/monitor/panels/", monitor.show_panels, name="monitor-panels"),
    path("s/<slug:slug>/names/", names.show_names, name="names"),
    path("s/<slug:slug>/names/agreement/", names.resolve, name="resolve-names"),
    path("s/<slug:slug>/names/classes/<path:class_name>/", names.code_class, name="code-class"),
    path("s/<slug:slug>/data/", data.show_data, name="data"),
    path("s/<slug:slug>/data/export.zip", data.download, name="export"),
    path("s/<slug:slug>/data/<str:table>.csv", data.download_table, name="export-table"),
    path("s/<slug:slug>/people/", people.members, name="people"),
    path("s/<slug:slug>/history/", people.history, name="history"),
    path("s/<slug:slug>/history/<int:number>/", people.version, name="version"),
]
