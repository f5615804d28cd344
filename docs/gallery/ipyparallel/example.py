"""A client of the cluster: each line goes through one of the controller's queues."""

import ipyparallel

with ipyparallel.Client(profile_dir="profile") as cluster:
    cluster.wait_for_engines(2, timeout=30)
    engines = cluster[:]
    print("mux: each engine calculates", engines.apply_sync(lambda number: number * 10, 4))
    print("task: squares", cluster.load_balanced_view().map_sync(lambda number: number**2, range(6)))
    said = engines.execute("print('hello from an engine')", block=True)
    print("iopub:", said.stdout)
    print("broadcast, without zdev:", cluster.broadcast_view().apply_sync(lambda: 1 + 1))
    cluster.abort(block=True)
    print("control: each engine has aborted the requests that it had")
