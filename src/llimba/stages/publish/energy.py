"""An estimate of the energy that training took: seconds of the manifests times watts, with what was assumed.

No meter is read: packages that do (codecarbon, pyRAPL) need root, a supported chip or the network, and a run that is
stopped and goes on is several processes. An upper bound of the device alone is what every machine can give.
"""

from dataclasses import dataclass
from pathlib import Path

from llimba.data_files.tables import read_tsv
from llimba.manifest import Manifest
from llimba.recipe import Recipe
from llimba.reports.training_facts import TrainingFacts

TABLE = Path(__file__).parent / "power.tsv"
KILOWATT_HOUR = 3.6e6  # watt seconds


@dataclass(frozen=True, slots=True)
class Energy:
    """An estimate of the energy of training."""

    kwh: float
    watts: float  # of one device
    why: str  # where that figure comes from
    devices: int
    seconds: dict[str, float]  # by stage
    grams_per_kwh: float | None  # of CO2; None where the recipe does not state it
    grams: float | None


def estimate_energy(recipe: Recipe, manifests: dict[str, Manifest]) -> Energy:
    """What the training stages among `manifests` took."""
    trained = {stage: manifest for stage, manifest in manifests.items() if stage in ("cpt", "sft")}
    seconds = {stage: manifest.seconds for stage, manifest in trained.items()}
    last = next(reversed(trained.values()))
    facts = last.facts_as(TrainingFacts)
    devices = facts.processes if facts.gpu else 1
    watts, why = _watts(recipe, last.machine, facts.gpu)
    kwh = sum(seconds.values()) * watts * devices / KILOWATT_HOUR
    rate = recipe.publish.grams_per_kwh
    grams = None if rate is None else float(f"{kwh * rate:.3g}")
    return Energy(float(f"{kwh:.3g}"), watts, why, devices, seconds, rate, grams)


def energy_section(found: Energy) -> str:
    """The card's words for it."""
    times = " and ".join(f"{seconds} s of {stage}" for stage, seconds in found.seconds.items())
    several = f" on {found.devices} devices" if found.devices > 1 else ""
    lines = [
        "## Energy\n",
        f"About {found.kwh} kWh: {times}{several}, times {found.watts} W a device ({found.why}). An estimate, not a "
        "measurement: full load all the time is assumed; the rest of the machine, cooling, other stages, failed and "
        "repeated runs are left out; of a stage that was stopped and resumed, the last part counts.",
    ]
    if found.grams is not None:
        lines.append(f"At {found.grams_per_kwh} g of CO2 a kWh (as the recipe states) that is {found.grams} g of CO2.")
    else:
        lines.append("The recipe states no carbon intensity (`publish.grams_per_kwh`), so no CO2 is given.")
    return "\n".join(lines) + "\n"


def emissions(found: Energy) -> dict[str, str | float]:
    """The hub's `co2_eq_emissions`, in grams; empty where no carbon intensity was stated."""
    if found.grams is None:
        return {}
    return {
        "emissions": found.grams,
        "source": f"estimate by llimba: {found.kwh} kWh at {found.grams_per_kwh} g/kWh",
        "training_type": "fine-tuning",
        "hardware_used": f"{found.devices} x {found.watts} W",
    }


def _watts(recipe: Recipe, machine: str, gpu: bool) -> tuple[float, str]:
    """Watts of one device, and where the figure comes from."""
    if recipe.publish.watts is not None:
        return recipe.publish.watts, "as the recipe states"
    rows = read_tsv(TABLE)
    asked = machine.lower().replace(" ", "").replace("-", "") if gpu else "cpu"
    row = next((row for row in rows if row["name"] in asked), None)
    if row is None:  # a GPU that the table does not know: the most that one card of it draws
        row = max(rows, key=lambda row: float(row["watts"]))
        return float(row["watts"]), "the card is not in llimba's table, so the hungriest in it was taken"
    return float(row["watts"]), f"llimba's table: {row['name']}, {row['note']}"
