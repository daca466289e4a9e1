"""The nearest of many keys, by FAISS (J. Johnson, M. Douze, H. Jegou, IEEE Trans. Big Data 7(3), 2021).

Few keys are compared one by one. Many are an inverted file with product quantisation, whose tables a bank's file
holds; the index itself is made when it is first used, so that no file has FAISS unpack a foreign index. FAISS gives
candidates, and exact distances decide between them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from novasr.errors import MissingPackageError, install_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from novasr.types import FloatArray

FLAT_KEYS = 20_000  # up to here all are compared
CELLS, PROBES = 256, 24
CODE_BANDS, CODES = 4, 256  # bands in a code of a byte
_ROUNDS, _POINTS = (
    10,
    64,
)  # of training, and keys for each centre: more of either change the neighbours little
_CANDIDATES = 64
_BLOCK = 16  # queries at once: FAISS multiplies matrices from 20 on, with roundings that depend on their number


class Tables(NamedTuple):
    """What an index of many keys was trained to.

    Attributes
    ----------
    cells : ndarray of float32, shape (CELLS, bands)
        Centres of the inverted file's cells.
    codes : ndarray of float32, shape (bands / CODE_BANDS, CODES, CODE_BANDS)
        Codebooks of the product quantiser.
    """

    cells: FloatArray
    codes: FloatArray


def require_faiss() -> Any:
    """Import FAISS, or say how to get it; from then on each query's result is that of the query alone.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        msg = f"retrieval needs faiss-cpu: {install_command('studio')}"
        raise MissingPackageError(msg) from error
    return faiss


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let FAISS compute with this thread alone, whose setting it is."""
    faiss = require_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def train(keys: FloatArray, seed: int) -> Tables | None:
    """Train what an index of many keys needs; few need nothing.

    Parameters
    ----------
    keys : ndarray of float32, shape (keys, bands)
        All of them.
    seed : int
        Of the clustering.

    Returns
    -------
    Tables, optional
        The same for the same keys and seed.
    """
    if len(keys) <= FLAT_KEYS:
        return None
    faiss = require_faiss()
    with _one_thread():
        index, quantizer = _empty(keys.shape[1])
        for clustering in (index.cp, index.pq.cp):
            clustering.seed = seed
            clustering.niter = _ROUNDS
            clustering.max_points_per_centroid = _POINTS
        index.train(keys)
    codes = faiss.vector_to_array(index.pq.centroids).reshape(-1, CODES, CODE_BANDS)
    return Tables(quantizer.reconstruct_n(0, CELLS), codes)


class Index:
    """Finds the keys nearest to a query.

    Parameters
    ----------
    keys : ndarray of float32, shape (keys, bands)
        All of them.
    tables : Tables, optional
        Of :func:`train`.
    """

    def __init__(self, keys: FloatArray, tables: Tables | None) -> None:
        self._keys = keys
        faiss = require_faiss()
        if tables is None:
            self._index = faiss.IndexFlatL2(keys.shape[1])
        else:
            self._index, self._quantizer = _empty(keys.shape[1])
            self._quantizer.add(tables.cells)
            faiss.copy_array_to_vector(tables.codes.ravel(), self._index.pq.centroids)
            self._index.is_trained = True
            self._index.nprobe = PROBES
        with _one_thread():
            for first in range(0, len(keys), _BLOCK):
                self._index.add(keys[first : first + _BLOCK])

    def nearest(self, queries: FloatArray, count: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Find neighbours.

        Parameters
        ----------
        queries : ndarray of float32, shape (queries, bands)
            In the keys' unit.
        count : int
            How many for each, at most _CANDIDATES.

        Returns
        -------
        distances : ndarray of float32, shape (queries, count)
            Mean squares over the bands, rising; infinite where there are fewer.
        numbers : ndarray of int64, shape (queries, count)
            Of the keys.
        """
        with _one_thread():
            parts = [
                self._nearest(queries[first : first + _BLOCK], count)
                for first in range(0, len(queries), _BLOCK)
            ]
        distances, numbers = zip(*parts, strict=True)
        return np.concatenate(distances), np.concatenate(numbers)

    def _nearest(self, queries: FloatArray, count: int) -> tuple[FloatArray, NDArray[np.int64]]:
        _, candidates = self._index.search(np.ascontiguousarray(queries), _CANDIDATES)
        difference = self._keys[candidates] - queries[:, None]
        distances = np.square(difference).mean(-1)
        distances[candidates < 0] = np.inf
        order = np.lexsort((candidates, distances))[:, :count]
        numbers = np.take_along_axis(candidates, order, 1)
        return np.take_along_axis(distances, order, 1), np.maximum(numbers, 0)


def _empty(bands: int) -> tuple[Any, Any]:
    """Make an index of many keys, and the index of its cells, which must live as long."""
    faiss = require_faiss()
    quantizer = faiss.IndexFlatL2(bands)
    bits = CODES.bit_length() - 1
    return faiss.IndexIVFPQ(quantizer, bands, CELLS, bands // CODE_BANDS, bits), quantizer
