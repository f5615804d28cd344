"""A writer: it appends each line to FOLDER/PROGRAM.log, until it is stopped. `python writer.py FOLDER`"""

import sys
from pathlib import Path
from typing import IO

import zmq

folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
files: dict[str, IO[bytes]] = {}
with zmq.Context() as context, context.socket(zmq.PULL) as lines:
    lines.connect("tcp://127.0.0.1:5722")
    while True:
        program, line = lines.recv_multipart()
        name = program.decode()
        if name not in files:
            files[name] = (folder / f"{name}.log").open("ab", buffering=0)
        files[name].write(line + b"\n")
