"""TLS handshakes of other implementations, taken apart by ours: Python's ssl in memory, and the openssl program."""

import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from secc_kernel.wire.tls import Handshake, RecordDecoder

PATIENCE = 30.0
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")


def server_context(pki, standard="iso2", leaf="secc"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / standard / f"{leaf}_chain.pem", pki / standard / f"{leaf}.key")
    return context


def client_context(pki, standard="iso2"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(pki / standard / "v2g_root.pem")
    return context


def in_memory(server, client, name=None, step=1 << 20, note=lambda side, record: None):
    """Let two contexts of the ssl module shake hands; what a reader of the wire has seen, and their errors.

    The bytes reach our reader in pieces of at most ``step``; ``note`` is told each record.
    """
    bios = [ssl.MemoryBIO() for _ in range(4)]
    sides = {
        "client": (client.wrap_bio(bios[0], bios[1], server_hostname=name), bios[0], bios[1]),
        "server": (server.wrap_bio(bios[2], bios[3], server_side=True), bios[2], bios[3]),
    }
    seen, errors = Handshake(), {}
    decoders = {side: RecordDecoder() for side in sides}
    for _ in range(10):
        for side, other in (("client", "server"), ("server", "client")):
            try:
                if side not in errors:
                    sides[side][0].do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                errors[side] = error
            data = sides[side][2].read()
            sides[other][1].write(data)
            feed(seen, side, decoders[side], data, step, note)
    return seen, errors


def feed(seen, side, decoder, data, step=1 << 20, note=lambda side, record: None):
    for at in range(0, len(data), step):
        for record in decoder.receive_data(data[at : at + step]):
            seen.receive(side, record)
            note(side, record)


class Relay:
    """Stands between two programs on TCP and keeps what goes over it."""

    def __init__(self, port):
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.seen = {"client": bytearray(), "server": bytearray()}
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        with (
            self._listening,
            self._listening.accept()[0] as near,
            socket.create_connection(("127.0.0.1", self._to)) as far,
        ):
            back = threading.Thread(target=self._pump, args=(far, near, "server"))
            back.start()
            self._pump(near, far, "client")
            back.join()

    def _pump(self, source, target, side):
        try:
            while data := source.recv(65536):
                self.seen[side] += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def handshake(self):
        """What was said, once both have gone."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        found = Handshake()
        for side in ("client", "server"):  # TLS 1.2: neither needs the other's to be read
            feed(found, side, RecordDecoder(), bytes(self.seen[side]))
        return found


class OpenSslServer:
    """``openssl s_server``."""

    def __init__(self, log, *options, host="127.0.0.1"):
        self.log = log
        with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as free:
            self.port = free.getsockname()[1]
        where = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["openssl", "s_server", "-accept", where, *map(str, options)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.wait_for("ACCEPT")

    def wait_for(self, text):
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.log.read_bytes():
            assert self._process.poll() is None, self.log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, self.log.read_text("utf-8", "replace")
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()


def s_client(port, *options, sends=b"", host="127.0.0.1"):
    """``openssl s_client``: what it sends, and all that it says until the other side closes or it is told to end."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    done = subprocess.run(
        ["openssl", "s_client", "-connect", where, *map(str, options)],
        input=sends,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr
