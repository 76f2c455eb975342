export { defineAgent, type AgentDefinition } from "./agent.js";
