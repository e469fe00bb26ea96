"""Registers, logs in, sends and reads with the generated Python client."""

import os

from duet_client import AuthenticatedClient, Client
from duet_client.api.chat import messages, send
from duet_client.api.leave import endchat
from duet_client.api.login import login
from duet_client.api.registration import register
from duet_client.models import FailureEnvelope, LoginBody, NoBody, RegisterBody, SendBody

address = os.environ["DUET_ADDRESS"]
client = Client(base_url=address)

made = register.sync(client=client, body=RegisterBody(user_one="Abhi", user_two="Anny"))
chat = made.data.hash_


def log_in(name):
    seated = login.sync(name, client=client, body=LoginBody(user=name, hash_=chat))
    return AuthenticatedClient(base_url=address, token=seated.data.token)


abhi, anny = log_in("Abhi"), log_in("Anny")
sent = send.sync(chat, client=abhi, body=SendBody(message="Hello"))
assert sent.data.seq == 1, sent

page = messages.sync(chat, client=anny)
assert [message.message for message in page.data.messages] == ["Hello"], page
assert page.data.messages[0].sender_name == "Abhi", page

refused = messages.sync(chat, client=anny, limit=1000)
assert isinstance(refused, FailureEnvelope) and refused.data.code == 400, refused

assert endchat.sync(client=anny, body=NoBody()).data.status == "OK"
assert messages.sync(chat, client=abhi).data.error == "chat_ended"
