/**
 * The Agent SDK's type where the SDK is installed, ours where it is not, so that a program written for the SDK keeps its
 * exact types. Compared as tuples, because a bare error type would decide the conditional by itself.
 */
export type Installed<Theirs, Ours> = [unknown] extends [Theirs] ? Ours : Theirs;
