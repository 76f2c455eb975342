/**
 * What the gateway costs beside a direct connection: downloads and small requests of a container. Build first.
 *
 *   node bench/gateway.mjs                five rounds of 100 MB and 10 000 requests
 *   node bench/gateway.mjs 1 10 100       one round of 10 MB and 100 requests
 */
import "../scripts/own-node.mjs";

import { measureGateway } from "./gateway/main.mjs";
import { reportGateway } from "./gateway/report.mjs";
import { saveResults } from "./results.mjs";

const [rounds, megabytes, requests] = process.argv.slice(2).map(Number);
const gateway = await measureGateway({ rounds, megabytes, requests });
reportGateway(gateway);
saveResults({ gateway });
