"""Write rgb2hed.json with scikit-image, which is no dependency: run in an environment of its own that has it.

pip install scikit-image && python tests/reference/rgb2hed.py
"""

import json
from importlib import metadata
from pathlib import Path

import numpy as np
from skimage.color import rgb2hed, rgb_from_hed

colours = np.concatenate(
    [
        [[0, 0, 0], [255, 255, 255], [128, 128, 128], [90, 60, 140], [200, 120, 180], [235, 200, 220], [60, 40, 20]],
        np.random.default_rng(0).integers(0, 256, (13, 3)),
    ]
)
# scikit-image takes light from 0 to 1 and divides by ln(1e-6); (I + 1) / 256 is the light as this package sees it.
amounts = rgb2hed((colours + 1) / 256) * -np.log(1e-6)
Path(__file__).with_suffix(".json").write_text(
    json.dumps(
        {
            "made_with": f"scikit-image {metadata.version('scikit-image')}",
            "vectors": rgb_from_hed.tolist(),
            "colours": colours.tolist(),
            "amounts": np.round(amounts, 6).tolist(),
        },
    )
    + "\n"
)
