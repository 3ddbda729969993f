import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from cancernet.data import Fold, Split, digest_of_ids
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.patches import copies
from cancernet.patches.audit import audit_patches
from cancernet.patches.copies import blank_rows, find_copies, join_groups
from cancernet.patches.pack import open_pack
from cancernet.patches.read import PatchOptions, read_patches
from cancernet.patches.survey import inked_shares, survey

NOTHING = np.arange(0)


def split_of(pack, *folds, kind=None):
    """Return a split with these (train, validation, test) rows."""
    made = tuple(Fold(0, number, *(np.array(part) for part in fold)) for number, fold in enumerate(folds))
    ids = pack.patches.ids
    return Split(kind or "held-out", made, 7, "patient", len(ids), digest_of_ids(ids))


def held_out(pack, test, validation=()):
    """Return a held-out split: the rest trains."""
    train = np.setdiff1d(np.arange(len(pack)), [*test, *validation])
    return split_of(pack, (train, np.array(validation, dtype=int), test))


def jpeg(image, path):
    """Return an image as JPEG makes it."""
    Image.fromarray(image).save(path, quality=80)
    return np.asarray(Image.open(path))


@pytest.fixture
def planted(tissue, pack_of, tmp_path):
    """Return a pack of 30 patches of 10 patients; 20 is 3 turned, 25 is 4 turned and compressed, 29 is 2 flipped."""
    images = tissue(30)
    images[20] = np.rot90(images[3])
    images[25] = jpeg(np.rot90(images[4], 3).copy(), tmp_path / "copy.jpg")
    images[29] = images[2][:, ::-1]
    return pack_of(images, [f"p{row // 3}" for row in range(30)])


def test_a_clean_split_has_no_leak(planted):
    found = audit_patches(planted, held_out(planted, [6, 7, 8], [9, 10, 11]))
    assert not found.leaks
    found.refuse()
    assert (found.groups, found.images, found.held_out) == (10, 30, 6)
    assert found.sentences() == (
        "None of the 10 groups of column 'patient' stands on two sides.",
        "No held-out image is a copy of one trained on, turned, flipped, zoomed or compressed.",
    )


def test_a_shared_group_is_refused_by_name(planted):
    found = audit_patches(planted, held_out(planted, [6, 7, 12]))
    assert found.shared_groups == ("p2", "p4")
    with pytest.raises(LeakingSplit, match="2 groups of column 'patient' stand on two sides of the split: 'p2', 'p4'"):
        found.refuse()
    assert found.sentences()[0].startswith("LEAK: 2 groups")


def test_equal_pixels_are_refused_by_name_however_turned(planted):
    found = audit_patches(planted, held_out(planted, [0, 1, 2, 18, 19, 20]))
    assert found.identical == (("0002.png", "0029.png"), ("0020.png", "0003.png"))
    assert found.near == ()
    with pytest.raises(LeakingSplit, match=re.escape("'0002.png' = '0029.png', '0020.png' = '0003.png'")) as caught:
        found.refuse()
    assert "Give copies one group" in str(caught.value)
    assert "2 held-out images have the pixels" in found.sentences()[1]


def test_near_copies_are_refused_by_name(planted):
    found = audit_patches(planted, held_out(planted, [24, 25, 26]))
    assert [pair[:2] for pair in found.near] == [("0025.png", "0004.png")]
    assert 0 < found.near[0][2] < 0.5
    assert found.identical == ()
    with pytest.raises(LeakingSplit, match=r"show the same place as an image trained on.*'0025.png' = '0004.png'"):
        found.refuse()


def test_copies_on_one_side_are_no_leak(planted):
    copied = [*range(3), *range(27, 30)]
    assert not audit_patches(planted, held_out(planted, copied)).leaks
    assert not audit_patches(planted, held_out(planted, copied, [6, 7, 8])).leaks


def test_validation_is_held_out_from_training(planted):
    found = audit_patches(planted, held_out(planted, [6, 7, 8], [18, 19, 20]))
    assert found.identical == (("0020.png", "0003.png"),)


def test_test_images_are_compared_with_validation_images_too(planted):
    found = audit_patches(planted, held_out(planted, [18, 19, 20], [3, 4, 5, 24, 25, 26]))
    assert found.identical == (("0020.png", "0003.png"),)


def test_every_fold_is_looked_at_and_each_image_named_once(planted):
    rows = np.arange(30)
    parts = [rows[rows // 3 % 2 == side] for side in (0, 1)]
    both = split_of(planted, (parts[0], NOTHING, parts[1]), (parts[1], NOTHING, parts[0]), kind="k-fold")
    found = audit_patches(planted, both)
    assert found.identical == (
        ("0002.png", "0029.png"),
        ("0003.png", "0020.png"),
        ("0020.png", "0003.png"),
        ("0029.png", "0002.png"),
    )
    assert [pair[:2] for pair in found.near] == [("0004.png", "0025.png"), ("0025.png", "0004.png")]
    assert found.held_out == 30


def test_a_near_copy_of_an_image_that_is_there_twice_is_found_by_either(tissue, pack_of, tmp_path):
    images = tissue(12)
    images[5] = images[0][::-1]
    images[9] = jpeg(images[0], tmp_path / "copy.jpg")
    pack = pack_of(images)
    for known in (0, 5):
        test = [row for row in (0, 5, 9) if row != known]
        found = audit_patches(pack, held_out(pack, test))
        assert ("0009.png", f"000{known}.png") in [pair[:2] for pair in found.near]


def test_the_nearest_of_several_copies_is_named(tissue, pack_of, tmp_path):
    images = tissue(12)
    images[5] = jpeg(np.roll(images[0], 1, axis=0), tmp_path / "moved.jpg")
    images[9] = jpeg(images[0], tmp_path / "copy.jpg")
    pack = pack_of(images)
    (pair,) = audit_patches(pack, held_out(pack, [0])).near
    assert pair[1] == "0009.png"


def test_blank_images_are_copies_of_nothing(tissue, pack_of):
    images = tissue(20)
    images[3] = images[12] = 255  # equal pixels
    images[4], images[13] = 0, 244
    rng = np.random.default_rng(0)
    images[5] = np.clip(rng.normal(243, 2, (50, 50, 3)), 0, 255)
    images[14] = images[5][::-1]
    pack = pack_of(images)
    assert np.flatnonzero(blank_rows(pack.perceptual)).tolist() == [3, 4, 5, 12, 13, 14]
    found = audit_patches(pack, held_out(pack, [3, 4, 5]))
    assert not found.leaks
    assert found.blank == 6
    assert found.sentences()[-1] == "6 blank images were not compared."


def test_images_padded_with_white_are_not_compared(tissue, save_set, tmp_path):
    patches = save_set([*tissue(10, 50), *(image[:20] for image in tissue(10, seed=1))])
    pack = open_pack(patches, size=50, fit="crop", cache=tmp_path / "cache")
    assert len(find_copies(pack).near) == 0


@pytest.mark.parametrize("column", [None, "row"])
def test_unknown_groups_are_said(tissue, pack_of, column):
    pack = pack_of(tissue(6), group_column=column)
    words = audit_patches(pack, held_out(pack, [1])).sentences()[0]
    assert (
        words
        == {
            None: "Groups could not be compared: they are unknown.",
            "row": "Each of the 6 images counts as a patient of its own.",
        }[column]
    )


def test_a_split_of_other_images_is_refused(planted, tissue, pack_of):
    other = pack_of(tissue(30), folder="other").patches
    turned = replace(planted, patches=other.take(np.arange(30)[::-1]))
    with pytest.raises(InvalidInput, match="rows with other ids"):
        audit_patches(planted, held_out(turned, [1]))


def test_the_audit_is_json_with_lists_cut(tissue, pack_of):
    pack = pack_of(np.concatenate([tissue(30)] * 2))
    found = audit_patches(pack, held_out(pack, range(30)))
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["identical_images"]["count"] == 30
    assert len(content["identical_images"]["first"]) == 20
    assert content["leaks"] is True
    assert content["sentences"] == list(found.sentences())


def test_near_copies_are_searched_for_once(planted, monkeypatch):
    first = find_copies(planted)
    monkeypatch.setattr(copies, "near_duplicates", None)
    second = find_copies(planted)
    assert first.near.first.tolist() == second.near.first.tolist()
    assert first.near.distance.tolist() == second.near.distance.tolist()


def test_a_damaged_record_of_near_copies_is_made_again(planted):
    first = find_copies(planted)
    (kept,) = planted.folder.glob("near-*.npz")
    kept.write_bytes(kept.read_bytes()[:50])
    assert find_copies(planted).near.second.tolist() == first.near.second.tolist()


def test_groups_that_share_copies_are_joined(planted):
    groups = join_groups(planted)
    expected = {"p9": "p0", "p6": "p1", "p8": "p1"}  # 29 is 2; 20 is 3; 25 is 4
    assert groups.tolist() == [expected.get(group, group) for group in planted.patches.groups.tolist()]
    joined = replace(planted, patches=replace(planted.patches, groups=groups))
    sides = np.isin(groups, ["p1", "p3"])
    assert not audit_patches(joined, held_out(joined, np.flatnonzero(sides))).leaks


def test_the_survey_counts(planted):
    found = survey(planted)
    assert (found.images, found.size, found.classes) == (30, 50, {})
    assert (found.groups.groups, found.groups.fewest, found.groups.median, found.groups.most) == (10, 3, 3, 3)
    assert found.sizes == ((50, 50, 30),)
    assert (found.identical.pairs, found.identical.across_groups) == (2, 2)
    assert found.identical.examples == (("0003.png", "0020.png"), ("0002.png", "0029.png"))
    assert (found.near.pairs, found.near.across_groups, found.near.examples) == (1, 1, (("0004.png", "0025.png"),))
    assert (found.blank, found.pen, found.black) == (0, 0, 0)
    assert found.darkness is None
    assert found.sentences()[:2] == (
        "10 groups by 'patient', with 3 to 3 images, median 3.",
        "All files are 50x50 pixels.",
    )
    json.dumps(found.to_dict(), allow_nan=False)


def test_copies_inside_a_group_are_told_from_those_across(tissue, pack_of):
    images = np.concatenate([tissue(6)] * 2)
    pack = pack_of(images, ["a", "a", "a", "b", "b", "b", "a", "a", "a", "c", "c", "c"])
    found = survey(pack)
    assert (found.identical.pairs, found.identical.across_groups) == (6, 3)


def test_darkness_is_the_auroc_of_minus_the_mean(tissue, pack_of):
    images = tissue(40)
    target = np.where(np.arange(40) % 3 == 0, "tumour", "normal")
    pack = pack_of(images, target=target.tolist())
    found = survey(pack).darkness
    assert found.label == "tumour"
    assert found.auroc == pytest.approx(roc_auc_score(target == "tumour", -images.mean(axis=(1, 2, 3))), abs=0.002)
    words = [sentence for sentence in survey(pack).sentences() if "Darkness" in sentence]
    assert words == [f"Darkness alone tells 'tumour' with an AUROC of {found.auroc:.3f}: a network has to do better."]


def test_three_classes_have_no_darkness(tissue, pack_of):
    assert survey(pack_of(tissue(6), target=["a", "b", "c"] * 2)).darkness is None


def test_ink_is_seen_by_its_colours(tissue):
    images = tissue(6)
    images[1, :10] = (30, 140, 90)  # green
    images[2, :5] = (40, 70, 190)  # blue
    images[3, 40:] = (20, 22, 18)  # black
    images[4] = (90, 50, 140)  # haematoxylin
    pen, black = inked_shares(images)
    assert pen == pytest.approx([0, 0.2, 0.1, 0, 0, 0], abs=0.002)
    assert black == pytest.approx([0, 0, 0, 0.2, 0, 0], abs=0.002)


def test_another_stain_is_not_called_ink(tissue, pack_of):
    images = tissue(6)
    images[:4, :25] = (90, 170, 150)  # the cytoplasm of Papanicolaou
    words = " ".join(survey(pack_of(images)).sentences())
    assert "4 images show green or blue ink, 0 black ink. So many are rather of another stain than H&E." in words


def test_faults_and_several_sizes_are_in_the_survey(tissue, save_set, tmp_path):
    patches = save_set([*tissue(8), *tissue(2, 64)], group_column=None)
    patches.path(0).write_bytes(b"")
    found = survey(open_pack(patches, fit="resize", cache=tmp_path / "cache"))
    words = " ".join(found.sentences())
    assert "The files have 2 sizes: 50x50 (7), 64x64 (2)." in words
    assert "1 files were set aside: " in words
    assert "(it is empty)" in words
    assert words.startswith("Groups are unknown")
    assert found.to_dict()["faults"]["count"] == 1


def packed(realdata, cache, name, step=1, **options):
    """Return a pack of every so manieth group of a real set."""
    source = realdata / name if "layout" in options else realdata / name / "manifest.csv"
    patches = read_patches(source, options=PatchOptions(**options))
    chosen = np.isin(patches.groups, np.unique(patches.groups)[::step])
    return open_pack(patches.take(chosen), size=50 if name == "idc" else None, fit="crop", cache=cache)


@pytest.mark.realdata
def test_the_augmented_copies_of_lung_are_found(realdata, tmp_path):
    pack = packed(realdata, tmp_path, "lung", step=8, target="label", group="group")
    found = survey(pack)
    assert found.near.pairs >= 0.9 * found.groups.groups  # two copies of each tile
    assert found.near.across_groups == 0
    rows = replace(pack, patches=replace(pack.patches, groups=pack.patches.ids, group_column="row"))
    random = audit_patches(rows, held_out(rows, np.arange(0, len(rows), 4)))
    assert len(random.near) > 0.9 * found.near.pairs / 2
    with pytest.raises(LeakingSplit, match="show the same place"):
        random.refuse()


@pytest.mark.slow
@pytest.mark.realdata
def test_all_of_lung(realdata, tmp_path):
    found = survey(packed(realdata, tmp_path, "lung", target="label", group="group"))
    assert found.identical.pairs + found.near.pairs - found.near.across_groups >= 0.92 * 589
    # Groups lung_n_237 and lung_n_248 of the table are one tile: their pictures show it.
    tile = {"lung_n/lungn1844.jpeg", "lung_n/lungn2152.jpeg", "lung_n/lungn1059.jpeg", "lung_n/lungn513.jpeg"}
    assert found.near.across_groups == len(found.near.examples) >= 1
    assert all(set(pair) <= tile for pair in found.near.examples)


@pytest.mark.slow
@pytest.mark.realdata
def test_all_of_idc(realdata, tmp_path):
    found = survey(packed(realdata, tmp_path, "idc", layout="idc"))
    assert found.classes == {"0": 8622, "1": 3381}
    assert (found.groups.groups, found.groups.median) == (223, 50)
    assert found.sizes[0] == (50, 50, 11915)
    assert found.darkness.auroc == pytest.approx(0.792, abs=0.004)
    assert (found.near.across_groups, found.identical.across_groups) == (0, 0)
    assert 60 < found.pen < 120
    assert 80 < found.black < 140


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("crchisto", {"target": "label", "group": "patient"}),
        ("herlev", {"target": "grade", "group": "group"}),
        ("gleason", {"target": "label", "group": "slide"}),
    ],
)
def test_no_false_alarm_in_the_other_sets(realdata, tmp_path, name, options):
    found = survey(packed(realdata, tmp_path, name, **options))
    assert (found.near.across_groups, found.identical.across_groups) == (0, 0)
