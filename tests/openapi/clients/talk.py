"""Registers, logs in, sends, reads and listens with the generated Python client. Every event comes, and is read by the type that
was generated for it."""

import json
import os
import uuid

import httpx
from duet_client import AuthenticatedClient, Client
from duet_client.api.chat import messages, receipt, send, typing
from duet_client.api.leave import endchat
from duet_client.api.login import ask, login
from duet_client.api.registration import register
from duet_client.models import (
    Activity,
    AskBody,
    EmptyBody,
    Ended,
    FailureEnvelope,
    Hello,
    LoginBody,
    Message,
    Ping,
    Presence,
    Receipt,
    ReceiptBody,
    RegisterBody,
    SeatChanged,
    SendBody,
)

EVENTS = {
    "hello": Hello,
    "message": Message,
    "presence": Presence,
    "typing": Activity,
    "receipt": Receipt,
    "seat": SeatChanged,
    "ended": Ended,
    "ping": Ping,
}

address = os.environ["DUET_ADDRESS"]
client = Client(base_url=address)

made = register.sync(client=client, body=RegisterBody(user_one="Abhi", user_two="Anny"))
chat = made.data.hash_


def log_in(name):
    seated = login.sync(name, client=client, body=LoginBody(user=name, hash_=chat))
    return AuthenticatedClient(base_url=address, token=seated.data.token)


def listen(who, **headers):
    # The server says something every fifteen seconds.
    path = f"/chat-server/user/{chat}/stream"
    return who.get_httpx_client().stream("GET", path, headers=headers, timeout=httpx.Timeout(40))


def events(stream):
    """Yields each event with its id, read by its generated type, which has a field for all that it holds."""
    fields = {}
    for line in stream.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "event" in fields:
            data = json.loads(fields["data"])
            event = EVENTS[fields["event"]].from_dict(data)
            assert event.to_dict().keys() == data.keys(), (event, data)
            assert not event.additional_properties, event
            yield fields.get("id"), event
        fields = {}


def next_of(kind, stream):
    return next((place, event) for place, event in stream if isinstance(event, kind))


abhi, anny = log_in("Abhi"), log_in("Anny")
sent = send.sync(chat, client=abhi, body=SendBody(message="Hello", id=uuid.uuid4()))
assert sent.data.seq == 1, sent

page = messages.sync(chat, client=anny)
assert [message.message for message in page.data.messages] == ["Hello"], page
assert page.data.messages[0].sender_name == "Abhi", page

refused = messages.sync(chat, client=anny, limit=1000)
assert isinstance(refused, FailureEnvelope) and refused.data.code == 400, refused

with listen(anny, **{"Last-Event-ID": "0"}) as opened:
    heard = events(opened)
    place, hello = next_of(Hello, heard)
    assert (place, hello.you, hello.peer, hello.last_seq) == ("0", "Anny", "Abhi", 1), hello
    place, message = next_of(Message, heard)
    assert (place, message.message) == ("1", "Hello"), message
    with listen(abhi):
        _, presence = next_of(Presence, heard)
        assert (presence.user, presence.online, presence.last_seen) == ("Abhi", True, None), presence
    typing.sync(chat, client=abhi, body=EmptyBody())
    assert next_of(Activity, heard)[1].user == "Abhi"
    receipt.sync(chat, client=anny, body=ReceiptBody(read=1))
    assert next_of(Receipt, heard)[1].read == 1
    asked = ask.sync("Abhi", client=client, body=AskBody(user="Abhi", hash_=chat))
    _, asking = next_of(SeatChanged, heard)
    assert (asking.state, asking.number) == ("asking", asked.data.number), asking
    next_of(Ping, heard)
    assert endchat.sync(client=abhi, body=EmptyBody()).data.status == "OK"
    assert next_of(Ended, heard)[1].by == "Abhi"

assert messages.sync(chat, client=abhi).data.error == "chat_ended"
