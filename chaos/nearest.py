"""What a search has to find: the exact nearest neighbours, computed here and not by the vector nodes."""

from collections.abc import Mapping, Sequence

import numpy as np


def nearest(points: Mapping[str, Sequence[float]], vector: Sequence[float], *, limit: int = 5) -> list[str]:
    """The names of the points most similar to `vector` by their cosine, best first; raises ValueError for no points."""
    if not points:
        raise ValueError("there are no points to be near")
    rows = np.array(list(points.values()))
    similar = rows @ np.array(vector) / np.linalg.norm(rows, axis=1)
    names = list(points)
    return [names[place] for place in np.argsort(-similar, kind="stable")[:limit]]
