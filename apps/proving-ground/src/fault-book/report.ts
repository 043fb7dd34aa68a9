/** The problem of who says the right thing in other bytes. */
export const changedBytes = 'the bytes are not those of the upstream'

/** Collects what does not hold. */
export type Report = (holds: boolean, problem: string) => void
