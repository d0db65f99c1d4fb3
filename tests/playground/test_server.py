"""The server: for this computer alone, polite at the beginning and at the end."""

import contextlib
import http.client
import json
import socket
import time

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
client = pytest.importorskip("websockets.sync.client")
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402

from tests.playground.server import Playground  # noqa: E402
from tinygrad_edu.playground.__main__ import main  # noqa: E402


@pytest.fixture(scope="module")
def playground():
    with Playground() as running:
        yield running


def connect(playground, origin=True, **options):
    own = f"http://127.0.0.1:{playground.port}"
    where = f"ws://127.0.0.1:{playground.port}/socket"
    return client.connect(where, origin=own if origin is True else origin, **options)


def get(playground, path="/", **headers):
    asked = http.client.HTTPConnection("127.0.0.1", playground.port, timeout=30)
    with contextlib.closing(asked) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def test_the_page_and_all_its_files_are_served_and_load_nothing_from_elsewhere(playground):
    status, headers, page = get(playground)
    assert status == 200
    assert b"<title>Playground" in page
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    for name in ("main.js", "style.css", "digits.js"):
        assert get(playground, f"/page/{name}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/page/../run.py", "/page/%2e%2e%2frun.py", "/page/x.js", "/run.py", "/page/"]
)
def test_nothing_else_is_served(playground, path):
    assert get(playground, path)[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "evil.example:80", "127.0.0.1:1", ""]
)
def test_another_host_is_refused(playground, host):
    assert get(playground, Host=host)[0] == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost", "https://127.0.0.1", None]
)
def test_a_socket_from_another_page_is_refused(playground, origin):
    with pytest.raises(InvalidStatus) as refused, connect(playground, origin):
        pass
    assert refused.value.response.status_code == 403


def test_a_request_from_another_page_is_refused(playground):
    assert get(playground, Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize(
    "message", ["no JSON", '{"do": "everything"}', b"\x01", "x" * (1 << 20 | 1)]
)
def test_a_message_that_no_page_sends_closes_the_socket(playground, message):
    with connect(playground) as page:
        page.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(30)
        assert closed.value.rcvd.code in (1008, 1009)


def test_frames_that_are_not_asked_for_are_not_sent(playground):
    with connect(playground) as page:
        for message in ({"do": "fast", "on": True}, {"do": "play"}, {"do": "ready"}):
            page.send(json.dumps(message))
        assert isinstance(page.recv(30), bytes)
        with pytest.raises(TimeoutError):
            page.recv(0.7)  # it learns on, and keeps no frames for later
        page.send('{"do": "ready"}')
        frame = page.recv(30)
        with pytest.raises(TimeoutError):
            page.recv(0.3)
    told = json.loads(frame[4 : 4 + int.from_bytes(frame[:4], "little")])
    assert told["frame"] == 2
    assert told["epoch"] > 2


def test_too_many_pages_are_told_so(playground):
    with contextlib.ExitStack() as pages:
        for _ in range(8):
            pages.enter_context(connect(playground))
        with connect(playground) as one_more, pytest.raises(ConnectionClosed) as closed:
            one_more.recv(30)
        assert "open already" in closed.value.rcvd.reason
    for _ in range(100):  # who has closed the page makes room
        try:
            with connect(playground) as again:
                again.send('{"do": "open", "link": ""}')
                assert json.loads(again.recv(30))["is"] == "state"
            return
        except ConnectionClosed:
            time.sleep(0.1)
    pytest.fail("closed pages are still counted")


def test_a_busy_port_is_told_and_the_next_is_taken_and_ctrl_c_is_clean():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        playground = Playground(port)
        assert playground.port > port
        with connect(playground) as page:
            page.send('{"do": "play"}')
            status, output, errors = playground.end()
    assert status == 0
    assert output == "The playground has ended.\n"
    assert errors.splitlines()[0] == f"port {port} is taken by another program, trying the next"
    assert "Traceback" not in errors


@pytest.mark.parametrize("options", [["--port", "x"], ["--port", "70000"], ["--nothing"]])
def test_options_that_make_no_sense(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2


def test_a_model_file_that_cannot_be_written_is_told_at_once(tmp_path, capsys):
    assert main(["--no-browser", "--port", "0", "--model", str(tmp_path / "no" / "file")]) == 1
    assert "there is no folder" in capsys.readouterr().err
