"""`realage serve` as its clients meet it: the ages, the limits, and who is not harmed by whom."""

import asyncio
import io
import json
import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import requests
from conftest import assert_one_line_error, run_realage
from fastapi import HTTPException
from matplotlib import get_data_path
from PIL import Image
from served import Server, only_face, serving
from small_network import PREPARE, intervals, light_meter, tiny_model

from realage.export.convert import export_model
from realage.inference.age_model import AgeModel
from realage.photos.likeness import Seen, summarize
from realage.service.bodies import BodyReader
from realage.service.limits import Limits

HOPPER = Image.open(Path(get_data_path()) / "sample_data/grace_hopper.jpg").convert("RGB")
TOKEN = "a-token-of-more-than-16"
SECONDS = 3  # until a request is given up


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def grey(value: int, side: int = 40) -> bytes:
    """A photo whose age is `value` / 2.55 years."""
    return png(Image.new("RGB", (side, side), (value,) * 3))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """A light meter, and a model that searches for faces and knows its training photos."""
    folder = tmp_path_factory.mktemp("models")
    light_meter(folder / "light.keras", calibration=intervals())
    usual = summarize(Seen(90 + n / 4, 60 + n / 10, 8 + n / 10, 0.3 + n / 1_000, 40 + n) for n in range(200))
    faces = PREPARE.model_copy(update={"crop": "face"})
    tiny_model(folder / "faces.keras", "distribution", prepare=faces, summary=usual)
    for name in ("light", "faces"):
        export_model(folder / f"{name}.keras", folder / f"{name}.onnx", "float32")
    return folder


@pytest.fixture(scope="module")
def light(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("light")
    (folder / "tmp").mkdir()
    options = ("--photos", "4", "--megabytes", "6", "--seconds", str(SECONDS))
    with serving(models / "light.onnx", folder, *options, TMPDIR=str(folder / "tmp")) as server:
        yield server


@pytest.fixture(scope="module")
def faces(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    folder.joinpath("token").write_text(f"{TOKEN}\n")
    with serving(models / "faces.onnx", folder, "--token-file", "token") as server:
        yield server


@pytest.fixture
def token() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


def test_one_photo_as_it_is_and_several_as_a_form(light, models):
    face = only_face(light.send(grey(102)))
    assert face["age"] == pytest.approx(40, abs=0.01) and face["box"] is None and face["decision"] is None
    assert face["age_lo"] < 40 < face["age_hi"] and face["reasons"] == []
    answer = light.send_form([("a.png", grey(51)), ("b.jpg", b"a text"), ("c.png", grey(204))]).json()
    one, bad, last = answer["photos"]
    assert [photo["name"] for photo in answer["photos"]] == ["a.png", "b.jpg", "c.png"]
    assert (one["faces"][0]["age"], last["faces"][0]["age"]) == pytest.approx((20, 80), abs=0.01)
    assert bad["faces"] == [] and bad["error"] and one["error"] is None and (one["width"], one["height"]) == (40, 40)
    facts = AgeModel.load(models / "light.onnx").facts
    assert answer["model"] == light.get("/v1/model").json() and answer["model"]["fingerprint"] == facts.fingerprint


def test_every_face_with_its_box_and_reasons(faces, models, token):
    both = Image.new("RGB", (2 * HOPPER.width, HOPPER.height))
    both.paste(HOPPER, (0, 0))
    both.paste(HOPPER.resize((HOPPER.width // 2, HOPPER.height // 2)), (HOPPER.width, 0))
    (photo,) = faces.send(png(both), "?faces=all", **token).json()["photos"]
    expected = AgeModel.load(models / "faces.onnx").predict_faces(both)
    assert photo["found"] == len(photo["faces"]) == 2
    for face, prediction in zip(photo["faces"], expected):
        assert face["age"] == pytest.approx(prediction.age, abs=0.02) and face["age_lo"] is None
        assert tuple(face["box"].values()) == pytest.approx(prediction.box)
        assert face["reasons"] == list(prediction.reasons)
    assert only_face(faces.send(png(both), **token)) == photo["faces"][0]
    assert "no_face" in only_face(faces.send(grey(128), **token))["reasons"]


def test_a_decision_at_an_age_gate(light):
    for value, decision in ((25, "refuse"), (51, "ask"), (102, "pass")):
        assert only_face(light.send(grey(value), "?threshold=18&challenge=25"))["decision"] == decision
    for query in ("?threshold=18", "?threshold=25&challenge=18", "?threshold=x&challenge=25", "?faces=some",
                  "?treshold=18&challenge=25", "?threshold=18&challenge=40&challenge=19", "?faces[]=all",
                  "?threshold=nan&challenge=nan"):
        response = light.send(grey(51), query)
        assert response.status_code == 422 and response.json()["error"]


def test_what_is_no_photo_is_an_error_of_that_photo(light):
    contents = {
        "text": b"a text", "truncated": png(HOPPER)[:20_000], "heic": b"\0\0\0\x18ftypheic" + bytes(99),
        "bomb": png(Image.new("L", (14_000, 14_000))), "noise": np.random.default_rng(0).bytes(5_000),
    }  # fmt: skip
    for name, body in contents.items():
        (photo,) = light.send(body).json()["photos"]
        assert photo["error"] and photo["faces"] == [], name
    assert "convert it to JPEG" in light.send(contents["heic"]).json()["photos"][0]["error"]


FILE = b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a.png"\r\n\r\n'
CUT = FILE + b"a photo\r\n" + FILE + b"half a ph"


def test_what_is_no_request_is_one_line_of_json(light):
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    cases = [
        (light.send(b""), 400, "no photo"),
        (light.send(b"garbage", **form), 400, "form is not valid"),
        (light.send(b"garbage", **{"Content-Type": "multipart/form-data"}), 400, "form is not valid"),
        (light.send(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n', **form), 400, "no photo"),
        (light.send(CUT, **form), 400, "ends before its last boundary"),
        (light.send_form([(f"{n}.png", grey(9)) for n in range(5)]), 413, "Too many files"),
        (light.send(bytes(6_000_001)), 413, "larger than 6 MB"),
        (light.send_form([("a.png", bytes(6_000_001))]), 413, "larger than 6 MB"),
        (light.get("/v1/ages"), 405, "Method Not Allowed"),
        (light.get("/nowhere"), 404, "Not Found"),
        (light.get("/../answers.py"), 404, "Not Found"),
    ]
    for response, status, word in cases:
        assert response.status_code == status and word in response.json()["error"], response.text


def test_a_body_without_a_length_is_limited_too(light):
    response = requests.post(f"{light.address}/v1/ages", data=(bytes(100_000) for _ in range(100)), timeout=60)
    assert response.status_code == 413


def test_answers_of_many_clients_are_not_mixed_up(light):
    def ask(value: int) -> float:
        return only_face(light.send(grey(value)))["age"]

    values = list(range(0, 255, 2)) * 2
    with ThreadPoolExecutor(16) as clients:
        assert list(clients.map(ask, values)) == pytest.approx([value / 2.55 for value in values], abs=0.01)
    counts = light.get("/metrics").text
    found = (re.search(rf"^realage_batch_photos_{name} (\S+)", counts, re.M) for name in ("count", "sum"))
    batches, photos = (float(match[1]) for match in found)
    assert batches < photos  # some were looked at together
    assert "realage_photos_waiting 0.0" in counts


def connect(server: Server, body: int, sent: bytes) -> socket.socket:
    """A client that announces a body of a size, and sends only some of it."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    client.sendall(f"POST /v1/ages HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n\r\n".encode() + sent)
    return client


def test_slow_clients_and_those_that_hang_up_harm_nobody_and_are_given_up(light):
    slow = [connect(light, 5_000_000, bytes(1_000)) for _ in range(50)]
    for _ in range(20):
        connect(light, 5_000_000, bytes(100_000)).close()
    garbage = socket.create_connection(("127.0.0.1", light.port), timeout=60)
    garbage.sendall(b"\x16\x03\x01 garbage\r\n\r\n")
    bomb = png(Image.new("L", (14_000, 14_000)))
    with ThreadPoolExecutor(8) as clients:
        bombs = [clients.submit(light.send, bomb) for _ in range(4)]
        ages = list(clients.map(lambda value: only_face(light.send(grey(value)))["age"], range(50, 100)))
        assert all(len(done.result().json()["photos"]) == 1 for done in bombs)
    assert ages == pytest.approx([value / 2.55 for value in range(50, 100)], abs=0.01)
    assert b" 400 " in garbage.recv(1_000)
    for client in slow:
        answer = client.makefile("rb").read()
        assert b" 408 " in answer and f"longer than {SECONDS} s".encode() in answer
    assert only_face(light.send(grey(102)))["age"] == pytest.approx(40, abs=0.01)


def test_connections_that_ask_nothing_are_closed_and_there_is_a_most_of_them(models, tmp_path):
    with serving(models / "light.onnx", tmp_path, "--seconds", "2", files=150) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(150)]
        for client in idle[::2]:
            with suppress(OSError):
                client.sendall(b"POST /v1/ages HTTP/1.1\r\nHo")
        for client in idle:
            with suppress(OSError):
                assert client.recv(1_000) == b""
        assert only_face(server.send(grey(102)))["age"] == pytest.approx(40, abs=0.01)
        kept = requests.Session()  # two requests on one connection
        for _ in range(2):
            assert kept.post(f"{server.address}/v1/ages", data=grey(51), timeout=60).status_code == 200
        assert len(server.output.read_text().splitlines()) == 1


def test_bodies_count_until_they_are_answered():
    """A body that waits for a decoder still takes memory."""
    held = []

    class Request:
        headers: ClassVar[dict] = {}

        async def stream(self):
            yield bytes(600_000)

    async def read_two() -> None:
        reader = BodyReader(Limits(megabytes=1, held_megabytes=1))
        async with reader.read(Request()) as uploads:
            held.append(len(uploads))
            with pytest.raises(HTTPException, match="503"):
                async with reader.read(Request()):
                    pass
        async with reader.read(Request()) as uploads:
            held.append(len(uploads))

    asyncio.run(read_two())
    assert held == [1, 1]


def test_no_photo_is_written_or_logged(light):
    name = "a-name-that-nobody-should-see.png"
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (1_000, 1_200, 3), np.uint8))
    assert light.send_form([(name, png(image)), (name, b"no photo")]).status_code == 200
    folder = light.output.parent
    assert not list((folder / "tmp").iterdir()) and {path.name for path in folder.iterdir()} == {"output", "tmp"}
    assert name not in light.output.read_text() and name not in light.get("/metrics").text
    assert len(light.output.read_text().splitlines()) == 1


def test_without_the_token_there_are_no_ages(faces, token):
    assert faces.send(png(HOPPER), **token).status_code == 200
    for wrong in (None, f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ü"):
        sent = {"Authorization": wrong.encode()} if wrong else {}
        for response in (
            requests.post(f"{faces.address}/v1/ages", data=png(HOPPER), headers=sent, timeout=60),
            requests.get(f"{faces.address}/v1/model", headers=sent, timeout=60),
            requests.get(f"{faces.address}/metrics", headers=sent, timeout=60),
        ):
            assert response.status_code == 401 and TOKEN not in response.text
    for path in ("/", "/healthz", "/readyz", "/docs", "/openapi.json"):
        assert faces.get(path).status_code == 200
    assert TOKEN not in faces.output.read_text()


def test_the_counts_tell_outcomes_and_reasons(faces, token):
    def counts() -> dict[str, float]:
        text = faces.get("/metrics", **token).text
        return {name: float(value) for name, value in re.findall(r"^(\S+\{\S+\}) (\S+)$", text, re.M)}

    before = counts()
    faces.send_form([("a.png", grey(128)), ("b.png", b"no photo")], **token)
    after = counts()
    for name in ('realage_photos_total{outcome="age"}', 'realage_photos_total{outcome="error"}',
                 'realage_reasons_total{reason="no_face"}', 'realage_requests_total{status="200"}'):
        assert after[name] == before.get(name, 0) + 1


def test_the_description_of_the_api_names_what_is_sent_and_answered(faces):
    api = faces.get("/openapi.json").json()
    asked = api["paths"]["/v1/ages"]["post"]
    assert set(asked["requestBody"]["content"]) == {"multipart/form-data", "application/octet-stream"}
    assert {"200", "400", "401", "413", "503"} <= set(asked["responses"])
    face = api["components"]["schemas"]["Face"]["properties"]
    assert {"age", "age_lo", "age_hi", "box", "reasons", "decision"} <= set(face)
    assert "//" not in re.sub(r"(?:src|href)=\"/[^/]", "", faces.get("/docs").text).partition("<body>")[0]


def test_when_it_is_told_to_end_it_finishes_what_has_begun(models, tmp_path):
    photo = grey(102)
    with serving(models / "light.onnx", tmp_path) as server:
        client = connect(server, len(photo), photo[:10])
        assert server.get("/readyz").json() == {"status": "ok"}  # by now the other request has begun
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(server.stop)
            while _accepts(server.port):
                pass
            client.sendall(photo[10:])
            answer = client.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 200 ") and b'"age":40.0' in answer
            assert ended.result() in (0, -15)
    assert len(server.output.read_text().splitlines()) == 1


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_mistakes_at_the_start_are_one_line(models, tmp_path):
    def start(*options: str) -> subprocess.CompletedProcess:
        return run_realage(tmp_path, "serve", "--model", str(models / "light.onnx"), *options)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_one_line_error(start("--port", port), f"cannot listen on 127.0.0.1, port {port}: Address already in use")
    assert_one_line_error(start("--host", "192.0.2.1"), "cannot listen on 192.0.2.1")
    (tmp_path / "short").write_text("abc")
    assert_one_line_error(start("--token-file", "short"), "short: a token has at least 16 printable characters")
    assert_one_line_error(start("--token-file", "gone"), "gone: cannot be read as a token")
    done = run_realage(tmp_path, "serve", "--model", "gone.onnx")
    assert_one_line_error(done, "gone.onnx: no such file")
    assert json.dumps(done.stdout) == '""'
