"""The page at `/`, as people meet it: in a real browser, with a camera that shows a face, on a phone and a desk."""

import io
import json
import re
from base64 import b64encode
from pathlib import Path

import pytest
from browser import browser
from conftest import needs_browser
from matplotlib import get_data_path
from PIL import Image
from served import serving
from small_network import PREPARE, intervals, tiny_model

from realage.export.convert import export_model
from realage.photos.likeness import Seen, summarize

pytestmark = needs_browser
PHONE, DESK = 360, 1200
HOPPER = Path(get_data_path()) / "sample_data/grace_hopper.jpg"
TOKEN = "a-token-of-more-than-16"
ANSWERED = "document.querySelectorAll('.photo .age, .photo .error:not([hidden])').length"
AGES = "[...document.querySelectorAll('.photo .age')].map((age) => age.textContent)"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    faces = PREPARE.model_copy(update={"crop": "face"})
    usual = summarize(Seen(60 + n, 20 + n / 2, 4 + n / 4, 0.2 + n / 500, 20 + n) for n in range(150))
    tiny_model(folder / "age.keras", "regression", intervals(), faces, usual)
    export_model(folder / "age.keras", folder / "age.onnx", "float32")
    return folder / "age.onnx"


@pytest.fixture(scope="module")
def site(model, tmp_path_factory):
    with serving(model, tmp_path_factory.mktemp("site")) as server:
        yield server


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A browser whose camera shows a photo of one person."""
    video = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    frame = io.BytesIO()
    Image.open(HOPPER).crop((0, 0, 512, 512)).resize((480, 480)).save(frame, "JPEG")
    video.write_bytes(frame.getvalue() * 10)
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
              f"--use-file-for-fake-video-capture={video}")  # fmt: skip
    with browser(tmp_path_factory.mktemp("profile"), *camera) as page:
        yield page


@pytest.fixture(scope="module")
def two_people(tmp_path_factory) -> Path:
    hopper = Image.open(HOPPER)
    both = Image.new("RGB", (2 * hopper.width, hopper.height))
    both.paste(hopper, (0, 0))
    both.paste(hopper.resize((hopper.width // 2, hopper.height // 2)), (hopper.width, 0))
    both.save(file := tmp_path_factory.mktemp("photos") / "two <b>people.jpg")
    return file


def boxes(tab) -> list[list[float]]:
    """Left and right ends of the boxes, in shares of the picture."""
    return tab.run("""[...document.querySelectorAll('.boxes div')].map((box) => {
      const frame = box.closest('figure').getBoundingClientRect(), place = box.getBoundingClientRect();
      return [(place.left - frame.left) / frame.width, (place.right - frame.left) / frame.width];
    })""")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_photos_get_boxes_ages_and_decisions_and_the_page_fits(site, tab, two_people, tmp_path, width, dark):
    (tmp_path / "note.jpg").write_text("no photo")
    tab.open(f"{site.address}/", width, dark)
    tab.choose("files", [two_people, tmp_path / "note.jpg"])
    tab.wait(f"{ANSWERED} === 3")
    (left, right), (left2, right2) = boxes(tab)
    assert 0 <= left < right < 0.5 < left2 < right2 <= 1
    text = tab.run("document.body.innerText")
    assert "two <b>people.jpg" in text and "cannot be decoded" in text and re.search(r"probably \d+ to \d+", text)
    assert all(re.fullmatch(r"\d+ years?", age) for age in tab.run(AGES))
    decisions = tab.run("[...document.querySelectorAll('.decision')].map((each) => each.textContent)")
    assert set(decisions) <= {"passes", "ask for proof of age", "refused"} and len(decisions) == 2
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert all(address.startswith((site.address, "blob:")) for address in tab.requests())
    assert not [line for line in tab.complaints() if "blob:" not in line]
    ground = tab.run("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) < 60) == dark


def test_another_threshold_decides_again(site, tab, two_people):
    tab.open(f"{site.address}/", DESK)
    tab.choose("files", [two_people])
    tab.wait(f"{ANSWERED} === 2")
    for threshold, challenge, word in ((0, 0, "passes"), (140, 150, "refused")):
        tab.run(f"document.getElementById('threshold').value = {threshold}")
        tab.run(f"document.getElementById('challenge').value = {challenge}")
        tab.run("document.getElementById('challenge').dispatchEvent(new Event('change', {bubbles: true}))")
        allowed = ["ask for proof of age", word]  # a face unlike the training photos is asked in any case
        decisions = "[...document.querySelectorAll('.decision')]"
        tab.wait(f"{decisions}.every((each) => {allowed}.includes(each.textContent))")
    tab.run("document.getElementById('threshold').value = ''")
    tab.run("document.getElementById('threshold').dispatchEvent(new Event('change', {bubbles: true}))")
    assert not tab.complaints()


def test_a_camera_is_used_with_the_keyboard_alone(site, tab):
    tab.open(f"{site.address}/", DESK)
    for _ in range(2):  # the field of files comes first
        tab.press("Tab")
    assert tab.run("document.activeElement.id") == "open-camera"
    tab.press("Enter")
    tab.wait("document.getElementById('video').videoWidth")
    assert tab.run("document.activeElement.id") == "take"
    tab.press("Enter")
    tab.wait(f"{ANSWERED} === 1")
    ((left, right),) = boxes(tab)
    assert 0 <= left < 0.5 < right <= 1
    tab.press("Tab")
    tab.press("Enter")
    assert tab.run("document.getElementById('camera').hidden && document.activeElement.id") == "open-camera"
    assert tab.run("document.getElementById('video').srcObject === null")
    tab.run("document.getElementById('clear').click()")
    assert tab.run("document.querySelectorAll('.photo').length") == 0


@pytest.mark.parametrize("event, holder", [
    ("DragEvent('drop'", "dataTransfer"), ("ClipboardEvent('paste'", "clipboardData"),
])  # fmt: skip
def test_photos_are_dropped_and_pasted(site, tab, event, holder):
    tab.open(f"{site.address}/", PHONE)
    contents = b64encode(HOPPER.read_bytes()).decode()
    tab.run(f"""fetch('data:image/jpeg;base64,{contents}').catch(() => null).then(() => {{
      const bytes = Uint8Array.from(atob('{contents}'), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'hopper.jpg', {{type: 'image/jpeg'}}));
      document.dispatchEvent(new {event}, {{{holder}: data, bubbles: true, cancelable: true}}));
    }})""")
    tab.wait(f"{ANSWERED} === 1")
    assert "hopper.jpg" in tab.run("document.body.innerText")


def test_a_server_with_a_token_asks_for_it(model, tab, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    with serving(model, tmp_path, "--token-file", "token") as server:
        tab.open(f"{server.address}/", DESK)
        tab.wait("!document.getElementById('token-field').hidden")
        tab.choose("files", [HOPPER])
        tab.wait("document.body.innerText.includes('this server asks for a token')")
        tab.run(f"document.getElementById('token').value = {json.dumps(TOKEN)}")
        tab.run("document.getElementById('token').dispatchEvent(new Event('change', {bubbles: true}))")
        tab.wait("document.querySelectorAll('.photo .age').length === 1")
        assert tab.run("document.getElementById('fingerprint').textContent.length") == 16
        tab.run("document.getElementById('photos').textContent")
    tab.choose("files", [HOPPER])
    tab.wait("document.body.innerText.includes('the server does not answer')")


def test_the_description_of_the_api_works_without_a_network(site, tab):
    tab.open(f"{site.address}/docs", DESK)
    assert "/v1/ages" in tab.wait("document.querySelector('.opblock') && document.body.innerText")
    assert all(address.startswith(site.address) for address in tab.requests())
