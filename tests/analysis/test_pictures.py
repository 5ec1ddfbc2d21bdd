"""Pictures in the page."""

import base64
import io

from PIL import Image

from analysis.pictures import LARGEST_SIDE, data_address


def test_a_picture_is_shrunk_and_encoded(tmp_path):
    Image.new("RGB", (1200, 600), (200, 30, 30)).save(tmp_path / "a.png")
    address, reason = data_address(tmp_path, "a.png")
    content = base64.b64decode(address.removeprefix("data:image/webp;base64,"))
    assert Image.open(io.BytesIO(content)).size == (LARGEST_SIDE, LARGEST_SIDE // 2)
    assert reason == ""


def test_what_is_no_picture_has_a_reason(tmp_path):
    (tmp_path / "export").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    (tmp_path / "export" / "text.png").write_text("not a picture")
    directory = tmp_path / "export"
    assert data_address(directory, None) == (None, "the export names no picture")
    assert data_address(directory, "gone.png")[1] == "the file is missing"
    assert data_address(directory, "text.png")[1] == "the file is no picture"
    assert data_address(directory, "../secret.png")[1] == "its path leads out of the export"
