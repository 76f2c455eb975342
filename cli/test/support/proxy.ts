import { createServer, request as httpRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface BreakableProxy {
  url: string;
  /** Breaks every connection, and each that comes, until it is mended. */
  cut: () => void;
  mend: () => void;
  close: () => Promise<void>;
}

/**
 * A proxy before a deployment. Its event streams ask for a short pause before they are taken up again.
 * `cutAfter`: each stream breaks after so many events.
 */
export async function breakableProxy(
  target: string,
  { cutAfter = Infinity } = {},
): Promise<BreakableProxy> {
  const open = new Set<ServerResponse>();
  let isCut = false;
  const server = createServer((incoming, outgoing) => {
    if (isCut) return void outgoing.destroy();
    open.add(outgoing.once("close", () => open.delete(outgoing)));
    const { method = "GET", url = "/", headers } = incoming;
    const onward = httpRequest(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      const isStream = answer.headers["content-type"]?.startsWith("text/event-stream");
      if (!isStream) return void answer.pipe(outgoing);
      outgoing.write("retry: 10\n\n");
      let left = cutAfter;
      answer.on("data", (chunk: Buffer) => {
        const ends = [...chunk.toString("latin1").matchAll(/\n\n/g)].map(({ index }) => index + 2);
        left -= ends.length;
        if (left > 0) return void outgoing.write(chunk);
        // With part of the next event: it is no event before it is whole.
        const end = ends.at(left - 1)! + 5;
        outgoing.write(chunk.subarray(0, end), () => outgoing.destroy());
        answer.destroy();
      });
      answer.on("end", () => outgoing.end());
    });
    onward.once("error", () => outgoing.destroy());
    outgoing.once("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      for (const answer of open) answer.destroy();
    },
    mend: () => {
      isCut = false;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
