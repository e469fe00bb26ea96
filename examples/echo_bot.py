#!/usr/bin/env python3
"""A bot that sits in a chat and repeats what the other person says. Python 3.9 or newer, nothing to install.

    python3 examples/echo_bot.py http://127.0.0.1:8080/demo/chat/user/HASH Anny

It shows what every client needs: log in by link and name, read the stream, resume it after a
break with Last-Event-ID, and send with an id, so that a repeated send stores nothing twice.
"""
import json, sys, time, uuid
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

link, name = sys.argv[1:3]
origin, chat_hash = link.split("/demo/chat/user/")
headers = {"Content-Type": "application/json"}


def ask(path, data, read):
    """Reads an answer. Asks again while the server is busy, away, or silent for 40 s: streams speak every 15 s."""
    while True:
        try:
            with urlopen(Request(f"{origin}/chat-server/user/{path}", data, headers), timeout=40) as answer:
                return read(answer)
        except HTTPError as refused:
            if refused.code not in (429, 502, 503, 504):
                sys.exit(json.load(refused)["data"]["message"])
            time.sleep(int(refused.headers.get("Retry-After", 1)))
        except (OSError, HTTPException):
            time.sleep(1)


def post(path, **body):
    return ask(path, json.dumps(body).encode(), json.load)["data"]


def listen(stream):
    """Answers the messages of a stream; once the chat is over there is none any more (204)."""
    event = {}
    for line in stream:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        event[field] = value
        if not field:  # An empty line ends an event.
            data = json.loads(event.get("data", "{}"))
            if event.get("event") == "message" and data["senderName"] == me["peer"]:
                # An id made from the message's: a message that comes again is answered once.
                answer_id = str(uuid.uuid5(uuid.UUID(data["id"]), "echo"))
                post(f"{chat_hash}/message_send", message=f"You said: {data['message']}", id=answer_id)
            headers["Last-Event-ID"] = event.get("id", headers["Last-Event-ID"])
            event = {}
    if stream.status != 204:
        raise ConnectionError


me = post(f"{quote(name)}/login", user=name, hash=chat_hash, id=str(uuid.uuid4()))
print(f"logged in; return code: {me.get('returnCode', '(set before)')}", flush=True)
headers |= {"Authorization": f"Bearer {me['token']}", "Last-Event-ID": str(me["lastSeq"])}
ask(f"{chat_hash}/stream", None, listen)
print("the chat has ended", flush=True)
