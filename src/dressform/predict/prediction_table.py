"""`PredictionTable`: predictions of many images, a row each, in a file that goes on after a kill.

A row has the image's path, its most probable class and the further ones, which model answered, and
which state of the file; an image that cannot be read has an error in its row. CSV and JSON Lines
grow row by row. A gzip or Parquet file cannot: its rows grow in a ``.partial`` file beside it,
which becomes the table at the end.
"""

import gzip
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dressform.core.errors import ConfigError, DataError, RunError
from dressform.core.files import user_path, write_atomic
from dressform.core.parquet import pyarrow_for
from dressform.core.text import encodable
from dressform.predict.file_state import state_of
from dressform.predict.image_input import ImageInput, answer_name
from dressform.predict.prediction import Prediction
from dressform.predict.predictor import OOD_THRESHOLD, Predictor
from dressform.predict.row_file import CsvRows, JsonRows, Row, RowFile

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".parquet")
MODEL_DIGITS = 12
"""Hexadecimal digits of a model's SHA-256 in the column ``model``."""
ROW_GROUP = 10_000
"""Rows of a Parquet file that are written at a time."""


def model_id(predictor: Predictor) -> str:
    """What the column ``model`` says: the first digits of the SHA-256 of ``model.onnx``, and
    options that differ from their defaults and change answers.
    """
    words = [predictor.description.sha256[:MODEL_DIGITS]]
    if predictor.photo is None and predictor.description.preprocessing.photo is not None:
        words.append("photos=False")
    if predictor.ood_detector is not None and predictor.threshold != OOD_THRESHOLD:
        words.append(f"threshold={predictor.threshold:g}")
    return " ".join(words)


def column_names(top: int) -> tuple[str, ...]:
    """The columns of a table with the ``top`` most probable classes."""
    further = [f"{name}_{k}" for k in range(2, top + 1) for name in ("label", "probability")]
    ends = ("abstain", "ood_p_value", "warnings", "error", "model", "size_mtime")
    return ("path", "label", "probability", *further, *ends)


@dataclass(frozen=True, kw_only=True)
class TableSummary:
    """What is in a table of predictions.

    Attributes:
        out: the file.
        images: rows.
        already: rows that were there before and are kept.
        changed: images that were overwritten since they had a row, and are predicted again.
        dropped: rows with an error whose image is gone, and which are gone too.
        abstained: rows with ``abstain``; None if the model cannot tell.
        errors: rows with an error.
        first_error: of the images that could not be read now, the first one's; or empty.
    """

    out: str
    images: int
    already: int
    changed: int
    dropped: int
    abstained: int | None
    errors: int
    first_error: str


def write_predictions(
    predictor: Predictor,
    images: Sequence[ImageInput],
    out: str | Path,
    *,
    top: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> TableSummary:
    """Predict images into a table; rows that are there already are not computed again, except those
    with an error and those of images that were overwritten since.

    Images that cannot be read have their error in the row. A batch of images is written as soon as
    it is answered; one that was interrupted is computed again as a whole, so that the table has the
    same bytes as without the interruption.

    Args:
        predictor: the model.
        images: paths, each once; or the bytes of one image, named ``-``.
        out: the file, ``.csv``, ``.csv.gz``, ``.jsonl`` or ``.parquet``.
        top: number of classes.
        progress: called with the number of images done and of all, first with those that are there
            already, then after each batch.

    Raises:
        ConfigError: ``out`` cannot be such a file.
        RunError: the file is another table or of another model, or cannot be written.
    """
    names = [answer_name(image) for image in images]
    table = PredictionTable(out, predictor, top)
    try:
        states = [state_of(image) for image in images]  # before the images are read
        missing = table.missing(names, states)
        already, first_error = len(names) - sum(missing), ""
        size = predictor.batch_size_for(len(names))
        starts = [i for i in range(0, len(names), size) if any(missing[i : i + size])]
        indices = [i for start in starts for i in range(start, min(start + size, len(names)))]
        remaining = (images[i] for i in indices)
        answers = predictor.predict_many(remaining, top=top, batch_size=size)
        done = already
        if progress is not None:
            progress(done, len(names))
        rows: list[tuple[str, str | None, Prediction | DataError]] = []
        for index, answer in zip(indices, answers, strict=True):
            if missing[index]:
                rows.append((names[index], states[index], answer))
                if isinstance(answer, DataError):
                    first_error = first_error or str(answer)
            if index % size == size - 1 or index == len(names) - 1:
                table.append(rows)
                done += len(rows)
                rows = []
                if progress is not None:
                    progress(done, len(names))
        table.finish(names)
    finally:
        table.close()
    return TableSummary(
        out=str(table.path),
        images=len(names),
        already=already,
        changed=table.changed,
        dropped=table.dropped,
        abstained=None if predictor.ood_detector is None else table.abstained,
        errors=table.errors,
        first_error=first_error,
    )


class PredictionTable:
    """A table of predictions that is being written.

    Args:
        path: ``.csv``, ``.csv.gz``, ``.jsonl`` or ``.parquet``. Rows that it has already are kept.
        predictor: what answers.
        top: number of classes in a row; no more than the predictor has.

    Attributes:
        path: as given.
        errors: rows with an error, those that were there included.
        abstained: rows with ``abstain``, those that were there included.
        changed: rows that were there of images that were overwritten since.
        dropped: rows that were there with an error, of images that are gone.

    Raises:
        ConfigError: the suffix is unknown, the folder does not exist, or pyarrow is missing.
        RunError: the file is another table, another process is writing it, or it cannot be
            written.
    """

    def __init__(self, path: str | Path, predictor: Predictor, top: int) -> None:
        self.path = user_path(path)
        self.errors = self.abstained = self.changed = self.dropped = 0
        self._model, self._suffix = model_id(predictor), _checked_suffix(self.path)
        self._columns = column_names(min(top, len(predictor.class_names)))
        self._grows = self._suffix in (".csv", ".jsonl")
        growing = self.path
        if not self._grows:
            growing = self.path.with_name(f"{self.path.name}.partial")
        rows = (CsvRows if self._suffix.startswith(".csv") else JsonRows)(self._columns)
        restored = not self._grows and not growing.exists() and self.path.exists()
        if restored:
            write_atomic(growing, self._write_rows_of_finished)
        self._in_order, self._restored = True, restored
        self._file = RowFile(growing, rows)
        self._shown = self.path if restored else growing

    def missing(self, paths: Sequence[str | Path], states: Sequence[str | None]) -> list[bool]:
        """For each image whether it has no row yet that holds.

        Rows with an error and those of images in another state do not hold; they are removed.

        Raises:
            RunError: a row is of another model, of an image that is not among ``paths``, or of one
                that has a row already.
        """
        missing, names = [True] * len(paths), [cell_of(path) for path in paths]
        position, strangers, stranger = 0, 0, ""
        index: dict[str, int] | None = None
        seen, stale = [False] * len(paths), set[int]()
        for start, _, row in self._file.read_with_offsets():
            name, failed = str(row["path"]), row["error"] is not None
            if row["model"] != self._model:
                raise RunError(
                    f"{self._shown} has answers of model {row['model']}, not of "
                    f"{self._model}; give another out=, or delete it"
                )
            if index is None and position < len(paths) and name == names[position]:
                found: int | None = position
                position += 1
            else:
                self._in_order = False
                index = index or {name: i for i, name in enumerate(names)}
                found = index.get(name)
            if found is None:
                if failed and state_of(name) is None:
                    self.dropped += 1
                    stale.add(start)
                else:
                    strangers, stranger = strangers + 1, stranger or name
                continue
            if seen[found]:
                raise RunError(
                    f"{self._shown} has two rows for {name}; delete one, or give another out="
                )
            seen[found] = True
            changed = row["size_mtime"] != states[found]
            if failed or changed:
                self.changed += changed
                stale.add(start)
                continue
            missing[found] = False
            self.abstained += row["abstain"] in (True, "true")
        if strangers:
            raise RunError(
                f"{self._shown} has rows of images that are not among those given "
                f"({strangers:,}, the first {stranger}); give these images too, or another out="
            )
        if stale:
            self._in_order = False
            self._file.remove(stale)
        return missing

    def append(self, rows: Sequence[tuple[str | Path, str | None, Prediction | DataError]]) -> None:
        """Write the answers of images, each in the state in which :meth:`missing` was told of it.

        Raises:
            RunError: there is no room, or the disk fails.
        """
        made = [self._row(*row) for row in rows]
        self._file.append(made)
        self.errors += sum(row["error"] is not None for row in made)
        self.abstained += sum(row["abstain"] is True for row in made)

    def finish(self, paths: Sequence[str | Path]) -> None:
        """Bring the rows into the order of the images, and make the table whole.

        Raises:
            RunError: there is no room, or the disk fails.
        """
        try:
            if self._grows:
                if not self._in_order:
                    write_atomic(self.path, lambda file: self._copy(file, paths))
                self.close()
                return
            if self._file.written or not self._restored or not self._in_order:
                write = self._write_gzip if self._suffix == ".csv.gz" else self._write_parquet
                write_atomic(self.path, lambda file: write(file, paths))
            self._file.delete()
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written ({error.strerror or error}); its rows are kept in "
                f"{self._file.path}, so free some space and start the same command again"
            ) from error

    def close(self) -> None:
        """Flush to disk and close; what is written stays."""
        if self._restored and not self._file.written:
            self._file.delete()
        self._file.close()

    def _row(self, path: str | Path, state: str | None, answer: Prediction | DataError) -> Row:
        row: Row = dict.fromkeys(self._columns)
        row |= {"path": cell_of(path), "model": self._model, "size_mtime": state}
        if isinstance(answer, DataError):
            return row | {"error": cell_of(str(answer))}
        for k, (label, probability) in enumerate(answer.top, 1):
            end = "" if k == 1 else f"_{k}"
            row |= {f"label{end}": cell_of(label), f"probability{end}": _rounded(probability)}
        p_value = answer.ood_p_value
        row["ood_p_value"] = None if p_value is None else _rounded(p_value)
        return row | {"abstain": answer.abstain, "warnings": "; ".join(answer.warnings) or None}

    def _copy(self, file: BinaryIO, paths: Sequence[str | Path]) -> None:
        """Copy the rows in the order of the images."""
        with self._file.path.open("rb") as source:
            if self._in_order:
                shutil.copyfileobj(source, file)
                return
            places = {
                str(row["path"]): (start, end) for start, end, row in self._file.read_with_offsets()
            }
            file.write(self._file.rows.header)
            for path in paths:
                start, end = places[cell_of(path)]
                source.seek(start)
                file.write(source.read(end - start))

    def _write_gzip(self, file: BinaryIO, paths: Sequence[str | Path]) -> None:
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
            self._copy(packed, paths)  # type: ignore[arg-type]

    def _write_parquet(self, file: BinaryIO, paths: Sequence[str | Path]) -> None:
        pyarrow, parquet = pyarrow_for(self.path)
        schema = pyarrow.schema(
            [(name, pyarrow.type_for_alias(_type_of(name))) for name in self._columns]
        )
        with parquet.ParquetWriter(file, schema) as writer:
            for group in _groups(self._rows_in_order(paths)):
                writer.write_table(pyarrow.Table.from_pylist(group, schema))

    def _rows_in_order(self, paths: Sequence[str | Path]) -> Iterator[Row]:
        if self._in_order:
            yield from self._file.read()
            return
        places = {str(row["path"]): start for start, _, row in self._file.read_with_offsets()}
        with self._file.path.open("rb") as source:
            for path in paths:
                source.seek(places[cell_of(path)])
                yield self._file.rows.decode(source.readline())

    def _write_rows_of_finished(self, file: BinaryIO) -> None:
        """Turn a finished gzip or Parquet file back into rows that can grow.

        Raises:
            RunError: it is not a table that predict wrote.
        """
        try:
            if self._suffix == ".csv.gz":
                header = CsvRows(self._columns).header
                with gzip.open(self.path) as packed:
                    if (start := packed.read(len(header))) != header:
                        raise ValueError(f"it begins with {start[:60]!r}")
                    file.write(header)
                    shutil.copyfileobj(packed, file)
                return
            _, parquet = pyarrow_for(self.path)
            rows = JsonRows(self._columns)
            with parquet.ParquetFile(self.path) as table:
                if tuple(table.schema_arrow.names) != self._columns:
                    raise ValueError(f"its columns are {', '.join(table.schema_arrow.names)}")
                for batch in table.iter_batches(ROW_GROUP):
                    file.write(b"".join(map(rows.encode, batch.to_pylist())))
        except (EOFError, ValueError, gzip.BadGzipFile, zlib.error) as error:
            # those of pyarrow are ValueErrors
            raise RunError(
                f"{self.path} is not a table of predict with these columns "
                f"({str(error).splitlines()[0]}); give another out="
            ) from error


def cell_of(text: str | Path) -> str:
    """A text as any table can hold it; bytes that are no UTF-8 in a file's name as ``\\udcff``."""
    return encodable(str(text))


def _type_of(column: str) -> str:
    if column.startswith(("probability", "ood_p_value")):
        return "float64"
    return "bool" if column == "abstain" else "string"


def _rounded(fraction: float) -> float:
    return float(f"{fraction:.6g}")


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == ROW_GROUP:
            yield group
            group = []
    if group:
        yield group


def _checked_suffix(path: Path) -> str:
    name = path.name.lower()
    suffix = next((s for s in SUFFIXES if name.endswith(s)), None)
    if suffix is None:
        raise ConfigError(f"out is {path}; allowed: a file that ends in {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; give the file to write")
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent} does not exist; create that folder, or change out=")
    if suffix == ".parquet":
        pyarrow_for(path)
    return suffix
