import type { PermissionRequest, RequestResource } from "@claude-edge/client";
import type { NetworkPayload, PermissionPayload } from "@claude-edge/protocol";

/** What a person has to decide: as a callback is given it, or as `claude-edge requests` finds it. */
export type Asked = Pick<PermissionRequest, "toolName" | "input" | "options" | "agentId"> & {
  kind: PermissionRequest["kind"] | "network";
};

export interface Question {
  question: string;
  header: string;
  options: { label: string; description: string }[];
  multiSelect: boolean;
}

/** People answer these; the other kinds are for the program that passed a hook or an MCP server. */
export const isForPeople = ({ kind }: { kind: string }): boolean =>
  kind === "permission" || kind === "question" || kind === "network";

/** A host that a program wants to reach: no tool asks, so what does is named. */
export function networkAsked({ host, port, method }: NetworkPayload): Asked {
  const input = { host, port, method };
  return { kind: "network", toolName: "network", input, options: {}, agentId: undefined };
}

export function askedOf({ kind, payload }: RequestResource): Asked {
  if (kind === "network") return networkAsked(payload as unknown as NetworkPayload);
  const { tool_name, input, agent_id, options } = payload as unknown as PermissionPayload;
  return {
    kind: kind as Asked["kind"],
    toolName: tool_name,
    input,
    options,
    agentId: agent_id,
  };
}

/** The questions of AskUserQuestion: the model's words, so nothing is taken for granted. */
export function questionsOf({ input }: Pick<Asked, "input">): Question[] {
  const questions = Array.isArray(input.questions) ? (input.questions as Partial<Question>[]) : [];
  return questions.map(({ question, header, options, multiSelect }) => ({
    question: String(question),
    header: String(header ?? ""),
    options: (Array.isArray(options) ? options : []).map(({ label, description }) => ({
      label: String(label),
      description: String(description ?? ""),
    })),
    multiSelect: multiSelect === true,
  }));
}

/** The input that says it all, by the tool's name; an MCP tool's `command` could be one input of many. */
const TELLING: Record<string, string> = {
  Bash: "command",
  Write: "file_path",
  Edit: "file_path",
  Read: "file_path",
  NotebookEdit: "notebook_path",
};

/** What it is about, in the model's own words: the command, the path, the question, the host, else the input as JSON. */
export function subjectOf(asked: Pick<Asked, "kind" | "toolName" | "input">): string {
  const { kind, toolName, input } = asked;
  if (kind === "question") {
    return questionsOf(asked)
      .map(({ question }) => question)
      .join(" ");
  }
  if (kind === "network") {
    const { host, port } = input;
    return port === 80 || port === 443 ? String(host) : `${String(host)}:${String(port)}`;
  }
  const telling = Object.hasOwn(TELLING, toolName) ? input[TELLING[toolName]!] : undefined;
  return typeof telling === "string" ? telling : JSON.stringify(input);
}
