"""Programs that read the CSV tables with the right types and labels: `import.R` (readr) and `import.sps` (SPSS)."""

from study.contract import Column, LongTableContract, Table

R_TYPES = {
    "string": "col_character()",
    "integer": "col_integer()",
    "number": "col_double()",
    "boolean": "col_logical()",
    "datetime": "col_datetime()",
}
SPSS_TYPES = {"string": "A255", "integer": "F12.0", "number": "F16.6", "boolean": "A5", "datetime": "A24"}
SPSS_WIDE_SIGNS = "＝＋－＠"
"""The wide signs of `study.exports.cells.GUARDED`, three bytes each; SUBSTR counts bytes, and PSPP lacks CHAR.SUBSTR.
Tabs and ends of lines do not fit into a line of syntax: texts that begin with them keep their apostrophe in SPSS."""


def r_script(contract: LongTableContract) -> str:
    """Return R code that reads every table; it needs the package readr."""
    parts = [
        "# Run with the export as working directory. Needs the package readr.",
        f"# Columns follow schema version {contract.schema_version}; codebook.csv says what they mean.",
        "library(readr)",
        'as_typed <- function(x) sub("^\'(?=\'*[=+@\\t\\r\\n#\\uFF1D\\uFF0B\\uFF0D\\uFF20-])", "", x, perl = TRUE)',
        "# takes off the apostrophe that keeps spreadsheets from running a text",
        "",
    ]
    for table in contract.tables.values():
        columns = ",\n".join(f"    `{column.name}` = {_r_type(column)}" for column in table.columns)
        parts += [
            f'if (file.exists("{table.name}.csv")) {{',
            f'  {table.name} <- read_csv("{table.name}.csv", na = "", locale = locale(tz = "UTC"), col_types = cols(',
            columns,
            "  ))",
            f"  text <- vapply({table.name}, is.character, logical(1))",
            f"  {table.name}[text] <- lapply({table.name}[text], as_typed)",
            "}",
            "",
        ]
    return "\n".join(parts)


def _r_type(column: Column) -> str:
    if column.allowed:
        levels = ", ".join(f'"{level}"' for level in column.allowed)
        return f"col_factor(levels = c({levels}))"
    return R_TYPES[column.type]


def spss_syntax(contract: LongTableContract) -> str:
    """Return SPSS syntax that reads every required table, with a label for each variable."""
    parts = [
        "* Run with the export as working directory (CD command first), in SPSS in Unicode mode, or in PSPP.",
        f"* Columns follow schema version {contract.schema_version}; codebook.csv says what they mean.",
        "",
    ]
    for table in contract.tables.values():
        if not table.optional:
            parts += _spss_table(table)
    return "\n".join(parts)


def _spss_table(table: Table) -> list[str]:
    variables = "\n".join(f"    {column.name} {SPSS_TYPES[column.type]}" for column in table.columns)
    texts = " ".join(column.name for column in table.columns if column.type == "string" and not column.allowed)
    labels = "\n".join(f'  {column.name} "{_spss_text(column.description)}"' for column in table.columns)
    return [
        f"GET DATA /TYPE=TXT /FILE='{table.name}.csv' /ENCODING='UTF8' /DELIMITERS=',' /QUALIFIER='\"'",
        "  /ARRANGEMENT=DELIMITED /FIRSTCASE=2 /VARIABLES=",
        f"{variables}.",
        "* Take off the apostrophe that keeps spreadsheets from running a text.",
        "STRING #rest (A255).",
        f"DO REPEAT text = {texts}.",
        'COMPUTE #rest = LTRIM(text, "\'").',
        'IF (SUBSTR(text, 1, 1) = "\'" AND #rest <> "" AND (INDEX(\'=+-@#\', SUBSTR(#rest, 1, 1)) > 0 '
        f"OR INDEX('{SPSS_WIDE_SIGNS}', SUBSTR(#rest, 1, 3)) > 0)) text = SUBSTR(text, 2).",
        "END REPEAT.",
        "VARIABLE LABELS",
        f"{labels}.",
        "EXECUTE.",
        f"DATASET COPY {table.name}.",
        "",
    ]


def _spss_text(text: str) -> str:
    return text.replace('"', "'")[:255]
