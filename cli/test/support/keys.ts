/** Keys, as a terminal sends them. */
export const DOWN = "\u001b[B";
export const ENTER = "\r";
export const CTRL_C = "\u0003";
export const CTRL_D = "\u0004";
