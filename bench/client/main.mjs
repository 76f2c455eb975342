/** The client's figures beside those of other SDKs. */
import { measureBackpressure } from "./backpressure.mjs";
import { measureDecode } from "./decode.mjs";
import { installPackages } from "./packages.mjs";
import { startServer } from "./spawn.mjs";
import { measureWeight } from "./weight.mjs";

export async function measureClient() {
  const places = installPackages();
  const server = await startServer();
  try {
    const decode = await measureDecode(server, places);
    const backpressure = await measureBackpressure(server, places);
    return { decode, backpressure, weight: await measureWeight(places) };
  } finally {
    server.stop();
  }
}
