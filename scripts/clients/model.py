"""A stand-in for a language model on 127.0.0.1: what it says is a script, turn by turn.

It speaks Anthropic's Messages, OpenAI's Responses and Chat Completions, and Gemini's API, each as a
stream of events and whole. How far a conversation is, it tells from the ids of its own calls, which
come back in each request.
"""

import gzip
import json
import re
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
_CALL = re.compile(r"scriptcall_(\d+)_(\d+)")
_NAME = re.compile(r"SCRIPT:(\w+)")
_USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}


@dataclass(frozen=True)
class Step:
    """A call of a tool: `text` for tools that take free text, else `arguments`; or plain words."""

    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    words: str = ""


Script = Mapping[str, Sequence[Step]]
"""Conversations by name, a call for each turn. A prompt holds SCRIPT:name, else it is `main`."""


@dataclass
class Model:
    """A script, and what its calls have led to: (conversation, turn) -> what the agent answered."""

    script: Script
    results: dict[tuple[str, int], str] = field(default_factory=dict)
    tools: set[str] = field(default_factory=set)

    def answer(self, body: Json) -> tuple[int, Step]:
        """The next turn of the conversation that a request is about."""
        tools = _list_tools(body)
        if not tools:  # a title, or a check of the connection
            return 0, Step(words="ok")
        self.tools |= set(tools)
        name = next(
            (found[1] for text in _list_texts(body) if (found := _NAME.search(text))), "main"
        )
        for turn, text in _read_results(body):
            self.results.setdefault((name, turn), text)
        turns = [int(turn) for turn, _ in _CALL.findall(json.dumps(body))]
        turn = max(turns) + 1 if turns else _count_gemini_turns(body)
        steps = self.script.get(name, ())
        return turn, steps[turn] if turn < len(steps) else Step(words="done")


@contextmanager
def serve(model: Model) -> Iterator[str]:
    """The address at which `model` answers."""
    handler = type("Handler", (_Handler,), {"model": model})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def do_GET(self) -> None:
        self._send(json.dumps({"data": [], "models": [], "object": "list"}), "application/json")

    def do_HEAD(self) -> None:
        self._send("", "text/plain")

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        encoding = self.headers.get("Content-Encoding", "")
        if encoding in {"gzip", "deflate"}:
            data = gzip.decompress(data) if encoding == "gzip" else zlib.decompress(data)
        try:
            body = json.loads(data or b"{}")
        except ValueError:
            body = {}
        speak = _find_speech(self.path)
        if speak is None or not isinstance(body, dict):
            self._send(json.dumps({"totalTokens": 10, "input_tokens": 10}), "application/json")
            return
        turn, step = self.model.answer(body)
        name = str(body.get("model") or self.path.split("/")[-1].split(":")[0])
        *events, (_, whole) = list(speak(turn, step, name))
        if body.get("stream") or "streamGenerateContent" in self.path:
            lines = [(f"event: {event}\n" if event else "") + f"data: {data}\n\n"
                     for event, data in events]  # fmt: skip
            self._send("".join(lines), "text/event-stream")
        else:
            self._send(whole, "application/json")

    def _send(self, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        """Nobody watches."""


def _find_speech(path: str) -> Any:
    path = path.split("?")[0].rstrip("/")
    ends = {"/messages": _speak_messages, "/responses": _speak_responses,
            "/chat/completions": _speak_chat, "GenerateContent": _speak_gemini,
            ":generateContent": _speak_gemini}  # fmt: skip
    return next((speak for end, speak in ends.items() if path.endswith(end)), None)


# Each of these gives the events of a stream as (name, data); the last one is the whole answer.


def _speak_messages(turn: int, step: Step, model: str) -> Iterator[tuple[str, str]]:
    message: Json = {
        "id": f"msg_{turn}_{time.time_ns()}", "type": "message", "role": "assistant",
        "model": model, "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {**_USAGE, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
    }  # fmt: skip
    yield _event("message_start", message=message)
    block: Json
    if step.tool:
        block = {"type": "tool_use", "id": _name_call(turn), "name": step.tool, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(step.arguments)}
        whole = {**block, "input": step.arguments}
    else:
        block = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": step.words}
        whole = {**block, "text": step.words}
    yield _event("content_block_start", index=0, content_block=block)
    yield _event("content_block_delta", index=0, delta=delta)
    yield _event("content_block_stop", index=0)
    reason = "tool_use" if step.tool else "end_turn"
    ending = {"stop_reason": reason, "stop_sequence": None}
    yield _event("message_delta", delta=ending, usage={"output_tokens": 5})
    yield _event("message_stop")
    yield "", json.dumps({**message, "content": [whole], "stop_reason": reason})


def _speak_responses(turn: int, step: Step, model: str) -> Iterator[tuple[str, str]]:
    identity = f"resp_{turn}_{time.time_ns()}"
    response = {"id": identity, "object": "response", "created_at": int(time.time()),
                "model": model, "status": "in_progress", "output": []}  # fmt: skip
    yield _event("response.created", response=response)
    item: Json = {"id": f"item_{identity}", "status": "completed"}
    if step.tool and step.text is not None:
        item |= {"type": "custom_tool_call", "call_id": _name_call(turn), "name": step.tool,
                 "input": step.text}  # fmt: skip
    elif step.tool:
        item |= {"type": "function_call", "call_id": _name_call(turn), "name": step.tool,
                 "arguments": json.dumps(step.arguments)}  # fmt: skip
    else:
        content = [{"type": "output_text", "text": step.words, "annotations": []}]
        item |= {"type": "message", "role": "assistant", "content": content}
    yield _event("response.output_item.added", output_index=0, item=item)
    yield _event("response.output_item.done", output_index=0, item=item)
    details = {"input_tokens_details": {"cached_tokens": 0},
               "output_tokens_details": {"reasoning_tokens": 0}}  # fmt: skip
    final = {**response, "status": "completed", "output": [item], "usage": {**_USAGE, **details}}
    yield _event("response.completed", response=final)
    yield "", json.dumps(final)


def _speak_chat(turn: int, step: Step, model: str) -> Iterator[tuple[str, str]]:
    base = {"id": f"chat_{turn}_{time.time_ns()}", "created": int(time.time()), "model": model}
    function = {"name": step.tool, "arguments": json.dumps(step.arguments)}
    call = {"id": _name_call(turn), "type": "function", "function": function}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    reason = "tool_calls" if step.tool else "stop"

    def chunk(delta: Json, finish: str | None = None, **more: Any) -> tuple[str, str]:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return "", json.dumps(
            {**base, "object": "chat.completion.chunk", "choices": choices, **more}
        )

    yield chunk({"role": "assistant", "content": step.words})
    if step.tool:
        yield chunk({"tool_calls": [{"index": 0, **call}]})
    yield chunk({}, reason, usage=usage)
    yield "", "[DONE]"
    message = {"role": "assistant", "content": step.words or None}
    message |= {"tool_calls": [call]} if step.tool else {}  # type: ignore[dict-item]
    choices = [{"index": 0, "message": message, "finish_reason": reason}]
    yield "", json.dumps({**base, "object": "chat.completion", "usage": usage, "choices": choices})


def _speak_gemini(turn: int, step: Step, model: str) -> Iterator[tuple[str, str]]:
    call = {"id": _name_call(turn), "name": step.tool, "args": step.arguments}
    part = {"functionCall": call} if step.tool else {"text": step.words}
    content = {"role": "model", "parts": [part]}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    answer = json.dumps({
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage, "modelVersion": model,
    })  # fmt: skip
    yield "", answer
    yield "", answer


def _event(name: str, **data: Any) -> tuple[str, str]:
    return name, json.dumps({"type": name, **data})


def _name_call(turn: int) -> str:
    return f"scriptcall_{turn}_0"


def _list_tools(body: Json) -> list[str]:
    found = list(body.get("tools") or [])
    items = body.get("input")
    for item in items if isinstance(items, list) else []:
        # Codex may hand them over as an item of the conversation.
        if item.get("type") == "additional_tools":
            found += item.get("tools", [])
    names = []
    for tool in found:
        inner = (
            tool.get("functionDeclarations") or tool.get("tools") or [tool.get("function") or tool]
        )
        names += [str(one.get("name") or one.get("type")) for one in inner]
    return names


def _list_messages(body: Json) -> list[Any]:
    found = body.get("messages") or body.get("input") or body.get("contents") or []
    return [{"role": "user", "content": found}] if isinstance(found, str) else list(found)


def _list_texts(body: Json) -> Iterator[str]:
    """What users have said, the first one in front."""
    for message in _list_messages(body):
        if message.get("role") == "user" or message.get("type") == "agent_message":
            yield json.dumps(message.get("content", message.get("parts")), ensure_ascii=False)


def _read_results(body: Json) -> Iterator[tuple[int, str]]:
    """What calls have led to, as (turn, text)."""
    turn = -1
    for message in _list_messages(body):
        for part in _list_parts(message):
            identity = part.get("tool_use_id") or part.get("call_id") or part.get("tool_call_id")
            found = _CALL.search(str(identity))
            is_answer = "_output" in str(part.get("type")) or part.get("role") == "tool"
            if found and (is_answer or part.get("type") == "tool_result"):
                yield int(found[1]), _flatten(part.get("content", part.get("output")))
            turn += "functionCall" in part
            if "functionResponse" in part:
                yield turn, _flatten(part["functionResponse"].get("response", {}))


def _list_parts(message: Json) -> list[Json]:
    parts = message.get("content", message.get("parts"))
    inner = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return [message, *inner]


def _count_gemini_turns(body: Json) -> int:
    return sum("functionCall" in part for one in body.get("contents", []) for part in one["parts"])


def _flatten(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(_flatten(one.get("text", one) if isinstance(one, dict) else one)
                         for one in content)  # fmt: skip
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
