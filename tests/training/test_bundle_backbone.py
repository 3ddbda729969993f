"""The network of a bundle as a backbone: its maps, for images of any size, unless it has seen the cases."""

import numpy as np
import pytest

from cancernet.bundle import hash_groups, hash_texts
from cancernet.engine import load_keras
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.models import Backbone, keras_library
from cancernet.training import open_backbone
from cancernet.training.backbone import build_network
from engine.patchbundle import patch_bundle, tissue


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return patch_bundle(tmp_path_factory.mktemp("bundles") / "made")


def test_its_convolutions_are_those_of_the_bundle_at_another_size(bundle):
    backbone = open_backbone(Backbone(backbone=str(bundle), frozen=False))
    network = build_network(48, 3, kind="multiclass", model=backbone)
    source = load_keras(bundle / "model.keras")
    shared = [layer for layer in source.layers if layer.name.startswith(("conv", "batch"))]
    assert shared
    for layer in shared:
        for own, copied in zip(layer.get_weights(), network.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(own, copied)
    size = source.input_shape[1]
    images = tissue(3)[:, :size, :size]
    maps = keras_library().Model(source.inputs, source.get_layer("average").output)
    same = build_network(size, 3, kind="multiclass", model=backbone)
    ours = keras_library().Model(same.inputs, same.get_layer("average").output)
    np.testing.assert_allclose(ours.predict(images, verbose=0), maps.predict(images, verbose=0), atol=1e-6)
    assert network.input_shape[1:] == (48, 48, 3)


def test_the_name_says_the_bundle_and_its_scale_is_its_own(bundle):
    backbone = open_backbone(Backbone(backbone=str(bundle)))
    assert backbone.card is not None
    with pytest.raises(InvalidInput, match="The network of a bundle scales pixels itself"):
        open_backbone(Backbone(backbone=str(bundle), scale="0..1"))


def test_a_bundle_of_a_table_is_no_backbone():
    with pytest.raises(InvalidInput, match="The bundle 'fna' is no backbone"):
        open_backbone(Backbone(backbone="fna"))


def test_what_it_has_seen_is_refused(bundle):
    backbone = open_backbone(Backbone(backbone=str(bundle)))
    training = backbone.card.training.model_copy(
        update={
            "salt": "s",
            "row_hashes": hash_texts(["d1"], "s"),
            "group_hashes": hash_groups(["p1", "p2"], "s"),
        }
    )
    object.__setattr__(backbone, "card", backbone.card.model_copy(update={"training": training}))
    backbone.refuse_seen(np.array(["d2", "d3"]), np.array(["p3", "p3"]))
    with pytest.raises(LeakingSplit, match="trained on 1 of the 2 images of the study, and on 0 of its groups"):
        backbone.refuse_seen(np.array(["d1", "d3"]), np.array(["p3", "p3"]))
    with pytest.raises(LeakingSplit, match="on 0 of the 2 images of the study, and on 1 of its groups"):
        backbone.refuse_seen(np.array(["d2", "d3"]), np.array(["p1", "p3"]))
