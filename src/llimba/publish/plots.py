"""The loss curve as a picture."""

from pathlib import Path
from typing import Any

Metrics = list[dict[str, Any]]  # rows of metrics.jsonl


def loss_curve(curves: dict[str, Metrics], path: Path, title: str) -> None:
    """Draw loss over trained tokens, one panel a training stage, raw and smoothed, into a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    for panel, (name, metrics) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        tokens = [row["tokens"] / 1000 for row in metrics]
        losses = [row["loss"] for row in metrics]
        panel.plot(tokens, losses, color="#9bb7d4", linewidth=0.8, label="each step")
        panel.plot(tokens, smoothed(losses), color="#1f4e79", linewidth=2, label="smoothed")
        panel.set_title(name, fontsize=10)
        panel.set_xlabel("trained tokens (thousands)")
        panel.set_ylabel("loss (nats per token)")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25)
        panel.legend(frameon=False, fontsize=8)
    figure.savefig(path)


def smoothed(values: list[float], weight: float = 0.9) -> list[float]:
    """Exponential moving average with bias correction, so that the first points are not pulled to zero."""
    average, result = 0.0, []
    for count, value in enumerate(values, 1):
        average = weight * average + (1 - weight) * value
        result.append(average / (1 - weight**count))
    return result
