"""An HTTP server on bare sockets, because only a bare socket can be closed or reset in the middle."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from contextlib import suppress

PAGE = b"""<!doctype html><title>page</title>
<form method="post" action="/submit"><button id="form">form</button></form>
<button id="fetch" onclick="send('x')">fetch</button>
<button id="twice" onclick="send('x'); send('x')">twice</button>
<button id="another" onclick="send('x'); send('y')">another</button>
<button id="beacon" onclick="navigator.sendBeacon('/report', 'r'); send('x')">beacon</button>
<button id="gone" onclick="leave('x')">gone</button>
<button id="popup" onclick="popup()">popup</button>
<button id="worker" onclick="worker()">worker</button>
<button id="again" onclick="send(timed(0)); send(timed(1))">again</button>
<button id="both" onclick="send(JSON.stringify({mobile: '1'})); forms[0].submit()">both</button>
<button id="retry" onclick="send('x').then(() => send('x'))">retry</button>
<button id="gateway" onclick="confirm().then(() => call('state')).then(() => call('state'))">gateway</button>
<button id="ask" onclick="call('state')">ask</button>
<form id="upload" method="post" action="/upload" enctype="multipart/form-data">
  <input type="file" name="file">
</form>
<a id="link" href="/submit">link</a>
<script>
  const forms = document.forms
  let calls = 0
  const confirm = () => call('confirm')
  const popup = () => open('/closing')
  const worker = () => {
    const shared = new SharedWorker('/worker.js')
    shared.port.onmessage = ({data}) => { document.title = data }
  }
  const leave = (body) => { fetch('/submit', {method: 'POST', body, keepalive: true}); location = '/done' }
  const timed = (later) => 'mobile=13820000000&t=' + (Date.now() + later)
  const body = (name) => JSON.stringify({method: name, at: Date.now()})
  const call = (name) => fetch('/gateway', {method: 'POST', body: body(name)})
    .then(() => { document.title = name + ' ' + (calls += 1) })
    .catch(() => { document.title = name + ' failed' })
  const send = (body) => fetch('/submit', {method: 'POST', body})
    .then((answer) => { document.title = 'answered ' + answer.status })
    .catch(() => { document.title = 'failed' })
</script>"""

CLOSING = b"""<script>fetch('/submit', {method: 'POST', body: 'x', keepalive: true}); close()</script>"""
WORKER = b"""onconnect = ({ports: [port]}) => fetch('/submit', {method: 'POST', body: 'x'})
  .then(() => port.postMessage('sent'), () => port.postMessage('failed'))"""
STATE = b"""<!doctype html><script src="/makings.js"></script>
<script>
  const read = (address) => fetch(address).then((answer) => answer.text())
  const elsewhere = location.origin.replace('127.0.0.1', 'localhost')
  read('/state.json').then(() => read(elsewhere + '/elsewhere.json')).then(() => { document.title = 'read' })
</script>"""
_KEEP = ("Cache-Control: max-age=3600", "Access-Control-Allow-Origin: *")
_RESET = struct.pack("ii", 1, 0)


class RawServer:
    """Answers GET with a page; does to a POST to /submit what `mode` says, and counts every request."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.counts: Counter[str] = Counter()
        self.over = threading.Event()  # lets a slow answer go when the test ends
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self._listening.getsockname()
        return f"http://{host}:{port}"

    @property
    def posts(self) -> int:
        return sum(count for line, count in self.counts.items() if line.startswith("POST /submit"))

    def close(self) -> None:
        self.over.set()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as reader:
            while (line := reader.readline()) and self._answer(connection, line.decode(), _body(reader)):
                pass

    def _answer(self, connection: socket.socket, line: str, body: bytes) -> bool:
        """Answer one request; False when the connection is closed instead."""
        method, path, _ = line.split(" ", 2)
        self.counts[f"{method} {path}"] += 1
        if (method, path) != ("POST", "/submit"):
            pages = {"/": PAGE, "/closing": CLOSING, "/worker.js": WORKER, "/state": STATE}
            kind = "text/javascript" if path.endswith(".js") else "text/html"
            connection.sendall(_response("200 OK", pages.get(path, b"done"), *_KEEP, kind=kind))
            return True
        return self._submit(connection)

    def _submit(self, connection: socket.socket) -> bool:
        match self.mode:
            case "closed":
                return False
            case "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return False
            case "slow":
                self.over.wait(30)
            case "408":
                connection.sendall(_response("408 Request Timeout", b"", "Connection: close"))
                return False
            case "503":
                connection.sendall(_response("503 Service Unavailable", b"no"))
                return True
            case "303":
                connection.sendall(_response("303 See Other", b"", "Location: /done", "Set-Cookie: seen=1"))
                return True
            case "307":
                connection.sendall(_response("307 Temporary Redirect", b"", "Location: /elsewhere"))
                return True
        connection.sendall(_response("200 OK", b"done"))
        return True


def _body(reader: object) -> bytes:
    length = 0
    while line := reader.readline().strip():  # type: ignore[attr-defined]
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return bytes(reader.read(length))  # type: ignore[attr-defined]


def _response(status: str, body: bytes, *headers: str, kind: str = "text/html") -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        f"Content-Type: {kind}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body
