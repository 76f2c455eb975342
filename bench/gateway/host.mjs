/** A host that containers ask, in a process of its own: what it takes is not the gateway's. */
import { createServer } from "node:http";

const MEGABYTE = Buffer.alloc(1_000_000, "x");

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://host");
  if (pathname === "/small") return response.end("ok");
  let left = Number(searchParams.get("megabytes"));
  response.writeHead(200, { "content-length": left * MEGABYTE.length });
  const write = () => {
    while (left > 0) {
      left -= 1;
      if (!response.write(MEGABYTE)) return response.once("drain", write);
    }
    response.end();
  };
  write();
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.on("disconnect", () => process.exit());
