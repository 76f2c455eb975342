import type { Options, Query, SDKMessage } from "@anthropic-ai/claude-agent-sdk";

import { drain, Prompts, type Log, type Scenario } from "../program.ts";

const FREE: Options = {
  permissionMode: "bypassPermissions",
  allowDangerouslySkipPermissions: true,
  tools: ["Bash", "Agent"],
};

const inBackground = (command: string) =>
  `%tool Bash ${JSON.stringify({ command, run_in_background: true })}\n%say Started.\n%next\n`;

const isResult = ({ type }: SDKMessage) => type === "result";
const isSystem = (message: SDKMessage, subtype: string) =>
  message.type === "system" && message.subtype === subtype;

/** Runs a program; `onMessage` may prompt further, and call methods. */
const program = (
  name: string,
  text: string,
  onMessage: (
    message: SDKMessage,
    at: { query: Query; prompts: Prompts; log: Log; results: number; started: string },
  ) => void,
  options: Options = {},
): Scenario => ({
  name: `background: ${name}`,
  run: async (api, log) => {
    const prompts = new Prompts();
    prompts.push(text);
    const query = api.query({ prompt: prompts, options: { ...FREE, ...options } });
    let [results, started] = [0, ""];
    await drain(query, log, (message) => {
      if (isResult(message)) results += 1;
      if (message.type === "system" && message.subtype === "task_started") {
        started = message.task_id;
      }
      onMessage(message, { query, prompts, log, results, started });
    });
  },
});

const oneShot = (name: string, prompt: string, options: Options = {}): Scenario => ({
  name: `background: ${name}`,
  run: (api, log) => drain(api.query({ prompt, options: { ...FREE, ...options } }), log),
});

const told = (log: Log, name: string, answer: Promise<unknown>) =>
  answer.then(
    (value) => log(name, value),
    (error: unknown) => log(`${name} throws`, String(error)),
  );

/** What goes on beside a turn and after it. */
export const BACKGROUND: Scenario[] = [
  oneShot("a command", `${inBackground("sleep 1; echo one")}%say It has ended.`),
  oneShot("a command that fails", `${inBackground("sleep 1; exit 3")}%say It has failed.`),
  oneShot(
    "two commands",
    [
      `%tool Bash ${JSON.stringify({ command: "sleep 5", run_in_background: true })}`,
      "%next",
      `%tool Bash ${JSON.stringify({ command: "sleep 11", run_in_background: true })}`,
      "%say Started.",
      "%next",
      "%say One has ended.",
      "%next",
      "%say So has the other.",
    ].join("\n"),
  ),
  oneShot(
    "a command that causes another",
    `${inBackground("sleep 1")}${inBackground("sleep 2")}%say Both.`,
  ),
  oneShot(
    "a command, with the states of the session",
    `${inBackground("sleep 1")}%say It has ended.`,
    { env: { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1" } },
  ),
  oneShot(
    "a subagent",
    '%tool Agent {"description":"help","prompt":"%wait 2000\\n%tool Bash {\\"command\\":\\"sleep 2; echo sub\\"}\\n%say Did it.","subagent_type":"general-purpose"}\n%say Started.\n%next\n%say Helped.',
  ),
  program(
    "a prompt while its end is told",
    `${inBackground("sleep 1")}%say Told.\n%wait 4000\n%say At length.`,
    (message, { prompts, results }) => {
      const isTold = message.type === "assistant" && JSON.stringify(message).includes("Told.");
      if (isTold) prompts.push("%say Second.");
      if (results === 3) prompts.close();
    },
  ),
  program(
    "a prompt between two tools of what tells its end",
    `${inBackground("sleep 1")}%tool Bash {"command":"sleep 3; echo told"}\n%say Not said.`,
    (message, { prompts, results }) => {
      if (JSON.stringify(message).includes("sleep 3") && message.type === "assistant")
        prompts.push("%say Second.");
      if (results === 2) prompts.close();
    },
  ),
  program(
    "a prompt while it runs",
    inBackground("sleep 6; echo one"),
    (message, { prompts, results }) => {
      if (isResult(message) && results === 1) prompts.push("%say Second.\n%next\n%say Told.");
      if (results === 3) prompts.close();
    },
  ),
  program(
    "stopTask",
    inBackground("sleep 100"),
    (message, { query, prompts, log, results, started }) => {
      if (!isResult(message) || results !== 1) return;
      void told(log, "stopTask", query.stopTask(started)).then(() => prompts.close());
    },
  ),
  program(
    "backgroundTasks",
    '%tool Bash {"command":"sleep 9; echo one"}\n%say Meanwhile.\n%next\n%say It has ended.',
    (message, { query, prompts, log, results }) => {
      if (isSystem(message, "task_started"))
        void told(log, "backgroundTasks", query.backgroundTasks());
      if (results === 2) prompts.close();
    },
  ),
];
