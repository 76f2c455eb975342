/** Bytes that a program in a container sends on its way out. */
export interface Probe {
  /** The proxy itself, or a tunnel that it opens to a name: plain HTTP on port 80, TLS on 443. */
  through: "proxy" | `${string}:${80 | 443}`;
  bytes: string;
}

/** The lines that the script prints: the place of each probe, and the statuses of the answers that came. */
const LINE = /#(\d+)=([\d,]*)/g;

/** A command that sends probes, 16 at a time, each until its connection ends or is silent for a while. */
export function probeCommand(probes: readonly Probe[]): string {
  const script = `
    const net = require("node:net"), tls = require("node:tls");
    const probes = ${JSON.stringify(probes)};
    const { hostname, port } = new URL(process.env.HTTP_PROXY);
    const send = ({ through, bytes }) => new Promise((resolve) => {
      const socket = net.connect(Number(port), hostname);
      let got = "";
      let timer;
      const end = () => {
        clearTimeout(timer);
        socket.destroy();
        resolve([...got.matchAll(/HTTP\\/1\\.[01] (\\d+)/g)].map((m) => m[1]).join());
      };
      const wait = () => { clearTimeout(timer); timer = setTimeout(end, got === "" ? 3000 : 500); };
      const speak = (stream) => {
        stream.on("data", (piece) => { got += piece.toString("latin1"); wait(); }).on("close", end).on("error", end);
        stream.write(Buffer.from(bytes, "latin1"));
      };
      wait();
      socket.on("error", end);
      if (through === "proxy") return speak(socket);
      const name = through.split(":")[0];
      socket.on("close", end);
      socket.once("data", (head) => {
        if (!/^HTTP\\/1\\.1 200/.test(head.toString("latin1"))) { got += head.toString("latin1"); return end(); }
        if (through.endsWith(":80")) return speak(socket);
        const secure = tls.connect({ socket, servername: name, rejectUnauthorized: false }, () => speak(secure));
        secure.on("error", end);
      });
      socket.write("CONNECT " + through + " HTTP/1.1\\r\\nHost: " + through + "\\r\\n\\r\\n");
    });
    let next = 0;
    const worker = async () => {
      while (next < probes.length) {
        const at = next++;
        console.log("#" + at + "=" + (await send(probes[at])));
      }
    };
    Promise.all(Array.from({ length: 16 }, worker)).then(() => process.exit());`;
  const encoded = Buffer.from(script).toString("base64");
  return `echo ${encoded} | base64 -d | '${process.execPath}' -`;
}

/** The statuses of each probe's answers, from what the command has printed. */
export function statusesIn(printed: string): Map<number, string> {
  return new Map([...printed.matchAll(LINE)].map(([, at, statuses]) => [Number(at), statuses!]));
}
