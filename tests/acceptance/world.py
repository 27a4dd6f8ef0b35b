"""A feed and a webhook receiver on loopback, for the scripts beside it.

usage: world.py PORT DIRECTORY [SECRET]

GET /feed.xml serves DIRECTORY/feed.xml. Every POST becomes a line of JSON in DIRECTORY/received: webhook-id and body.
With a SECRET (whsec_…) its signature is verified by the `standardwebhooks` package first; a wrong one is answered 401.
"""

import http.server
import json
import os
import sys

port, directory = int(sys.argv[1]), sys.argv[2]
verifier = None
if len(sys.argv) > 3:
    import standardwebhooks

    verifier = standardwebhooks.Webhook(sys.argv[3])


class World(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", kind="text/plain"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        try:
            with open(os.path.join(directory, "feed.xml"), "rb") as file:
                self.answer(200, file.read(), "application/rss+xml")
        except FileNotFoundError:
            self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        line = {"id": self.headers["webhook-id"], "verified": False}
        if verifier:
            try:
                verifier.verify(body, dict(self.headers))
                line["verified"] = True
            except standardwebhooks.WebhookVerificationError as problem:
                line["problem"] = str(problem)
        line["body"] = json.loads(body)
        with open(os.path.join(directory, "received"), "a") as file:
            file.write(json.dumps(line) + "\n")
        self.answer(204 if line["verified"] or not verifier else 401)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), World).serve_forever()
