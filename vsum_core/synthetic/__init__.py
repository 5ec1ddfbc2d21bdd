"""Drawn birds with true parts: five species that share a body plan and differ in several parts each."""

from vsum_core.synthetic.birds import BirdDrawing, draw_bird
from vsum_core.synthetic.folder import write_birds
from vsum_core.synthetic.species import SPECIES, Part

__all__ = ["SPECIES", "BirdDrawing", "Part", "draw_bird", "write_birds"]
