"""Runs in guest 2 of two: starts what guest 1 orders, over the cable that no fault is put on.

A connection is one shell command: its first line is the command, what follows is the command's standard input, and what
comes back is its standard output, closed by a line "status N". Errors go to a log in the exchange folder.
"""

import os
import pathlib
import socket
import subprocess
import threading
import time

ADDRESS = ("10.9.9.2", 7000)
EXCHANGE = pathlib.Path(os.environ["RIG_EXCHANGE"])


def serve(connection):
    with connection:
        command = b""
        while not command.endswith(b"\n"):
            byte = connection.recv(1)
            if not byte:
                return
            command += byte
        with open(EXCHANGE / "log", "ab") as log:
            log.write(b"--- " + command)
            log.flush()
            status = subprocess.call(["bash", "-c", command], stdin=connection, stdout=connection, stderr=log)
        try:
            connection.sendall(f"status {status}\n".encode())
        except OSError:
            pass  # Whoever gave the order has gone; the command ended with its standard input.


def main():
    listening = socket.create_server(ADDRESS, backlog=16)
    threading.Thread(target=accept, args=(listening,), daemon=True).start()
    while not (EXCHANGE / "other-ended").exists():
        time.sleep(0.2)


def accept(listening):
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
