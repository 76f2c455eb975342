import { describe, expect, test } from "vitest";

import { ROUTES } from "../access.js";
import { openApiDocument } from "./document.js";
import { OPERATIONS } from "./operations.js";

interface Operation {
  operationId: string;
  security: Record<string, string[]>[];
  parameters: { name?: string; in?: string; $ref?: string }[];
}

const document = openApiDocument("1.2.3", ROUTES) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, { [key: string]: unknown }>>;
};

test("describes every route of the table, and no other", () => {
  expect(Object.keys(OPERATIONS).toSorted()).toEqual(Object.keys(ROUTES).toSorted());
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const table = Object.keys(ROUTES).map((route) =>
    route.replace("{[^]+}", "").replaceAll(/:(\w+)/g, "{$1}"),
  );
  expect(routes.toSorted()).toEqual([...table, "GET /health", "GET /v1/openapi.json"].toSorted());
});

test("a route that it does not describe is an error", () => {
  expect(() => openApiDocument("1.2.3", { "GET /v1/new": "root key" })).toThrow(
    "GET /v1/new is not in the OpenAPI.",
  );
});

test("every operation has an id of its own, and its path's parameters", () => {
  const ids: string[] = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const { operationId, parameters = [] } of Object.values(methods)) {
      ids.push(operationId);
      const named = parameters.filter((one) => one.in === "path").map(({ name }) => name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  }
  expect(new Set(ids).size).toBe(ids.length);
});

test("who may call an operation is what the table says", () => {
  const of = (path: string, method: string) => document.paths[path]?.[method]?.security;
  expect(of("/v1/sessions/{id}/export", "get")).toEqual([
    { rootKey: [] },
    { token: ["sessions:read", "files"] },
  ]);
  expect(of("/v1/feed", "get")).toEqual([
    { rootKey: [] },
    { token: ["sessions:read"] },
    { token: ["requests:answer"] },
  ]);
  expect(of("/v1/limits", "patch")).toEqual([{ rootKey: [] }]);
  expect(of("/v1/openapi.json", "get")).toEqual([]);
});

describe("references", () => {
  const references: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (["$ref", "x-event-data"].includes(key)) references.push(String(inner));
      else collect(inner);
    }
  };
  collect(document);

  test("lead to what is there, and everything that is there is used", () => {
    const there = Object.entries(document.components).flatMap(([kind, named]) =>
      kind === "securitySchemes"
        ? []
        : Object.keys(named).map((name) => `#/components/${kind}/${name}`),
    );
    expect([...new Set(references)].toSorted()).toEqual(there.toSorted());
  });
});

test("events are one of their kinds, told apart by it", () => {
  const { Event } = document.components.schemas as Record<
    string,
    { oneOf: { $ref: string }[]; discriminator: { propertyName: string; mapping: object } }
  >;
  const { oneOf, discriminator } = Event!;
  expect(discriminator.propertyName).toBe("kind");
  expect(Object.values(discriminator.mapping)).toEqual(oneOf.map(({ $ref }) => $ref));
  for (const [kind, reference] of Object.entries(discriminator.mapping) as [string, string][]) {
    const schema = document.components.schemas![reference.split("/").at(-1)!];
    expect(schema).toMatchObject({ properties: { kind: { const: kind } } });
  }
});

test("the bodies that a route takes are those that it checks", () => {
  expect(document.components.schemas).toMatchObject({
    CreateTurn: { additionalProperties: false, required: ["prompt"] },
    Session: { required: expect.arrayContaining(["id", "status", "last_seq"]) },
    CreateSession: { properties: { options: { $ref: "#/components/schemas/SessionOptions" } } },
  });
});
