"""receivers ADDRESS SLACK_PORT SMTP_PORT: a web server that takes what is sent to a Slack webhook, and a mail server. Prints each message as one
line of JSON, and one line first when both listen. Ends when standard input does.
"""

import email
import email.policy
import http.server
import json
import sys
import threading

from aiosmtpd.controller import Controller


def tell(**message):
    print(json.dumps(message), flush=True)


class Slack(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        tell(by="slack", path=self.path, body=json.loads(body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        """Standard error is the test's."""


class Mails:
    async def handle_DATA(self, _server, _session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content()
        tell(by="email", sender=envelope.mail_from, to=envelope.rcpt_tos, subject=mail["Subject"], text=text)
        return "250 OK"


def main():
    address, slack_port, smtp_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    slack = http.server.ThreadingHTTPServer((address, slack_port), Slack)
    threading.Thread(target=slack.serve_forever, daemon=True).start()
    mails = Controller(Mails(), hostname=address, port=smtp_port)
    mails.start()
    tell(by="receivers")
    sys.stdin.read()
    mails.stop()


if __name__ == "__main__":
    main()
