"""The learner's answers, kept in one readable file in the learner's own folder."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from filelock import FileLock

FORMAT = "dgm-course answers 1"
PATIENCE = 10.0  # seconds to wait for another kernel that writes


@dataclass
class Record:
    """What is kept of one exercise. An answer that once passed stays, whatever is tried later."""

    status: str = "new"  # "new", "tried" or "passed"
    attempts: int = 0  # wrong ones, and the first right one
    hints: int = 0  # how often a hint was asked for
    date: str = ""  # when the kept answer passed
    entry: str = ""  # the name that the source gives to the answer
    source: list[str] = field(default_factory=list)  # lines that can run on their own


class NotSaved(Exception):
    """The file cannot be written; the text says why."""


def folder() -> Path:
    """`$DGM_HOME`, else `dgm-course` where this system keeps a user's data."""
    if home := os.environ.get("DGM_HOME"):
        return Path(home).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or "~/AppData/Roaming"
    elif sys.platform == "darwin":
        base = "~/Library/Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "dgm-course"


class Answers:
    """The records of all exercises, shared by every kernel that runs.

    Each change is made to what the file holds at that moment, under a lock, and replaces the file
    in one step, so that neither a second kernel nor a crash loses anything.

    notices: what the learner should be told about the file; emptied by whoever does.
    """

    unsaved: dict[Path, dict[str, Record]] = {}  # of this session, where the file is not writable

    def __init__(self, home: Path | None = None) -> None:
        self.path = (home or folder()) / "answers.json"
        self.notices: list[str] = []

    def read(self) -> dict[str, Record]:
        """All records by the names of their exercises."""
        try:
            if not self.path.exists():
                records = {}
            else:
                with self._locked():
                    records = self._load()
        except OSError:
            records = self._load_as_it_is()
        return records | self.unsaved.get(self.path, {})

    def get(self, name: str) -> Record:
        """The record of one exercise, an empty one if there is none."""
        return self.read().get(name, Record())

    def update(self, name: str, change: Callable[[Record], None]) -> None:
        """Change one record; raises NotSaved, but remembers it for the session, where it cannot."""
        pending = self.unsaved.setdefault(self.path, {})
        try:
            with self._locked():
                records = self._load()
                record = pending.get(name) or records.get(name) or Record()
                change(record)
                self._store(records | {name: record})
            pending.pop(name, None)
        except OSError as error:
            pending[name] = pending.get(name) or self.get(name)
            change(pending[name])
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise NotSaved(reason) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock", timeout=PATIENCE):
            yield

    def _load(self) -> dict[str, Record]:
        """What the file holds; one that is not ours is set aside, never overwritten."""
        try:
            return _parse(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            number = 1
            while (aside := Path(f"{self.path}.set-aside-{number}")).exists():
                number += 1
            self.path.rename(aside)
            self.notices.append(
                f"the file of your answers could not be read; it is kept as {aside.name}, "
                f"and a new one is begun"
            )
            return {}

    def _load_as_it_is(self) -> dict[str, Record]:
        try:
            return _parse(self.path.read_bytes())
        except (OSError, ValueError):
            return {}

    def _store(self, records: dict[str, Record]) -> None:
        content = {name: asdict(records[name]) for name in sorted(records)}
        text = json.dumps({"format": FORMAT, "exercises": content}, indent=1, ensure_ascii=False)
        temporary = Path(f"{self.path}.tmp")
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path)


def _parse(content: bytes) -> dict[str, Record]:
    """The records in a file; ValueError if it is not such a file."""
    data = json.loads(content.decode("utf-8"))
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("not a file of answers")
    if not isinstance(data.get("exercises"), dict):
        raise ValueError("no exercises")
    return {name: _record(values) for name, values in data["exercises"].items()}


def _record(values: object) -> Record:
    kinds = {f.name: type(getattr(Record(), f.name)) for f in fields(Record)}
    if not isinstance(values, dict) or not set(values) <= set(kinds):
        raise ValueError("not a record")
    if not all(type(value) is kinds[name] for name, value in values.items()):
        raise ValueError("wrong types in a record")
    return Record(**values)
