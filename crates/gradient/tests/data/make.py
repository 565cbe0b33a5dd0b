"""Writes the fixtures beside it: python3 make.py NUMPY_MAJOR, once with numpy 1.24 and once with 2.4."""

import pickle
import sys
from collections import OrderedDict

import numpy as np

major = sys.argv[1]
assert np.__version__.startswith(major + ".")


def arange(*shape):
    return (np.arange(np.prod(shape)) / 8 - 1).reshape(shape)


def entry(array):
    return {"data": array, "shape": list(array.shape), "dtype": "torch." + str(array.dtype)}


gradients = OrderedDict()
gradients["c.f32"] = entry(arange(2, 3).astype("f4"))
gradients["fortran.f16"] = entry(np.asfortranarray(arange(3, 2).astype("f2")))
gradients["big.f64"] = entry(arange(2, 2).astype(">f8"))
gradients["transposed.f32"] = entry(np.ascontiguousarray(arange(2, 3, 2).astype("f4")).transpose(2, 0, 1))
gradients["empty.f32"] = entry(np.zeros((0, 4), "f4"))
gradients["scalar.f32"] = entry(np.array(0.5, "f4"))
gradients["bare"] = arange(3).astype("f4")
gradients["sparse.f32"] = {
    "indices": np.array([4, 0], "i8"),
    "values": np.array([0.25, -2.0], "f4"),
    "shape": [2, 3],
}
gradients["sparse.list"] = {"indices": [5, 2], "values": [0.5, 1.5], "shape": (2, 3), "dtype": "torch.float32"}
metadata = {
    "num_samples": 128,
    "loss": np.float32(0.1),
    "steps": np.int64(7),
    "learning_rate": 5e-05,
    "seed": 2**63 + 1,
    "done": True,
    "config": {"rank": 4, "targets": ["q", "v"]},
    "note": None,
    "miner": "é",
}
document = {"gradients": gradients, "metadata": metadata, "version": 2}
for protocol in (2, 3, 4, 5):
    with open(f"numpy{major}-protocol{protocol}.pkl", "wb") as file:
        pickle.dump(document, file, protocol)
