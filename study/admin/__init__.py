"""The researchers' side, one file per part; Django finds it by this package's name."""

from study.admin import answers, participants, stimuli, studies

__all__ = ["answers", "participants", "stimuli", "studies"]
