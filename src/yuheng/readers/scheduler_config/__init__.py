"""``KubeSchedulerConfiguration``, or Volcano's configuration, -> the policy it asks for.

Whoever tuned a kube-scheduler gets the same decisions here without writing anything new, and is told in one
sentence each what of the configuration Yuheng does not have.

    file ──> schema       the fields that kube-scheduler knows, and no others
               │
               ├── plugins    defaults, multiPoint and single points, merged as kube-scheduler merges them
               ├── arguments  what the plugins are told
               └── omissions  what was asked for and is left out
                     └──> Policy

    file or ConfigMap ──> volcano            finds Volcano's configuration
                             │
                             ├── volcano_schema      its fields
                             ├── volcano_arguments   what its plugins are told
                             └── volcano_policy      filters, scores, and the batch side
                                    └──> Policy

This package imports pydantic, which takes 50 ms: import it where a configuration is read, not before.
"""

from __future__ import annotations

from yuheng.readers.scheduler_config.configuration import (
    KNOWN_FILTERS,
    KNOWN_SCORES,
    parse_scheduler_config,
    read_scheduler_config,
)
from yuheng.readers.scheduler_config.volcano import in_config_map, parse_volcano_config

__all__ = [
    "KNOWN_FILTERS",
    "KNOWN_SCORES",
    "in_config_map",
    "parse_scheduler_config",
    "parse_volcano_config",
    "read_scheduler_config",
]
