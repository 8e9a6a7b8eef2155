"""The first weights of a network: random, those of a pretrained backbone, or those of an age model (a warm start)."""

from pathlib import Path
from typing import Any, NamedTuple

from realage.core.errors import UserError, brief
from realage.core.files import read_json
from realage.core.paths import BACKBONE_WEIGHTS, SOURCE, START_MODEL
from realage.network.backbones import ModelParams
from realage.network.contents import Start, read_learnt, read_recipe
from realage.network.learnt import LearntPhotos
from realage.network.model_file import load_network
from realage.network.pretrained import load_backbone_weights
from realage.network.quiet_keras import keras

HEAD_LAYERS = ("dense", "outputs")
HEAD_KEYS = ("head", "dense_units")  # of `model`: a head goes on if it has the same of both


class Origin(NamedTuple):
    """Where the first weights of a network come from."""

    lineage: list[Start]  # as in `Recipe`
    learnt: LearntPhotos  # photos that the age model and its ancestors have learnt from; none without such a model
    trained: dict[str, Any]  # section `train` of the age model; empty without one

    @property
    def age_model(self) -> Start | None:
        """The age model that goes on, if there is one."""
        return self.lineage[0] if self.lineage and self.lineage[0].is_age_model else None


def start_network(network: keras.Model, params: ModelParams) -> Origin:
    """Give the untrained `network` the weights in `data/weights`, if there are any.

    An age model's head goes on, too, if `model.head` and `model.dense_units` are the same; then `model.output_bias` has
    no effect. Raises UserError if the weights do not fit.
    """
    if params.weights == "none":
        return Origin([], LearntPhotos.of([]), {})
    source = read_json(SOURCE)
    start = Start(weights=source["weights"], sha256=source["sha256"])
    if not START_MODEL.is_file():
        load_backbone_weights(network, BACKBONE_WEIGHTS)
        return Origin([start], LearntPhotos.of([]), {})
    recipe, learnt = read_recipe(START_MODEL), read_learnt(START_MODEL)
    head_taken = all(recipe.model.get(key) == getattr(params, key) for key in HEAD_KEYS)
    _take_over(network, START_MODEL, head_taken)
    learnt_photos = None if learnt is None else len(learnt)
    start = start.model_copy(update={"head_taken": head_taken, "data": recipe.data, "learnt_photos": learnt_photos})
    return Origin([start, *recipe.lineage], learnt or LearntPhotos.of([]), recipe.train)


def _take_over(network: keras.Model, file: Path, with_head: bool) -> None:
    """Copy the weights of the backbone and, with `with_head`, of the head from an age model into `network`."""
    trained = load_network(file)
    names = {layer.name for layer in network.layers}
    layers = ["backbone", *(name for name in HEAD_LAYERS if with_head and name in names)]
    try:
        # `network.keras` is the network itself, and `age.keras` has it as a layer.
        trained = trained if trained.name == network.name else trained.get_layer(network.name)
        for name in layers:
            network.get_layer(name).set_weights(trained.get_layer(name).get_weights())
    except (ValueError, AttributeError) as error:  # a file from elsewhere may have other layers than its recipe says
        raise UserError(f"{file}: its weights do not fit the network: {brief(error)}: start from another model, or set "
                        "model.weights to imagenet or none") from error
