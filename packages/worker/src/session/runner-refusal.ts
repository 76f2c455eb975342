import { EdgeError, isErrorCode } from "@claude-edge/protocol";

/** A runner's error answer. */
export interface RunnerRefusal {
  error: string;
  message: string;
  details?: Record<string, unknown>;
}

export const refusalOf = ({
  error = "",
  message = "",
  details,
}: Partial<RunnerRefusal>): EdgeError =>
  isErrorCode(error)
    ? new EdgeError(error, message, details)
    : new EdgeError("container_unavailable", `The runner refused: ${error}`);
