"""How hard the property tests search.

They try the same examples every time, so that a run says something of the change and nothing of chance. With
``YUHENG_SEARCH=50`` they try fifty times as many, new ones each time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("YUHENG_SEARCH", "1"))


def examples(count: int) -> settings:
    """Settings for a property test that tries so many examples."""
    return settings(
        max_examples=count * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
