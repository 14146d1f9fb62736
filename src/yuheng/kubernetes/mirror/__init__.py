"""What the API server told: objects of the model, and what changed since they were last looked at."""

from yuheng.kubernetes.mirror.claims import Claim, Claims
from yuheng.kubernetes.mirror.known import Known
from yuheng.kubernetes.mirror.mirror import Mirror
from yuheng.kubernetes.mirror.offers import Volume
from yuheng.kubernetes.mirror.sinks import WATCHED

__all__ = ["WATCHED", "Claim", "Claims", "Known", "Mirror", "Volume"]
