"""Moving a whole study between servers and databases: one file with every row and every picture, checked on both ends.

`export_study` is for analysis and leaves out what leads to people. A moved study holds all of it, links and recruiters'
identifiers too, so that people inside can go on at the new server: its file is as confidential as the database.
"""

from study.moving.reading import MovedStudy, open_study
from study.moving.tables import TABLES, MoveError
from study.moving.writing import Written, write_study

__all__ = ["TABLES", "MoveError", "MovedStudy", "Written", "open_study", "write_study"]
