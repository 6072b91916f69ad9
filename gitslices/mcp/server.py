"""The server on standard input and output, by the official SDK."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import anyio
import mcp_types as types
import msgspec
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from gitslices import __version__
from gitslices.core.errors import GitslicesError
from gitslices.mcp.process import run_command
from gitslices.mcp.tools import (
    Tool,
    find_repository,
    list_tools,
    load_output_schema,
    make_input_schema,
    make_words,
)
from gitslices.output.document import describe_failure

_STATUS: Final = "gitslices://status"
_SLICE: Final = "gitslices://slice/"
_INSTRUCTIONS: Final = (
    "Several workers share this repository. Claim a slice before changing files, work only in its "
    "worktree, change only its write scope, send a heartbeat before the deadline, and end with "
    "done."
)
_PLAN_PROMPT: Final = """\
Plan this goal as slices that several workers can take at once: {goal}

1. Look at the repository. Write one task for each piece of work that one worker can finish alone,
   with the tool task_add: an id, a title, what must be true when it is done (acceptance), and the
   paths that it may change (write). Name folders and files that are its own; keep scopes tight and
   apart. Name in `read` only what must not change meanwhile, and in `after` only tasks whose result
   it needs.
2. Call validate, and mend all that it finds.
3. Call plan. Where an overlap forces an order, split the file or narrow a scope if that is honest;
   else leave the order. Look at its bottlenecks, and at entries that match no file.
4. Tell the waves, the critical path, and what holds the plan back. Applying it is for the user:
   gitslices plan --apply
"""

Context: TypeAlias = ServerRequestContext[Any]


def make_server(roots: Sequence[Path], *, moves_branches: bool) -> Server[Any]:
    """A server for repositories below `roots`, which are real paths; the first is the default."""
    tools = {tool.name: tool for tool in list_tools(moves_branches=moves_branches)}

    async def offer_tools(ctx: Context, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_describe_tool(tool) for tool in tools.values()])

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {params.name!r}")
        document = await _call(ctx, tool, params.arguments or {}, roots)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=_show(document))],
            structured_content=document,
            is_error="error" in document,
        )

    async def offer_resources(ctx: Context, params: Any) -> types.ListResourcesResult:
        status = types.Resource(
            name="status",
            uri=_STATUS,
            description="Where every slice stands.",
            mime_type="application/json",
        )
        return types.ListResourcesResult(resources=[status])

    async def offer_templates(ctx: Context, params: Any) -> types.ListResourceTemplatesResult:
        one = types.ResourceTemplate(
            name="slice",
            uri_template=_SLICE + "{id}",
            description="Everything about one slice.",
            mime_type="application/json",
        )
        return types.ListResourceTemplatesResult(resource_templates=[one])

    async def read_resource(
        ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        if uri == _STATUS:
            document = await _call(ctx, tools["status"], {}, roots)
        elif uri.startswith(_SLICE):
            given = {"slice": unquote(uri.removeprefix(_SLICE))}
            document = await _call(ctx, tools["show"], given, roots)
        else:
            raise MCPError(types.INVALID_PARAMS, f"there is no resource {uri!r}")
        if "error" in document:
            raise MCPError(types.INVALID_PARAMS, document["error"]["message"])
        content = types.TextResourceContents(
            uri=uri, mime_type="application/json", text=_show(document)
        )
        return types.ReadResourceResult(contents=[content])

    return Server(
        "gitslices",
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=offer_tools,
        on_call_tool=call_tool,
        on_list_resources=offer_resources,
        on_list_resource_templates=offer_templates,
        on_read_resource=read_resource,
        on_list_prompts=_offer_prompts,
        on_get_prompt=_get_prompt,
    )


def serve(roots: Sequence[Path], *, moves_branches: bool) -> None:
    """Answer on standard input and output until the other side closes."""
    anyio.run(_serve, make_server(roots, moves_branches=moves_branches))


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


async def _call(
    ctx: Context, tool: Tool, given: Mapping[str, Any], roots: Sequence[Path]
) -> dict[str, Any]:
    async def on_beat(seconds: float, line: str) -> None:
        await ctx.session.report_progress(seconds, message=line)

    try:
        repository = find_repository(given, roots)
        words = make_words(tool, given, repository)
    except GitslicesError as error:
        return {"schema_version": 1, **describe_failure(error).document}
    return await run_command(words, repository, on_beat)


def _describe_tool(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.text,
        input_schema=make_input_schema(tool),
        output_schema=load_output_schema(tool),
        annotations=types.ToolAnnotations(read_only_hint=tool.reads_only, open_world_hint=False),
    )


async def _offer_prompts(ctx: Context, params: Any) -> types.ListPromptsResult:
    goal = types.PromptArgument(name="goal", description="What is to be done.", required=True)
    prompt = types.Prompt(
        name="plan_goal",
        description="Plan a goal as slices that cannot collide.",
        arguments=[goal],
    )
    return types.ListPromptsResult(prompts=[prompt])


async def _get_prompt(ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    goal = (params.arguments or {}).get("goal", "").strip()
    if params.name != "plan_goal" or not goal:
        raise MCPError(types.INVALID_PARAMS, "the prompt plan_goal takes a goal")
    text = types.TextContent(type="text", text=_PLAN_PROMPT.format(goal=goal))
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text)])


def _show(document: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
