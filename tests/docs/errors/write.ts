/** Writes docs/troubleshooting.md from the table of errors. */
import { writeFileSync } from "node:fs";

import { troubleshootingPage } from "./page.ts";

writeFileSync(new URL("../../../docs/troubleshooting.md", import.meta.url), troubleshootingPage());
