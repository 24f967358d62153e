"""What could run models here, as `doctor` sees it."""

from __future__ import annotations

import pytest

from facesort.inference.environment import Runtime, conflict, report


def test_two_distributions_of_one_runtime_clash_and_both_must_go() -> None:
    both = (Runtime("onnxruntime", "1.31.1"), Runtime("onnxruntime-gpu", "1.31.1"))
    error = conflict(both)
    assert error is not None
    assert error.exit_code == 25
    assert "pip uninstall --yes onnxruntime onnxruntime-gpu" in error.hint


@pytest.mark.parametrize("names", [(), ("onnxruntime",), ("onnxruntime-gpu", "openvino")])
def test_one_onnx_runtime_beside_openvino_is_no_clash(names: tuple[str, ...]) -> None:
    assert conflict(tuple(Runtime(name, "1.0") for name in names)) is None


def test_the_cpu_starts_here_and_what_does_not_says_why() -> None:
    found = report()
    assert found.runtimes
    assert found.conflict is None
    states = {state.name: state for state in found.providers}
    assert states["cpu"].starts
    assert all(state.reason for state in found.providers if not state.starts)
