"""Layers over the head model: each vertex of a layer is a weighted sum of the model's vertices, so it moves along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Layer:
    """A surface whose N vertices are `weights @ points + lift * (weights @ normals)` of the V vertices below."""

    weights: sparse.csr_matrix  # (N,V), rows sum to 1
    triangles: np.ndarray  # (F,3)

    def place(self, points: np.ndarray, normals: np.ndarray, lift: np.ndarray) -> np.ndarray:
        """(V,3), (V,3), lift (N,) m -> (N,3)."""
        return self.weights @ points + lift[:, None] * (self.weights @ normals)


def patch(triangles: np.ndarray, n_vertices: int) -> Layer:
    """Some of the model's triangles as a layer of their own."""
    used, inverse = np.unique(triangles, return_inverse=True)
    ones = np.ones(len(used), np.float32)
    weights = sparse.csr_matrix((ones, (np.arange(len(used)), used)), shape=(len(used), n_vertices))
    return Layer(weights, inverse.reshape(-1, 3))


def refine(layer: Layer) -> Layer:
    """Loop subdivision (Loop 1987, Warren's weights): four triangles for each, and a smooth outline."""
    triangles = layer.triangles
    n = layer.weights.shape[0]
    sides = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    opposite = np.roll(triangles, 1, axis=1).ravel()
    edges, which, count = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    which = which.ravel()
    open_edge = count == 1

    rows = np.arange(len(edges))
    inner = np.where(open_edge, 0.5, 0.375)
    shared = ~open_edge[which]
    middle = sparse.csr_matrix(
        (
            np.concatenate([inner, inner, np.full(shared.sum(), 0.125)]),
            (np.concatenate([rows, rows, which[shared]]), np.concatenate([edges[:, 0], edges[:, 1], opposite[shared]])),
        ),
        shape=(len(edges), n),
    )
    adjacent = sparse.csr_matrix((np.ones(2 * len(edges)), (edges.ravel(), edges[:, ::-1].ravel())), shape=(n, n))
    degree = np.asarray(adjacent.sum(1)).ravel()
    beta = np.where(degree > 3, 3 / (8 * degree.clip(1)), 3 / 16)
    smooth = sparse.diags(1 - beta * degree) + sparse.diags(beta) @ adjacent
    rim = edges[open_edge]
    on_rim = np.zeros(n, bool)
    on_rim[rim] = True
    along = sparse.csr_matrix((np.full(2 * len(rim), 0.125), (rim.ravel(), rim[:, ::-1].ravel())), shape=(n, n))
    along = along + sparse.diags(1 - np.asarray(along.sum(1)).ravel())
    keep = sparse.diags(on_rim.astype(float))
    corner = keep @ along + (sparse.identity(n) - keep) @ smooth

    a, b, c = triangles.T
    ab, bc, ca = n + which.reshape(-1, 3).T
    finer = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    weights = sparse.vstack([corner, middle]) @ layer.weights
    return Layer(sparse.csr_matrix(weights, dtype=np.float32), finer)


def cut(layer: Layer, height: np.ndarray) -> tuple[Layer, np.ndarray]:
    """The part where `height` (N,) is positive, trimmed exactly at 0, and its heights."""
    triangles = layer.triangles
    up = height > 0
    n_up = up[triangles].sum(1)
    whole = triangles[n_up == 3]
    parts: list[np.ndarray] = [whole]
    new: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def crossing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Ids of the points at height 0 between vertices a (above) and b (below)."""
        start = layer.weights.shape[0] + sum(len(x[0]) for x in new)
        new.append((a, b, height[a] / (height[a] - height[b])))
        return start + np.arange(len(a))

    for kind in (1, 2):
        some = triangles[n_up == kind]
        odd = np.argmax(up[some] if kind == 1 else ~up[some], axis=1)  # the corner that differs from the two others
        a, b, c = (some[np.arange(len(some)), (odd + k) % 3] for k in range(3))
        if kind == 1:
            parts.append(np.stack([a, crossing(a, b), crossing(a, c)], axis=1))
        else:
            p, q = crossing(b, a), crossing(c, a)
            parts += [np.stack([p, b, c], axis=1), np.stack([p, c, q], axis=1)]
    high, low, t = (np.concatenate(x) for x in zip(*new))
    weights = sparse.diags(1 - t) @ layer.weights[high] + sparse.diags(t) @ layer.weights[low]
    weights = sparse.vstack([layer.weights, weights]).tocsr()
    all_heights = np.concatenate([height, np.zeros(len(t))])
    finer = np.concatenate(parts)
    used, inverse = np.unique(finer, return_inverse=True)
    return Layer(sparse.csr_matrix(weights[used], dtype=np.float32), inverse.reshape(-1, 3)), all_heights[used]


@dataclass(frozen=True)
class Garment:
    """A layer to wear: how far it stands off, and where its vertices lie on its page."""

    layer: Layer
    lift: np.ndarray  # (N,) float32 m
    texel: np.ndarray  # (N,2) column, row
