"""How adapters are read and measured."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.limits.units import GIB, MIB


@dataclass(frozen=True, kw_only=True)
class AdapterLimits:
    """Bounds on adapters."""

    adapter_work: int = 500_000_000_000
    """Multiplications for all adapters of one artifact, about: a minute or two; 7B ones of rank 16 take a billion."""

    adapter_base_bytes: int = 2 * GIB
    """Bytes of a base that are read to see how an adapter's changes lie to it; of larger ones some modules are."""

    adapters: int = 256
    """Adapters in one artifact; repos with every checkpoint of a training have dozens."""

    adapter_modules: int = 50_000
    """Modules that the adapters of one artifact change; one over all experts of a large mixture has 20,000."""

    adapter_name_characters: int = 512
    """Characters of the name of an adapter's tensor; honest ones have a hundred."""

    adapter_header_bytes: int = 64 * MIB
    """Bytes of all safetensors headers of one artifact that are read to find adapters and what they change."""

    adapter_scan_bytes: int = 16 * GIB
    """Bytes of adapters that are read for values that are no numbers; the largest adapters have a fifth of this."""

    adapter_tensor_bytes: int = 512 * MIB
    """Bytes in memory of one tensor of an adapter that is read whole, as 32-bit floats; factors of 7B models have 1."""
