/** Both vendors take these characters in ids and names; servers in between use others too. */
const plain = /^[a-zA-Z0-9_-]+$/

/** The longest id of a tool call that Claude takes. */
const longestId = 128

/** Whether an id of a tool call, or a name, is one that a vendor takes as it is: Claude, where no other length is given. */
export function isPlainId(id: string, longest: number = longestId): boolean {
  return id.length <= longest && plain.test(id)
}
