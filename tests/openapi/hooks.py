"""What schemathesis has to know of duet: a chat that lives, and what no schema can say.

Everything that is changed here about a generated request is said in words in the description, and
claimed by a test in tests/claims."""

import os
import unicodedata
from urllib.parse import quote

import requests
import schemathesis
from hypothesis import strategies
from schemathesis.core import NOT_SET
from schemathesis.core.parameters import ParameterLocation

BODY, PATH, QUERY = ParameterLocation.BODY, ParameterLocation.PATH, ParameterLocation.QUERY

API = os.environ["DUET_API"]

# Stands for the token of whatever chat lives when the request is sent.
SESSION = "Bearer session"

# Letters of their own categories that cannot be seen: Default_Ignorable_Code_Point, and the blank
# braille pattern.
UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0" + "".join(
    chr(code) for code in [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)


def is_name(text):
    """Whether it is one, and can stand in an address: the client used here takes dots for folders."""
    shown = unicodedata.normalize("NFC", text.strip())
    return 1 <= len(shown) <= 40 and shown not in (".", "..")


names = strategies.text(
    strategies.characters(categories=["L", "M", "N", "P", "S", "Zs"], exclude_characters=UNSEEN),
    min_size=1,
    max_size=40,
).filter(is_name)

schemathesis.openapi.format("name", strategies.sampled_from(["Abhi", "Anny"]) | names)


class Chat:
    """A chat with a message in it, Abhi's session, and somebody who asks to be let in as Abhi;
    and another one, whose second seat has no name."""

    def __init__(self):
        self.hash = post("register", {"userOne": "Abhi", "userTwo": "Anny"})["hash"]
        entry = {"user": "Abhi", "hash": self.hash}
        self.token = post("user/Abhi/login", entry)["token"]
        post(f"user/{self.hash}/message_send", {"message": "Hello"}, self.token)
        self.asked = {post("user/Abhi/login/ask", entry)["askId"]: "Abhi"}
        self.unnamed = post("user1", {"user": "Abhi"})["hash"]


def post(path, data, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(f"{API}/{path}", json={"data": data}, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()["data"]


class World:
    chat = None


@schemathesis.auth()
class Session:
    def get(self, case, context):
        return SESSION

    def set(self, case, data, context):
        case.headers["Authorization"] = data


@schemathesis.hook
def before_call(context, case, kwargs):
    if World.chat is None:
        World.chat = Chat()
    if case.headers and case.headers.get("Authorization") == SESSION:
        case.headers["Authorization"] = f"Bearer {World.chat.token}"
    # A GET with a body is refused whatever it asks for: a proxy may take the body for the next request.
    if case.method.upper() in ("GET", "HEAD"):
        case.body = NOT_SET
    # An empty place counts as left out, and is no wrong one.
    if case.headers and str(case.headers.get("Last-Event-ID")) in ("", "False"):
        case.headers["Last-Event-ID"] = "nowhere"
    wrong = [where for where in (PATH, QUERY, BODY) if case.meta and case.meta.is_negative_at(where)]
    if not wrong:
        settle(case, World.chat)


def settle(case, chat):
    """Makes a request that fits the schema one that makes sense as well."""
    path, query = case.path_parameters or {}, case.query or {}
    body = case.body if isinstance(case.body, dict) else {}
    body = body["data"] if isinstance(body.get("data"), dict) else body
    if "hash" in path:
        path["hash"] = chat.hash
    # One who logs in is one and the same in address and body.
    if "username" in path and "user" in body:
        path["username"] = quote(body["user"], safe="")
        body["hash"] = chat.hash
    # So is one who asks and comes back for the answer.
    if "askId" in path:
        if path["askId"] not in chat.asked:
            path["askId"] = next(iter(chat.asked))
        path["username"] = quote(chat.asked[path["askId"]], safe="")
    # Two people have two names.
    if case.operation.path.endswith("/user2"):
        body["hash"] = chat.unnamed
        body["user"] = other_than("Abhi", body["user"])
    if "userOne" in body and "userTwo" in body:
        body["userTwo"] = other_than(body["userOne"], body["userTwo"])
    # An encrypted chat is made with a proof, and a plain one without.
    if case.operation.path.endswith(("/register", "/user1")):
        if not (body.get("encryption") and body.get("auth")):
            body.pop("encryption", None)
            body.pop("auth", None)
    # A message goes to one of them.
    if body.get("reciever") and body.get("receiver"):
        body["receiver"] = body["reciever"]
    # Marks do not run ahead of the chat.
    for mark in ("delivered", "read"):
        if isinstance(body.get(mark), (int, float)):
            body[mark] = min(body[mark], 1)
    # A page lies behind a place or ahead of it.
    if "after" in query and "before" in query:
        del query["before"]


def other_than(name, other):
    def folded(text):
        return unicodedata.normalize("NFC", text.strip()).casefold()

    return f"Zoe {len(name)}" if folded(name) == folded(other) else other


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code != 200:
        return
    if case.operation.path.endswith("/login/ask"):
        body = case.body.get("data", case.body)
        World.chat.asked[response.json()["data"]["askId"]] = body["user"]
    if case.operation.path.endswith(("/logout", "/endchat", "/sessions/end", "/login", "/user2")):
        World.chat = None
