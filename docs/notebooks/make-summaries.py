# %% [markdown]
# # Make summaries and look at them
#
# A small network that was trained on drawn birds, a dozen pictures, and what the network cannot do without. Nothing is
# downloaded: birds are drawn here, and the network is trained on first use.

# %%
from pathlib import Path

import torch
from IPython.display import Image, Markdown

from vsum_core.config import Arm, preset
from vsum_core.datasets import read_image_folder
from vsum_core.networks import load_network
from vsum_core.pipeline import pregenerate
from vsum_core.synthetic import write_birds

var = Path("var/notebooks")
write_birds(var / "birds", per_species=8, seed=3, both_ways=False)
images = read_image_folder(var / "birds", classes=["robin", "flamingo"], per_class=8)
network = load_network("bird-small", cache=Path("var/networks"))
len(images.images), network.specification.categories

# %% [markdown]
# One call makes masks, regions, matches, clusters and pictures. It can be interrupted and called again.

# %%
manifest = pregenerate(
    images,
    [network],
    config=preset("fast"),
    arms=[Arm.RANDOM_REGIONS],
    directory=var / "run",
    device=torch.device("cpu"),
    workers=1,
)
{
    clustering["class"]: clustering["accepted"]
    for clustering in manifest["clusterings"]
    if clustering["arm"] == "summaries"
}

# %% [markdown]
# What the mask of one image does to the network: the probability of the class before and after, and the area it takes.

# %%
mask = manifest["masks"][0]
{name: round(mask[name], 3) for name in ("p0", "p_blurred", "p_sharp", "p_thresholded", "area")}

# %% [markdown]
# And the summaries, the strongest first: every cell is a picture of the class with the region lit.


# %%
def show(summary):
    """The grid of a summary, under the part that most of its members show."""
    part, purity = summary["quality"]["part"], summary["quality"]["purity"]
    display(Markdown(f"`{summary['id']}`: truly {part}, purity {purity:.2f}"))  # noqa: F821
    display(Image(filename=str(var / "run" / summary["files"]["grid"]), width=420))  # noqa: F821


summaries = [summary for summary in manifest["summaries"] if summary["arm"] == "summaries"]
for summary in summaries[:3]:
    show(summary)
