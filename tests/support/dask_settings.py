"""What Dask's programs do less of in tests."""

QUIET = {
    f"DASK_DISTRIBUTED__{name}": value
    for name, value in {
        "ADMIN__SYSTEM_MONITOR__GIL__ENABLED": "False",
        "ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
        "ADMIN__TICK__INTERVAL": "10s",
        "ADMIN__TICK__LIMIT": "1h",
        "SCHEDULER__WORK_STEALING_INTERVAL": "10s",
        "WORKER__MEMORY__MONITOR_INTERVAL": "10s",
        "WORKER__PROFILE__ENABLED": "False",
    }.items()
}
"""What they measure of themselves; idle ones do little else."""
