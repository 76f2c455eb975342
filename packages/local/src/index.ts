export {
  startScriptedModel,
  type ScriptedModel,
  type ScriptedModelOptions,
} from "./model/server.js";
export { startLocal, type LocalOptions, type LocalStack } from "./start.js";
