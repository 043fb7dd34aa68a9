import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { forwardLines } from './forwarded-lines.ts'

it('passes on whole lines, however their bytes come, and the last one without its end', async () => {
  const stream = new PassThrough()
  const lines: string[] = []
  forwardLines(stream, (line) => lines.push(line))
  for (const byte of Buffer.from('first\nzweite: ü\n\nlast')) stream.write(Buffer.of(byte))
  stream.end()
  await new Promise((resolve) => stream.on('close', resolve))
  expect(lines).toEqual(['first', 'zweite: ü', '', 'last'])
})

it('cuts a line that has no end', async () => {
  const stream = new PassThrough()
  const lines: string[] = []
  forwardLines(stream, (line) => lines.push(line), 10)
  for (let piece = 0; piece < 4; piece++) stream.write('x'.repeat(6))
  stream.end()
  await new Promise((resolve) => stream.on('close', resolve))
  expect(lines).toEqual(['x'.repeat(12), 'x'.repeat(12)])
})
