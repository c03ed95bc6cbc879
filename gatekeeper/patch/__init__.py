"""From observed failures to a diagnosis, a repair and its verification. It imports no torch: `tensors` does.

Modules: see each file; the nouns are `gatekeeper.remedy` and `gatekeeper.tensors.language`.
"""
