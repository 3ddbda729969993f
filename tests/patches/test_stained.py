from dataclasses import replace

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.patches import fit_stains, stained_pack
from cancernet.stain import fit_macenko, fit_reinhard, fit_stain, normalise
from stain.made import VECTORS
from stain.made import tissue as stained_tissue

OTHER = VECTORS[:, [0, 2, 1]] * [0.8, 1, 1.3]  # another laboratory's stains
OTHER = OTHER / np.linalg.norm(OTHER, axis=1, keepdims=True)
FITS = {"macenko": fit_macenko, "reinhard": fit_reinhard}


def tiles(vectors, seed: int = 0) -> np.ndarray:
    """Return 16 tiles of 50 x 50 pixels of one slide; the same amounts of stain for the same seed."""
    slide = stained_tissue(np.random.default_rng(seed), vectors=vectors)
    return slide.reshape(4, 50, 4, 50, 3).swapaxes(1, 2).reshape(16, 50, 50, 3)


@pytest.fixture
def two(pack_of):
    """The same tissue in the stains of two laboratories, as two patients."""
    images = np.concatenate([tiles(VECTORS), tiles(OTHER)])
    return pack_of(images, ["a"] * 16 + ["b"] * 16)


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_each_patient_is_normalised_by_a_fit_of_its_own(two, method):
    found = stained_pack(two, method)
    for rows in (slice(0, 16), slice(16, 32)):
        images = np.asarray(two.images[rows])
        np.testing.assert_array_equal(found.images[rows], normalise(images, FITS[method](images)))
    assert "one fit for each patient (2)." in found.patches.notes[-1]


def test_the_same_tissue_in_two_stains_looks_the_same_afterwards(two):
    found = stained_pack(two, "macenko")
    before, after = (np.abs(pack.images[:16].astype(int) - pack.images[16:]).mean() for pack in (two, found))
    assert before > 20
    assert after < 2


def test_what_is_known_of_the_images_stays(two):
    found = stained_pack(two, "macenko")
    assert np.array_equal(found.digests, two.digests)
    assert np.array_equal(found.perceptual, two.perceptual)
    assert np.array_equal(found.patches.groups, two.patches.groups)
    assert found.key != two.key
    assert not found.images.flags.writeable
    assert stained_pack(two, "none") is two


def test_it_is_made_once_and_made_anew_when_damaged(two):
    told = []
    first = stained_pack(two, "macenko", progress=told.append)
    assert told == [32]
    kept = np.array(first.images)
    again = stained_pack(two, "macenko", progress=told.append)
    assert again.folder == first.folder
    assert told == [32]
    file = first.folder / "images.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 16
    file.write_bytes(content)
    np.testing.assert_array_equal(stained_pack(two, "macenko", progress=told.append).images, kept)
    assert told == [32, 32]


def test_slides_go_before_patients_and_without_both_all_is_one_slide(two):
    slides = np.repeat(["1", "2", "3", "4"], 8)
    patches = replace(two.patches, slides=slides)
    images = np.asarray(two.images)
    by_slide = fit_stains(patches, lambda rows: images[rows], method="macenko")
    assert (by_slide.shared, sorted(by_slide.fits)) == ("slide", ["1", "2", "3", "4"])
    unknown = replace(two.patches, group_column="row", groups=two.patches.ids)
    together = fit_stains(unknown, lambda rows: images[rows], method="macenko")
    assert (together.shared, list(together.fits)) == ("set", ["all"])
    assert "taken as one slide" in together.words()


def test_a_patient_without_tissue_takes_the_fit_of_all(pack_of):
    images = np.concatenate([tiles(VECTORS), np.full((4, 50, 50, 3), 250, dtype=np.uint8)])
    pack = pack_of(images, ["a"] * 16 + ["blank"] * 4)
    found = fit_stains(pack.patches, lambda rows: np.asarray(pack.images[rows]), method="macenko")
    assert found.borrowed == ("blank",)
    assert found.fits["blank"] == fit_macenko(images)
    assert "1 with too little tissue took the fit of all" in found.words()


def test_no_tissue_at_all_is_refused(pack_of):
    rng = np.random.default_rng(0)
    pack = pack_of(rng.integers(240, 256, (4, 50, 50, 3), dtype=np.uint8), ["a", "a", "b", "b"])
    with pytest.raises(InvalidInput, match="cannot be normalised by 'macenko': 0 pixels of tissue"):
        stained_pack(pack, "macenko")


def test_an_unknown_method_is_refused():
    with pytest.raises(InvalidInput, match="method of normalising stains"):
        fit_stain(tiles(VECTORS), method="vahadane")
