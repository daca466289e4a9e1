"""Ablations of the training recipe: short runs that differ in one setting each, scored together.

    python bench/train_ablations.py speech/ music/ --score held-out-speech/ held-out-music/ -o ablations --steps 300

Existing runs are not repeated.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import fields, replace
from pathlib import Path

from novasr.cli.main import main as novasr
from novasr.training.clips import gather
from novasr.training.loop import train
from novasr.training.recipe import Recipe, load_recipe


def variants(base: Recipe) -> dict[str, Recipe]:
    """Return the recipes by name; each differs from `base` in one setting."""
    d, loss, o = base.degradation, base.loss, base.optimizer
    others = (f.name for f in fields(d) if f.name.endswith("_chance") and f.name != "speed_chance")
    plain = replace(d, **dict.fromkeys(others, 0.0))
    return {
        "base": base,
        "published-phases": replace(base, textbook_phases=False),
        "no-speed-change": replace(base, degradation=replace(d, speed_chance=0.0)),
        "plain-degradation": replace(base, degradation=plain),
        "no-music": replace(base, data=replace(base.data, kind_shares={"speech": 1.0})),
        "no-low-band-term": replace(base, loss=replace(loss, low_band=0.0)),
        "one-resolution": replace(base, loss=replace(loss, fft_sizes=(2048,), log_weights=(1.5,))),
        "rate-1e-3": replace(base, optimizer=replace(o, learning_rate=1e-3)),
        "rate-1e-2": replace(base, optimizer=replace(o, learning_rate=1e-2)),
    }


def main() -> int:
    """Train the missing variants, then score all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--score", nargs="+", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    scored = []
    shipped = load_recipe("novasr-base")
    short = replace(shipped, optimizer=replace(shipped.optimizer, cycles=(1.0,)))
    for name, recipe in variants(short).items():
        weights = options.output / f"{name}-{options.steps}.safetensors"
        if not weights.is_file():
            print(f"training {name}", flush=True)
            recordings, validation = gather(options.data, recipe)
            made = train(
                recordings,
                validation,
                options.output / f"{name}-{options.steps}",
                recipe,
                steps=options.steps,
            )
            shutil.copyfile(made, weights)
        scored += ["--weights", str(weights)]
    folders = [str(folder) for folder in options.score]
    chosen = ["--no-baselines", "--metrics", "lsd,consistency", "--markdown"]
    return novasr(["evaluate", *folders, *scored, *chosen])


if __name__ == "__main__":
    sys.exit(main())
