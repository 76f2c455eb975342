/**
 * The client's figures alone, beside other SDKs: what an event costs, what is drawn in unread, what a package weighs.
 * Those SDKs are installed into node_modules/.cache/bench when they are not there. Build first.
 *
 *   node bench/client.mjs
 */
import "../scripts/own-node.mjs";

import { measureClient } from "./client/main.mjs";
import { reportClient } from "./client/report.mjs";
import { saveResults } from "./results.mjs";

const client = await measureClient();
reportClient(client);
saveResults({ client });
