import { StringDecoder } from 'node:string_decoder'

/** Characters of one line; a longer one is cut into several. */
const longestLine = 1024 * 1024

/** Passes on a stream of bytes line by line, so that those of several processes do not end up inside of each other. */
export function forwardLines(
  stream: NodeJS.ReadableStream,
  write: (line: string) => void,
  longest: number = longestLine,
): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) write(line)
    if (rest.length < longest) return
    write(rest)
    rest = ''
  }
  stream.on('data', (bytes: Buffer) => take(decoder.write(bytes)))
  stream.on('end', () => {
    take(decoder.end())
    if (rest !== '') write(rest)
  })
  // Of a process that is killed.
  stream.on('error', () => {})
}
