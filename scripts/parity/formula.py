"""Numbers from a formula, so that weights and pictures need no download and no stored seed.

Number `i` of the stream `name` is made in three steps, all in unsigned 64-bit arithmetic that wraps:

    h = FNV-1a of the UTF-8 bytes of `name` (offset 14695981039346656037, prime 1099511628211)
    z = h + (i + 1) * 0x9E3779B97F4A7C15, then SplitMix64's finaliser (Steele et al. 2014):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;  z = (z ^ z >> 27) * 0x94D049BB133111EB;  z = z ^ z >> 31
    value = (z >> 40) / 2^23 - 1, which float32 holds exactly, uniform in -1 ..< 1

Tensors take i in C order over their PyTorch shape.
"""

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def fnv1a(name):
    """64-bit FNV-1a hash of a string's UTF-8 bytes."""
    hashed = 14695981039346656037
    for byte in name.encode():
        hashed = ((hashed ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return np.uint64(hashed)


def words(name, count):
    """The first `count` 64-bit words of a stream."""
    with np.errstate(over="ignore"):
        z = fnv1a(name) + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, shape):
    """float32 array of `shape`, uniform in -1 ..< 1."""
    count = int(np.prod(shape, dtype=np.int64))
    values = (words(name, count) >> np.uint64(40)).astype(np.float64) / 2**23 - 1
    return values.astype(np.float32).reshape(shape)
