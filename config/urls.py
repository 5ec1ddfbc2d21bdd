"""URLs of the whole site: the study's pages and the researchers' admin."""

from django.contrib import admin
from django.urls import include, path

from study.admin.reading import refuse_shortcut

urlpatterns = [
    path("admin/r/<path:content_type_id>/<path:object_id>/", refuse_shortcut),
    path("admin/", admin.site.urls),
    path("research/", include("study.research.urls")),
    path("", include("study.urls")),
]

handler500 = "study.views.errors.show_error"
