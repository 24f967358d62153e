"""What OpenVINO makes of the models; skipped where the extra is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from facesort.errors import ModelError, ProviderUnavailable, WeightsCorrupt
from facesort.inference.graphs import Shape
from facesort.inference.openvino import is_installed
from facesort.inference.runtime import load_openvino
from facesort.inference.session import Opening, Precision, Session, open_session
from tests.weights import real_graph

pytestmark = pytest.mark.skipif(not is_installed(), reason="the extra [openvino] is not installed")


def crops(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def opened(shape: Shape, provider: str, **opening: object) -> Session:
    graph = real_graph("sface", shape)
    return open_session(graph, provider=provider, opening=Opening(**opening))  # type: ignore[arg-type]  # by name


@pytest.mark.weights
def test_openvino_gives_the_vectors_of_onnx_runtime():
    # On processors with bf16 it would compute in that, if it were not told otherwise.
    faces = crops(9)
    ours = opened(Shape.PLAIN, "openvino")
    assert ours.provider == "openvino"
    (vectors,) = ours.run({ours.inputs[0]: faces})
    theirs = opened(Shape.CPU, "cpu")
    (expected,) = theirs.run({theirs.inputs[0]: faces})
    assert (unit(vectors) * unit(expected)).sum(axis=1).min() > 0.99999
    assert (
        np.abs(np.linalg.norm(vectors, axis=1) / np.linalg.norm(expected, axis=1) - 1).max() < 1e-4
    )


@pytest.mark.weights
def test_auto_takes_openvino_for_an_embedder():
    assert opened(Shape.PLAIN, "auto").provider in {"openvino", "cuda", "directml"}


@pytest.mark.weights
def test_bf16_is_close_where_the_processor_has_it_and_refused_where_not():
    faces = crops(9)
    if "BF16" not in load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(ProviderUnavailable, match="bf16"):
            opened(Shape.PLAIN, "auto", precision=Precision.BF16)
        return
    rough = opened(Shape.PLAIN, "auto", precision=Precision.BF16)
    exact = opened(Shape.PLAIN, "openvino")
    (one,), (other,) = (s.run({s.inputs[0]: faces}) for s in (rough, exact))
    cosines = (unit(one) * unit(other)).sum(axis=1)
    assert cosines.min() > 0.99
    assert cosines.max() < 0.9999999


@pytest.mark.weights
def test_threads_run_side_by_side():
    session = opened(Shape.PLAIN, "openvino", lanes=2)
    faces = crops(12)
    (expected,) = session.run({session.inputs[0]: faces})

    def agrees(number: int) -> bool:
        part = slice(number % 10, number % 10 + 1 + number % 3)
        (found,) = session.run({session.inputs[0]: faces[part]})
        return bool(np.allclose(found, expected[part], atol=1e-3))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(agrees, range(60)))


@pytest.mark.weights
def test_an_answer_is_not_overwritten_by_the_next_run():
    session = opened(Shape.PLAIN, "openvino")
    (first,) = session.run({session.inputs[0]: crops(2)})
    before = first.copy()
    session.run({session.inputs[0]: crops(2)[::-1].copy()})
    assert np.array_equal(first, before)


def test_a_file_that_is_no_model_is_corrupt(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(WeightsCorrupt, match=r"broken\.onnx"):
        open_session(path, provider="openvino")


@pytest.mark.weights
def test_a_run_that_fails_says_with_which_shapes():
    session = opened(Shape.PLAIN, "openvino")
    with pytest.raises(ModelError, match=r"openvino with pictures \(1, 9, 9, 3\)"):
        session.run({"pictures": np.zeros((1, 9, 9, 3), dtype=np.uint8)})
    (still,) = session.run({"pictures": crops(1)})
    assert still.shape == (1, 128)


@pytest.mark.weights
def test_the_terminal_stays_clean_and_nothing_is_reported_to_the_maker(tmp_path):
    program = """
import socket, sys
from pathlib import Path
def refuse(*arguments, **options):
    raise SystemExit("a connection was tried")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from facesort.inference.session import open_session
session = open_session(Path(sys.argv[1]), provider="openvino")
loaded = [name for name in sys.modules if name.startswith("openvino_telemetry")]
sys.exit(f"loaded {loaded}" if loaded else 0)
"""
    home = tmp_path / "home"
    home.mkdir()
    places = {"HOME": str(home), "USERPROFILE": str(home), "APPDATA": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(real_graph("sface", Shape.PLAIN))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **places, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[2],
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert [path for path in home.rglob("*") if path.is_file()] == []
