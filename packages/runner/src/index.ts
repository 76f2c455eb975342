export {
  defineAgent,
  type AgentDefinition,
  type WorkspaceDefinition,
} from "./process/agent-definition.js";
