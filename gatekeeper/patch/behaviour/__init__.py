"""What an adapter does to its base, without anybody having seen it fail: the same prompts asked of both.

catalogue   words that known backdoors had, and ordinary ones beside them
budget      how many prompts of each kind
pair        a base and the same with adapters on it
plain       refusals lost and gained, drift, locked answers, on prompts as they are
probing     words laid on refused prompts: tried on some, confirmed on others
observing   all of it, and the failures that come out
"""
