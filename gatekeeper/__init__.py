"""gatekeeper: admission control for open-weight models and LoRA adapters."""

__version__ = "0.1.0"
