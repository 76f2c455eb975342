export { defineAgent, type AgentDefinition, type WorkspaceDefinition } from "./agent.js";
