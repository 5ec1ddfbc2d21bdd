# %% [markdown]
# # Compare two networks
#
# Two networks, the same pictures: which one needs more of the image, which yields more summaries, and do they find the
# same ones? `manage.py compare_networks RUN` prints these tables, too.

# %%
from pathlib import Path

import pandas as pd
import torch

from vsum_core.comparison import compare_explainers, compare_pairs, summary_importance
from vsum_core.config import preset
from vsum_core.datasets import read_image_folder
from vsum_core.methods import methods_named
from vsum_core.networks import load_network
from vsum_core.pipeline import pregenerate
from vsum_core.synthetic import write_birds

var = Path("var/notebooks")
write_birds(var / "birds", per_species=8, seed=3, both_ways=False)
images = read_image_folder(var / "birds", classes=["robin", "flamingo"], per_class=8)
networks = [load_network(name, cache=Path("var/networks")) for name in ("bird-small", "bird-large")]
manifest = pregenerate(
    images,
    networks,
    config=preset("fast"),
    arms=[],
    methods=methods_named("visual-summaries,occlusion"),
    directory=var / "run",
    device=torch.device("cpu"),
    workers=1,
)

# %% [markdown]
# One row per network and method. The interval is over classes, and there are too few for one here.

# %%
columns = ["network", "method", "accuracy", "p0", "p_thresholded", "area", "summaries", "members", "coverage", "purity"]
pd.DataFrame(compare_explainers(manifest))[columns].round(3)

# %% [markdown]
# Do they find the same? Summaries are matched one to one; 1 would be the same boxes in the same images.

# %%
pd.DataFrame(compare_pairs(manifest)).round(3)

# %% [markdown]
# Which summaries explain most of the score drop per image of their class?

# %%
pd.DataFrame(summary_importance(manifest))[["summary", "importance", "mean_drop", "share_of_images"]].head(6).round(3)
