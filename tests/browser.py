"""A page in a real Chromium with no network, driven over a pipe by the Chrome DevTools Protocol."""

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conftest import BROWSER


class BrowserPage:
    """One open page. `events` are all messages that the browser sent unasked."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = os.fdopen(commands, "wb"), os.fdopen(answers, "rb")
        self._session, self._calls, self._rest, self.events = None, 0, b"", []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments) -> dict:
        """Run a command of the protocol; returns its result."""
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while (answer := self._read()).get("id") != self._calls:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, address: str, width: int, dark: bool = False, height: int = 800) -> None:
        """Open a page in a window so many pixels wide, in one of the themes, and wait until it is loaded."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[theme])
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def run(self, script: str) -> object:
        """The value of an expression, or of a promise, in the page."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def requests(self) -> list[str]:
        """The addresses that the page has asked for, itself included; pictures inside the page are not counted."""
        asked = [event["params"]["request"]["url"] for event in self._of("Network.requestWillBeSent")]
        return [address for address in asked if not address.startswith("data:")]

    def complaints(self) -> list[str]:
        """What the console has shown, and errors of scripts."""
        shown = [json.dumps(event["params"]) for event in self._of("Runtime.consoleAPICalled")]
        logged = [event["params"]["entry"]["text"] for event in self._of("Log.entryAdded")]
        return shown + logged + [json.dumps(event["params"]) for event in self._of("Runtime.exceptionThrown")]

    def move(self, x: float, y: float) -> None:
        """Move the mouse to a place of the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def tap(self, x: float, y: float) -> None:
        """Touch a place of the window with a finger."""
        self.call("Emulation.setTouchEmulationEnabled", enabled=True)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str) -> None:
        """Press a key, such as Tab or ArrowRight."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}
        typed = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown" if typed else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **typed)

    def wait(self, condition: str) -> object:
        """The value of an expression as soon as it is true; for at most 30 seconds."""
        return self.run(f"""new Promise((done, failed) => {{
          const look = () => {{ const value = {condition}; if (value) {{ done(value); }} else setTimeout(look, 20); }};
          setTimeout(() => failed(new Error('in vain: ' + document.body.innerText)), 30000);
          look();
        }})""")

    def choose(self, field: str, files: list[Path]) -> None:
        """Choose files in the field with this id, as in the dialog that a click opens."""
        node = self.call("Runtime.evaluate", expression=f"document.getElementById('{field}')")["result"]["objectId"]
        self.call("DOM.setFileInputFiles", files=[str(file) for file in files], objectId=node)

    def picture(self, file: Path) -> None:
        """Write the whole page to `file` as a PNG."""
        height = self.run("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": self.run("innerWidth"), "height": height, "scale": 1}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        file.write_bytes(b64decode(shot["data"]))

    def print(self) -> bytes:
        """The page as a PDF of its own paper size."""
        return b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    def _of(self, method: str) -> list[dict]:
        return [event for event in self.events if event.get("method") == method]

    def _read(self) -> dict:
        while b"\0" not in self._rest:
            part = self._answers.read1(1 << 16)
            assert part, "the browser has ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextmanager
def browser(folder: Path, *options: str) -> Iterator[BrowserPage]:
    """A browser of its own, with its profile in `folder`."""
    assert BROWSER, "install Chromium"
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()

    def give_pipes() -> None:  # the browser reads commands from file 3, and writes answers to file 4
        commands, answers = os.dup(read_commands), os.dup(write_answers)
        os.dup2(commands, 3)
        os.dup2(answers, 4)

    flags = ["--headless", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={folder}", "--disable-gpu",
             "--disable-background-networking", "--hide-scrollbars", *options,
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
    process = subprocess.Popen([BROWSER, *flags], preexec_fn=give_pipes, close_fds=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(read_commands)
    os.close(write_answers)
    try:
        page = BrowserPage(write_commands, read_answers)
        yield page
        with suppress(AssertionError):
            page._session = None
            page.call("Browser.close")
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
