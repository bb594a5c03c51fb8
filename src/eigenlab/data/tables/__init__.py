"""Tables of numbers in files: CSV and its relatives, spreadsheets and Parquet."""

from eigenlab.data.tables.reading import read_table
from eigenlab.data.tables.table import Table

__all__ = ["Table", "read_table"]
