/** The Agent SDK's control protocol: JSON objects, both ways, between a program and what runs its agent. */

/** A control request's body; `subtype` says what is asked. */
export interface ControlBody {
  subtype: string;
  [field: string]: unknown;
}

/** Either side asks the other for something. */
export interface ControlRequestFrame {
  type: "control_request";
  request_id: string;
  request: ControlBody;
}

/** The answer to a control request. */
export interface ControlResponseFrame {
  type: "control_response";
  response:
    | { subtype: "success"; request_id: string; response?: Record<string, unknown> | undefined }
    | { subtype: "error"; request_id: string; error: string; error_code?: string };
}

/** The asker no longer wants an answer. One that comes all the same is tolerated. */
export interface ControlCancelFrame {
  type: "control_cancel_request";
  request_id: string;
}

/** A message of the user. */
export interface UserFrame {
  type: "user";
  message: { role: string; content: string | object[] };
  parent_tool_use_id: string | null;
  uuid?: string;
  priority?: "now" | "next" | "later";
  [field: string]: unknown;
}

/** What a program sends. */
export type ProgramFrame =
  | UserFrame
  | ControlRequestFrame
  | ControlResponseFrame
  | ControlCancelFrame;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A frame of a program's, if it is one that means something here: `keep_alive` and kinds of later versions do not.
 * @throws Error for one that lacks what its kind must have, in words for whoever wrote the program.
 */
export function readFrame(value: unknown): ProgramFrame | undefined {
  if (!isObject(value)) throw new Error("a frame must be a JSON object");
  switch (value.type) {
    case "user":
      return readUser(value);
    case "control_request": {
      const { request_id, request } = value;
      const isWhole =
        typeof request_id === "string" && isObject(request) && typeof request.subtype === "string";
      if (!isWhole) throw new Error("a control_request must have request_id and request.subtype");
      return value as unknown as ControlRequestFrame;
    }
    case "control_response": {
      const { response } = value;
      const isWhole = isObject(response) && typeof response.request_id === "string";
      if (!isWhole) throw new Error("a control_response must have response.request_id");
      return value as unknown as ControlResponseFrame;
    }
    case "control_cancel_request":
      return value as unknown as ControlCancelFrame;
    default:
      if (typeof value.type === "string") return undefined;
      throw new Error("a frame must have a type");
  }
}

/** The session's id is that of the connection: programs leave it empty, or name one that they had. */
function readUser({ session_id: _session, ...frame }: Record<string, unknown>): UserFrame {
  const { message } = frame;
  const isWhole =
    isObject(message) && (typeof message.content === "string" || Array.isArray(message.content));
  if (!isWhole) throw new Error("a user message must have message.content");
  return frame as unknown as UserFrame;
}

export const success = (
  request_id: string,
  response?: Record<string, unknown>,
): ControlResponseFrame => ({
  type: "control_response",
  response: { subtype: "success", request_id, response },
});

export const failure = (request_id: string, error: string): ControlResponseFrame => ({
  type: "control_response",
  response: { subtype: "error", request_id, error },
});
