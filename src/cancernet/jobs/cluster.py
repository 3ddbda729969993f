"""Workers on a Ray cluster, or on a Ray of this machine: actors that hold one tool each."""

from __future__ import annotations

import os
import re
from time import sleep
from typing import Any

from cancernet.checks import require
from cancernet.errors import CancerNetError, StorageFailure
from cancernet.jobs.job import Died, Job, Order, Outcome
from cancernet.jobs.trouble import Caught, Trouble, trouble_of
from cancernet.jobs.worker import Worker

__all__ = ["Cluster"]

_NO_USAGE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
_DETAIL = re.compile(r"Worker exit detail: (.+?)(?:\. |\.?$)")
_LONGEST = 300  # characters of Ray's words that are kept where this is not found
_STILLBORN = 3  # so many actors in a row may die before they are ready


class Actor:
    """What runs on the cluster. Ray makes it, then calls it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._worker: Worker | None = None

    def prepare(self) -> Trouble | None:
        """Set up; return why that fails."""
        with Caught() as caught:
            self._worker = Worker(self._job)
        return None if caught.error is None else trouble_of(caught.error, "A worker cannot be set up")

    def do(self, order: Order) -> Outcome:
        """Do one item."""
        if self._worker is None:
            return Outcome(order, trouble=Trouble("CancerNetError", "A worker was not set up"))
        try:
            return self._worker.do(order, report=_unheard)
        except StorageFailure as error:
            return Outcome(order, trouble=trouble_of(error, order.item.key))


class Cluster:
    """A crew of actors. One item at a time is sent to each; how far it is inside an item is not told.

    Parameters
    ----------
    job
        What is to be done.

    Raises
    ------
    MissingExtra
        When Ray is not installed.
    CancerNetError
        When the cluster cannot be reached.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._ray, self._stillborn = job, _ray(), 0
        self._ours = not self._ray.is_initialized()
        if self._ours:
            _connect(self._ray, job)
        options = {"num_cpus": job.options.cpus, "num_gpus": job.options.gpus, "max_restarts": 0}
        self._kind = self._ray.remote(**options)(Actor)
        self._actors: list[Any] = []
        self._idle: list[Any] = []
        self._calls: dict[Any, tuple[Any, Order | None]] = {}  # by what Ray will answer; None: it is set up

    def hire(self, wanted: int) -> int:
        """Ask for the actors that are missing; return how many wait for an order."""
        while len(self._actors) < min(wanted, self._job.options.workers):
            actor = self._kind.remote(self._job)
            self._actors.append(actor)
            self._calls[actor.prepare.remote()] = actor, None
        return len(self._idle)

    def hand(self, order: Order) -> None:
        """Send it to an actor that waits."""
        actor = self._idle.pop()
        self._calls[actor.do.remote(order)] = actor, order

    def news(self, seconds: float) -> list[Outcome | Died]:
        """Return what the actors answered, and who of them died."""
        if not self._calls:
            sleep(seconds)
            return []
        answered, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=seconds)
        return [news for call in answered if (news := self._answer(call)) is not None]

    def close(self, *, now: bool) -> None:
        """End all actors, and Ray if it was started here."""
        del now  # an idle actor and a busy one end alike
        for actor in self._actors:
            self._ray.kill(actor)
        if self._ours:
            self._ray.shutdown()

    def _answer(self, call: Any) -> Outcome | Died | None:
        """Return what an actor answered; None when it is only ready."""
        actor, order = self._calls.pop(call)
        try:
            answer = self._ray.get(call)
        except self._ray.exceptions.RayActorError as error:
            return self._bury(actor, order, _cause(error))
        if isinstance(answer, Trouble):
            raise answer.error()
        self._stillborn = 0
        self._idle.append(actor)
        return answer if isinstance(answer, Outcome) else None

    def _bury(self, actor: Any, order: Order | None, cause: str) -> Died | None:
        """Let go of an actor that died."""
        self._actors.remove(actor)
        self._stillborn += order is None
        if self._stillborn >= _STILLBORN:
            raise CancerNetError(f"Workers die before they begin ({cause})", "Actors that can be started", "")
        return Died(order, f"its worker on the cluster died ({cause})") if order is not None else None


def _cause(error: Exception) -> str:
    """Return the sentence in Ray's words that says why an actor died."""
    text = " ".join(str(error).split())
    detail = _DETAIL.search(text)
    return detail[1] if detail else text[:_LONGEST]


def _ray() -> Any:
    """Import Ray, which shall report nothing to its makers."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _NO_USAGE.items()})
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    return require("ray", "cluster")


def _connect(ray: Any, job: Job) -> None:
    """Start Ray on this machine, or join a cluster."""
    options = job.options
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if options.ray == "local":
        gpus = round(options.gpus * options.workers) or None
        cpus = max(1, round(options.cpus * options.workers))
        ray.init(address="local", num_cpus=cpus, num_gpus=gpus, include_dashboard=False, **quiet)
        return
    try:
        ray.init(address=options.ray, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise CancerNetError(
            f"No Ray cluster answers at '{options.ray}' ({' '.join(str(error).split())})",
            "The address of a cluster, 'auto' on one of its machines, or 'local'",
            "Start one with: ray start --head",
        ) from error


def _unheard(done: float, total: float) -> None:
    """Tell nobody how far an item is."""
    del done, total
