"""The loss curve, what was learned and forgotten on the way, and base models side by side, as pictures."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llimba.reports.candidates import Candidate
from llimba.reports.scores import LanguageShares
from llimba.reports.training_facts import HeldOutMetrics, Row

COLOURS = ("#c0504d", "#1f4e79", "#7f9c3a", "#8064a2", "#d98c2b", "#4bacc6")


def loss_curve(curves: Mapping[str, Sequence[Row]], path: Path, title: str) -> None:
    """Draw loss over trained tokens, one panel a training stage, raw and smoothed, into a PNG."""
    with _panels(path, title, len(curves)) as panels:
        for panel, (name, metrics) in zip(panels, curves.items(), strict=True):
            tokens = [row["tokens"] / 1000 for row in metrics]
            losses = [row["loss"] for row in metrics]
            panel.plot(tokens, losses, color="#9bb7d4", linewidth=0.8, label="each step")
            panel.plot(tokens, smoothed(losses), color="#1f4e79", linewidth=2, label="smoothed")
            panel.set_title(name, fontsize=10)
            panel.set_xlabel("trained tokens (thousands)")
            panel.set_ylabel("loss (nats per token)")
            panel.legend(frameon=False, fontsize=8)


def forgetting(measured: dict[str, HeldOutMetrics], names: dict[str, str], path: Path, title: str) -> None:
    """Draw held-out bits per byte against the base model's, by language, over the steps of every stage, into a PNG.

    `measured` by stage, the first row of the first stage being the base model; `names` of the languages, the learned
    one first. Below 0 % a language was learned, above it was forgotten.
    """
    base = next(iter(measured.values()))[0]
    with _panels(path, title, len(measured), sharey=True) as panels:
        for panel, (stage, rows) in zip(panels, measured.items(), strict=True):
            for (code, name), colour in zip(names.items(), COLOURS, strict=False):
                change = [100 * (row[code] / base[code] - 1) for row in rows]
                steps = [row["step"] for row in rows]
                panel.plot(steps, change, color=colour, marker="o", markersize=3, linewidth=1.6, label=name)
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.axhline(0, color="#555555", linewidth=0.8)
            panel.set_title(stage, fontsize=10)
            panel.set_xlabel("optimizer step")
        panels[0].set_ylabel("held-out bits per byte\nagainst the base model (%)")
        panels[-1].legend(frameon=False, fontsize=8)


def mode_switch(systems: Mapping[str, Mapping[float, LanguageShares]], path: Path, title: str, language: str) -> None:
    """Draw the share of answers in the target language over temperature with 95 % intervals, by system, into a PNG."""
    with _panels(path, title, 1, width=6.4) as (panel,):
        for place, ((system, table), colour) in enumerate(zip(systems.items(), COLOURS, strict=False)):
            aside = 0.012 * (place - (len(systems) - 1) / 2)  # equal shares would hide one another
            temperatures = [temperature + aside for temperature in table]
            entries = [shares.target for shares in table.values()]
            middle = [100 * entry.share for entry in entries]
            spread = [[100 * (e.share - e.low) for e in entries], [100 * (e.high - e.share) for e in entries]]
            look = {"marker": "o", "markersize": 4, "capsize": 3}
            panel.errorbar(temperatures, middle, yerr=spread, color=colour, label=system, **look)
        panel.set_ylim(-2, 102)
        panel.set_xlabel("sampling temperature")
        panel.set_ylabel(f"answers wholly in {language} (%)")
        panel.legend(frameon=False, fontsize=8)


@contextmanager
def _panels(path: Path, title: str, count: int, *, width: float = 9, sharey: bool = False) -> Iterator[Any]:
    """matplotlib's axes, side by side; the picture is saved when the block ends."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    panels = figure.subplots(1, count, squeeze=False, sharey=sharey)[0]
    yield panels
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25)
    figure.savefig(path)


def base_models(candidates: Sequence[Candidate], names: Mapping[str, str], path: Path, title: str) -> None:
    """Draw bits per byte with 95 % intervals, a group a language and a bar a candidate, into a PNG.

    `names` of the languages by code, in the order of the groups. Colours go from dark to light, so that they differ in
    grey too, and every second one is hatched.
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = 0.8 / len(candidates)
    inches = max(6.4, 1.2 + 0.5 * len(candidates) * len(names))
    figure = Figure(figsize=(inches, 4.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    for place, candidate in enumerate(candidates):
        scores = [candidate.languages[code] for code in names]
        values = [score.bits_per_byte for score in scores]
        spread = [[s.bits_per_byte - s.low for s in scores], [s.high - s.bits_per_byte for s in scores]]
        bars = panel.bar(
            [group + (place - (len(candidates) - 1) / 2) * width for group in range(len(names))],
            values,
            0.92 * width,
            yerr=spread,
            color=colormaps["cividis"](0.4 + 0.55 * place / max(1, len(candidates) - 1)),
            edgecolor="white",
            hatch="//" if place % 2 else None,
            error_kw={"ecolor": "#222222", "elinewidth": 1, "capsize": 2.5},
            label=candidate.short,
        )
        panel.bar_label(bars, [f"{value:.2f}" for value in values], padding=2, fontsize=8)
    panel.set_xticks(range(len(names)), list(names.values()))
    panel.set_xlim(-0.5, len(names) - 0.5)
    panel.tick_params(axis="x", length=0)
    panel.set_ylabel("bits per byte (less is better)")
    panel.set_title(title, fontsize=11, loc="left")
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", alpha=0.25)
    panel.set_axisbelow(True)
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=min(4, len(candidates)))
    figure.savefig(path)


def smoothed(values: list[float], weight: float = 0.9) -> list[float]:
    """Exponential moving average with bias correction, so that the first points are not pulled to zero."""
    average, result = 0.0, []
    for count, value in enumerate(values, 1):
        average = weight * average + (1 - weight) * value
        result.append(average / (1 - weight**count))
    return result
