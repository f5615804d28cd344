"""ipyparallel's controller, without the queues that zdev runs: `python controller.py --profile-dir=profile`"""

from typing import Any

from ipyparallel.controller.app import IPController
from ipyparallel.util import disambiguate_url

MUX_IN, MUX_OUT, CONTROL_IN, CONTROL_OUT, TASK_IN, TASK_OUT, IOPUB_IN, IOPUB_OUT, MONITOR = range(5741, 5750)
REGISTRATION, NOTIFICATION, PING, PONG, BROADCAST, *LEAVES = range(5750, 5759)


class Controller(IPController):
    """Starts the Hub, its heart monitor and the broadcast schedulers only."""

    def init_hub(self) -> None:
        """Give the Hub the ports of zdev.toml, which it passes to engines and clients."""
        self.config.TaskScheduler.scheme_name = "pure"  # a device, which does not know dependencies
        broadcast = self.number_of_leaf_schedulers
        self.engine_ports = [REGISTRATION, CONTROL_OUT, MUX_OUT, TASK_OUT, IOPUB_IN, PING, PONG, *LEAVES[:broadcast]]
        self.client_ports = [CONTROL_IN, MUX_IN, TASK_IN, IOPUB_OUT, NOTIFICATION, BROADCAST]
        self.ports = [*LEAVES[broadcast:], MONITOR]
        super().init_hub()

    def init_schedulers(self) -> None:
        self.config.Session.key = self.session.key  # as in ipyparallel: its schedulers sign messages
        self.launch_broadcast_schedulers(disambiguate_url(self.monitor_url), self.children)


def main(arguments: list[str] | None = None) -> Any:
    return Controller.launch_instance(arguments)


if __name__ == "__main__":
    main()
