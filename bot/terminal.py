"""`threadbook chat`: a thread in the terminal, over the web chat's own HTTP."""

import sys
import threading
from uuid import uuid4

import httpx


def chat(base_url: str, locale: str) -> int:
    """Talk until end of input; a choice is made by its number."""
    with httpx.Client(base_url=base_url, timeout=40) as client:
        try:
            opened = client.post("/chat/session", json={"locale": locale})
            opened.raise_for_status()
        except httpx.HTTPError:
            sys.stderr.write(f"Nobody answers at {base_url}. Is `threadbook up` running?\n")
            return 1
        client.headers["Authorization"] = f"Bearer {opened.json()['token']}"
        stop = threading.Event()
        listener = threading.Thread(target=_listen, args=(client, stop), daemon=True)
        listener.start()
        for line in sys.stdin:
            if text := line.strip():
                said = client.post("/chat/messages", json={"client_id": str(uuid4()), "text": text[:2000]})
                if said.is_error:
                    sys.stderr.write(f"Not sent ({said.status_code}).\n")
        # Input may come from a file: leave time for the last answer.
        stop.wait(6)
        stop.set()
    return 0


def _listen(client: httpx.Client, stop: threading.Event) -> None:
    after = 0
    while not stop.is_set():
        try:
            answer = client.get("/chat/messages", params={"after": after, "wait": 20})
            answer.raise_for_status()
        except httpx.HTTPError:
            stop.wait(1)
            continue
        for message in answer.json()["messages"]:
            after = max(after, message["seq"])
            if message["from"] == "customer":
                continue
            sys.stdout.write(f"\n  {message['text']}\n")
            for number, choice in enumerate(message["choices"], 1):
                sys.stdout.write(f"    {number}  {choice['label']}\n")
            sys.stdout.flush()
