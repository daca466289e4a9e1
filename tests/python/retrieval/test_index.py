"""Nearest keys: found, and for each query the same whatever is asked beside it."""

import needs
import numpy as np
import pytest

faiss = needs.package("faiss", "pip install 'novasr[studio]'")

from novasr.retrieval.index import FLAT_KEYS, Index, train  # noqa: E402

BANDS = 24


@pytest.fixture(scope="module", params=["few", "many"])
def keys(request: pytest.FixtureRequest) -> np.ndarray:
    """Levels that go up and down together, as those of neighbouring bands do."""
    count = 500 if request.param == "few" else FLAT_KEYS + 1000
    steps = np.random.default_rng(3).normal(0, 5, (count, BANDS))
    return np.cumsum(steps, axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def index(keys: np.ndarray) -> Index:
    return Index(keys, train(keys, seed=0))


@pytest.fixture
def queries(keys: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (keys[::7][:300] + rng.normal(0, 2, (len(keys[::7][:300]), BANDS))).astype(np.float32)


def test_the_nearest_keys_are_found(index: Index, keys: np.ndarray, queries: np.ndarray) -> None:
    distances, numbers = index.nearest(queries, 8)
    exact = np.square(keys[None] - queries[:, None]).mean(-1)
    true = np.argsort(exact, axis=1, kind="stable")[:, :8]
    found = np.mean([len(set(a) & set(b)) / 8 for a, b in zip(numbers, true)])
    assert found > 0.95
    np.testing.assert_allclose(distances, np.take_along_axis(exact, numbers, 1), rtol=1e-5)
    assert (np.diff(distances) >= 0).all()


def test_a_query_alone_has_the_result_it_has_among_others(
    index: Index, queries: np.ndarray
) -> None:
    together = index.nearest(queries, 8)
    for size in (1, 19, 20, 150):  # FAISS multiplies matrices from 20 on unless told not to
        parts = [index.nearest(queries[n : n + size], 8) for n in range(0, len(queries), size)]
        for whole, pieces in zip(together, zip(*parts)):
            assert np.array_equal(whole, np.concatenate(pieces))


def test_training_twice_gives_the_same_tables(keys: np.ndarray) -> None:
    first, second = train(keys, seed=0), train(keys, seed=0)
    assert (first is None) == (len(keys) <= FLAT_KEYS)
    if first is not None:
        assert all(np.array_equal(a, b) for a, b in zip(first, second))
        assert not np.array_equal(first.cells, train(keys, seed=1).cells)


def test_fewer_keys_than_asked_for_are_infinitely_far_beyond(keys: np.ndarray) -> None:
    distances, numbers = Index(keys[:3], None).nearest(keys[:2], 8)
    assert np.isfinite(distances[:, :3]).all()
    assert np.isinf(distances[:, 3:]).all()
    assert numbers.min() >= 0
