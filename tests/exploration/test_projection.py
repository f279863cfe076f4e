"""Projections against scikit-learn, on clusters that we placed, and twice with the same seed."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from dressform.core.errors import ConfigError
from dressform.exploration.embedding import embed
from dressform.exploration.neighbours import Neighbours
from dressform.exploration.projection import knn_recall, neighbours_within, pca, tsne, umap


@pytest.fixture(scope="module")
def clusters() -> tuple[np.ndarray, np.ndarray]:
    """240 examples in three clusters that are 20 apart, 12 dimensions."""
    random = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 80)
    centres = 20 * np.eye(3, 12)
    return (centres[labels] + random.normal(size=(240, 12))).astype(np.float32), labels


def test_components_are_scikit_learns() -> None:
    values = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32) @ np.diag(
        np.arange(8, 0, -1)
    ).astype(np.float32)
    projection, expected = pca(values, 5), PCA(5, svd_solver="full").fit(values.astype(np.float64))
    np.testing.assert_allclose(projection.explained, expected.explained_variance_ratio_, rtol=1e-6)
    np.testing.assert_allclose(
        np.abs(projection.embedding), np.abs(expected.transform(values)), atol=1e-3
    )
    assert pca(values[:3], 10).embedding.shape == (3, 3)


def apart(places: np.ndarray, labels: np.ndarray) -> bool:
    """Whether every example is nearest to the middle of its own cluster."""
    middles = np.stack([places[labels == c].mean(axis=0) for c in range(3)])
    return bool((np.linalg.norm(places[:, None] - middles, axis=2).argmin(axis=1) == labels).all())


@pytest.mark.parametrize("dimensions", [2, 3])
def test_tsne_keeps_clusters_apart_and_repeats_itself(
    clusters: tuple[np.ndarray, np.ndarray], dimensions: int
) -> None:
    values, labels = clusters
    neighbours = neighbours_within(values)
    projection = tsne(values, neighbours, dimensions=dimensions)
    assert projection.embedding.shape == (240, dimensions)
    assert apart(projection.embedding, labels)
    assert knn_recall(neighbours, projection.embedding) > knn_recall(
        neighbours, pca(values, dimensions).embedding
    )
    np.testing.assert_array_equal(
        projection.embedding, tsne(values, neighbours, dimensions=dimensions).embedding
    )


def test_umap_keeps_clusters_apart_and_repeats_itself(
    clusters: tuple[np.ndarray, np.ndarray],
) -> None:
    pytest.importorskip("umap")
    values, labels = clusters
    neighbours = neighbours_within(values)
    threads = torch.get_num_threads()
    projection = umap(values, neighbours)
    assert torch.get_num_threads() == threads
    assert apart(projection.embedding, labels)
    np.testing.assert_array_equal(projection.embedding, umap(values, neighbours).embedding)


def test_preservation_by_hand() -> None:
    values = np.arange(40, dtype=np.float32)[:, None]
    neighbours = neighbours_within(values, 2)
    assert knn_recall(neighbours, values, 2) == 1
    assert knn_recall(neighbours, -3 * values, 2) == 1
    far = Neighbours(
        np.array([[39, 38]] * 20 + [[0, 1]] * 20, np.int32), np.zeros((40, 2), np.float32)
    )
    assert knn_recall(far, values, 2) == 0


def test_what_was_found_is_read_back(
    clusters: tuple[np.ndarray, np.ndarray], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dressform")
    logging.getLogger("openTSNE").setLevel(logging.WARNING)
    caplog.clear()
    keep = lambda name: tmp_path / "explore" / f"{name}.npz"  # noqa: E731
    first = embed(clusters[0], keep, methods=["tsne"])
    assert caplog.messages == [
        "finding neighbours of 240 examples (euclidean)",
        "finding neighbours of 240 examples (cosine)",
        "t-SNE in 2 dimensions",
    ]
    caplog.clear()
    again = embed(clusters[0], keep, methods=["tsne"])
    assert caplog.messages == []
    np.testing.assert_array_equal(again.projections[0].embedding, first.projections[0].embedding)
    embed(clusters[0], keep, methods=["tsne"], seed=1)
    assert caplog.messages == ["t-SNE in 2 dimensions"]
    changed = clusters[0].copy()
    changed[0, 0] += 1
    caplog.clear()
    embed(changed, keep, methods=["pca"])
    assert len(caplog.messages) == 2
    caplog.clear()
    both = embed(clusters[0], keep, methods=["pca", "tsne"])
    assert caplog.messages == []
    assert [one.name for one in both.projections] == ["tsne", "pca"]
    assert both.knn_recall == tuple(sorted(both.knn_recall, reverse=True))
    neighbours = neighbours_within(clusters[0])
    assert both.knn_recall[1] == knn_recall(neighbours, pca(clusters[0], 2).embedding)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["mds"]}, "projection mds is unknown; allowed: pca, tsne, umap"),
        ({"methods": []}, "no projection is named; allowed: one or more of pca, tsne, umap"),
        ({"dimensions": [4]}, "dimensions are 4; allowed: 2, 3, or both"),
        ({"dimensions": []}, "dimensions are none"),
    ],
)
def test_what_cannot_be_is_refused(
    clusters: tuple[np.ndarray, np.ndarray],
    tmp_path: Path,
    options: dict[str, list[object]],
    message: str,
) -> None:
    with pytest.raises(ConfigError, match=message):
        embed(clusters[0], lambda name: tmp_path / name, **options)
    with pytest.raises(ConfigError, match="30 examples are too few"):
        embed(clusters[0][:30], lambda name: tmp_path / name)


def test_a_missing_library_is_told_before_the_work(
    clusters: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dressform.exploration.embedding.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install umap-learn"):
        embed(clusters[0], lambda name: tmp_path / name, methods=["tsne", "umap"])
    assert list(tmp_path.iterdir()) == []
