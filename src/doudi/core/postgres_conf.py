"""Settings of the embedded server: private, quiet about people, and sized to the machine."""

from __future__ import annotations

import os
from pathlib import Path

PORT = 5432  # names the socket file; no TCP port is opened

CONFIGURATION = """\
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 60
shared_buffers = {buffers}MB
effective_cache_size = {cache}MB
work_mem = {work}MB
maintenance_work_mem = {maintenance}MB
dynamic_shared_memory_type = {shared_memory}
max_wal_size = 4GB
wal_compression = on
random_page_cost = 1.1
jit = off
timezone = 'Asia/Shanghai'
log_timezone = 'Asia/Shanghai'
lc_messages = 'C'
logging_collector = on
log_directory = 'log'
log_filename = 'server-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_line_prefix = '%m [%p] %u@%d '
# Statements and values of people must not reach the log (integrity.md, look-ups and records).
log_min_messages = error
log_error_verbosity = terse
log_min_error_statement = panic
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
{extra}"""

# For tests only: a crash may lose the data, so nothing waits for the disk; small tables need no helpers.
THROWAWAY = """\
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
shared_buffers = 256MB
io_method = sync
max_parallel_workers_per_gather = 0
"""


def _memory_megabytes() -> int:
    """Memory of the machine or of the container, whichever is smaller."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found.append(int(Path(name).read_text()))
        except (OSError, ValueError):
            continue
    return min(found) // 2**20


def _shared_memory_type() -> str:
    """Containers give /dev/shm 64 MB: too little for parallel hash joins, so use files there."""
    try:
        found = os.statvfs("/dev/shm")
    except OSError:
        return "mmap" if os.path.exists("/proc") else "posix"
    return "posix" if found.f_frsize * found.f_blocks >= 512 * 2**20 else "mmap"


def configuration(socket: Path, extra: str = "") -> str:
    """Text of `doudi.conf`; `extra` lines win over the rest."""
    memory = _memory_megabytes()
    return CONFIGURATION.format(
        port=PORT,
        socket=str(socket).replace("'", "''"),
        buffers=max(64, min(2048, memory // 4)),
        cache=max(256, memory // 2),
        work=max(8, min(64, memory // 256)),
        maintenance=max(64, min(1024, memory // 16)),
        shared_memory=_shared_memory_type(),
        extra=extra,
    )
