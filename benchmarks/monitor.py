"""The run monitor in a browser: cell returns, lag with a busy kernel, cancel, re-attach.

    python -m benchmarks.monitor            # medians of 3; --write for monitor.md

A real background run trains a small model meanwhile. The cell is `lnb.monitor(run)` on a handle that an
earlier cell has made. The lag is from the time in an event, which the run writes when it sends it, to the
change on the page, while a cell of the same kernel computes and never waits. Re-attaching is everything
that a restarted kernel has to do: import, open the run, show it, and show the next event.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS_OF_LAG = 8
TARGETS = {
    "cell returns s": 0.5,
    "lag s, busy kernel, median": 0.5,
    "lag s, busy kernel, p90": None,
    "cancel s, to the end state": 1.0,
    "cancel s, to the end on the page": 1.0,
    "cancel s, to the end of the process": None,
    "cancel while libraries load s": None,
    "re-attach s": 3.0,
}
HEAD = ".jupyter-widgets .lnb-head"
SHOW = "panel = lnb.monitor(run)\npanel"
BUSY = "import time\nuntil = time.time() + 600\nwhile time.time() < until: pass"
RUN_CELL = """async number => { lnbNotebook.content.activeCellIndex = number;
                window.started = Date.now(); await jupyterapp.commands.execute('notebook:run-cell'); }"""
WATCH = f"""seconds => new Promise(done => {{
  const lags = [];
  let last = null;
  const observer = new MutationObserver(() => {{
    const time = Number([...document.querySelectorAll('{HEAD}')].at(-1)?.dataset.time) * 1000;
    if (last !== null && time > last) lags.push((Date.now() - time) / 1000);
    last = time;
  }});
  observer.observe(document.body, {{subtree: true, childList: true, attributes: true}});
  setTimeout(() => {{ observer.disconnect(); done(lags); }}, seconds * 1000);
}})"""


def start_run(folder: Path) -> Any:
    """Start a run that trains for minutes, eight events a second."""
    import lightly_nb as lnb
    from tests.conftest import TINY_MODEL, fill_with_photographs

    photographs = folder / "photographs"
    if not photographs.is_dir():
        fill_with_photographs(photographs)
    return lnb.start(
        photographs,
        folder / "runs",
        n_samples=4,
        worker_config={"enable_training": True, "generate_report": False},
        lightly_config={**TINY_MODEL, "trainer.max_epochs": 20_000},
    )


def measure(lab: Any, folder: Path) -> dict[str, float]:
    """Return the figures of one run and one notebook, in seconds."""
    import psutil

    from lightly_nb.pipeline.process import lock
    from lightly_nb.states import RunState

    run = start_run(folder)
    while not (run.state is RunState.TRAINING and run.checkpoint):
        time.sleep(0.1)
    page = lab.page
    book = lab.open(f"import lightly_nb as lnb\nrun = lnb.open_run({str(run.path)!r})", SHOW, BUSY, run=1)
    page.evaluate(RUN_CELL, 1)
    returns = page.evaluate("(Date.now() - started) / 1000")
    page.wait_for_selector(f"{HEAD}[data-state=TRAINING]")
    page.evaluate(RUN_CELL.replace("await ", ""), 2)
    page.wait_for_function("lnbNotebook.context.sessionContext.session.kernel.status === 'busy'")
    lags = page.evaluate(WATCH, SECONDS_OF_LAG)
    page.evaluate(
        """async () => { const kernel = lnbNotebook.context.sessionContext.session.kernel;
             await kernel.restart(); await kernel.requestExecute({code: ''}).done; }"""
    )
    page.evaluate(f"() => {{ document.querySelectorAll('{HEAD}').forEach(head => head.remove()); }}")
    page.evaluate(RUN_CELL, 0)
    page.evaluate(RUN_CELL.replace("await ", "").replace("window.started = Date.now();", ""), 1)
    page.wait_for_selector(f"{HEAD}[data-state=TRAINING]")
    events = page.evaluate(f"Number([...document.querySelectorAll('{HEAD}')].at(-1).dataset.events)")
    page.wait_for_function(
        f"events => Number([...document.querySelectorAll('{HEAD}')].at(-1).dataset.events) > events",
        arg=events,
    )
    attached = page.evaluate("(Date.now() - started) / 1000")
    book.until("panel.follower.is_alive")
    process = psutil.Process(lock.holder(run.folder)["pid"])
    page.locator("button", has_text="Cancel run").last.evaluate(
        "button => { window.pressed = Date.now(); button.click(); }"
    )
    page.wait_for_selector(f"{HEAD}[data-state=ABORTED]")
    canceled = page.evaluate("(Date.now() - pressed) / 1000")
    ended = next(event["time"] for event in run.events() if event.get("state") == RunState.ABORTED)
    psutil.wait_procs([process], timeout=30)
    gone = time.time() - page.evaluate("pressed") / 1000
    said = ended - page.evaluate("pressed") / 1000
    lab.close_notebook()
    return {
        "cell returns s": returns,
        "lag s, busy kernel, median": statistics.median(lags),
        "lag s, busy kernel, p90": statistics.quantiles(lags, n=10)[-1],
        "cancel s, to the end state": said,
        "cancel s, to the end on the page": canceled,
        "cancel s, to the end of the process": gone,
        "cancel while libraries load s": cancel_early(folder),
        "re-attach s": attached,
    }


def cancel_early(folder: Path) -> float:
    """Return the seconds until a run has ended that is canceled while it imports what it needs."""
    run = start_run(folder)
    while not run.events():
        time.sleep(0.02)
    started = time.monotonic()
    run.cancel()
    return time.monotonic() - started


def main() -> None:
    """Measure, print and write the table."""
    from benchmarks.panels import start_lab

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write benchmarks/monitor.md")
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    found = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lab = start_lab(stack)
        for _ in range(args.repeats):
            found.append(measure(lab, folder))
            print(found[-1], flush=True)
    lines = ["| | median | all | target |", "|---|---|---|---|"]
    for name, target in TARGETS.items():
        values = [run[name] for run in found]
        each = " · ".join(f"{value:.2f}" for value in values)
        wanted = "–" if target is None else f"< {target:g}"
        lines.append(f"| {name} | {statistics.median(values):.2f} | {each} | {wanted} |")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    about = (
        f"{date.today()}, {os.cpu_count()} CPUs ({platform.machine()}), Python {platform.python_version()}, "
        f"no GPU; load average at the end {load}"
    )
    print("\n".join(lines), about, sep="\n")
    if args.write:
        head = f"Medians of {args.repeats}; {about}; `python -m benchmarks.monitor --write`."
        text = f"# The run monitor in a browser\n\n{head}\n\n"
        (ROOT / "benchmarks" / "monitor.md").write_text(text + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
