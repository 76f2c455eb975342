const FOLDERS = 500;
/** Of a file, in bytes: from almost none to twice this. */
const MEAN_BYTES = 20_000;

/** A program for the agent's shell: files with content that cannot be compressed, 20 to a folder. */
export function makeFiles(count) {
  const program = `
    const { mkdirSync, writeFileSync } = require("fs");
    const { randomBytes } = require("crypto");
    for (let index = 0; index < ${count}; index += 1) {
      const folder = "d" + (index % ${FOLDERS});
      if (index < ${FOLDERS}) mkdirSync(folder);
      const bytes = 1 + ((index * 7919) % ${2 * MEAN_BYTES});
      writeFileSync(folder + "/" + Math.floor(index / ${FOLDERS}) + ".bin", randomBytes(bytes));
    }`;
  return `node -e '${program.replaceAll("\n", " ")}' && pwd`;
}

/**
 * A turn of one tool, milliseconds: `startedMs` from its prompt to the end of the tool, `toldMs` from there until its
 * result has come.
 */
export async function runTool(session, command) {
  const input = { command: `${command}; date +%s%3N`, timeout: 600_000 };
  const started = Date.now();
  const turn = session.send(`%tool Bash ${JSON.stringify(input)}\n%say Done.`);
  let told;
  let text = "";
  let end;
  for await (const event of turn) {
    end = event;
    const content = event.kind === "message" && event.message.message?.content;
    const result = Array.isArray(content) && content.find(({ type }) => type === "tool_result");
    if (!result) continue;
    told = Date.now();
    text = String(result.content).trim();
  }
  if (end.status !== "completed") throw new Error(`a turn ended ${JSON.stringify(end)}`);
  const lines = text.split("\n");
  const ended = Number(lines.pop());
  if (!ended) throw new Error(`a tool failed: ${text}`);
  return {
    turn: turn.id,
    output: lines.join("\n"),
    startedMs: ended - started,
    toldMs: told - ended,
  };
}
