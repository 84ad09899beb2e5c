"""The published CPBD package, called in a Python in which it is installed: this one, or the one that CPBD_PYTHON names.

Its licence is not free, so it is no dependency: `python -m venv X && X/bin/pip install cpbd`, CPBD_PYTHON=X/bin/python.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

_CALL = """
import json, sys, time
import numpy as np
import scipy.ndimage
if not hasattr(scipy.ndimage, "imread"):
    scipy.ndimage.imread = None  # the package imports it to read files, which is not asked of it here
from cpbd import compute
planes, values = np.load(sys.argv[1]), []
begin = time.perf_counter()
values = [float(compute(plane)) for plane in planes]
print(json.dumps([values, time.perf_counter() - begin]))
"""


def published_cpbd(planes: np.ndarray) -> tuple[list[float], float] | str:
    """(values, seconds that they took) of grey frames (N,H,W) uint8, one thread; why not, where it cannot be had."""
    python = os.environ.get("CPBD_PYTHON", sys.executable)
    if not Path(python).is_file():
        return f"CPBD_PYTHON names no file: {python}"
    with TemporaryDirectory() as folder:
        file = Path(folder) / "planes.npy"
        np.save(file, planes)
        one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        ran = subprocess.run([python, "-c", _CALL, file], capture_output=True, text=True, env=one_thread)
    if "No module named 'cpbd'" in ran.stderr:
        return "the published package cpbd is not installed (nor does CPBD_PYTHON name a Python that has it)"
    ran.check_returncode()
    values, seconds = json.loads(ran.stdout)
    return values, seconds
