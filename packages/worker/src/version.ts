declare const __VERSION__: string;

/** The version of this package; the build puts it in. */
export const VERSION: string = __VERSION__;
