"""Usage from Prometheus.

`fetch` asks for what containers used over a period and leaves it as Parquet files in a cache, with the columns that
`yuheng.readers.usage` reads: timestamp, namespace, pod, container, node, cpu, memory, gpu and network.
"""

from yuheng.readers.usage.prometheus.access import VARIABLES, Access, access_of
from yuheng.readers.usage.prometheus.cache import default_cache
from yuheng.readers.usage.prometheus.fetching import Fetched, Period, Question, fetch
from yuheng.readers.usage.prometheus.server import Manners
from yuheng.readers.usage.prometheus.spans import Bounds

__all__ = [
    "VARIABLES",
    "Access",
    "Bounds",
    "Fetched",
    "Manners",
    "Period",
    "Question",
    "access_of",
    "default_cache",
    "fetch",
]
