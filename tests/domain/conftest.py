"""How many examples Hypothesis tries, without a deadline: a busy machine may be slow.

Each run tries other examples; `HYPOTHESIS_PROFILE=thorough` tries many more of them.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

for _name, _examples in (("quick", 40), ("thorough", 500)):
    settings.register_profile(
        _name, deadline=None, max_examples=_examples, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
