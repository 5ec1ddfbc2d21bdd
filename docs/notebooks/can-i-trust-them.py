# %% [markdown]
# # Can I trust these summaries?
#
# Three questions that a reviewer asks. Do other seeds and other images give the same summaries? Do they depend on what
# the network has learned? And does the score fall when what they show is taken away?

# %%
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from vsum_core.config import preset
from vsum_core.datasets import read_image_folder
from vsum_core.metrics_stability import places_of, stability
from vsum_core.networks import load_network
from vsum_core.pipeline import pregenerate
from vsum_core.randomisation import randomised
from vsum_core.synthetic import write_birds

var = Path("var/notebooks")
write_birds(var / "birds", per_species=8, seed=3, both_ways=False)
images = read_image_folder(var / "birds", classes=["robin", "flamingo"], per_class=8)
network = load_network("bird-small", cache=Path("var/networks"))


def summaries_of(network, images, *, seed=0):
    """Summaries as the boxes they show, by class, and the manifest."""
    config = replace(preset("fast"), seed=seed)
    manifest = pregenerate(
        images, [network], config=config, arms=[], directory=var / "trust", device=torch.device("cpu"), workers=1
    )
    found = {}
    for summary in manifest["summaries"]:
        found.setdefault(summary["class"], []).append(places_of(summary))
    return found, manifest


first, manifest = summaries_of(network, images)
{name: len(found) for name, found in first.items()}

# %% [markdown]
# Another seed: the order of proposals, the scattered masks that clusters are held against, ties of the clustering.
# Summaries are matched one to one; overlap 1 means the same boxes in the same images.


# %%
def compared(one, other, images=None):
    """Overlap of two sets of summaries, class by class."""
    rows = []
    for name in sorted(one.keys() | other.keys()):
        found = stability(one.get(name, []), other.get(name, []), images=images)
        rows.append([name, len(one.get(name, [])), len(other.get(name, [])), found.mean_overlap, found.matched])
    return pd.DataFrame(rows, columns=["class", "summaries", "other", "mean overlap", "matched"]).round(2)


other_seed, _ = summaries_of(network, images, seed=1)
compared(first, other_seed)

# %% [markdown]
# Six of the eight images, compared on those six.

# %%
fewer = read_image_folder(var / "birds", classes=["robin", "flamingo"], per_class=6)
six, _ = summaries_of(network, fewer)
compared(first, six, images={image.id for image in fewer.images})

# %% [markdown]
# The same architecture with random weights in its last layers (Adebayo et al. 2018). What it no longer recognises
# cannot be explained, and what it still calls by its name must look different, or the method would not look at it.

# %%
blind, blind_manifest = summaries_of(randomised(network, share=0.25), images)
before, after = manifest["networks"][0], blind_manifest["networks"][0]
print("images recognised:", before["images_correct"], "before,", after["images_correct"], "after")
compared(first, blind)

# %% [markdown]
# Taking the shown boxes away lowers the probability of the class: coverage is the share of the whole drop that all
# summaries of a class explain together.

# %%
kept = [row for row in manifest["clusterings"] if row["arm"] == "summaries"]
pd.DataFrame(kept)[["class", "regions", "accepted", "coverage"]].round(3)
