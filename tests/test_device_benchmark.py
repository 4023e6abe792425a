"""Steps per second by device: the rate is that of the work, the table sets devices side by side."""

from __future__ import annotations

import json
import time

import pytest
import torch

from benchmarks import device

CPU = torch.device("cpu")


def test_a_rate_is_how_often_the_work_is_done():
    done = []
    begun = time.perf_counter()
    rate = device.steps_per_second(lambda: done.append(time.sleep(0.01)), CPU, 0.3)
    assert 20 < rate <= 100, "a nap is never shorter than asked for, and seldom five times as long"
    assert len(done) <= (time.perf_counter() - begun) * 100


def test_the_table_has_a_column_for_each_device_and_their_ratio():
    rates = {"cpu": 50.0, "cuda": 1200.0}
    rows = [
        dict(family="VAE", batch=512, device=name, steps_per_s=rate) for name, rate in rates.items()
    ]
    assert device.table(rows).splitlines()[0] == "| steps/s | batch | cpu | cuda | ratio |"
    assert device.table(rows).splitlines()[-1] == "| VAE | 512 | 50 | 1,200 | 24 |"


def test_a_run_is_printed_and_written(tmp_path, capsys):
    path = tmp_path / "device.json"
    words = ["--families", "VAE", "--batches", "8,16", "--devices", "cpu", "--seconds", "0.01"]
    rows = device.main([*words, "--json", str(path)])
    written = json.loads(path.read_text())
    assert written["rows"] == rows and [row["batch"] for row in rows] == [8, 16]
    assert all(row["steps_per_s"] > 0 for row in rows)
    assert device.table(rows) in capsys.readouterr().out


def test_an_unknown_family_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        device.main(["--families", "oracle"])
    assert "no family 'oracle'" in capsys.readouterr().err
