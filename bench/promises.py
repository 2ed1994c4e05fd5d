"""The figures that the design promises of the agent, and what was measured, in one table."""

import math
from pathlib import Path
from typing import NamedTuple

from bench.agent import Figures
from bench.flood import Handed

Best = dict[tuple[str, str], dict[str, float]]
"""Nanoseconds of a loop, by the place where it ran, what watched it, and its name."""


class Row(NamedTuple):
    """One figure; ``audit`` is Linux audit's with the same watches, NaN where there is none."""

    what: str
    promise: str
    holds: bool
    measured: str
    audit: float = math.nan


def report(best: Best, handed: Handed, agent: Figures, soak: Path | None) -> None:
    """Prints the table. ``soak`` is what the last soak wrote."""
    rows = [*_ratios(best), *_agent(handed, agent)]
    print(f"\n{'figure of the design':52}{'promised':>10}{'measured':>10}{'':9}{'auditd':>7}")
    for row in rows:
        audit = "" if math.isnan(row.audit) else f"{row.audit:.2f}x"
        print(f"{row.what:52}{row.promise:>10}{row.measured:>10}{'' if row.holds else '  MISSED':9}{audit:>7}".rstrip())
    told = soak.read_text(encoding="utf-8").strip() if soak and soak.exists() else "not run: make bench-soak"
    print(f"an hour of ordinary life: {told}")


def _ratios(best: Best) -> list[Row]:
    rows = []
    for what, place, plan, loop, most in (
        ("open and close in a container, default policy", "container", "default", "open", 1.10),
        ("open and close on the host, default policy", "host", "default", "open", 1.05),
        ("fork and exec in a container, default policy", "container", "default", "vfork", 1.08),
        ("fork and exec on the host, default policy", "host", "default", "vfork", 1.08),
        ("a call nobody watches, rules without calls", "container", "network", "getppid", 1.05),
        ("a call nobody watches, default policy", "container", "default", "getppid", 1.40),
        ("a unit of a build in a container, default policy", "container", "default", "build", math.inf),
        ("a connection in a container, profile that monitors", "container", "monitored", "connect", math.inf),
        ("a connection that the profile in force has", "container", "protected", "connect", math.inf),
        ("a connection that it refuses", "container", "protected", "refused", math.inf),
        ("open and close in a container, every event", "container", "everything", "open", math.inf),
        ("open and close on the host, every event", "host", "everything", "open", math.inf),
    ):
        if (place, plan) in best:
            without = best[place, "without"][loop]
            ratio = best[place, plan][loop] / without
            audit = best.get((place, "auditd"), {}).get(loop, math.nan) / without
            promise = "" if math.isinf(most) else f"{most:.2f}x"
            rows.append(Row(what, promise, ratio <= most, f"{ratio:.2f}x", audit))
    return rows


def _agent(handed: Handed, agent: Figures) -> list[Row]:
    return [
        Row("agent, resident", "60 MB", agent.resident_mb < 60, f"{agent.resident_mb:.0f} MB"),
        Row("the same, shared pages counted once (PSS)", "", True, f"{agent.proportional_mb:.0f} MB"),
        Row("agent, idle, share of a core", "0.30 %", agent.idle < 0.003, f"{agent.idle:.2%}"),
        Row("kernel event to decision, median", "5 ms", handed.decided_ms < 5, f"{handed.decided_ms:.1f} ms"),
        Row("kernel event to stored incident, median", "50 ms", agent.stored_ms < 50, f"{agent.stored_ms:.0f} ms"),
        Row("events a second handed over without loss", "", True, f"{handed.without_loss:,.0f}"),
    ]
