/** Marks every process of a local stack, workerd and the containers' included. */
export const STACK_MARK = "CLAUDE_EDGE_STACK";
