"""Exact neighbours against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from dressform.core.errors import ConfigError
from dressform.exploration.neighbours import nearest


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(("n", "k"), [(7, 3), (400, 5), (3000, 5), (5000, 1)])
def test_the_same_as_scikit_learn(metric: str, n: int, k: int) -> None:
    random = np.random.default_rng(n)
    reference = random.normal(3, 1, (n, 20)).astype(np.float32)
    queries = random.normal(3, 1, (300, 20)).astype(np.float32)
    neighbours = nearest(queries, reference, k, metric=metric)
    distances, indices = (
        NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute")
        .fit(reference)
        .kneighbors(queries)
    )
    np.testing.assert_allclose(neighbours.distances, distances, atol=2e-4)
    assert (
        neighbours.indices == indices
    ).mean() > 0.999  # float32 may swap two that are as near as makes no difference


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 1500), st.integers(1, 6), st.integers(0, 10**6))
def test_no_nearer_one_is_left_out(n: int, k: int, seed: int) -> None:
    k = min(k, n - 1)
    values = np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32)
    neighbours = nearest(values, values, k, metric="euclidean", exclude=np.arange(n))
    assert (neighbours.indices != np.arange(n)[:, None]).all()
    assert all(len(set(row)) == k for row in neighbours.indices.tolist())
    full = np.linalg.norm(values[:, None].astype(np.float64) - values[None], axis=2)
    np.fill_diagonal(full, np.inf)
    np.testing.assert_allclose(neighbours.distances, np.sort(full, axis=1)[:, :k], atol=1e-3)


def test_rows_of_zeros_are_far_from_everything() -> None:
    reference = np.array([[0, 0], [1, 0]], np.float32)
    assert nearest(reference[:1], reference, 2).distances.tolist() == [[1, 1]]


def test_more_than_there_are_is_refused() -> None:
    values = np.ones((3, 2), np.float32)
    with pytest.raises(
        ConfigError, match="3 neighbours were requested among 3 examples; allowed: 1 to 2"
    ):
        nearest(values, values, 3, exclude=np.arange(3))
