import { Logger, logSettings } from "@claude-edge/protocol/internal";

/**
 * The log of the runner. It goes to standard output, in whole lines; standard error is the agents', whose processes write
 * to it as they like.
 */
export const logger: Logger = new Logger(
  (_level, line) => void process.stdout.write(`${line}\n`),
  process.env.CLAUDE_EDGE_CONTAINER_NAME
    ? { container: process.env.CLAUDE_EDGE_CONTAINER_NAME }
    : {},
);
logger.settings = logSettings(process.env);
