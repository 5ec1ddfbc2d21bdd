import hashlib
import io

import pytest
from django.contrib.staticfiles import finders
from PIL import Image

from study.material import picture_places
from study.models import picture_path
from study.picture_renditions import Rendition, ensure_rendition, render, rendition_path
from study.tasks import ShownPicture
from study.tasks.picture import shown_picture, static_record
from study.tasks.registry import all_tasks


def webp(width, height):
    content = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(content, "WEBP")
    return content.getvalue()


@pytest.fixture
def stored():
    content = webp(480, 320)
    sha256 = hashlib.sha256(content).hexdigest()
    picture_path(sha256, "webp").parent.mkdir(parents=True)
    picture_path(sha256, "webp").write_bytes(content)
    return sha256


@pytest.mark.parametrize(
    ("rendition", "form", "size"), [(Rendition.SMALL, "WEBP", (240, 160)), (Rendition.JPEG, "JPEG", (480, 320))]
)
def test_renditions_have_their_form_and_size(rendition, form, size):
    with Image.open(io.BytesIO(render(webp(480, 320), rendition))) as picture:
        assert (picture.format, picture.size) == (form, size)
        red, green, blue = picture.convert("RGB").getpixel((10, 10))
    assert red > 190
    assert green < 45 > blue


def test_a_rendition_is_made_once(stored):
    first = ensure_rendition(stored, Rendition.SMALL)
    before = first.stat().st_mtime_ns
    assert ensure_rendition(stored, Rendition.SMALL) == first == rendition_path(stored, Rendition.SMALL)
    assert first.stat().st_mtime_ns == before
    assert [path.name for path in first.parent.glob(".rendition-*")] == []
    assert ensure_rendition("0" * 64, Rendition.SMALL) is None


def test_a_page_names_the_forms_of_a_stimulus_and_of_nothing_else(stored):
    shown = ShownPicture(f"/stimuli/{stored}.webp", 480, 320, "")
    assert shown.source_set == f"/stimuli/{stored}-small.webp 240w, /stimuli/{stored}.webp 480w"
    assert shown.fallback_url == f"/stimuli/{stored}.jpg"
    narrow = ShownPicture(f"/stimuli/{stored}.webp", 200, 300, "")
    assert (narrow.source_set, narrow.fallback_url) == ("", f"/stimuli/{stored}.jpg")
    static = ShownPicture("/static/study/practice/wing-1.webp", 480, 480, "")
    assert (static.source_set, static.fallback_url) == ("", static.url)


def test_practice_pictures_have_a_jpeg_form_and_pictures_of_other_tasks_need_none():
    practice = shown_picture(static_record("wing-1"), "")
    assert practice.url.endswith("study/practice/wing-1.webp")
    assert practice.fallback_url == practice.url.replace(".webp", ".jpg")
    for task in all_tasks().values():
        for item in (*task.practice_items.values(), *task.attention_items.values()):
            for place in picture_places(item.detail):
                shown = shown_picture(place["picture"], "")
                assert finders.find(shown.fallback_url.removeprefix("/static/")), shown
    foreign = shown_picture({"static": "elsewhere/one.webp", "width": 10, "height": 10}, "")
    assert foreign.fallback_url == foreign.url


@pytest.mark.django_db
def test_renditions_are_served_for_ever(stored, client):
    for name, kind in ((f"{stored}-small.webp", "image/webp"), (f"{stored}.jpg", "image/jpeg")):
        response = client.get(f"/stimuli/{name}")
        assert (response.status_code, response.headers["Content-Type"]) == (200, kind)
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        tag = response.headers["ETag"]
        response.close()
        assert client.get(f"/stimuli/{name}", headers={"If-None-Match": tag}).status_code == 304
    for name in (f"{stored}-small.jpg", f"{'0' * 64}.jpg", f"{'0' * 64}-small.webp"):
        assert client.get(f"/stimuli/{name}").status_code == 404


@pytest.mark.django_db
def test_importing_a_run_makes_them(study):
    picture = study.stimuli.first().cells[0]
    assert rendition_path(picture.sha256, Rendition.JPEG).is_file()
    assert not rendition_path(picture.sha256, Rendition.SMALL).is_file()  # 24 pixels wide: small already


def test_the_web_server_before_this_one_may_send_the_file(client, stored, settings):
    settings.X_ACCEL_LOCATION = "/pictures/"
    response = client.get(f"/stimuli/{stored}.webp")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["X-Accel-Redirect"] == f"/pictures/{stored[:2]}/{stored}.webp"
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get(f"/stimuli/{'0' * 64}.webp").status_code == 404
