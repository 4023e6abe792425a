"""Resuming: a killed run goes on to the bit, and what does not fit or is damaged is refused."""

import math
import os
import subprocess
import sys
import time
from copy import deepcopy
from itertools import islice, repeat

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from dgm_lib.nets import MLP
from dgm_lib.training import Diverged, checkpoint, draws, epochs, load, train
from tests.runs import DATA, OPTIONS, TRUTH, equal, net, square

SOURCES = {
    "epochs": lambda: epochs(DATA, 5),
    "draws": lambda: draws(Independent(Normal(torch.zeros(2), torch.ones(2)), 1), 5),
    "list": lambda: [DATA + k for k in range(24)],
    "generator": lambda: (torch.randn(5, 2) for _ in range(24)),
    "loader": lambda: torch.utils.data.DataLoader(DATA.repeat(8, 1), batch_size=4, shuffle=True),
    "endless loader": lambda: endless(torch.utils.data.DataLoader(DATA[:12], 4, shuffle=True)),
}


def endless(loader):
    """Epoch after epoch, each in an order drawn from the global generator when it begins."""
    while True:
        yield from loader


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(source, tmp_path):
    def run(**more):
        return train(net(0.3), square, source(), **OPTIONS, **more)

    whole = list(checkpoint(run(), tmp_path / "whole.pt"))
    first = list(islice(checkpoint(run(), tmp_path / "half.pt", every=11), 11))
    second = list(checkpoint(run(resume=tmp_path / "half.pt"), tmp_path / "rest.pt"))
    assert [s.loss for s in whole] == [s.loss for s in first + second]
    assert [s.index for s in second] == list(range(12, 25))
    assert equal(load(tmp_path / "whole.pt"), load(tmp_path / "rest.pt"))
    assert list(run(resume=str(tmp_path / "rest.pt"))) == []


def test_a_state_in_memory_is_a_copy_and_only_of_the_last_step():
    run = train(net(), square, epochs(DATA, 5), **OPTIONS)
    third = list(islice(run, 3))[-1]
    state = third.state()
    rest = [step.loss for step in run]
    again = train(net(), square, epochs(DATA, 5), **OPTIONS, resume=state)
    assert [step.loss for step in again] == rest
    with pytest.raises(RuntimeError, match="step 3"):
        third.state()


KILLED = """
import sys, time, torch
sys.path[:0] = {path!r}
from tests.runs import DATA, OPTIONS, net, square
from dgm_lib.training import checkpoint, epochs, train
for step in checkpoint(train(net(0.3), square, epochs(DATA, 5), **OPTIONS), sys.argv[1], every=1):
    print(step.index, flush=True)
    time.sleep(0.01)
"""


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    path = tmp_path / "run.pt"
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    script = [sys.executable, "-c", KILLED.format(path=[root]), str(path)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        while int(process.stdout.readline()) < 5:
            pass
        time.sleep(0.005)
        process.kill()
    done = load(path)["index"]
    assert 5 <= done < 24
    resumed = list(train(net(0.3), square, epochs(DATA, 5), **OPTIONS, resume=path))
    whole = list(train(net(0.3), square, epochs(DATA, 5), **OPTIONS))
    assert [s.loss for s in resumed] == [s.loss for s in whole[done:]]
    assert equal(resumed[-1].model.state_dict(), whole[-1].model.state_dict())
    assert equal(resumed[-1].averaged.state_dict(), whole[-1].averaged.state_dict())


def test_resuming_the_wrong_thing_is_refused(tmp_path):
    path = tmp_path / "deep" / "run.pt"
    list(checkpoint(train(net(), square, epochs(DATA, 5), **OPTIONS), path))
    assert os.listdir(path.parent) == ["run.pt"]  # nothing is left beside it

    def resume(**changed):
        train(net(), square, epochs(DATA, 5), **{**OPTIONS, "resume": path, **changed})

    for name, value in dict(steps=30, lr=0.1, ema=0.5, clip=2.0, seed=0).items():
        with pytest.raises(ValueError, match=f"{name} must be .* as in the run to resume"):
            resume(**{name: value})
    with pytest.raises(ValueError, match="does not fit this model"):
        train(MLP(2, 2), square, epochs(DATA, 5), **OPTIONS, resume=path)
    with pytest.raises(ValueError, match="data must be those of the checkpoint, 13 points, got 9"):
        train(net(), square, epochs(DATA[:9], 5), **OPTIONS, resume=path)
    for batches in (repeat(DATA), draws(TRUTH, 5)):
        with pytest.raises(ValueError, match="does not fit this model, optimiser or batches"):
            train(net(), square, batches, **OPTIONS, resume=path)
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        resume(resume=tmp_path / "nowhere.pt")
    with pytest.raises(ValueError, match="something else"):
        resume(resume={"model": {}})
    with pytest.raises(ValueError, match="resume does not hold a whole training run"):
        resume(resume={"format": load(path)["format"]})
    for neither in (5, [], True):
        with pytest.raises(ValueError, match="resume must be a Step.state"):
            resume(resume=neither)


def test_batches_that_cannot_be_replayed_are_refused():
    run = train(net(), square, SOURCES["generator"](), **OPTIONS)
    state = list(islice(run, 11))[-1].state()
    larger = (torch.randn(6, 2) for _ in range(24))
    fewer = (torch.randn(5, 2) for _ in range(10))
    for batches in (larger, fewer, [DATA] * 24):
        with pytest.raises(ValueError, match="resume does not fit.*batches must be those of the"):
            train(net(), square, batches, **OPTIONS, resume=state)


@pytest.mark.parametrize("other", ["AdamW", "SGD", "RMSprop"])
def test_another_optimiser_is_refused_by_name(other):
    state = next(train(net(), square, repeat(DATA))).state()
    with pytest.raises(ValueError, match=f"optimizer must be Adam, as in .*, got {other}"):
        train(net(), square, repeat(DATA), optimizer=getattr(torch.optim, other), resume=state)


def test_a_refused_resume_leaves_the_model_as_it_was():
    state = next(train(net(), square, repeat(DATA))).state()
    wider = nn.Sequential(*net(), nn.Linear(2, 2))
    for model, batches in ((wider, repeat(DATA)), (net(), [])):
        before = deepcopy(model.state_dict())
        with pytest.raises(ValueError, match="resume does not fit"):
            train(model, square, batches, resume=state)
        assert equal(before, model.state_dict())


def test_a_run_that_diverges_as_it_resumes_keeps_the_weights_it_resumed_from():
    state = list(islice(train(net(), square, repeat(DATA)), 4))[-1].state()
    model = net()
    with pytest.raises(Diverged, match="step 5"):
        next(train(model, square, repeat(DATA * math.nan), resume=state))
    assert equal(state["model"], model.state_dict())


def test_damaged_and_foreign_files_are_refused(tmp_path):
    good, bad = tmp_path / "good.pt", tmp_path / "bad.pt"
    list(checkpoint(train(MLP(2, 2, (200, 200)), square, repeat(DATA), steps=2), good))
    content = good.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    cut = content[:100], content[:middle], content[:-1]
    for damaged in (b"", b"not a checkpoint", *cut, flipped):
        bad.write_bytes(damaged)
        with pytest.raises(ValueError, match="damaged"):
            load(bad)
    for foreign in (net().state_dict(), [1, 2], torch.zeros(3)):
        torch.save(foreign, bad)
        with pytest.raises(ValueError, match="something else"):
            load(bad)
    torch.save(net(), bad)  # holds code
    with pytest.raises(ValueError, match="no checkpoint"):
        load(bad)
