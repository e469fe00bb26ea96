#!/usr/bin/env python3
"""A bot that sits in a chat and repeats what the other person says. Python 3.9 or newer, nothing to install.

    python3 examples/echo_bot.py http://127.0.0.1:8080/demo/chat/user/HASH Anny

It shows what every client needs: log in by link and name, read the stream, resume it after a
break with Last-Event-ID, and send with an id, so that a repeated send stores nothing twice.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

link, name = sys.argv[1:3]
origin, chat_hash = link.split("/demo/chat/user/")
user = f"{origin}/chat-server/user"


def call(path, body, token=None):
    """Posts a body; waits and repeats while the server asks for that (429, 503) or is away."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    while True:
        request = urllib.request.Request(f"{user}/{path}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 503):
                sys.exit(json.load(refused)["data"]["message"])
            time.sleep(int(refused.headers.get("Retry-After", "1")))
        except OSError:
            time.sleep(1)


def events(token, last):
    """Yields (event, id, data) for ever, from the message after `last` on, across lost connections."""
    while True:
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(last)}
        request = urllib.request.Request(f"{user}/{chat_hash}/stream", headers=headers)
        try:
            # The server says something every 15 seconds: 40 of silence are a lost connection.
            with urllib.request.urlopen(request, timeout=40) as stream:
                if stream.status == 204:
                    return  # The chat has ended.
                event = {}
                for line in stream:
                    field, _, value = line.decode().rstrip("\n").partition(": ")
                    if field:
                        event[field] = value
                    elif "event" in event:
                        last = event.get("id", last)
                        yield event["event"], json.loads(event["data"])
                        event = {}
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 502, 503, 504):
                sys.exit(json.load(refused)["data"]["message"])
        except OSError:
            pass
        time.sleep(1)


me = call(f"{urllib.parse.quote(name)}/login", {"user": name, "hash": chat_hash, "id": str(uuid.uuid4())})
print(f"logged in; return code: {me.get('returnCode', '(set before)')}", flush=True)
for kind, data in events(me["token"], me["lastSeq"]):
    if kind == "message" and data["senderName"] == me["peer"]:
        # The answer's id is made from the message's: after a crash it is the same one.
        answer_id = str(uuid.uuid5(uuid.UUID(data["id"]), "echo"))
        call(f"{chat_hash}/message_send", {"message": f"You said: {data['message']}", "id": answer_id}, me["token"])
    elif kind == "ended":
        break
print("the chat has ended", flush=True)
