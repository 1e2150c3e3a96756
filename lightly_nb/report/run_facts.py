"""What a run folder tells the report: configuration, versions, machine, durations, events."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import yaml

from lightly_nb.runfolder import RunFolder, read_events
from lightly_nb.states import END_STATES, RunState


def run_facts(folder: RunFolder) -> dict[str, Any]:
    """Return the `job` of a report from the files of a run; what is not there is left out.

    Secrets are masked already in the files that it reads.
    """
    config = _yaml(folder.config) or {}
    hydra = _yaml(folder.hydra) or {}
    worker = config.get("worker_config") or {}
    events = list(read_events(folder)[0])
    versions = {"python": hydra.get("python"), **(hydra.get("packages") or {})}
    return {
        "name": "/".join(folder.path.parts[-2:]),
        "input": config.get("input"),
        "started": _started(events),
        "steps": [entry for entry in durations(events) if entry["step"] != RunState.GENERATING_REPORT],
        "versions": {name: version for name, version in versions.items() if version},
        "hardware": hardware(),
        "asked": _yaml(folder.overrides) or [],
        "config": config,
        "events": events,
        "warnings": warnings_of(events),
        "options": {
            "n_example_images": worker.get("n_example_images"),
            "memory_requirement_in_GB": worker.get("memory_requirement_in_GB"),
            "seed": (config.get("lightly_config") or {}).get("seed"),
        },
    }


def warnings_of(events: list[Any]) -> list[str]:
    """Return what a person was warned of, each once, in order."""
    said = [
        f"{event['step']}: {event['message']}"
        for event in events
        if event.get("level") == "warning" and event.get("message") and "check" not in event
    ]
    return list(dict.fromkeys(said))


def durations(events: list[Any]) -> list[dict[str, Any]]:
    """Return the seconds spent in every state of a run, in order, without those between two attempts.

    Examples
    --------
    >>> durations([{"time": 1.0, "state": "TRAINING"}, {"time": 4.5, "state": "COMPLETED"}])
    [{'step': 'TRAINING', 'seconds': 3.5}]
    """
    spent: dict[str, float] = {}
    changes = [event for event in events if "state" in event]
    last = max((float(event["time"]) for event in events), default=0.0)
    ends = [float(event["time"]) for event in changes[1:]] + [last]
    for event, end in zip(changes, ends, strict=False):
        if RunState(event["state"]) not in END_STATES:
            spent[event["state"]] = spent.get(event["state"], 0.0) + max(0.0, end - float(event["time"]))
    return [{"step": step, "seconds": seconds} for step, seconds in spent.items()]


def hardware() -> dict[str, Any]:
    """Return processor, cores, memory in GB (10⁹ bytes), operating system and GPUs of this machine."""
    import psutil

    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "gpus": _gpus(),
    }


def _gpus() -> list[str]:
    import torch

    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _started(events: list[Any]) -> str | None:
    from datetime import UTC, datetime

    times = [event["time"] for event in events if "time" in event]
    return datetime.fromtimestamp(times[0], UTC).isoformat(timespec="seconds") if times else None


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        return None
