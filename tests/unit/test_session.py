from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from facesort.errors import ModelError, ProviderUnavailable, WeightsCorrupt
from facesort.inference import cuda, ort, session
from facesort.inference.ort import BoundRuns
from facesort.inference.runtime import load_onnxruntime
from facesort.inference.session import (
    MemoryFull,
    Opening,
    Precision,
    Tensor,
    available_providers,
    cuda_devices,
    open_session,
)
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
    opened = open_session(doubling, provider="cpu")
    (doubled,) = opened.run({"x": np.ones((3, 4), dtype=np.float32)})
    assert np.array_equal(doubled, np.full((3, 4), 2, dtype=np.float32))
    assert (opened.inputs, opened.outputs) == (("x",), ("y",))
    assert opened.provider == "cpu"
    assert opened.remark == ""


def pretend(monkeypatch: pytest.MonkeyPatch, *, gpus: int, openvino: bool = False) -> None:
    for module in (session, ort):
        monkeypatch.setattr(module, "cuda_devices", lambda: gpus)
    known = ort.built_in() + (("openvino",) if openvino else ())
    monkeypatch.setattr(session, "available_providers", lambda: known)


def test_auto_is_the_cpu_where_there_is_no_accelerator(doubling, monkeypatch):
    pretend(monkeypatch, gpus=0)
    opened = open_session(doubling)
    assert opened.provider == "cpu"
    assert opened.remark == ""


@pytest.mark.parametrize("provider", ["auto", "openvino"])
def test_a_detector_stays_on_the_cpu_where_openvino_is_installed(doubling, monkeypatch, provider):
    pretend(monkeypatch, gpus=0, openvino=True)
    opened = open_session(doubling, provider=provider, opening=Opening(detects=True))
    assert opened.provider == "cpu"


def test_openvino_that_is_not_installed_is_refused_and_the_way_to_it_is_told(doubling, monkeypatch):
    pretend(monkeypatch, gpus=0)
    with pytest.raises(ProviderUnavailable, match="openvino") as caught:
        open_session(doubling, provider="openvino")
    assert "facesort[openvino]" in caught.value.hint


def test_bf16_is_for_openvino_alone(doubling, monkeypatch):
    opening = Opening(precision=Precision.BF16)
    pretend(monkeypatch, gpus=0, openvino=True)
    with pytest.raises(ProviderUnavailable, match="cpu does not compute in bf16"):
        open_session(doubling, provider="cpu", opening=opening)
    pretend(monkeypatch, gpus=0)
    with pytest.raises(ProviderUnavailable, match="OpenVINO must be installed") as caught:
        open_session(doubling, opening=opening)
    assert "--model sface" in caught.value.hint


def test_the_graph_is_asked_for_by_the_provider_that_runs_it(doubling: Path, monkeypatch):
    pretend(monkeypatch, gpus=0)
    asked: list[str] = []

    def graph(provider: str) -> Path:
        asked.append(provider)
        return doubling

    open_session(graph)
    assert asked == ["cpu"]


def test_an_unknown_provider_is_refused_and_the_known_ones_are_listed(doubling):
    with pytest.raises(ProviderUnavailable) as caught:
        open_session(doubling, provider="abacus")
    assert "abacus" in caught.value.message
    assert all(name in caught.value.message for name in available_providers())


def test_the_cpu_is_always_among_the_providers():
    assert "cpu" in available_providers()


def test_an_explicit_provider_never_falls_back_in_silence(doubling, monkeypatch):
    if "cuda" not in available_providers():
        pytest.skip("this build of onnxruntime has no CUDA")
    pretend(monkeypatch, gpus=0)
    with pytest.raises(ProviderUnavailable, match="no NVIDIA GPU") as caught:
        open_session(doubling, provider="cuda")
    assert "--provider" in caught.value.hint


def test_a_gpu_whose_libraries_are_missing_is_an_error_when_asked_for_and_a_remark_otherwise(
    doubling, monkeypatch, capfd
):
    if "cuda" not in available_providers() or cuda_devices():
        pytest.skip("needs a CUDA build on a machine without a GPU")
    pretend(monkeypatch, gpus=1)
    with pytest.raises(ProviderUnavailable, match="cuda does not start"):
        open_session(doubling, provider="cuda")
    opened = open_session(doubling, provider="auto")
    assert opened.provider == "cpu"
    assert "cuda does not start" in opened.remark
    assert capfd.readouterr() == ("", "")


def test_cuda_runs_on_the_gpu_and_agrees_with_the_cpu(doubling):
    if "cuda" not in available_providers() or not cuda_devices():
        pytest.skip("there is no NVIDIA GPU here")
    numbers = np.random.default_rng(0).random((5, 4), dtype=np.float32)
    opened = open_session(doubling, provider="cuda")
    assert opened.provider == "cuda"
    assert np.allclose(opened.run({"x": numbers})[0], numbers * 2)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x06" + b"\xff" * 200])
def test_a_file_that_is_no_model_is_corrupt(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match=r"broken\.onnx"):
        open_session(path, provider="cpu")


def test_a_model_that_is_not_there_is_corrupt(tmp_path):
    with pytest.raises(WeightsCorrupt, match=r"absent\.onnx"):
        open_session(tmp_path / "absent.onnx", provider="cpu")


def test_a_run_that_fails_says_on_what_and_with_which_shapes(doubling):
    opened = open_session(doubling, provider="cpu")
    with pytest.raises(ModelError) as caught:
        opened.run({"x": np.ones((3, 5), dtype=np.float32)})
    assert "cpu" in caught.value.message
    assert "(3, 5)" in caught.value.message


def test_threads_share_a_session(doubling):
    opened = open_session(doubling, provider="cpu")

    def double(number: int) -> bool:
        batch = np.full((number + 1, 4), number, dtype=np.float32)
        return bool((opened.run({"x": batch})[0] == 2 * number).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(double, range(200)))


class _Full:
    """A runtime whose memory is full."""

    def get_inputs(self) -> list[object]:
        return []

    get_outputs = get_inputs

    def run(self, outputs: None, inputs: dict[str, Tensor]) -> None:
        raise RuntimeError("BFCArena::AllocateRawInternal: Failed to allocate memory for 3 bytes")


class _Opened:
    """A session that opened, and runs or not."""

    inputs = outputs = ("x",)

    def __init__(self, provider: str, remark: str, trouble: ModelError | None) -> None:
        self.provider, self.remark, self._trouble = provider, remark, trouble

    def run(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        if self._trouble is not None:
            raise self._trouble
        return list(inputs.values())


@pytest.mark.parametrize(
    "trouble", [ModelError("no kernel image is available"), MemoryFull("no kernel image: full")]
)
def test_auto_leaves_an_accelerator_that_opens_but_cannot_run(doubling, monkeypatch, trouble):
    opened: list[str] = []

    def open_fake(graphs: object, name: str, opening: Opening, *, remark: str) -> _Opened:
        opened.append(name)
        return _Opened(name, remark, trouble if name == "cuda" else None)

    pretend(monkeypatch, gpus=1)
    monkeypatch.setattr(session, "available_providers", lambda: ("cuda", "openvino", "cpu"))
    monkeypatch.setattr(session, "_open", open_fake)
    opening = Opening(trial=np.zeros((1, 4), dtype=np.float32))
    found = open_session(doubling, opening=opening)
    assert (found.provider, opened) == ("openvino", ["cuda", "openvino"])
    assert "no kernel image" in found.remark
    assert open_session(doubling, provider="cuda", opening=opening).provider == "cuda"


def test_tensorrt_is_told_to_need_libraries_of_its_own():
    assert "pip install tensorrt" in ort._provider_hint("tensorrt")
    assert "tensorrt" not in ort._provider_hint("cuda")


def test_full_memory_is_told_from_other_failures(doubling):
    with pytest.raises(MemoryFull, match=r"x \(2, 4\)"):
        ort._OrtSession(_Full(), "cpu", "").run({"x": np.zeros((2, 4), dtype=np.float32)})
    opened = open_session(doubling, provider="cpu")
    with pytest.raises(ModelError) as caught:
        opened.run({"x": np.zeros((3, 5), dtype=np.float32)})
    assert not isinstance(caught.value, MemoryFull)


@pytest.fixture
def bound(doubling) -> BoundRuns:
    """Return what runs on accelerators, with the CPU's memory as theirs."""
    return BoundRuns(load_onnxruntime().InferenceSession(str(doubling)), "cpu")


def test_bound_runs_answer_like_plain_ones_and_keep_no_answer_of_before(bound):
    before: list[tuple[Tensor, Tensor]] = []
    for seed, rows in enumerate([3, 3, 1, 7, 3, 0]):
        batch = np.random.default_rng(seed).random((rows, 4), dtype=np.float32)
        (answer,) = bound.run({"x": batch})
        before.append((batch, answer))
        for one, other in before:
            assert np.array_equal(other, 2 * one)


def test_bound_runs_keep_the_memory_of_a_few_shapes_only(bound):
    for rows in (*range(1, 30), 1, 2, 3):
        bound.run({"x": np.ones((rows, 4), dtype=np.float32)})
    kept = [key[1][0] for key in bound._buffers]
    assert len(kept) <= 8
    assert kept[-3:] == [1, 2, 3]


def test_threads_take_turns_on_bound_memory(bound):
    def double(number: int) -> bool:
        batch = np.full((1 + number % 3, 4), number, dtype=np.float32)
        return bool((bound.run({"x": batch})[0] == 2 * number).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(double, range(200)))


def test_a_gpu_is_given_no_more_memory_than_is_free(monkeypatch):
    device = cuda.CudaDevice("a card", total_bytes=8 * 2**30, free_bytes=2 * 2**30)
    monkeypatch.setattr(ort, "describe_devices", lambda: [device])
    options = ort._provider_options("cuda", Opening())
    assert 2 * int(options["gpu_mem_limit"]) <= 2 * 2**30
    assert options["use_tf32"] == "0"
    assert options["arena_extend_strategy"] == "kSameAsRequested"
    monkeypatch.setattr(ort, "describe_devices", list)
    assert "gpu_mem_limit" not in ort._provider_options("cuda", Opening())


@pytest.mark.parametrize("provider", ["tensorrt", "coreml"])
def test_what_a_provider_compiles_is_kept_in_the_cache(tmp_path, provider):
    options = ort._provider_options(provider, Opening(cache_dir=tmp_path))
    assert str(tmp_path / provider) in options.values()
    assert (tmp_path / provider).is_dir()
    assert options.get("trt_fp16_enable", "0") == "0"
    assert ort._provider_options(provider, Opening()) == {}


def test_without_a_driver_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(cuda, "_library", lambda name: None)
    assert cuda.cuda_devices() == 0
    assert cuda.describe_devices() == []
    assert cuda.driver_version() == ""


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
        "[open_session(Path(path)) for path in sys.argv[1:]]"
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
session = open_session(Path(sys.argv[1]), provider="cpu")
def run(height, width):
    session.run({"pictures": np.zeros((1, height, width, 3), np.uint8)})
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
