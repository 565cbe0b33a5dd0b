"""Runs numpy, Flower and ByzFL over an array and writes one JSON object a line.

python peers.py ARRAY.npy F OUT LAUNCHES

Before each rule it waits for a line on its input, so that nothing else is measured at the same time.

ByzFL is run on numpy arrays. Its modules import torch at the top; where torch is not installed, an empty module
stands in for it.
"""

import importlib.util
import json
import os
import statistics
import sys
import time
import types

import numpy as np


def without_init(name):
    """Makes a package importable without running its __init__, which imports far more than the rules need."""
    spec = importlib.util.find_spec(name)
    package = types.ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package


if importlib.util.find_spec("torch") is None:
    torch = types.ModuleType("torch")
    torch.Tensor = type("Tensor", (), {})
    torch.linalg = types.ModuleType("torch.linalg")
    sys.modules["torch"], sys.modules["torch.linalg"] = torch, torch.linalg
without_init("byzfl")

import byzfl.aggregators as byzfl  # noqa: E402
from flwr.server.strategy import aggregate as flower  # noqa: E402

array, f, out, launches = np.load(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
n = len(array)
weights = np.arange(1, n + 1, dtype=np.float64)
rows = [row.copy() for row in array]


def clients():
    """Flower's form: each client's layers and its number of examples. Bulyan takes the list apart."""
    return [([row], int(w)) for row, w in zip(rows, weights)]


def alike():
    return [([row], 1) for row in rows]


JOBS = [
    ("average", "numpy", lambda: array.mean(axis=0)),
    ("weighted-average", "numpy", lambda: np.average(array, axis=0, weights=weights)),
    ("median", "numpy", lambda: np.median(array, axis=0)),
    ("weighted-average", "Flower", lambda: flower.aggregate(clients())[0]),
    ("median", "Flower", lambda: flower.aggregate_median(alike())[0]),
    ("trimmed-mean(f={f})", "Flower", lambda: flower.aggregate_trimmed_avg(alike(), f / n + 1e-9)[0]),
    ("krum(f={f})", "Flower", lambda: flower.aggregate_krum(alike(), f, 0)[0]),
    ("multi-krum(f={f})", "Flower", lambda: flower.aggregate_krum(alike(), f, n - f)[0]),
    ("bulyan(f={f})", "Flower", lambda: flower.aggregate_bulyan(alike(), f, flower.aggregate_krum, to_keep=0)[0]),
    ("average", "ByzFL", lambda: byzfl.Average()(array)),
    ("median", "ByzFL", lambda: byzfl.Median()(array)),
    ("trimmed-mean(f={f})", "ByzFL", lambda: byzfl.TrMean(f=f)(array)),
    ("meamed(f={f})", "ByzFL", lambda: byzfl.Meamed(f=f)(array)),
    ("krum(f={f},neighbours={k})", "ByzFL", lambda: byzfl.Krum(f=f)(array)),
    ("multi-krum(f={f},neighbours={k})", "ByzFL", lambda: byzfl.MultiKrum(f=f)(array)),
    ("geometric-median", "ByzFL", lambda: byzfl.GeometricMedian(nu=1e-6, T=100)(array)),
    ("centered-clipping(tau=1,start=origin)", "ByzFL",
     lambda: byzfl.CenteredClipping(m=None, L=10, tau=1.0)(array)),
    ("caf(f={f})", "ByzFL", lambda: byzfl.CAF(f=f)(array)),
    ("nnm(f={f})+trimmed-mean(f={f})", "ByzFL", lambda: byzfl.TrMean(f=f)(byzfl.NNM(f=f)(array))),
    ("nnm(f={f})+median", "ByzFL", lambda: byzfl.Median()(byzfl.NNM(f=f)(array))),
    ("arc(f={f})+nnm(f={f})+trimmed-mean(f={f})", "ByzFL",
     lambda: byzfl.TrMean(f=f)(byzfl.NNM(f=f)(byzfl.ARC(f=f)(array)))),
]


def resident(key):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(key))


for number, (method, peer, job) in enumerate(JOBS):
    if not sys.stdin.readline():
        break
    answer = {"method": method.format(f=f, k=n - f - 1), "peer": peer}
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
        before = resident("VmRSS:")
        seconds = []
        while len(seconds) < launches and sum(seconds) < 20.0:
            start = time.perf_counter()
            result = job()
            seconds.append(time.perf_counter() - start)
            if len(seconds) == 1:
                answer["extra_bytes"] = max(0, resident("VmHWM:") - before)
        answer["seconds"] = statistics.median(seconds)
        answer["out"] = f"{out}.{number}"
        np.asarray(result, dtype=np.float64).tofile(answer["out"])
        del result
    except Exception as error:  # what a peer cannot do is a result too
        answer["error"] = f"{type(error).__name__}: {error}"[:100]
    print(json.dumps(answer), flush=True)
os._exit(0)
