"""Tokens and ID number checks over 20 million numbers, per second and core.

    PYTHONPATH=src python bench/tokens.py [--size 20000000] [--json]

Baseline of the tokens: raw AES-256-ECB of `cryptography` over one contiguous buffer that is packed already, and for comparison
HMAC-SHA256 per number, the usual way to make such tokens.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from doudi.batch.columns import from_byte_matrix
from doudi.batch.idnumber import CHECKS, WEIGHTS, parse_column
from doudi.batch.tokens import Kind, TokenKey

HMAC_SAMPLE = 500_000


def citizen_ids(count: int, seed: int = 7) -> pa.Array:
    """Good numbers of people born 1930 to 2020."""
    rng = np.random.default_rng(seed)
    born = (np.datetime64("1930-01-01") + rng.integers(0, 33_000, count)).astype("datetime64[D]")
    months = born.astype("datetime64[M]").astype(np.int64)
    days = (born - born.astype("datetime64[M]")).astype(np.int64) + 1
    figures = (rng.integers(410100, 411800, count), 1970 + months // 12, months % 12 + 1, days, rng.integers(0, 1000, count))
    matrix = np.empty((count, 18), np.uint8)
    at = 0
    for figure, width in zip(figures, (6, 4, 2, 2, 3), strict=True):
        for place in range(width):
            matrix[:, at + place] = figure // 10 ** (width - 1 - place) % 10 + 48
        at += width
    checks = np.frombuffer(CHECKS.encode(), np.uint8)
    matrix[:, 17] = checks[((matrix[:, :17] - 48).astype(np.float32) @ np.array(WEIGHTS, np.float32)).astype(np.int32) % 11]
    return from_byte_matrix(matrix)


def rate(count: int, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", "--size", dest="size", type=int, default=20_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    numbers = citizen_ids(options.size)
    key, sm4 = TokenKey(bytes(range(32))), TokenKey(bytes(range(16)), cipher="sm4")
    tokens = key.seal_many(Kind.CITIZEN_ID, numbers)
    if not key.open_many(tokens)[1].equals(numbers):
        sys.exit("tokens do not come back")
    blocks, out = np.zeros((options.size, 16), np.uint8), np.empty(16 * options.size + 15, np.uint8)
    out[:] = 1
    sample = numbers.slice(0, min(HMAC_SAMPLE, options.size)).to_pylist()
    few = min(options.size, 2_000_000)
    figures = {
        "size": options.size,
        "seal": rate(options.size, lambda: key.seal_many(Kind.CITIZEN_ID, numbers)),
        "open": rate(options.size, lambda: key.open_many(tokens)),
        "seal_sm4": rate(few, lambda: sm4.seal_many(Kind.CITIZEN_ID, numbers.slice(0, few))),
        "check": rate(options.size, lambda: parse_column(numbers)),
        "raw_ecb": rate(options.size, lambda: Cipher(AES(key.key), modes.ECB()).encryptor().update_into(blocks, out)),
        "hmac": rate(len(sample), lambda: [hmac.digest(key.key, number.encode(), hashlib.sha256)[:16] for number in sample]),
    }
    figures["seal_to_raw_ecb"] = figures["seal"] / figures["raw_ecb"]
    figures["seal_to_hmac"] = figures["seal"] / figures["hmac"]
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name in ("seal", "open", "seal_sm4", "check", "raw_ecb", "hmac"):
        sys.stdout.write(f"{name:10} {figures[name] / 1e6:8.2f} million numbers/s\n")
    sys.stdout.write(f"sealing is {figures['seal_to_hmac']:.0f} times HMAC, {figures['seal_to_raw_ecb']:.0%} of raw ECB on packed blocks\n")


if __name__ == "__main__":
    main()
