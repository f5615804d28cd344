"""The queues of waiting.py, and their workers, as processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import zmq

from zdev_background import ProcessDevice, Workers

QUEUES = ("zmq.proxy", "broker in Python", "zdev", "zdev with workers")
WORKERS = 8
SPAWN = multiprocessing.get_context("spawn")


def broker(frontend: str, backend: str) -> None:
    """Give each request to the worker that has been idle longest."""
    context = zmq.Context()
    clients, workers = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
    clients.bind(frontend)
    workers.bind(backend)
    idle: deque[bytes] = deque()
    both, only_workers = zmq.Poller(), zmq.Poller()
    both.register(clients, zmq.POLLIN)
    for poller in (both, only_workers):
        poller.register(workers, zmq.POLLIN)
    while True:
        ready = dict((both if idle else only_workers).poll())
        if workers in ready:
            worker, _, *reply = workers.recv_multipart()
            idle.append(worker)
            if reply != [b"READY"]:
                clients.send_multipart(reply)
        if clients in ready and idle:
            workers.send_multipart([idle.popleft(), b"", *clients.recv_multipart()])


def proxy(frontend: str, backend: str) -> None:
    """Relay with zmq.proxy."""
    context = zmq.Context()
    clients, workers = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    clients.bind(frontend)
    workers.bind(backend)
    zmq.proxy(clients, workers)


@contextmanager
def running(queue: str, *, retries: int = 0) -> Iterator[tuple[str, str]]:
    """Run a queue in a process, and yield its endpoints for clients and for workers."""
    ends = [f"ipc://@zdev-waiting-{os.getpid()}-{time.monotonic_ns()}-{end}" for end in ("in", "out")]
    if queue.startswith("zdev"):
        device = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
        device.bind_in(ends[0])
        device.bind_out(ends[1])
        if queue == "zdev with workers":
            device.workers = Workers(retries=retries)
        device.start()
        try:
            yield ends[0], ends[1]
        finally:
            device.stop()
            device.join()
        return
    process = SPAWN.Process(target=proxy if queue == "zmq.proxy" else broker, args=ends, daemon=True)
    process.start()
    try:
        yield ends[0], ends[1]
    finally:
        process.kill()
        process.join()


def work(backend: str, registers: bool) -> None:
    """Answer requests, each of which says how long that takes, with the id of this process."""
    socket = zmq.Context().socket(zmq.REQ if registers else zmq.REP)
    socket.connect(backend)
    if registers:
        socket.send(b"READY")
    while True:
        *address, number, seconds = socket.recv_multipart()
        time.sleep(float(seconds))
        socket.send_multipart([*address, number, str(os.getpid()).encode()])


def start_worker(queue: str, backend: str) -> BaseProcess:
    process = SPAWN.Process(target=work, args=(backend, queue == "broker in Python"), daemon=True)
    process.start()
    return process


@contextmanager
def workforce(queue: str, backend: str) -> Iterator[list[BaseProcess]]:
    """Run the workers until the end of the block."""
    workers = [start_worker(queue, backend) for _ in range(WORKERS)]
    try:
        yield workers
    finally:
        for each in workers:
            each.kill()
            each.join()
