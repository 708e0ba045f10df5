"""Between two folders: the ends byte for byte, the middle by hand, ties kept, strangers refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from llimba.errors import StageError
from llimba.training.interpolation.weights import Between, blend
from tests.fakes import tiny_model, tiny_tokenizer

FILE = "model.safetensors"


def save(folder: Path, seed: int, dtype: torch.dtype = torch.float32, shard: str = "1GB", **changes: object) -> Path:
    tiny_model(seed, **changes).to(dtype).save_pretrained(folder, max_shard_size=shard)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shard", ["1GB", "40KB"])
def test_the_ends_are_returned_byte_for_byte(tmp_path: Path, dtype: torch.dtype, shard: str) -> None:
    start, trained = save(tmp_path / "start", 1, dtype, shard), save(tmp_path / "trained", 2, dtype, shard)
    between = Between(start, trained)
    for weight, end in ((0, start), (1, trained)):
        between.write(weight, tmp_path / f"at{weight}")
        files = sorted(path.name for path in end.glob("*.safetensors*"))
        assert sorted(path.name for path in (tmp_path / f"at{weight}").glob("*.safetensors*")) == files
        assert all((tmp_path / f"at{weight}" / name).read_bytes() == (end / name).read_bytes() for name in files)
    if shard != "1GB":
        assert len(files) > 2


def test_the_start_in_another_dtype_is_returned_as_it_was(tmp_path: Path) -> None:
    start, trained = save(tmp_path / "start", 1, torch.float32), save(tmp_path / "trained", 2, torch.bfloat16)
    Between(start, trained).write(0, tmp_path / "at0")
    assert (tmp_path / "at0" / FILE).read_bytes() == (start / FILE).read_bytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shard", ["1GB", "40KB"])
def test_the_middle_is_what_is_computed_by_hand(tmp_path: Path, dtype: torch.dtype, shard: str) -> None:
    start, trained = save(tmp_path / "start", 1, shard=shard), save(tmp_path / "trained", 2, dtype, shard)
    Between(start, trained).write(0.25, tmp_path / "out")
    one, two, made = (AutoModelForCausalLM.from_pretrained(f, dtype="auto") for f in (start, trained, tmp_path / "out"))
    before, after, found = one.state_dict(), two.state_dict(), made.state_dict()
    for name, tensor in found.items():
        wanted = before[name].double() + 0.25 * (after[name].double() - before[name].double())
        assert tensor.dtype == dtype
        assert torch.allclose(tensor.double(), wanted, atol=1e-7 if dtype == torch.float32 else 1e-2)
        assert name.endswith("norm.weight") or not torch.equal(tensor, after[name])
    assert made.get_output_embeddings().weight is made.get_input_embeddings().weight
    header = (tmp_path / "out" / FILE) if shard == "1GB" else (tmp_path / "out" / "model.safetensors.index.json")
    assert header.exists()
    loaded = AutoModelForCausalLM.from_pretrained(trained, dtype="auto")
    Between(start, trained).load_into(loaded, 0.25)
    assert all(torch.equal(tensor, found[name]) for name, tensor in loaded.state_dict().items())


def test_a_tied_head_that_one_file_spells_out_is_the_embedding(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    start, trained = save(tmp_path / "start", 1), save(tmp_path / "trained", 2)
    tensors = load_file(start / FILE)
    save_file(tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].clone()}, start / FILE)
    Between(start, trained).write(0.5, tmp_path / "one")  # spelled out in the start alone
    Between(trained, start).write(0.5, tmp_path / "two")  # and in the trained alone
    one, two = load_file(tmp_path / "one" / FILE), load_file(tmp_path / "two" / FILE)
    assert "lm_head.weight" not in one
    assert torch.equal(two["lm_head.weight"], two["model.embed_tokens.weight"])
    tensors["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"] + 1
    save_file(tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"] * 2}, start / FILE)
    with pytest.raises(StageError, match=r"an output embedding of its own \(lm_head.weight\)"):
        Between(start, trained)


def test_strangers_are_refused(tmp_path: Path) -> None:
    start, deeper = save(tmp_path / "start", 1), save(tmp_path / "deeper", 2, num_hidden_layers=3)
    with pytest.raises(StageError, match="not of one architecture"):
        Between(start, deeper)
    with pytest.raises(StageError, match="not of one architecture"):
        Between(deeper, start)
    wider = save(tmp_path / "wider", 2, vocab_size=300)
    with pytest.raises(StageError, match=r"model.embed_tokens.weight is \(260, 32\) in .*\(300, 32\).*vocabulary"):
        Between(start, wider).write(0.5, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StageError, match="holds no safetensors"):
        Between(tmp_path / "empty", start)


def test_blend_is_exact_at_the_ends_and_leaves_whole_numbers_alone() -> None:
    before, after = torch.tensor([1e8, 1.0]), torch.tensor([1.0, 3.0])
    assert torch.equal(blend(before, after, 0), before)
    assert torch.equal(blend(before, after, 1), after)
    assert blend(before, after, 0.5)[1] == 2
    assert blend(before, after, 1.5)[1] == 4  # beyond the trained
    whole = torch.tensor([3])
    assert blend(torch.tensor([1]), whole, 0.5) is whole


def test_everything_but_the_tensors_is_the_trained_folders(tmp_path: Path) -> None:
    start, trained = save(tmp_path / "start", 1), save(tmp_path / "trained", 2)
    config = json.loads((trained / "config.json").read_text()) | {"llimba": "yes"}
    (trained / "config.json").write_text(json.dumps(config))
    for weight in (0, 0.5, 1):
        Between(start, trained).write(weight, tmp_path / f"at{weight}")
        assert json.loads((tmp_path / f"at{weight}" / "config.json").read_text())["llimba"] == "yes"
        assert (tmp_path / f"at{weight}" / "tokenizer.json").exists()
