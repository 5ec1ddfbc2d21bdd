# %% [markdown]
# # Analyse an export
#
# What `manage.py export_study` writes, read, checked and turned into numbers. No study at hand? Then one is made up,
# with a truth that we know: names are given to three in four views of a summary and to three in ten of random regions.

# %%
from pathlib import Path

import numpy as np
from IPython.display import Markdown

import analysis
from analysis.simulated_export import write_simulated_export

design = analysis.StudyDesign(participants=24, classes=3, networks=2, summaries=4, network_effect=0.6)
study = analysis.simulate_study(design, generator=np.random.default_rng(7))
export = analysis.load(write_simulated_export(study, Path("var/notebooks/export")))
export.responses[["participant", "class", "network", "arm", "answer_kind", "answer_text"]].head()

# %% [markdown]
# One call computes everything that the report shows.

# %%
options = analysis.InferenceOptions(draws=500)
evaluation = analysis.evaluate(export, inference_options=options)
Markdown(evaluation.answer)

# %% [markdown]
# Every number is an estimate with its interval, its n and its method; where there is none, a reason stands instead.

# %%
numbers = evaluation.results.frame()
numbers[numbers["scope"] == "arm"][["statistic", "arm", "value", "low", "high", "n"]].round(3)

# %% [markdown]
# What do people see, and how far do they agree? One row per summary.

# %%
evaluation.consensus.head(6).round(3)

# %% [markdown]
# The coefficients are functions of their own: raters in rows, units in columns, missing where nobody gave a name.

# %%
answers = evaluation.answers
codes, names = answers.name_codes("l2", no_common_part=False)
matrix, _, _ = analysis.ratings_from_long(
    answers.participant_codes, answers.unit_codes, np.where(codes < 0, np.nan, codes)
)
print(len(names), "names;", analysis.krippendorff_alpha(ratings=matrix, level="nominal"))

# %% [markdown]
# How many people would the next study need to tell two such networks apart?

# %%
grid = analysis.PowerOptions(participants=(12, 24, 48, 96), summaries=(4,), studies=100)
table = analysis.power_table(design, options=grid)
table[["measure", "participants", "power", "half_width"]].round(3)

# %% [markdown]
# And the report, one file to pass on: `python -m analysis var/notebooks/export --out var/notebooks/report`.
