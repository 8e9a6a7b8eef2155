"""`AgeModel`, the class that programs use: what it takes, what it answers, and which files it refuses."""

import io
import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ENVIRONMENT, PROJECT
from matplotlib import get_data_path
from PIL import Image
from small_network import PREPARE, intervals, tiny_model

from realage import AgeModel, PhotoError, Prediction, UserError
from realage.export.convert import export_model
from realage.inference.checksum import with_checksum
from realage.photos.likeness import FAMILIARITY, Seen, summarize

HOPPER = Image.open(Path(get_data_path()) / "sample_data/grace_hopper.jpg").convert("RGB")
FACES = PREPARE.model_copy(update={"crop": "face"})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models, each as `.keras` and `.onnx`: `whole`, and `faces`, which searches for faces."""
    folder = tmp_path_factory.mktemp("models")
    usual = summarize(Seen(90 + n / 4, 60 + n / 10, 8 + n / 10, 0.3 + n / 1_000, 40 + n) for n in range(200))
    tiny_model(folder / "whole.keras", "distribution", intervals(0.5))
    tiny_model(folder / "faces.keras", "regression", prepare=FACES, summary=usual)
    for name in ("whole", "faces"):
        export_model(folder / f"{name}.keras", folder / f"{name}.onnx", "float32")
    return folder


@pytest.fixture(scope="module")
def whole(models: Path) -> AgeModel:
    return AgeModel.load(models / "whole.onnx")


@pytest.fixture(scope="module")
def by_face(models: Path) -> AgeModel:
    return AgeModel.load(models / "faces.onnx")


def encoded(image: Image.Image, style: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, style, **options)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", [".keras", ".onnx"])
def test_a_photo_to_which_the_network_hardly_reacts_is_unfamiliar(tmp_path, suffix):
    looks = [Seen(20 + n, 0, 0, math.nan, math.nan) for n in range(200)]
    usual = summarize(looks, {FAMILIARITY: np.linspace(0.1, 1.5, 200)})
    tiny_model(tmp_path / "age.keras", "regression", summary=usual)
    export_model(tmp_path / "age.keras", tmp_path / "age.onnx", "float32")
    model = AgeModel.load(tmp_path / f"age{suffix}")
    assert model.outputs == {"age"}
    for level, reasons in ((51, ()), (0, ("dark", "unfamiliar"))):
        (found,) = model.predict(np.full((32, 32, 3), level, np.uint8))
        assert found.reasons == reasons
        assert found.familiarity == pytest.approx(3**0.5 * level / 255, abs=1e-5)  # the length of the mean colour


def test_a_photo_may_be_a_path_bytes_an_array_or_an_image(whole, tmp_path):
    image = HOPPER.resize((64, 80))
    (tmp_path / "a.png").write_bytes(encoded(image))
    sources = [tmp_path / "a.png", str(tmp_path / "a.png"), encoded(image), np.array(image), image]
    first, *others = whole.predict(sources)
    assert isinstance(first, Prediction) and all(other == first for other in others)
    assert all(whole.predict(source)[0].age == pytest.approx(first.age, abs=1e-3) for source in sources)
    assert 0 <= first.age_lo < first.age < first.age_hi and first.spread > 0
    assert first.faces is None and first.box is None and first.reasons == ()


def test_the_orientation_in_exif_data_counts(whole):
    image = HOPPER.resize((64, 80))
    turned, exif = image.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the photo has to be rotated back
    contents = encoded(turned, exif=exif.tobytes())
    expected = whole.predict(image)
    assert whole.predict(contents) == expected and whole.predict(Image.open(io.BytesIO(contents))) == expected
    assert whole.predict(turned) == whole.predict(np.array(turned))


def test_images_of_pillow_are_treated_as_files_are(whole, tmp_path):
    deep = Image.fromarray(np.arange(3_600, dtype=np.uint16).reshape(60, 60) * 18)
    deep.save(tmp_path / "deep.png")
    by_path, opened = whole.predict([tmp_path / "deep.png", Image.open(tmp_path / "deep.png")])
    assert opened.age == pytest.approx(by_path.age, abs=1e-3)
    with pytest.raises(PhotoError, match="^photo 1: 32-bit greyscale"):
        whole.predict(Image.new("F", (40, 40)))
    with pytest.raises(PhotoError, match="^photo 1: 14000x14000 pixels: more than the limit of 50 million"):
        whole.predict(Image.new("L", (14_000, 14_000)))
    (tmp_path / "cut.jpg").write_bytes(encoded(HOPPER, "JPEG")[:20_000])
    with pytest.raises(PhotoError, match="^photo 1: "):
        whole.predict(Image.open(tmp_path / "cut.jpg"))
    for nothing in (None, 5):
        with pytest.raises(UserError, match="an image of Pillow, and not"):
            whole.predict(nothing)


def test_images_of_other_modes_become_rgb(whole):
    grey = HOPPER.resize((40, 40)).convert("L")
    expected = whole.predict(grey.convert("RGB"))
    assert whole.predict(grey) == expected and whole.predict(grey.convert("RGBA")) == expected


@pytest.mark.parametrize("array", [
    np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8),
    np.zeros((2, 4, 4, 3), np.uint8),
])  # fmt: skip
def test_an_array_of_another_kind_is_refused(whole, array):
    with pytest.raises(UserError, match=r"uint8 \(height, width, 3\), RGB, and is"):
        whole.predict(array)
    with pytest.raises(UserError, match="an array or an image of Pillow, and not float"):
        whole.predict([1.5])


def test_a_photo_that_cannot_be_used_is_named(whole, tmp_path):
    (tmp_path / "note.jpg").write_text("a text")
    with pytest.raises(PhotoError, match=r"note\.jpg: "):
        whole.predict(tmp_path / "note.jpg")
    with pytest.raises(PhotoError, match=r"gone\.jpg: "):
        whole.predict([HOPPER, tmp_path / "gone.jpg"])
    with pytest.raises(PhotoError, match="^photo 3: HEIC is not read: convert it to JPEG"):
        whole.predict([HOPPER, HOPPER, b"\0\0\0\x18ftypheic" + bytes(100)])
    with pytest.raises(PhotoError, match="^photo 1: "):
        whole.predict(encoded(HOPPER, "JPEG")[:3_000])
    with pytest.raises(PhotoError, match="^photo 1: "):
        whole.predict(b"")
    with pytest.raises(PhotoError, match=r"^photo 1: .*megapixel"):
        whole.predict(encoded(Image.new("L", (14_000, 14_000))))


def test_no_photos_have_no_ages(whole):
    assert whole.predict([]) == []


def test_many_photos_are_answered_in_their_order_and_the_bad_one_is_named(whole):
    photos = [np.full((8, 8, 3), value, np.uint8) for value in range(150)]
    ages = [prediction.age for prediction in whole.predict(photos)]
    assert ages == pytest.approx([whole.predict(photo)[0].age for photo in photos], abs=1e-3)
    with pytest.raises(PhotoError, match="^photo 101: "):
        whole.predict([*photos[:100], b"no photo"])


@pytest.mark.parametrize("name", ["whole", "faces"])
def test_both_files_of_a_model_answer_alike(models, name):
    photos = [HOPPER, HOPPER.resize((300, 300)), Image.new("RGB", (50, 60), (90, 20, 30))]
    exported, original = (AgeModel.load(models / f"{name}.{kind}").predict(photos) for kind in ("onnx", "keras"))
    for one, other in zip(exported, original):
        assert one.age == pytest.approx(other.age, abs=1e-3)
        assert (one.age_lo is None) == (other.age_lo is None) == (name == "faces")
        assert (one.box, one.faces, one.reasons) == (other.box, other.faces, other.reasons)


def test_the_largest_face_or_every_face_with_its_box(by_face):
    small = HOPPER.resize((HOPPER.width // 2, HOPPER.height // 2))
    both = Image.new("RGB", (HOPPER.width + small.width, HOPPER.height))
    both.paste(small, (0, 0))
    both.paste(HOPPER, (small.width, 0))
    (largest,) = by_face.predict(both)
    first, second = by_face.predict_faces(both)
    assert first.box == largest.box and first.age == pytest.approx(largest.age, abs=1e-3)
    assert first.faces == second.faces == 2
    assert first.box[0] > small.width > second.box[0] + second.box[2]
    assert first.box[2] == pytest.approx(2 * second.box[2], rel=0.2)
    (alone,) = by_face.predict(HOPPER)
    assert alone.faces == 1 and first.age == pytest.approx(alone.age, abs=1)
    (faceless,) = by_face.predict_faces(Image.new("RGB", (80, 80)))
    assert faceless.faces == 0 and faceless.box is None and "no_face" in faceless.reasons


def test_a_photo_unlike_the_training_photos_has_reasons(by_face):
    assert by_face.predict(HOPPER)[0].reasons != by_face.predict(HOPPER.point(lambda value: value // 8))[0].reasons
    assert "dark" in by_face.predict(HOPPER.point(lambda value: value // 8))[0].reasons
    tiny = HOPPER.resize((HOPPER.width // 8, HOPPER.height // 8))
    assert "few_pixels" in by_face.predict(tiny)[0].reasons


def test_threads_may_share_a_model(by_face):
    photos = [HOPPER, HOPPER.rotate(8), HOPPER.resize((256, 300)), Image.new("RGB", (60, 60))] * 6
    alone = [by_face.predict(photo)[0] for photo in photos]
    with ThreadPoolExecutor(8) as pool:  # each photo in a batch of its own, as before
        assert list(pool.map(lambda photo: by_face.predict(photo)[0], photos)) == alone


def test_an_exported_model_needs_neither_keras_nor_pandas_nor_dvc(models, tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(HOPPER))
    code = (
        "import sys; from realage import AgeModel; print(AgeModel.load(sys.argv[1]).predict(sys.argv[2])[0].age);"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", code, models / "faces.onnx", tmp_path / "a.png"]
    done = subprocess.run(command, env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT)}, capture_output=True, text=True)
    age, modules = done.stdout.splitlines()
    assert 0 <= float(age) <= 150 and done.stderr == ""
    assert {"keras", "tensorflow", "pandas", "dvc", "matplotlib", "scipy", "onnx"} & set(modules.split()) == set()


def test_a_keras_model_without_tensorflow_names_the_extra_and_the_exported_file(models, monkeypatch):
    monkeypatch.setattr("realage.inference.age_model.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"whole\.keras: .*pip install 'realage\[train\]'.*age\.onnx") as error:
        AgeModel.load(models / "whole.keras")
    assert "\n" not in str(error.value)


REFUSED = r"bad\.onnx: not a model that stage 'export' wrote: "


def refused(contents: bytes, folder: Path, reason: str = "") -> None:
    (folder / "bad.onnx").write_bytes(contents)
    with pytest.raises(UserError, match=REFUSED + reason) as error:
        AgeModel.load(folder / "bad.onnx")
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing_or_no_exported_model_is_one_line(models, tmp_path):
    for name, reason in (("gbad.onnx", "no such"), ("gone.keras", "no such"), ("a\0b", "no such"), (".", "not a")):
        with pytest.raises(UserError, match=f"{reason}.*: name a model file; 'dvc repro' makes one"):
            AgeModel.load(tmp_path / name)
    contents = (models / "whole.onnx").read_bytes()
    for bad in (b"", b"garbage", contents[:-100], contents[: len(contents) // 2]):
        refused(bad, tmp_path)


def test_damage_is_noticed_wherever_it_is(models, tmp_path):
    contents = (models / "whole.onnx").read_bytes()
    assert {entry.key for entry in onnx.load_from_string(contents).metadata_props} == {"realage", "sha256"}
    for place in range(len(contents) // 200, len(contents) - 76, len(contents) // 50):
        refused(contents[:place] + bytes([contents[place] ^ 1]) + contents[place + 1 :], tmp_path)
    weights = contents.index(b"age_hi")  # names and weights: ONNX Runtime loads a file with other digits in a weight
    refused(contents.replace(contents[weights : weights + 6], b"age_ho"), tmp_path)
    refused(contents[:-1] + (b"0" if contents[-1:] != b"0" else b"1"), tmp_path, "it was changed since, or is damaged")
    refused(contents + contents[-76:], tmp_path, "it was changed since")


def as_file(model: onnx.ModelProto) -> bytes:
    """The contents of the file of a changed model, with a checksum of these."""
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key != "sha256"}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)
    return with_checksum(model.SerializeToString())


def test_a_file_of_an_earlier_release_has_no_checksum(models, tmp_path):
    (tmp_path / "old.onnx").write_bytes((models / "whole.onnx").read_bytes()[:-76])
    assert AgeModel.load(tmp_path / "old.onnx").predict(HOPPER) == AgeModel.load(models / "whole.onnx").predict(HOPPER)


def test_a_network_that_cannot_answer_is_refused(models, tmp_path):
    model = onnx.load(models / "whole.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    (tmp_path / "bad.onnx").write_bytes(as_file(model))
    with pytest.raises(UserError, match=REFUSED + "it cannot answer: "):
        AgeModel.load(tmp_path / "bad.onnx").predict([HOPPER, HOPPER])


def test_a_file_for_phones_is_not_loaded(tmp_path):
    (tmp_path / "age.tflite").write_bytes(b"")
    with pytest.raises(UserError, match=r"age\.tflite: a LiteRT model is for phones, .*: name age\.onnx"):
        AgeModel.load(tmp_path / "age.tflite")


def test_a_file_with_other_facts_is_refused(models, tmp_path):
    def with_facts(**changes: object) -> bytes:
        model = onnx.load(models / "whole.onnx")
        facts = json.loads(model.metadata_props[0].value) | changes
        onnx.helper.set_model_props(model, {"realage": json.dumps(facts)})
        return as_file(model)

    assert with_facts()
    prepare = PREPARE.model_dump()
    refused(with_facts(prepare=prepare | {"image_size": 64}), tmp_path, ".*prepare.image_size 64, and its inputs")
    refused(with_facts(prepare=prepare | {"crop": "eyes"}), tmp_path, ".*prepare.crop")
    refused(with_facts(fingerprint="abc"), tmp_path, ".*fingerprint")
    refused(with_facts(summary={"photos": 0}), tmp_path, ".*summary")
    (tmp_path / "new.onnx").write_bytes(with_facts(version=99))
    with pytest.raises(UserError, match=r"new\.onnx: .*version 99.*install a newer release"):
        AgeModel.load(tmp_path / "new.onnx")
    without = onnx.load(models / "whole.onnx")
    del without.metadata_props[:]
    refused(as_file(without), tmp_path, "it has no metadata 'realage'")


def test_weights_in_another_file_are_not_read(models, tmp_path):
    """A model file could name any file of the machine as the place of its weights."""
    model = onnx.load(models / "whole.onnx")
    for weight in model.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and np.prod(weight.dims) > 8:
            onnx.external_data_helper.set_external_data(weight, "weights.bin")
            (tmp_path / "weights.bin").write_bytes(weight.raw_data)
            weight.ClearField("raw_data")
            break
    refused(as_file(model), tmp_path)


def test_outputs_of_another_shape_and_ends_the_wrong_way_round_are_no_ages(models, tmp_path):
    model = onnx.load(models / "whole.onnx")
    for output in model.graph.output:
        output.name = {"age_lo": "age_hi", "age_hi": "age_lo"}.get(output.name, output.name)
    for node in model.graph.node:
        names = [{"age_lo": "age_hi", "age_hi": "age_lo"}.get(name, name) for name in node.output]
        del node.output[:]
        node.output.extend(names)
    (tmp_path / "swapped.onnx").write_bytes(as_file(model))
    with pytest.raises(PhotoError, match="no age from 0 to 150 years"):
        AgeModel.load(tmp_path / "swapped.onnx").predict(HOPPER)

    model = onnx.load(models / "whole.onnx")
    (last,) = (node for node in model.graph.node if "age" in node.output)
    last.output[list(last.output).index("age")] = "ages"
    model.graph.node.append(onnx.helper.make_node("ReduceMean", ["ages"], ["age"], keepdims=1))
    for node in model.graph.node[:-1]:
        needed = ["ages" if name == "age" else name for name in node.input]
        del node.input[:]
        node.input.extend(needed)
    (tmp_path / "bad.onnx").write_bytes(as_file(model))
    with pytest.raises(UserError, match=REFUSED + "an output is not one float32 number for each photo"):
        AgeModel.load(tmp_path / "bad.onnx").predict([HOPPER, HOPPER])


def test_a_network_whose_answer_is_no_age_gives_none(models, tmp_path):
    model = onnx.load(models / "whole.onnx")
    for weight in model.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(weight) * np.float32(np.nan)
            weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    (tmp_path / "nan.onnx").write_bytes(as_file(model))
    with pytest.raises(PhotoError, match="^photo 1: the model's answer is no age from 0 to 150 years"):
        AgeModel.load(tmp_path / "nan.onnx").predict(HOPPER)
