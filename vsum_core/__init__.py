"""Visual summaries of what an image classifier cannot do without (arXiv 1801.09103).

The package turns photographs of one class and a network into *visual summaries*: groups of image regions that the
network needs, that look alike and that sit at corresponding places. It knows nothing of the study or the statistics;
what it hands over is a run directory with a ``manifest.json`` (see ``contracts/manifest.schema.json``).
"""

__version__ = "0.1.0"
