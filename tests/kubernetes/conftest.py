"""What one test sets for the whole process is not there in the next."""

from __future__ import annotations

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_they_come() -> None:
    """Commands that ran in this process have set which lines are worth telling."""
    structlog.reset_defaults()
