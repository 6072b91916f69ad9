// gitslices, for opencode: made by `gitslices agent install opencode`, taken away by
// `gitslices agent uninstall opencode`.
import { spawn } from "node:child_process"

const GUARD = GUARD_COMMAND
const TURN = TURN_COMMAND
const WRITING = new Set(["apply_patch", "bash", "edit", "multiedit", "patch", "write"])
const PATIENCE = 30_000

function ask(command, directory, payload) {
  return new Promise((resolve) => {
    const texts = { out: "", err: "" }
    const child = spawn("/bin/sh", ["-c", command], { cwd: directory, timeout: PATIENCE })
    child.on("error", (error) => resolve({ ...texts, code: null, err: String(error) }))
    child.on("close", (code) => resolve({ ...texts, code }))
    child.stdout.on("data", (data) => (texts.out += data))
    child.stderr.on("data", (data) => (texts.err += data))
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(payload))
  })
}

export const Gitslices = async ({ directory }) => ({
  "tool.execute.before": async ({ tool, sessionID }, { args }) => {
    if (!WRITING.has(tool)) return
    const answer = await ask(GUARD, directory, { session_id: sessionID, cwd: directory, tool, args })
    if (answer.code === 0 && !answer.out) return
    const said = (answer.out + answer.err).trim()
    // Words of a shell that could not even read the guard's script would tell nobody whose they are.
    if (answer.code === 0 || said.startsWith("gitslices")) throw new Error(said)
    throw new Error(`gitslices did not answer (${answer.code}), so this may not run\n${said}`.trim())
  },
  "chat.message": async () => {
    await ask(TURN, directory, { cwd: directory, event: "chat.message" })
  },
  event: async ({ event }) => {
    if (event.type !== "session.idle" && event.type !== "permission.asked") return
    const permission = event.properties?.permission
    await ask(TURN, directory, { cwd: directory, event: event.type, permission })
  },
})
