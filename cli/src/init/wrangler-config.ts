import { applyEdits, modify, type JSONPath } from "jsonc-parser";

import type { InitOptions } from "./options.js";

const FORMAT = { formattingOptions: { insertSpaces: true, tabSize: 2 } };

/** The template's wrangler.jsonc with a project's options, its comments kept. */
export function wranglerConfig(template: string, options: InitOptions): string {
  const { name, isolation, sleepAfter, instance, maxInstances, regions, r2, scheduling } = options;
  const { jurisdiction } = options;
  const bucket = `"${name}-files"`;
  let text = template.replace(
    '"my-agent-files"',
    jurisdiction === undefined ? bucket : `${bucket}, "jurisdiction": "${jurisdiction}"`,
  );
  const set = (path: JSONPath, value: unknown) => {
    text = applyEdits(text, modify(text, path, value, FORMAT));
  };
  set(["name"], name);
  set(["vars", "CLAUDE_EDGE_ISOLATION"], isolation);
  set(["vars", "CLAUDE_EDGE_SLEEP_AFTER"], sleepAfter);
  if (jurisdiction) set(["vars", "CLAUDE_EDGE_JURISDICTION"], jurisdiction);
  if (scheduling === "default") {
    set(["containers", 0, "instance_type"], instance);
    set(["containers", 0, "max_instances"], maxInstances);
    const constraints = {
      ...(regions.length > 0 && { regions }),
      ...(jurisdiction && { jurisdiction }),
    };
    if (Object.keys(constraints).length > 0) set(["containers", 0, "constraints"], constraints);
  } else {
    // This policy knows neither a size nor a number of instances: the Worker says the size at each start.
    set(["containers"], [durableObjectContainer]);
    set(["exports"], durableObjectExports);
    set(["migrations"], undefined);
    set(["vars", "CLAUDE_EDGE_INSTANCE"], instance);
  }
  return r2 ? text.replace(R2_BINDING, "$1") : text;
}

/** The template has it, commented out, for whoever wants it later. */
const R2_BINDING = /\/\/ ("r2_buckets")/;

const durableObjectContainer = {
  name: "agent",
  scheduling_policy: "durable_object",
  images: { agent: { dockerfile: "./Dockerfile" } },
};

/** Takes the place of `migrations`, and says which object's container it is. */
const durableObjectExports = {
  AccountDO: { type: "durable-object", storage: "sqlite" },
  SessionDO: { type: "durable-object", storage: "sqlite" },
  DeploymentDO: { type: "durable-object", storage: "sqlite" },
  ContainerDO: { type: "durable-object", storage: "sqlite", container: "agent" },
};
