"""A Parquet file, some rows at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from chainrule.command.csv_file import Piece

MAGIC = b"PAR1"


class ParquetFile:
    """A Parquet file that is open; its columns have types.

    Parameters
    ----------
    file : binary file
        One in which one can go to and fro.
    called : str
        Its name in messages.

    Attributes
    ----------
    names : tuple of str
    unit : "row"

    Raises
    ------
    ImportError
        Without pyarrow.
    ValueError
        For what is none.
    """

    unit = "row"

    def __init__(self, file: BinaryIO, called: str):
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise ImportError(
                f"{called} is a Parquet file, which pip install pyarrow reads"
            ) from error
        self.called, self._error = called, ArrowException
        if not file.seekable():
            raise ValueError(f"{called} is a Parquet file; give it by its name")
        try:
            self._parquet = parquet.ParquetFile(file)
        except (ArrowException, OSError) as error:
            raise ValueError(f"{called} is a damaged Parquet file: {error}") from None
        self.names = tuple(self._parquet.schema_arrow.names)
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"{called} has two columns of one name; rename one")

    def pieces(
        self,
        rows: int | None,
        wanted: Sequence[str],
        dtypes: Mapping[str, Any] | None,
        keep: Sequence[str],
    ) -> Iterator[Piece]:
        """Yield the table, piece by piece, as `CsvFile.pieces` does; it has dtypes of its own."""
        begin = 1
        columns = list(dict.fromkeys([*wanted, *keep]))
        if rows is None:
            rows = max(self._parquet.metadata.num_rows, 1)
        try:
            for batch in self._parquet.iter_batches(rows, columns=columns):
                frame = batch.to_pandas(ignore_metadata=True)
                given = frame[list(keep)].astype(object)
                kept = given.where(given.notna(), "").T.values.tolist()
                yield Piece(frame[list(wanted)], kept, range(begin, begin + len(frame)))
                begin += len(frame)
        except (self._error, OSError) as error:
            raise ValueError(f"{self.called} is a damaged Parquet file: {error}") from None
