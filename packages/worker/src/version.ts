declare const __VERSION__: string;

/** The version of this package, inserted by the build. */
export const VERSION: string = __VERSION__;
