"""An SMTP server for the tests, on aiosmtpd: says where it listens, then what it was given.

Usage: smtp_server.py SETTINGS, which is a JSON object; each member may be left out:

  port        where it listens on 127.0.0.1; any free port
  tls         "starttls" (offered), "required" (nothing before it) or "implicit"
  cert, key   its certificate and key, as PEM files
  auth        [user, password]: nothing without them
  rcpt, data  lists of answers to RCPT and to the end of DATA, the first ones first; then 250
  drops       so many times the connection breaks in the middle of DATA
  holds       so many times the answer to the end of DATA never comes
  slow        so many seconds pass before it greets

Each line on standard output is a JSON object: {"port"}, then {"event": "connection"} and
{"event": "message", "from", "to", "tls", "user", "data"} as they come.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

settings = json.loads(sys.argv[1])
answers = {name: list(settings.get(name, [])) for name in ("rcpt", "data")}
left = {name: settings.get(name, 0) for name in ("drops", "holds")}


def say(**event):
    print(json.dumps(event), flush=True)


def takes(name):
    left[name] -= 1
    return left[name] >= 0


def authenticate(server, session, envelope, mechanism, data):
    user, password = settings["auth"]
    is_right = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=is_right, handled=False, auth_data=data)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if answers["rcpt"]:
            answer = answers["rcpt"].pop(0)
            if not answer.startswith("2"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = answers["data"].pop(0) if answers["data"] else "250 OK"
        if answer.startswith("2"):
            login = session.auth_data.login.decode() if session.authenticated else None
            say(
                event="message",
                **{"from": envelope.mail_from, "to": envelope.rcpt_tos},
                tls=session.ssl is not None or settings.get("tls") == "implicit",
                user=login,
                data=envelope.content.decode("utf-8", "replace"),
            )
        if takes("holds"):
            await asyncio.Event().wait()
        return answer


class Server(SMTP):
    async def _handle_client(self):
        # once, and not again after STARTTLS
        if self.session.ssl is None:
            say(event="connection")
            await asyncio.sleep(settings.get("slow", 0))
        await super()._handle_client()

    async def smtp_DATA(self, arg):
        if self.envelope.rcpt_tos and takes("drops"):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.readline()
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


def context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["cert"], settings["key"])
    return context


async def main():
    tls, loop = settings.get("tls"), asyncio.get_running_loop()
    options = {"hostname": "smtp.test"}
    if tls in ("starttls", "required"):
        options |= {"tls_context": context(), "require_starttls": tls == "required"}
    if "auth" in settings:
        options |= {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_require_tls": tls in ("starttls", "required"),
        }
    outer = context() if tls == "implicit" else None
    server = await loop.create_server(
        lambda: Server(Handler(), loop=loop, **options),
        "127.0.0.1",
        settings.get("port", 0),
        ssl=outer,
    )
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
