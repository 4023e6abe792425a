"""python -m dgm_lib.grade FOLDER: judge what a class handed in, and write one table.

FOLDER holds one folder for each learner, with notebooks in it, or one notebook for each learner.
Which lecture a notebook is, it says itself; --lectures, which may be left out, picks some of them.
Learners' code runs in a sandbox (bubblewrap) without network, within limits. The table is written
anew after each notebook; after a kill, --resume goes on with those that are not in it yet.
"""

import argparse
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from dgm_lib.grade import tables
from dgm_lib.grade.judging import PASSED, Grade, grade, hear
from dgm_lib.grade.sandbox import ROOT, Refused, Sandbox
from dgm_lib.grade.submissions import Submission, lectures, submissions


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status is 0 when all that was handed in was looked at."""
    options = _parser().parse_args(arguments)
    sandbox = Sandbox(options.seconds, int(options.memory * 2**30), not options.no_sandbox)
    try:
        if not options.folder.is_dir():
            raise Refused(f"there is no folder {options.folder}")
        if not lectures():
            raise Refused(f"there are no notebooks in {ROOT / 'lectures'} to compare with")
        handed_in = submissions(options.folder, options.lectures)
        if not handed_in:
            raise Refused(f"there is no notebook in {options.folder}")
        sandbox.require()
        options.out.mkdir(parents=True, exist_ok=True)
    except (Refused, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    grades: list[Grade] = []
    tables.write(grades, options.out)
    with contextlib.suppress(KeyboardInterrupt):
        for one in _graded(handed_in, sandbox, options):
            grades.append(one)
            tables.write(grades, options.out)
    print(tables.summary(grades))
    print(options.out / "grades.html")
    if len(grades) < len(handed_in):
        print("this is not all: --resume goes on", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dgm_lib.grade",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=Path("grades"), metavar="DIR",
                        help="where grades.csv and grades.html go (default: grades)")
    parser.add_argument("--lectures", type=lambda text: text.split(","), default=[],
                        metavar="00,02",
                        help="only these, by the beginnings of their names (default: all)")
    parser.add_argument("--seconds", type=_positive, default=300.0,
                        help="of processor time for each answer, and for the run of a notebook;\n"
                        "three times as many by the clock (default: 300)")
    parser.add_argument("--memory", type=_positive, default=4.0,
                        help="GB for each of these (default: 4)")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time (default: 1)")
    parser.add_argument("--no-run", action="store_true",
                        help="judge the answers only, do not run the notebooks (much faster)")
    parser.add_argument("--no-sandbox", action="store_true",
                        help="run learners' code with your own rights: only limits protect you")
    parser.add_argument("--resume", action="store_true",
                        help="keep the grades of notebooks that have not changed since")
    return parser


def _positive(text: str) -> float:
    if not (value := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"must be positive, got {text}")
    return value


def _graded(
    handed_in: list[Submission], sandbox: Sandbox, options: argparse.Namespace
) -> Iterator[Grade]:
    """The grades, the kept ones first, the others as they come."""
    kept = options.out / "finished"
    kept.mkdir(exist_ok=True)
    course = _course()
    files = {
        submission: kept / f"{_key(submission, sandbox, options.no_run, course)}.json"
        for submission in handed_in
    }
    known = {s: _load(file) for s, file in files.items()} if options.resume else {}
    with tqdm(total=len(handed_in), unit="notebook", disable=None) as bar:
        for one in filter(None, known.values()):
            _tell(one, bar)
            yield one
        left = [submission for submission in handed_in if not known.get(submission)]
        pool = ThreadPoolExecutor(max(1, options.jobs))
        try:
            coming = {pool.submit(hear, s, sandbox, not options.no_run): s for s in left}
            for done in as_completed(coming):
                submission = coming[done]
                one = grade(submission, done.result())
                _store(one, files[submission])
                _tell(one, bar)
                yield one
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            sandbox.stop()


def _tell(one: Grade, bar: tqdm) -> None:
    """Say that a notebook is judged: on the bar, or where there is none in a line."""
    bar.update()
    if bar.disable:
        passed = sum(mark.result == PASSED for mark in one.marks)
        said = f"{one.learner}, {one.lecture or 'lecture not known'}: {one.notebook}"
        print(f"{said}, {passed} of {len(one.marks)} passed", file=sys.stderr, flush=True)


# ------------------------------------------------------------------------ what is kept


def _key(submission: Submission, sandbox: Sandbox, no_run: bool, course: str) -> str:
    """A name for a notebook judged in this way by this course."""
    lecture = submission.lecture.name if submission.lecture else ""
    how = (submission.learner, str(submission.path), lecture, submission.cells, submission.problem,
           sandbox, no_run, course)
    return hashlib.sha256(repr(how).encode("utf-8", "replace")).hexdigest()[:32]


def _course() -> str:
    """What the course's checks are now."""
    digest = hashlib.sha256()
    for room in ("exercises", "grade"):
        for path in sorted((ROOT / "dgm_lib" / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _load(file: Path) -> Grade | None:
    try:
        return Grade.of(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _store(one: Grade, file: Path) -> None:
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps(one.values()), encoding="utf-8")
    os.replace(temporary, file)


if __name__ == "__main__":
    sys.exit(main())
