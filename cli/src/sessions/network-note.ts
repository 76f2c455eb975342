import type { EdgeEvent } from "@claude-edge/client";

import { printable } from "../terminal/printable.js";

/** For people: that the container did not reach a host, or sent it no secret. Empty for every other event. */
export function networkNote(event: EdgeEvent): string {
  if (event.kind === "secret") {
    return `note: ${printable(event.name)} was not sent to ${printable(event.host)}: secrets go to their hosts alone, by HTTPS, in their own place: headers, unless it says otherwise (claude-edge secrets --help)\n`;
  }
  if (event.kind !== "network") return "";
  const { reason } = event;
  const host = printable(event.host);
  if (reason === "local") {
    return `note: ${host} was not reached: containers never reach private addresses\n`;
  }
  if (reason === "refused") return `note: ${host} was not reached: that was denied\n`;
  if (reason === "unanswered") {
    return `note: ${host} was not reached: nobody has answered yet (claude-edge requests)\n`;
  }
  return `note: ${host} was not reached: the network policy of the ${reason} does not allow it (claude-edge network --help)\n`;
}
