"""Several processes: two train as one does, stop together, and one of them speaks for both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dgm_lib.training import processes, train
from tests import together
from tests.runs import equal

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the two processes of `together` found, each."""
    if not torch.distributed.is_available():
        pytest.skip("this build of torch has no torch.distributed")
    folder = tmp_path_factory.mktemp("together")
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "DGM_DEVICE": "cpu", "TQDM_DISABLE": ""}
    command = [*LAUNCH, str(Path(together.__file__)), str(folder)]
    done = subprocess.run(command, env=one_thread, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("make", together.SAME, ids=lambda make: make.__name__)
def test_two_processes_do_what_one_does(told, make):
    alone = together.told(make, seed=0)  # as the first of the two
    first, second = (found[make.__name__] for found in told)
    torch.testing.assert_close(first, alone, rtol=1e-12, atol=1e-12)
    assert equal(first, second) and len(first[0]) == 50


def test_noise_that_the_loss_draws_is_each_process_own(told):
    noise = torch.cat([found["resumed"]["noise"] for found in told])
    assert len(noise.unique()) == noise.numel()


def test_the_first_process_writes_and_all_resume_to_the_bit(told):
    whole, rest = (told[0]["resumed"][name] for name in ("whole", "rest"))
    assert [found["resumed"]["written"] for found in told] == [True, False]
    assert equal(whole[0][11:], rest[0]) and len(rest[0]) == 13 and equal(whole[2], rest[2])
    assert equal([whole, rest], [told[1]["resumed"][name] for name in ("whole", "rest")])


def test_processes_diverge_together(told):
    step, message, weights = told[0]["diverged"]
    assert step == 3 and "The batch itself holds NaN" in message
    assert all(weight.isfinite().all() for weight in weights.values())
    assert equal(told[0]["diverged"], told[1]["diverged"])


def test_one_process_shows_a_bar(told):
    assert "3/3" in told[0]["bar"] and told[1]["bar"] == ""


def test_a_batch_that_cannot_be_shared_out_is_refused_by_all(told):
    for found in told:
        assert "one length" in found["refused"] and "[5, 13]" in found["refused"]


def test_a_run_of_other_processes_is_not_resumed(told, tmp_path):
    state = next(together.with_noise([])).state()
    state["settings"]["processes"] = 2
    with pytest.raises(ValueError, match="processes must be 2, as in the run to resume, got 1"):
        together.with_noise([], resume=state)


def test_without_torchrun_there_is_no_group():
    with processes() as group:
        assert group is None
        run = train(
            torch.nn.Linear(2, 2), lambda m, x: m(x).mean(), [torch.ones(3, 2)], group=group
        )
        assert next(run).leads
    with pytest.raises(ValueError, match="group must be a process group.*got a int"):
        train(torch.nn.Linear(2, 2), lambda m, x: m(x).mean(), [], group=2)
