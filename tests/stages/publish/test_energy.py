"""Seconds times watts, with every assumption said; CO2 only where somebody stated how dirty the electricity is."""

from pathlib import Path
from typing import Any

import pytest

from llimba.manifest import Manifest
from llimba.stages.publish.energy import emissions, energy_section, estimate_energy
from llimba.training.cards import CARDS
from tests.fakes import manifest, recipe, training_facts


def manifests(machine: str = "Linux x86_64, 2 cores", **facts: Any) -> dict[str, Manifest]:
    seconds = {"corpus": 9e9, "cpt": 7200.0, "sft": 3600.0, "evaluate": 9e9}
    return {
        stage: manifest(stage, seconds=took, machine=machine, facts=training_facts(**facts))
        for stage, took in seconds.items()
    }


def test_a_processor_by_default(tmp_path: Path) -> None:
    found = estimate_energy(recipe(tmp_path), manifests(device="cpu", processes=4))
    assert (found.kwh, found.watts, found.devices) == (0.3, 100.0, 1)
    assert found.seconds == {"cpt": 7200.0, "sft": 3600.0}
    assert found.grams is None
    assert emissions(found) == {}
    told = energy_section(found)
    assert "About 0.3 kWh: 7200.0 s of cpt and 3600.0 s of sft, times 100.0 W a device" in told
    assert "not a measurement" in told
    assert "no CO2 is given" in told


@pytest.mark.parametrize(
    ("name", "watts"),
    [("NVIDIA GeForce RTX 4090", 450), ("NVIDIA L40S", 350), ("NVIDIA L4", 72), ("NVIDIA H100 80GB HBM3", 700)],
)
def test_a_card_by_its_name(name: str, watts: float, tmp_path: Path) -> None:
    made = manifests(f"Linux x86_64, 16 cores, {name}, Python 3.11.9", device="cuda:0", processes=2)
    found = estimate_energy(recipe(tmp_path), made)
    assert (found.watts, found.devices, found.kwh) == (watts, 2, float(f"{3 * watts * 2 / 1000:.3g}"))
    assert "on 2 devices" in energy_section(found)


def test_an_unknown_card_is_the_hungriest(tmp_path: Path) -> None:
    found = estimate_energy(recipe(tmp_path), manifests("Linux, Novel Card 9", device="cuda:0"))
    assert found.watts == 700
    assert "not in llimba's table" in energy_section(found)


def test_every_card_that_plan_knows_has_its_watts(tmp_path: Path) -> None:
    for card in CARDS.values():
        found = estimate_energy(recipe(tmp_path), manifests(f"Linux, NVIDIA {card.name}", device="cuda:0"))
        assert "llimba's table" in found.why, card.name


def test_what_the_recipe_states_counts(tmp_path: Path) -> None:
    stated = recipe(tmp_path, publish={"watts": 50, "grams_per_kwh": 400})
    found = estimate_energy(stated, manifests(device="cpu"))
    assert (found.kwh, found.grams) == (0.15, 60.0)
    assert "At 400.0 g of CO2 a kWh (as the recipe states) that is 60.0 g of CO2." in energy_section(found)
    assert emissions(found) == {
        "emissions": 60.0, "source": "estimate by llimba: 0.15 kWh at 400.0 g/kWh", "training_type": "fine-tuning",
        "hardware_used": "1 x 50.0 W",
    }  # fmt: skip


def test_instruction_tuning_alone(tmp_path: Path) -> None:
    made = manifests(device="cpu")
    del made["cpt"]
    assert estimate_energy(recipe(tmp_path), made).seconds == {"sft": 3600.0}
