"""The training engine under `cpt` and `sft`: documents in, steps of packed rows, one loop."""
