"""What goes wrong in a kernel says so clearly, and the next cell works; a dead kernel too."""

import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.test_hostile import Kernel

SETUP = """
import math, os, signal, shutil, socket, sys, time, urllib.request, weakref
import torch
from torch import nn
from dgm_lib import data, demo, training
from dgm_lib.exercises import Exercise, check, mine

asked, gone = [], set()  # what was asked of the network, and files that are not there any more

def cut_off(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        asked.append(event)
        raise OSError(101, "Network is unreachable")
    if event == "open" and os.path.basename(str(arguments[0])) in gone:
        raise FileNotFoundError(2, "No such file or directory", arguments[0])

sys.addaudithook(cut_off)

def press():
    "The stop button of the notebook."
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)

def endless(*_):
    while True:
        press()

def cases(generator, dtype):
    return [(torch.tensor([1.0, 3.0], dtype=dtype),)]

def half(x):
    return x / 2

Exercise(half, name="toy.half", title="", minutes=1, difficulty=1, cases=cases)
model, batches = nn.Linear(1, 1), [torch.ones(8, 1)] * 60

def square(model, x):
    return (model(x) - torch.randn_like(x)).square().mean()

def run(**more):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Dropout(0.2), nn.Linear(16, 2))
    epochs = training.epochs(torch.linspace(-1, 1, 26).reshape(13, 2), 5)
    return training.train(model, square, epochs, steps=300, ema=0.9, **more)

def fit(loss):
    return training.fit(model, loss, batches, steps=60)

def shown(*frames, **settings):
    "A demo of a simulation that yields the values of these functions."
    def sim(p, rng):
        for frame in frames:
            yield dict(k=frame())
    return demo.Demo(sim, demo.Scene([demo.Curve("k")]), fps=100, **settings)

def large(*_):
    return torch.ones(2**60)

def exploded(*_):
    return next(training.train(model, lambda m, x: m(x).mean() * math.nan, batches)).loss

good = lambda: 1.0
"""
STUCK = "interrupted within a step or picture: does a loop in it never end?"
MEMORY = "out of memory: 4,611,686,018.43 GB more were asked for"
NAN = "training diverged at step 1: the loss is nan"

# Cells, and what the last of them must say.
CASES = {
    "endless loop": (["endless()"], "RAISED KeyboardInterrupt"),
    "endless loop in fit": (["fit(endless)"], "interrupted after 0 steps: the model"),
    "endless loop in an answer": (
        ["os.environ['DGM_CHECK_SECONDS'] = '0.2'\ndef slow(x):\n    while True: x = x + 0\n"
         "_ = check('toy.half', slow)"],
        "does a loop never end?"),
    "endless loop in a demo": (["shown(endless)"], "KeyboardInterrupt"),
    "endless loop in go": (["await shown(good, endless, poster=()).go(5)"], STUCK),
    "endless loop in go, at once": (["await shown(endless).go(5)"], STUCK),
    "endless loop after Play": (
        ["d = shown(good, endless, poster=())\n_ = d.widget()\nd.play()", "print(d.error)"], STUCK),
    "endless loop in a picture": (
        ["drawn = [good]\nbars = demo.Bars({'k': lambda run: drawn[0]()})\n"
         "d = demo.Demo(lambda p, rng: iter([{}] * 9), demo.Scene([bars]))\n_ = d.widget()",
         "drawn[0] = endless\nd.on_step()", "print(d.error)"], STUCK),
    "memory in fit": (
        ["fit(lambda m, x: large())"], "RAISED OutOfMemoryError: training ran " + MEMORY),
    "memory in batches": (
        ["batch = (large() for _ in range(9))\ntraining.fit(model, square, batch, steps=9)"],
        f"training ran {MEMORY}, at step 1. Smaller batches or a smaller model need less"),
    "memory in an answer": (
        ["_ = check('toy.half', lambda x: x + torch.ones(2**60))"],
        f"your code raised RuntimeError: {MEMORY}"),
    "memory in a demo": (
        ["d = shown(good, large, poster=(0, 1))\nd", "print(d.view.problem.value)"],
        f"<b>{MEMORY}</b>"),
    "memory in go": (["d = shown(large, poster=())\nawait d.go(5)", "print(d.error)"], MEMORY),
    "memory of what did fit": (
        ["def loss(m, x):\n    global held\n    part = torch.ones(9)\n"
         "    held = weakref.ref(part)\n    return large()\nfit(loss)", "print(held())"], "None"),
    "NaN in fit": (["fit(lambda m, x: m(x).mean() * math.nan)"], f"RAISED Diverged: {NAN}"),
    "NaN in an answer": (["_ = check('toy.half', lambda x: x * math.nan)"], "nan"),
    "NaN in a demo": (["d = shown(exploded)\nd", "print(d.view.problem.value)"], NAN),
    "NaN in a curve": (["d = shown(good, lambda: math.nan)\nd"], "<Demo sim>"),
    "no network": (
        ["print(len(data.digits().x), asked)", "urllib.request.urlopen('http://example.org')"],
        "Network is unreachable"),
    "the file of the digits": (
        ["gone.add('digits.csv.gz')\ndata.digits()"], "install it anew"),
    "the file of the digits, back": (["gone.clear()\nprint(len(data.digits().x))"], "1797"),
    "the folder of the answers": (
        ["def f(x):\n    return x * 0.5\n_ = check('toy.half', f)\n"
         "shutil.rmtree(os.environ['DGM_HOME'])\n_ = mine('toy.half')"],
        "the course's version is used: none of yours is saved"),
    "the folder of the answers, back": (
        ["_ = check('toy.half', f)\n_ = mine('toy.half')"], "your saved version is used"),
}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> Iterator[Kernel]:
    """One kernel for all, whose network is cut off and whose folders are empty."""
    kernel = Kernel(str(tmp_path_factory.mktemp("home")))
    assert kernel.run(SETUP, 100) == ""
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("name", CASES)
def test_it_is_said_clearly_and_the_next_cell_works(kernel, name):
    cells, words = CASES[name]
    kernel.run("os.environ['DGM_CHECK_SECONDS'] = '9'")
    *_, out = [kernel.run(cell, 100) for cell in cells]
    assert words in out
    trained = kernel.run("print(fit(square), model.weight.isfinite().item())", 100)
    assert trained == "History(60 steps) True\n"


def test_nothing_of_the_course_asks_for_a_network(kernel):
    kernel.run("asked.clear()\n_ = data.digits(), check('toy.half', half), mine('toy.half')")
    assert kernel.run("print(asked)") == "[]\n"


def test_a_killed_kernel_goes_on_where_it_was(kernel, tmp_path):
    """The last test of this file, as the kernel is another one afterwards."""
    path, words = tmp_path / "run.pt", "toy.half: your saved version is used\n"
    kernel.run("def mended(x):\n    return x - x / 2\n_ = check('toy.half', mended)")
    kernel.client.execute(f"for _ in training.checkpoint(run(), {str(path)!r}, every=3):\n"
                          "    time.sleep(0.003)")
    while not path.exists():
        time.sleep(0.01)
    time.sleep(random.Random(0).uniform(0, 0.5))
    kernel.manager.signal_kernel(signal.SIGKILL)
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=100)
    assert kernel.run(SETUP, 100) == ""
    kernel.run(f"rest, whole = list(run(resume={str(path)!r})), list(run())\nn = len(rest)")
    assert kernel.run("print(0 < n < 300, n % 3)") == "True 0\n"
    assert kernel.run("print([s.loss for s in rest] == [s.loss for s in whole[-n:]])") == "True\n"
    averages = "rest[-1].averaged.parameters(), whole[-1].averaged.parameters()"
    assert kernel.run(f"print(all(map(torch.equal, {averages})))") == "True\n"
    assert kernel.run("print(mine('toy.half')(torch.ones(1)))") == words + "tensor([0.5000])\n"
