# %% [markdown]
# # A network of your own
#
# Either you hold the module, or you have a checkpoint and a factory that builds the module without weights. The first
# is `network_of`, the second is what `--networks my.module:factory --checkpoint FILE` does. Your module is never
# changed.

# %%
import sys
from pathlib import Path

import torch

from vsum_core.networks import NetworkSpecification, load_network, network_of

torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 5, stride=2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 2),
)  # fmt: skip
specification = NetworkSpecification(
    name="mine",
    weights="random",
    input_height=64,
    input_width=64,
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    categories=("robin", "flamingo"),
)
network = network_of(module, specification)
network.logits(torch.rand(1, 3, 64, 64)).shape, module.training, network.module.training

# %% [markdown]
# With a checkpoint: a file with the state dict, and a module with a factory. The file is read with `weights_only=True`,
# so it cannot run code.

# %%
folder = Path("var/notebooks/own")
folder.mkdir(parents=True, exist_ok=True)
torch.save(module.state_dict(), folder / "weights.pt")
(folder / "my_network.py").write_text(
    """
import torch
from vsum_core.networks import NetworkSpecification


def factory():
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 5, stride=2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 2),
    )
    specification = NetworkSpecification(
        name="mine", weights="mine", input_height=64, input_width=64,
        mean=(0.5,) * 3, std=(0.25,) * 3, categories=("robin", "flamingo"),
    )
    return module, specification
"""
)
sys.path.insert(0, str(folder))
loaded = load_network("my_network:factory", checkpoint=folder / "weights.pt")
image = torch.rand(1, 3, 64, 64)
bool(torch.allclose(loaded.logits(image), network.logits(image), atol=1e-5))

# %% [markdown]
# What goes wrong is said in one line.

# %%
torch.save(torch.nn.Linear(1, 1).state_dict(), folder / "other.pt")
try:
    load_network("my_network:factory", checkpoint=folder / "other.pt")
except ValueError as error:
    print(str(error).splitlines()[0][:120])

# %% [markdown]
# Any method can explain it. This network is not trained, so its relevance means nothing; only the shapes matter here.

# %%
import numpy as np  # noqa: E402

from vsum_core.config import preset  # noqa: E402
from vsum_core.methods import Question, load_method  # noqa: E402

question = Question(
    network=loaded,
    images=image,
    targets=torch.tensor([0]),
    areas=np.array([0.2]),
    config=preset("fast").masks,
)
explanation = load_method("grad-cam").explain(question)
explanation.masks.shape, round(float((explanation.masks < 0.5).mean()), 3)
