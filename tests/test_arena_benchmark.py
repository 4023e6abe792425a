"""The full run of the arena: what it writes, and that it survives being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from benchmarks import arena as benchmark
from benchmarks import race
from dgm_lib import arena
from dgm_lib.targets import GALLERY


class Quick(arena.Contender):
    """A contender that costs nothing: it has learned its last batch by heart."""

    def step(self, x):
        self.x = x

    def sample(self, n):
        return self.x[torch.randint(len(self.x), (n,))]


def small(contender, target, seed=0):
    """The judge, of fewer samples."""
    return arena.judge(contender, target, seed, samples=500)


FAMILIES = {name: lambda seed: Quick() for name in ("a", "b")}
MINE = {"my b": FAMILIES["b"]}


@pytest.fixture
def quick(monkeypatch):
    """Contenders and a judge that take no time."""
    stand_in = type("arena", (), dict(vars(arena), FAMILIES=FAMILIES, judge=small))
    stand_in.mine, stand_in.table = staticmethod(lambda: MINE), staticmethod(arena.table)
    stand_in.judge = staticmethod(small)
    monkeypatch.setattr(benchmark, "arena", stand_in)
    monkeypatch.setattr(race, "SLICE", 0.01)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_the_run_is_written_down_as_json_and_markdown(quick, tmp_path, capsys):
    rows, text = tmp_path / "arena.json", tmp_path / "new" / "arena.md"
    words = ["--budget", "0.05", "--seeds", "0,1", "--targets", "ring"]
    book = benchmark.main([*words, "--json", str(rows), "--markdown", str(text)])
    content = json.loads(rows.read_text())
    assert [(r["model"], r["seed"]) for r in content["rows"]] == [
        ("a", 0), ("b", 0), ("a", 1), ("b", 1)
    ]  # fmt: skip
    assert content["rows"] == book.rows and content["commands"][0].startswith(benchmark.COMMAND)
    for row in book.rows:
        assert {"jsd", "jsd_floor", "kl", "mmd2", "sw2_ratio", "modes", "hq"} < set(row)
        assert row["train_s"] == pytest.approx(0.05, abs=0.04) and row["steps_per_s"] > 0
    out, err = capsys.readouterr()
    assert text.read_text() == out == arena.table(book.rows) + "\n"
    assert "| ring | 0.05 | a | 2 |" in out
    assert err.count("ring, seed 1, 0.05 s, ") == 2


def test_the_learners_own_race_when_asked(quick, tmp_path):
    words = ["--budget", "0.02", "--seeds", "0", "--targets", "ring"]
    book = benchmark.main([*words, "--mine", "--models", "b,my b"])
    assert [row["model"] for row in book.rows] == ["b", "my b"]
    assert "--mine" in book.content["commands"][0]
    with pytest.raises(SystemExit):
        benchmark.main([*words, "--models", "my b"])


def test_two_budgets_are_two_lines(quick):
    book = benchmark.main(["--budget", "0.02,0.04", "--seeds", "0", "--targets", "ring"])
    lines = arena.table(book.rows).splitlines()
    assert [line.split(" | ")[1:3] for line in lines[2:]] == [
        ["0.02", "a"], ["0.02", "b"], ["0.04", "a"], ["0.04", "b"]
    ]  # fmt: skip


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    path = tmp_path / "arena.json"
    words = "--models mixture --targets ring,grid --seeds 0 --budget 0.1"
    command = [sys.executable, "-m", "benchmarks.arena", *words.split(), "--json", str(path)]
    shown = tmp_path / "stderr"
    with shown.open("w") as err:
        environment = {**os.environ, "TQDM_DISABLE": ""}
        running = subprocess.Popen(command, stderr=err, env=environment)
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and not (path.exists() and '"seed"' in path.read_text()):
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    before = json.loads(path.read_text())["rows"]
    assert [row["target"] for row in before] == ["ring"]
    assert "CPU-s" in shown.read_text()
    threads = torch.get_num_threads()
    book = benchmark.main([*words.split(), "--json", str(path)])
    torch.set_num_threads(threads)
    assert book.rows[0] == before[0] and [row["target"] for row in book.rows] == ["ring", "grid"]


def test_the_targets_of_the_full_run_are_there():
    assert {"moons", "ring", "checkerboard"} <= set(GALLERY)
