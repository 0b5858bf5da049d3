"""An SMTP server on 127.0.0.1 that prints each message that it takes as one line of JSON.

Usage: mail_server.py PORT. With --check it only says, by its exit code, whether the machine has what it needs: the
package aiosmtpd, or the module smtpd of Python before 3.12.
"""

import email
import email.policy
import hashlib
import json
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)


def tell(sender, recipients, content):
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    told = {"from": sender, "to": recipients, "content": text}
    print(json.dumps(told | read(text)), flush=True)


def read(text):
    """The message as Python reads it: its thread, and its parts with their digests."""
    message = email.message_from_string(text, policy=email.policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {
        "subject": message["Subject"],
        "message_id": message["Message-ID"],
        "in_reply_to": message["In-Reply-To"],
        "references": (message["References"] or "").split(),
        "parts": [
            {
                "type": part.get_content_type(),
                "name": part.get_filename(),
                "text": part.get_content() if part.get_content_maintype() == "text" else None,
                "sha256": hashlib.sha256(part.get_payload(decode=True)).hexdigest(),
            }
            for part in parts
        ],
    }


def ready():
    print(json.dumps({"ready": True}), flush=True)


def with_aiosmtpd(port):
    import asyncio

    from aiosmtpd.smtp import SMTP

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            tell(envelope.mail_from, envelope.rcpt_tos, envelope.content)
            return "250 OK"

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Handler()), "127.0.0.1", port)
        ready()
        await server.serve_forever()

    asyncio.run(serve())


def with_smtpd(port):
    import asyncore
    import smtpd

    class Server(smtpd.SMTPServer):
        def process_message(self, peer, sender, recipients, content, **kwargs):
            tell(sender, recipients, content)

    Server(("127.0.0.1", port), None)
    ready()
    asyncore.loop()


def main():
    try:
        import aiosmtpd.smtp  # noqa: F401

        serve = with_aiosmtpd
    except ImportError:
        try:
            import smtpd  # noqa: F401
        except ImportError:
            sys.exit(1)
        serve = with_smtpd
    if sys.argv[1] != "--check":
        serve(int(sys.argv[1]))


main()
