"""The figures as text."""
from __future__ import annotations

from typing import Any

Figures = dict[str, Any]


def _line(name: str, value: str, note: str = "") -> str:
    return f"  {name:<44} {value:>14}   {note}".rstrip()


def _mib(kib: float) -> str:
    return f"{kib / 1024:.1f} MiB"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _provisioning(figures: Figures) -> list[str]:
    one = figures["provisioning"]
    lines = ["Provisioning the whole platform on an empty account", "",
             _line("wall, from exec to \"converged\"", f"{one['wall_s']:.2f} s", f"{one['resources']} resources"),
             _line("critical path of the graph", f"{one['critical_s']:.2f} s"),
             _line("wall / critical path", f"{one['ratio']:.3f}",
                   "best of " + " ".join(f"{ratio:.3f}" for ratio in figures["ratios"])),
             _line("until the first create starts", f"{one['first_start_s']:.2f} s", "start, identity, the first look: not in the path"),
             _line("calls", f"{one['reads'] + one['writes']}", f"{one['writes']} of them write"),
             _line("one call on the path", "", ", ".join(f"{server} {ms:.1f} ms" for server, ms in sorted(one["call_ms"].items()))),
             _line("CPU of the daemon", f"{one['cpu_s']:.2f} s"),
             _line("most memory it held", _mib(one["peak_kib"])),
             _line("load average", f"{one['load']:.1f}"), ""]
    if one["not_counted"]:
        lines += [f"  not counted in the path: {', '.join(one['not_counted'])}", ""]
    return lines + _path(one)


def _path(one: Figures) -> list[str]:
    lines = ["  The critical path; seconds since the program was started",
             f"  {'':<40} {'start':>7} {'calls':>6} {'calling':>8} {'settling':>9} {'ready':>7} {'share':>7} {'begun':>7} {'behind':>7}"]
    previous = 0.0
    for link in one["path"]:
        behind = None if link["begun"] is None else link["begun"] - link["start"]
        lines.append(f"  {link['address']:<40} {link['start']:>7.2f} {link['calls']:>6} {link['calling']:>8.2f} {link['settling']:>9.2f} "
                     f"{link['ready']:>7.2f} {(link['ready'] - previous) / one['critical_s']:>7.1%} "
                     f"{_seconds(link['begun']):>7} {_seconds(behind):>7}")
        previous = link["ready"]
    return [*lines, ""]


def _quiet(figures: Figures) -> list[str]:
    one, latency = figures["quiet"], figures["options"]["latency_ms"]
    timer = one["by_timer"]
    services = ", ".join(f"{service} {count}" for service, count in one["by_service"].items())
    return ["A pass with nothing to do", "",
            _line("calls", f"{one['calls']}", f"{services}; in three passes {' '.join(map(str, one['calls_each']))}"),
            _line("writes", f"{one['writes']}"),
            _line("depth", f"{one['depth']}", "calls that came one after another's end"),
            _line(f"wall, {latency:g} ms each call", _ms(one["wall_s"])),
            _line("CPU of the daemon", _ms(one["cpu_s"]), f"mean of {figures['options']['passes']} that were asked for"),
            _line("CPU of one by the timer", _ms(timer["cpu_s"]), f"mean of {timer['passes']}; {timer['calls']:.1f} calls"),
            _line("most memory it held", _mib(one["peak_kib"])),
            _line("load average", f"{one['load']:.1f}"), ""]


def _yardsticks(figures: Figures) -> list[str]:
    sticks = figures["yardsticks"]
    fresh, pooled, ours = sticks["boto3_sequential"], sticks["boto3_pooled"], figures["quiet"]
    lines = ["The same reads by others, no latency", "",
             _line("boto3, one after another, a fresh process", _ms(fresh["process_cpu_s"]),
                   f"CPU; {fresh['calls']} calls, {_ms(fresh['cpu_s'])} of it after the imports; {_mib(fresh['resident_kib'])}"),
             _line("boto3, resident, pooled, one pass", _ms(pooled["cpu_s"]),
                   f"CPU; {pooled['calls']} calls, {_ms(pooled['wall_s'])} wall; {_mib(pooled['resident_kib'])}"),
             _line("ours, a pass by the timer / boto3 resident", f"{ours['by_timer']['of_boto3_pooled']:.3f}", "CPU"),
             _line("ours, asked for / boto3 resident", f"{ours['of_boto3_pooled']:.3f}", f"CPU; {ours['calls']} calls")]
    lines += _exchanges(sticks["exchanges"], pooled)
    if sticks["left_out"]:
        lines.append(f"  reads that the loop was spared: {', '.join(sticks['left_out'])}")
    return lines + _terraform(figures["terraform"]) + [""]


def _exchanges(bare: Figures, pooled: Figures) -> list[str]:
    if "skipped" in bare:
        return [_line("the exchanges by bare libcurl", "skipped", bare["skipped"])]
    return [_line("the exchanges by bare libcurl, nothing read", _ms(bare["cpu_s"]),
                  f"CPU; {bare['calls']} calls made and signed beforehand; {bare['cpu_s'] / pooled['cpu_s']:.3f} of boto3 resident")]


def _terraform(one: Figures) -> list[str]:
    if "skipped" in one:
        return [_line("Terraform", "skipped", one["skipped"])]
    return [_line(f"Terraform {one['version']}, plan -refresh-only", _ms(one["cpu_s"]),
                  f"CPU; {one['calls']} calls for {one['resources']} resources, {one['wall_s']:.1f} s wall; {_mib(one['peak_kib'])}")]


def text(figures: Figures) -> str:
    took = f"{figures['cpus']} CPUs; all of it took {figures['took_s']:.0f} s"
    return "\n".join(["", *_provisioning(figures), *_quiet(figures), *_yardsticks(figures), took])
