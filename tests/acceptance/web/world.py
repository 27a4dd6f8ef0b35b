"""Feeds and webhooks on loopback for the status page to show, and the program that watches them."""

import html
import http.server
import os
import re
import subprocess
import tempfile
import threading
import time

PATIENCE = 60  # seconds any one thing may take

# The reader of feeds takes mark-up out of titles. What is none as long as an invisible character stands in it is left to
# the page, which takes that character out.
HOSTILE = '<\u2060script>document.title = "taken over"<\u2060/script> Pyongyang \u202egnihton\u202c sends <\u2060b>troops & more'
INVISIBLE = ("\u2060", "\u202e", "\u202c")

HEADLINES = [
    ("North Korea sends a further 3,000 soldiers to Kursk, Seoul says", "South Korea's intelligence service told lawmakers that Pyongyang had moved another battalion of troops by ship and train."),
    ("북한, 러시아에 병력 추가 파견", "국가정보원은 북한군 3천여 명이 쿠르스크로 이동했다고 밝혔다."),
    ("КНДР отправила солдат в Курскую область", "По данным разведки, северокорейские военные переброшены поездом."),
    ("朝鲜向俄罗斯增派士兵", "韩国国家情报院称,朝鲜军队已抵达库尔斯克。"),
    ("كوريا الشمالية ترسل جنودا إلى روسيا", "North Korea and Russia: troops, says the agency."),
    ("Port strike closes Rotterdam terminals for a second day", "Dock workers walked out at midnight; container traffic is diverted to Antwerp."),
    ("Hospital chain hit by ransomware diverts ambulances", "Systems were encrypted overnight, the operator said."),
    ("Ransomware gang claims attack on blood bank", "The group posted samples of data."),
    ("Strike at Antwerp port called off", "Unions accepted the offer in the early hours."),
    ("A quiet day at the seaside", "Nothing happened."),
]


def rss(title, items):
    entries = "".join(
        f"<item><title>{html.escape(name)}</title><description>{html.escape(text)}</description>"
        f"<link>https://news.example/{slug}</link><guid>{slug}</guid></item>"
        for slug, name, text in items
    )
    return f'<rss version="2.0"><channel><title>{html.escape(title)}</title>{entries}</channel></rss>'


def atom(title, items):
    """Here a title is a text: what looks like mark-up in it is to be read, not obeyed."""
    entries = "".join(
        f"<entry><id>urn:{slug}</id><title>{html.escape(name)}</title><summary>{html.escape(text)}</summary>"
        f'<link href="https://news.example/{slug}"/><updated>2026-01-01T00:00:00Z</updated></entry>'
        for slug, name, text in items
    )
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:feed</id><title>{html.escape(title)}</title>'
        f"<updated>2026-01-01T00:00:00Z</updated>{entries}</feed>"
    )


class World:
    def __init__(self):
        self.items = {"wire": [], "ticker": []}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, body=b"", kind="text/plain"):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                if name in outer.items:
                    write, title = {"wire": (rss, "The Harbour Wire"), "ticker": (atom, "Ticker <i>& Co</i>")}[name]
                    self.answer(200, write(title, outer.items[name]).encode(), "application/xml")
                elif name == "gone":
                    self.answer(410)
                else:
                    self.answer(404)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.answer({"/ok": 204, "/refuse": 400}.get(self.path, 503))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, count):
        for number, (name, text) in enumerate(HEADLINES[:count]):
            self.items["wire" if number % 2 else "ticker"].append((f"n{number}", name, text))

    def configuration(self):
        base = self.base
        return f"""
[daemon]
database = "wirewatch.db"
listen = "127.0.0.1:0"
[fetch]
interval = "1s"
min_interval = "1s"
per_host = 8
per_host_delay = "0s"
allow_networks = ["127.0.0.1/32"]
[alerts]
first_poll = "alert"
[delivery]
retries = ["1s", "10m"]
[feeds.wire]
url = "{base}/wire"
interval = "1s"
[feeds.ticker]
url = "{base}/ticker"
interval = "1s"
[feeds.vanished]
url = "{base}/gone"
[feeds.missing]
url = "{base}/missing"
title = "Valley Gazette"
interval = "1s"
[concepts.north-korea]
any = ["North Korea", "Pyongyang", "북한", "朝鲜", "КНДР", "كوريا الشمالية"]
[concepts.troops]
any = ["troops", "soldiers", "병력", "солдат", "士兵"]
[topics.dprk-troops-in-russia]
title = "North Korean troops in Russia"
query = "@north-korea AND @troops"
webhooks = ["desk", "archive"]
severity = "critical"
[topics.port-strike]
title = "Port strikes"
query = "port AND strike"
webhooks = ["desk", "phone"]
severity = "high"
[topics.ransomware]
title = "Ransomware in hospitals"
query = "ransomware"
webhooks = ["archive"]
[topics.quiet]
title = "Nothing ever happens here"
keywords = ["volcano"]
[webhooks.desk]
url = "{base}/ok"
[webhooks.archive]
url = "{base}/refuse"
[webhooks.phone]
url = "{base}/busy"
"""


class Program:
    def __init__(self, binary, world):
        self.home = tempfile.TemporaryDirectory(prefix="wirewatch-web-")
        with open(os.path.join(self.home.name, "wirewatch.toml"), "w") as file:
            file.write(world.configuration())
        self.log = open(os.path.join(self.home.name, "log"), "w+")
        self.process = subprocess.Popen(
            [binary, "run", "--config", "wirewatch.toml"], cwd=self.home.name, stderr=self.log, stdout=self.log
        )
        self.base = self.wait(self._address, "the program to serve")

    def _address(self):
        if self.process.poll() is not None:
            raise RuntimeError(self.text())
        found = re.search(r"serving (http://[^/\s]+)/", self.text())
        return found and found.group(1)

    def text(self):
        with open(self.log.name) as file:
            return file.read()

    def wait(self, look, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.1)
        raise TimeoutError(f"{what}\n{self.text()}")

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.text()
        self.home.cleanup()
