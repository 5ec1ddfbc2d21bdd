"""The researchers' side, one file per part; Django finds it by this package's name."""

from study.admin import answers, history, participants, stimuli, studies

__all__ = ["answers", "history", "participants", "stimuli", "studies"]
