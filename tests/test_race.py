"""The harness of the benchmarks, with racers that take no time."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time

import pytest
import torch
from torch.distributions import MultivariateNormal

from benchmarks import book, race
from benchmarks.race import Entry
from dgm_lib.targets import GALLERY, GaussianMixture

CPU = torch.device("cpu")
MADE: list = []  # every racer, in the order they were made


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small samples, short slices, a fresh list of racers, the threads as they were."""
    for name, value in dict(HELD_OUT=2000, SAMPLES=500, SLICE=0.01).items():
        monkeypatch.setattr(race, name, value)
    MADE.clear()
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


class Fitted:
    """A Gaussian with the moments of what it has seen; `work` seconds for a step."""

    def __init__(self, seed: int, work: float = 0.001) -> None:
        self.seed, self.work = seed, work
        self.seen, self.told, self.drawn = [], [], []
        MADE.append(self)

    def progress(self, done: float) -> None:
        self.told.append(done)

    def step(self, x):
        self.seen.append(x)
        self.drawn.append(torch.rand(()))  # from the global generator, which is its own
        until = time.process_time() + self.work
        while time.process_time() < until:
            pass

    def law(self):
        x = torch.cat(self.seen)
        return MultivariateNormal(x.mean(0), x.T.cov())

    def log_prob(self, x):
        return self.law().log_prob(x)

    def sample(self, n):
        return self.law().sample((n,))


class Silent:
    """A racer of the two methods that it must have."""

    def __init__(self, seed: int) -> None:
        MADE.append(self)

    def step(self, x):
        self.last = x

    def sample(self, n):
        return self.last[torch.randint(len(self.last), (n,))]


def broken(seed: int):
    """A racer whose training has ended in NaN."""
    racer = Silent(seed)
    racer.sample = lambda n: torch.full((n, 2), math.nan)
    racer.log_prob = lambda x: torch.full((len(x),), math.nan)
    return racer


ENTRIES = {
    "ours": Entry(Fitted, ours=True),
    "slow": Entry(lambda seed: Fitted(seed, 0.003)),
    "silent": Entry(Silent),
}


def run(*arguments: str, known=ENTRIES, command="python -m benchmarks.test"):
    return race.main(known, command, ["--targets", "ring", "--budget", "0.05", *arguments])


# --------------------------------------------------------------------------- taking turns


def test_racers_take_turns_and_are_charged_for_their_time():
    found = dict(race.race(ENTRIES, GALLERY["ring"], seed=3, budget=0.2, device=CPU))
    _, ours, _, slow, _, _ = MADE  # each was made twice: a spare one warms up
    for racer in (ours, slow):
        assert racer.told == sorted(racer.told) and racer.told[0] == 0 and 0.8 < racer.told[-1] < 1
        assert len(racer.told) == len(racer.seen)
    assert 0.5 * 0.2 / 0.001 < len(ours.seen) <= 0.2 / 0.001 + 1
    assert 2 < len(ours.seen) / len(slow.seen) < 4.5
    assert found["ours"]["steps_per_s"] == pytest.approx(len(ours.seen) / 0.2, rel=0.1)
    assert len(ours.told) > 3 and ours.seed == 3


def test_all_see_the_same_data_and_draw_for_themselves():
    before = torch.get_rng_state()
    two = {"a": Entry(Fitted), "b": Entry(lambda seed: Fitted(seed, 0.002))}
    dict(race.race(two, GALLERY["ring"], seed=0, budget=0.05, device=CPU))
    _, a, _, b = MADE
    for mine, yours in [(a.seen, b.seen), (a.drawn, b.drawn)]:
        assert all(torch.equal(x, y) for x, y in zip(mine, yours))
    assert a.seen[0].shape == (race.BATCH, 2) and not torch.equal(a.seen[0], a.seen[1])
    assert torch.equal(torch.get_rng_state(), before)


# --------------------------------------------------------------------------- judging


def test_the_truth_is_judged_perfect():
    target = GALLERY["ring"]

    class Truth(Silent):
        log_prob = staticmethod(target.log_prob)

        def sample(self, n):
            return target.sample((n,))

    ((_, found),) = race.race({"truth": Entry(Truth)}, target, 0, 0.01, CPU)
    assert abs(found["gap"]) < 1e-6
    assert found["sw2_ratio"] == pytest.approx(1, abs=0.8)
    assert found["modes"] == 8 and found["hq"] == pytest.approx(1 - math.exp(-4.5), abs=0.03)
    assert found["samples_per_s"] > 1000


def test_a_known_gap_is_found():
    target = GaussianMixture([[0.0, 0.0]], 1.0)

    class Shifted(Silent):
        def log_prob(self, x):
            return target.log_prob(x - 0.5)

    ((_, found),) = race.race({"shifted": Entry(Shifted)}, target, 0, 0.01, CPU)
    assert found["gap"] == pytest.approx(0.25, abs=4 * 0.5 * math.sqrt(2 / 2000))


def test_metrics_that_do_not_apply_are_left_out():
    entries = {"silent": Entry(Silent), "broken": Entry(broken)}
    found = dict(race.race(entries, GALLERY["moons"], 0, 0.01, CPU))
    assert set(found["silent"]) == {"steps_per_s", "samples_per_s", "sw2_ratio"}
    assert set(found["broken"]) == {"steps_per_s", "samples_per_s", "gap"}
    assert found["broken"]["gap"] == math.inf


# --------------------------------------------------------------------------- the command line


def test_the_table_and_the_file_hold_every_run(tmp_path, capsys):
    path = tmp_path / "new" / "race.json"
    run("--seeds", "0,1", "--json", str(path))
    text = path.read_text(encoding="utf-8")
    content = json.loads(text)
    assert content["commands"] == [
        f"python -m benchmarks.test --targets ring --budget 0.05 --seeds 0,1 --json {path}"
    ]
    assert content["machine"]["torch"] == torch.__version__
    assert content["models"]["silent"] == Silent.__doc__
    keys = [(r["target"], r["model"], r["ours"], r["seed"], r["cpu_s"]) for r in content["rows"]]
    models = [("ours", True), ("slow", False), ("silent", False)]
    assert keys == [("ring", *model, seed, 0.05) for seed in (0, 1) for model in models]
    assert sum('"seed"' in line for line in text.splitlines()) == 6  # a line each
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("| target | CPU-s | model | seeds | gap | steps_per_s |")
    assert "| ring | 0.05 | **ours** | 2 | " in out and "| ring | 0.05 | silent | 2 |  | " in out
    assert err.count("ring, seed 1, 0.05 s") == 3


def test_what_is_there_is_not_run_again(tmp_path):
    path = tmp_path / "race.json"
    run("--seeds", "0", "--models", "ours", "--json", str(path))
    first = json.loads(path.read_text())["rows"]
    MADE.clear()
    run("--seeds", "0", "--models", "ours,slow", "--json", str(path))
    content = json.loads(path.read_text())
    assert content["rows"][:1] == first and len(content["rows"]) == 2
    assert {racer.work for racer in MADE} == {0.003}
    assert len(content["commands"]) == 2 and set(content["models"]) == {"ours", "slow"}
    run("--seeds", "0", "--models", "ours,slow", "--json", str(path))
    assert len(json.loads(path.read_text())["commands"]) == 2


def test_two_processes_may_share_a_file(tmp_path):
    path = tmp_path / "race.json"
    a, b = (book.Book(path, command, {}, {}) for command in ("first", "second"))
    row = dict(target="ring", model="m", ours=True, seed=0, cpu_s=1.0)
    a.add(row)
    b.add(row | dict(seed=1))
    a.add(row | dict(seed=2))
    b.add(row | dict(seed=2))
    content = json.loads(path.read_text())
    assert [row["seed"] for row in content["rows"]] == [0, 1, 2]
    assert content["commands"] == ["first", "second"]
    assert a.has(target="ring", model="m", seed=1, cpu_s=1) and not b.has(**row | dict(seed=3))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["race.json"]


def test_a_model_from_outside_is_found_by_its_name():
    content = run("--seeds", "0", "--models", f"{__name__}:Silent")
    assert [row["model"] for row in content.rows] == [f"{__name__}:Silent"]
    assert content.rows[0]["ours"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "nobody"], "no model 'nobody'; there are ours, slow, silent"),
        (["--models", "no.such.module:factory"], "no.such.module"),
        (["--models", "json:no_such_thing"], "no_such_thing"),
        (["--targets", "atlantis"], "atlantis"),
        (["--budget", "ten"], "ten"),
        (["--budget", "0"], "positive"),
        (["--seeds", "a"], "--seeds"),
    ],
)
def test_wrong_arguments_are_named(arguments, words, capsys):
    with pytest.raises(SystemExit):
        run("--seeds", "0", *arguments)
    assert words in capsys.readouterr().err


def test_the_table_shows_medians():
    row = dict(target="moons", model="m", ours=False, cpu_s=10.0)
    rows = [row | dict(seed=k, gap=gap) for k, gap in enumerate([0.5, 0.1, 0.2])]
    assert book.table(rows).splitlines() == [
        "| target | CPU-s | model | seeds | gap |",
        "|---|--:|---|--:|--:|",
        "| moons | 10 | m | 3 | 0.2000 |",
    ]


# --------------------------------------------------------------------------- the benchmark of flows


def test_our_flows_race_and_the_peers_are_not_imported():
    code = (
        "import sys\n"
        "from benchmarks import flows, race\n"
        "race.HELD_OUT = race.SAMPLES = 500\n"
        "flows.main('--targets moons --budget 0.3 --seeds 0 --models spline,realnvp'.split())\n"
        "assert not {'zuko', 'normflows'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "**spline**" in done.stdout and "**realnvp**" in done.stdout
