"""Settings: what wins over what, and what is refused with its source named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.config import Settings, load_settings, usable_cores
from facesort.errors import UsageError


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment of nothing but a configuration file that is not there yet."""
    return {"FACESORT_CONFIG": str(tmp_path / "config.toml")}


def _configure(environment: dict[str, str], text: str) -> None:
    Path(environment["FACESORT_CONFIG"]).write_text(text, "utf-8")


def test_without_any_word_from_the_user_there_are_defaults(environment):
    settings = load_settings({}, environment=environment)
    assert settings.library.name == "default"
    assert settings.library.is_absolute()
    assert settings.library.is_relative_to(Path.home())
    assert settings.cache_dir.is_absolute()
    assert (settings.provider, settings.embedder, settings.min_face) == ("auto", None, None)
    assert settings.worker_threads >= 1


def test_a_flag_wins_over_the_environment_and_that_over_the_file(environment):
    _configure(environment, 'workers = 3\nprovider = "cpu"\nmin_face = 30\n')
    environment |= {"FACESORT_WORKERS": "4", "FACESORT_PROVIDER": "cuda"}
    flags = {"workers": 5, "provider": None, "min_face": None}
    settings = load_settings(flags, environment=environment)
    assert (settings.workers, settings.provider, settings.min_face) == (5, "cuda", 30)


def test_an_empty_variable_counts_as_not_set(environment):
    environment |= {"FACESORT_LIBRARY": "", "FACESORT_WORKERS": ""}
    settings = load_settings({}, environment=environment)
    assert (settings.library.name, settings.workers) == ("default", 0)


@pytest.mark.parametrize("given_as", ["flag", "variable", "file"])
def test_a_bare_word_names_a_library_and_a_path_is_a_path(environment, tmp_path, given_as):
    def library(text: str) -> Path:
        if given_as == "flag":
            return load_settings({"library": text}, environment=environment).library
        if given_as == "variable":
            changed = {**environment, "FACESORT_LIBRARY": text}
            return load_settings({}, environment=changed).library
        _configure(environment, f"library = '{text}'\n")
        return load_settings({}, environment=environment).library

    default = load_settings({}, environment={"FACESORT_CONFIG": "/nowhere"}).library
    assert library("wedding") == default.parent / "wedding"
    assert library("./wedding") == Path.cwd() / "wedding"
    assert library(str(tmp_path / "a b")) == tmp_path / "a b"
    assert library("~/wedding") == Path.home() / "wedding"
    assert library("2024/wedding") == Path.cwd() / "2024" / "wedding"


@pytest.mark.parametrize("word", ["", "  "])
def test_a_library_without_a_name_is_refused(environment, word):
    # It would be the folder that holds all libraries.
    with pytest.raises(UsageError, match="needs a name"):
        load_settings({"library": word}, environment=environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", -1),
        ("workers", 257),
        ("batch_size", -1),
        ("batch_size", 5000),
        ("min_face", 0),
        ("min_face", 20_000),
        ("max_megapixels", 0),
        ("max_megapixels", -5),
        ("max_megapixels", float("nan")),
        ("max_megapixels", float("inf")),
    ],
)
def test_a_senseless_number_is_refused(environment, name, value):
    with pytest.raises(UsageError, match=name) as refused:
        load_settings({name: value}, environment=environment)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("text", ["many", "1.5", "", "0x10"])
def test_what_is_no_number_is_refused_with_its_source(environment, text):
    with pytest.raises(UsageError, match="--batch-size"):
        load_settings({"batch_size": text}, environment=environment)
    if text:
        with pytest.raises(UsageError, match="FACESORT_WORKERS"):
            load_settings({}, environment={**environment, "FACESORT_WORKERS": text})


def test_auto_lets_the_batch_size_be_chosen(environment):
    assert load_settings({"batch_size": "auto"}, environment=environment).batch_size == 0
    assert load_settings({"batch_size": "16"}, environment=environment).batch_size == 16


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("worker = 3\n", "unknown setting 'worker'"),
        ("workers = \n", "cannot be read"),
        ("workers = 'many'\n", "must be a number"),
        ("workers = 1000\n", "is not between"),
        ("workers = true\n", "must be a number"),
        ("workers = [1]\n", "must be a number"),
        ("[scan]\nworkers = 1\n", "unknown setting 'scan'"),
    ],
)
def test_a_wrong_configuration_file_is_refused(environment, text, told):
    _configure(environment, text)
    with pytest.raises(UsageError, match=told):
        load_settings({}, environment=environment)


def test_a_configuration_file_that_is_not_text_names_itself(environment):
    Path(environment["FACESORT_CONFIG"]).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"config\.toml cannot be read") as refused:
        load_settings({}, environment=environment)
    assert refused.value.hint


def test_there_is_a_thread_for_each_core_that_the_process_may_use(environment, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert usable_cores() == load_settings({}, environment=environment).worker_threads == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == 64


@pytest.mark.parametrize("said", ["CUDA", " cuda "])
def test_the_case_of_a_providers_name_does_not_matter(environment, said):
    assert load_settings({"provider": said}, environment=environment).provider == "cuda"


@given(workers=st.integers(0, 256), pixels=st.integers(1, 10_000))
def test_whatever_is_in_range_is_taken_as_it_is(workers, pixels):
    settings = Settings(library=Path("/l"), cache_dir=Path("/c"), workers=workers, min_face=pixels)
    assert (settings.workers, settings.min_face) == (workers, pixels)
    assert settings.worker_threads == workers or not workers
