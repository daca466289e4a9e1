"""How the model studio takes in what a bank has found."""

import needs
import numpy as np
import pytest

torch = needs.package("torch", "pip install 'novasr[train]'")

from situations import situation_of  # noqa: E402

from novasr.families.studio.architecture import LATENT, SCALE  # noqa: E402
from novasr.families.studio.local import smoothed  # noqa: E402
from novasr.families.studio.network import StudioNetwork  # noqa: E402
from novasr.families.studio.refiner import blended  # noqa: E402
from novasr.retrieval.bank import Retrieved  # noqa: E402


@pytest.fixture
def change(rng: np.random.Generator):
    """Give the change of levels by index rate and trust, and what it would be for the bank's alone."""
    known = situation_of(rng.normal(0, 0.1, 24_000).astype(np.float32), 8_000.0)
    torch.manual_seed(0)
    network = StudioNetwork()
    latents = torch.randn(1, LATENT, known.level.shape[-1])
    levels = known.guess + torch.randn_like(known.guess)

    def of(index_rate: float, trust: float) -> torch.Tensor:
        trusts = torch.full_like(known.level, trust)
        found = Retrieved(levels, trusts, torch.zeros_like(trusts))
        return blended(without, known, found, index_rate)

    with torch.no_grad():
        without = network.change(known, latents)
    return of, without, SCALE * (levels - smoothed(known.guess)) * known.above


def test_the_index_rate_leads_from_the_flow_to_the_bank(change) -> None:
    of, without, bank = change
    assert torch.equal(of(0.0, 1.0), without)
    torch.testing.assert_close(of(1.0, 1.0), bank)
    torch.testing.assert_close(of(0.25, 1.0), 0.75 * without + 0.25 * bank)
    assert (without - bank).abs().max() > 1  # the two differ


def test_what_is_not_trusted_is_not_taken(change) -> None:
    of, without, bank = change
    assert torch.equal(of(1.0, 0.0), without)
    torch.testing.assert_close(of(0.5, 0.5), 0.75 * without + 0.25 * bank)
