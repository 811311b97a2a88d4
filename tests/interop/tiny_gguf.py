"""Write a tiny llama with random weights: `python tiny_gguf.py FILE`.

It is run with the Python of the peer's environment, which has `gguf`. The vocabulary is the 256
bytes, three marks of a text and three that fill in the middle, so that it takes and writes any
text; what it writes makes no sense, which a protocol does not mind.
"""

from __future__ import annotations

import sys

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 1024
MARKS = ("<unk>", "<s>", "</s>")
FIM = ("<PRE>", "<SUF>", "<MID>")
BYTES = tuple(f"<0x{number:02X}>" for number in range(256))
TOKENS = (*MARKS, *BYTES, *FIM)
SEED = 20_240_229


def main(path: str) -> None:
    """Write the file."""
    writer = gguf.GGUFWriter(path, "llama")
    describe(writer)
    draw = np.random.default_rng(SEED)

    def random(name: str, *shape: int) -> None:
        spread = 1.0 / np.sqrt(shape[-1])
        writer.add_tensor(name, (draw.standard_normal(shape) * spread).astype(np.float32))

    def ones(name: str) -> None:
        writer.add_tensor(name, np.ones(WIDTH, np.float32))

    random("token_embd.weight", len(TOKENS), WIDTH)
    random("output.weight", len(TOKENS), WIDTH)
    ones("output_norm.weight")
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            random(f"blk.{layer}.{name}.weight", WIDTH, WIDTH)
        random(f"blk.{layer}.ffn_gate.weight", INNER, WIDTH)
        random(f"blk.{layer}.ffn_up.weight", INNER, WIDTH)
        random(f"blk.{layer}.ffn_down.weight", WIDTH, INNER)
        ones(f"blk.{layer}.attn_norm.weight")
        ones(f"blk.{layer}.ffn_norm.weight")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def describe(writer: gguf.GGUFWriter) -> None:
    """Say what the model looks like and how its tokens are read."""
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    kinds = gguf.TokenType
    writer.add_token_types(
        [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL]
        + [kinds.BYTE] * len(BYTES)
        + [kinds.CONTROL] * len(FIM)
    )
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    first = len(MARKS) + len(BYTES)
    for place, name in enumerate(("pre", "suf", "mid")):
        writer.add_uint32(f"tokenizer.ggml.fim_{name}_token_id", first + place)


if __name__ == "__main__":
    main(sys.argv[1])
