"""Killed at any moment, or given another version of the course, a learner loses nothing."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dgm_lib.exercises import check
from dgm_lib.exercises.engine.answers import Answers
from dgm_lib.training import load
from tests.cells import cell
from tests.half import home  # noqa: F401
from tests.killed import LONG, run
from tests.runs import equal, no_bar  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


class Work:
    """Work of `tests.killed`, done in one process after the other."""

    def __init__(self, process: subprocess.Popen, chance: random.Random) -> None:
        self.process, self.chance = process, chance

    def until_killed(self) -> list[str]:
        """Start it, kill it at a random moment, and return all that it said was done."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        lines, enough = [], self.chance.randrange(1, 20)
        for line in self.process.stdout:
            if line == "ended\n":
                return lines
            if line.startswith("done"):
                lines.append(line.removeprefix("done").strip())
            if len(lines) == enough and line.startswith("done"):
                time.sleep(self.chance.uniform(0, 0.01))
                with suppress(ProcessLookupError):  # it was done just now
                    os.kill(child, signal.SIGKILL)
        raise AssertionError("the work has ended before it was killed")


@contextmanager
def working(*what: str) -> Iterator[Work]:
    """Work that has loaded torch."""
    command = [sys.executable, "-m", "tests.killed", *what]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        yield Work(process, random.Random(0))


@forks
def test_a_run_that_is_killed_again_and_again_is_the_uninterrupted_one(tmp_path):
    path, kills, told = tmp_path / "run.pt", 0, {}
    with working("train", str(path)) as work:
        while len(told) < LONG["steps"]:
            before = load(path)["index"] if path.exists() else 0
            steps = dict(line.split() for line in work.until_killed())
            assert [int(index) for index in steps] == [before + 1 + k for k in range(len(steps))]
            # A step may be written but not yet told; it is not done again, as its loss shows below.
            at = load(path)["index"]
            assert at - before - len(steps) in (0, 1)
            told |= steps if at in map(int, steps) else steps | {str(at): None}
            kills += 1
    whole = list(run())
    assert kills >= 5
    assert all(told[str(s.index)] in (s.loss.hex(), None) for s in whole)
    assert equal(load(path), whole[-1].state())


@forks
def test_answers_outlive_kernels_that_are_killed_while_they_save(home):
    check("foundations.jsd", JSD)
    other = Answers().get("foundations.jsd")
    with working("answer") as work:
        for _ in range(6):
            *_, last = work.until_killed()
            process, number = last.split(".")
            kept = Answers().get("toy.half")
            # The next one may be saved but not yet told.
            assert kept.source[1].split("# ")[1] in (last, f"{process}.{int(number) + 1}")
            assert kept.status == "passed" and kept.entry == "f"
            assert Answers().get("foundations.jsd") == other
    assert not list(home.glob("*set-aside*"))


# ------------------------------------------------------------------ another version of the course

BAYES = cell(
    "def f(log_likelihood, log_prior):\n"
    "    evidence = (log_likelihood + log_prior).logsumexp(-1, keepdim=True)\n"
    "    return log_likelihood + log_prior - evidence, evidence[..., 0]"
)
JSD = cell(
    "def f(log_p, log_q, cell):\n"
    "    p, q = log_p.exp(), log_q.exp()\n"
    "    h = torch.special.entr\n"
    "    return (h((p + q) / 2) - h(p) / 2 - h(q) / 2).sum() * cell"
)
KL = cell(
    "def f(p, q, n, generator):\n"
    "    x = p.sample((n,), generator=generator)\n"
    "    r = p.log_prob(x) - q.log_prob(x)\n"
    "    return r.mean().item(), r.std().item() / n**0.5"
)
OWN = {"foundations.bayes": BAYES, "foundations.monte_carlo_kl": KL, "foundations.jsd": JSD}
NEW_VERSION = {
    "bayes.py": (r"return (log_joint - .*), (log_evidence)", r"return \2, \1"),  # other order
    "jensen_shannon.py": (r"\bjsd\b", "js"),  # another name
}
IN_THE_NEW_VERSION = """
import dgm_lib
from dgm_lib.exercises import check, mine
print(dgm_lib.__file__)
check("foundations.monte_carlo_kl", lambda p, q, n, generator: ...)  # the lecture's blank is back
for name in ("monte_carlo_kl", "bayes"):
    mine(f"foundations.{name}")
check("foundations.js", mine("foundations.js"))
"""


def new_version(folder: Path) -> None:
    """The course as it may be some day: one exercise asks for more, another has a new name."""
    shutil.copytree(ROOT / "dgm_lib", folder / "dgm_lib", ignore=shutil.ignore_patterns("*.pyc"))
    for name, change in NEW_VERSION.items():
        path = folder / "dgm_lib" / "exercises" / "foundations" / name
        old = path.read_text(encoding="utf-8")
        new = re.sub(*change, old)
        assert new != old
        path.write_text(new, encoding="utf-8")


def test_a_new_version_of_the_course_keeps_the_answers(home, tmp_path):
    assert [check(name, answer) for name, answer in OWN.items()] == list(OWN.values())
    before = Answers().read()
    new_version(tmp_path)
    command = [sys.executable, "-c", IN_THE_NEW_VERSION]
    out = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    kept = before["foundations.bayes"].date
    assert out.startswith(str(tmp_path))
    assert f'your answer of {kept} is kept: mine("foundations.monte_carlo_kl") brings it' in out
    assert "foundations.monte_carlo_kl: your saved version is used\n" in out
    assert "foundations.bayes: the course's version is used: your saved one does not pass" in out
    assert "foundations.js: right" in out
    after = Answers().read()
    assert after.keys() == {*OWN, "foundations.js"}
    assert all(after[name] == before[name] for name in OWN)  # a way back loses nothing either
