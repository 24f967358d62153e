from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from facesort.errors import ModelError, ProviderUnavailable, WeightsCorrupt
from facesort.inference import session as session_module
from facesort.inference.session import available_providers, cuda_devices, open_session
from tests.weights import real_graph


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """Write a graph that doubles (n, 4) numbers."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
    )
    path = tmp_path / "doubling.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 6
    onnx.save(model, str(path))
    return path


def test_a_session_runs_and_tells_its_names(doubling):
    session = open_session(doubling, provider="cpu", threads=1)
    (doubled,) = session.run({"x": np.ones((3, 4), dtype=np.float32)})
    assert np.array_equal(doubled, np.full((3, 4), 2, dtype=np.float32))
    assert (session.inputs, session.outputs) == (("x",), ("y",))
    assert session.provider == "cpu"
    assert session.remark == ""


def test_auto_is_the_cpu_where_there_is_no_accelerator(doubling, monkeypatch):
    monkeypatch.setattr(session_module, "cuda_devices", lambda: 0)
    monkeypatch.setattr(session_module, "_AUTO", ("cuda",))
    session = open_session(doubling, threads=1)
    assert session.provider == "cpu"
    assert session.remark == ""


def test_an_unknown_provider_is_refused_and_the_known_ones_are_listed(doubling):
    with pytest.raises(ProviderUnavailable) as caught:
        open_session(doubling, provider="abacus", threads=1)
    assert "abacus" in caught.value.message
    assert all(name in caught.value.message for name in available_providers())


def test_the_cpu_is_always_among_the_providers():
    assert "cpu" in available_providers()


def test_an_explicit_provider_never_falls_back_in_silence(doubling, monkeypatch):
    if "cuda" not in available_providers():
        pytest.skip("this build of onnxruntime has no CUDA")
    monkeypatch.setattr(session_module, "cuda_devices", lambda: 0)
    with pytest.raises(ProviderUnavailable, match="no NVIDIA GPU") as caught:
        open_session(doubling, provider="cuda", threads=1)
    assert "--provider" in caught.value.hint


def test_a_gpu_whose_libraries_are_missing_is_an_error_when_asked_for_and_a_remark_otherwise(
    doubling, monkeypatch, capfd
):
    if "cuda" not in available_providers() or cuda_devices():
        pytest.skip("needs a CUDA build on a machine without a GPU")
    monkeypatch.setattr(session_module, "cuda_devices", lambda: 1)
    with pytest.raises(ProviderUnavailable, match="cuda does not start"):
        open_session(doubling, provider="cuda", threads=1)
    session = open_session(doubling, provider="auto", threads=1)
    assert session.provider == "cpu"
    assert "cuda does not start" in session.remark
    assert capfd.readouterr() == ("", "")


def test_cuda_runs_on_the_gpu_and_agrees_with_the_cpu(doubling):
    if "cuda" not in available_providers() or not cuda_devices():
        pytest.skip("there is no NVIDIA GPU here")
    numbers = np.random.default_rng(0).random((5, 4), dtype=np.float32)
    session = open_session(doubling, provider="cuda", threads=1)
    assert session.provider == "cuda"
    assert np.allclose(session.run({"x": numbers})[0], numbers * 2)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x06" + b"\xff" * 200])
def test_a_file_that_is_no_model_is_corrupt(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match=r"broken\.onnx"):
        open_session(path, provider="cpu", threads=1)


def test_a_model_that_is_not_there_is_corrupt(tmp_path):
    with pytest.raises(WeightsCorrupt, match=r"absent\.onnx"):
        open_session(tmp_path / "absent.onnx", provider="cpu", threads=1)


def test_a_run_that_fails_says_on_what_and_with_which_shapes(doubling):
    session = open_session(doubling, provider="cpu", threads=1)
    with pytest.raises(ModelError) as caught:
        session.run({"x": np.ones((3, 5), dtype=np.float32)})
    assert "cpu" in caught.value.message
    assert "(3, 5)" in caught.value.message


def test_nothing_heavy_is_loaded_before_a_session_is_opened():
    check = (
        "import sys, facesort.inference.session, facesort.inference.graphs,"
        " facesort.inference.weights;"
        "print(sorted({'onnxruntime', 'onnx', 'numpy.linalg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert "onnx" not in done.stdout


@pytest.mark.weights
def test_the_terminal_stays_clean():
    check = (
        "import sys; from pathlib import Path;"
        "from facesort.inference.session import open_session;"
        "[open_session(Path(path), threads=1) for path in sys.argv[1:]]"
    )
    graphs = [str(real_graph(name)) for name in ("yunet", "sface")]
    done = subprocess.run(
        [sys.executable, "-c", check, *graphs], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.weights
@pytest.mark.skipif(sys.platform == "win32", reason="reads the peak memory of POSIX")
def test_memory_stays_bounded_over_many_picture_sizes():
    check = """
import random, resource, sys
from pathlib import Path
import numpy as np
from facesort.inference.session import open_session

unit = 2**20 if sys.platform == "darwin" else 2**10
session = open_session(Path(sys.argv[1]), provider="cpu", threads=2)
def run(height, width):
    session.run({"input": np.zeros((1, 3, height, width), np.float32)})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
largest = run(1024, 1024)
draw = random.Random(0)
sizes = {(draw.randint(3, 32) * 32, draw.randint(3, 32) * 32) for _ in range(70)}
assert len(sizes) >= 60
for size in sorted(sizes):
    last = run(*size)
print(last - largest)
"""
    graph = real_graph("yunet")
    done = subprocess.run(
        [sys.executable, "-c", check, str(graph)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 40.0  # MiB beyond what the largest picture needs
