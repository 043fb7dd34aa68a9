// How deep things are: the object, its messages, a message, its content, a block of it.
export const BODY = 1
export const LIST = 2
export const MESSAGE = 3
export const BLOCKS = 4
export const BLOCK = 5

export const QUOTE = 0x22
export const OPEN_ARRAY = 0x5b
export const OPEN_OBJECT = 0x7b
