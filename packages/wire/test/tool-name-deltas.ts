const call = (fn: object, more: object = {}): object => ({
  tool_calls: [{ index: 0, function: fn, ...more }],
})

/** The ways in which servers send the name of a tool, `get_weather`, and its arguments, `{"a":1}`. */
export const toolNameDeltas: readonly (readonly [how: string, deltas: readonly object[]])[] = [
  [
    'in pieces',
    [call({ name: 'get_' }, { id: 'call_00001' }), call({ name: 'weather' }), call({ arguments: '{"a":1}' })],
  ],
  [
    'again with each piece',
    [
      call({ name: 'get_weather', arguments: '' }, { id: 'call_00001' }),
      ...['{"a"', ':1}'].map((text) => call({ name: 'get_weather', arguments: text })),
    ],
  ],
  [
    'longer each time',
    [call({ name: 'get' }, { id: 'call_00001' }), call({ name: 'get_weather', arguments: '{"a":1}' })],
  ],
  ['whole, with everything', [call({ name: 'get_weather', arguments: '{"a":1}' }, { id: 'call_00001' })]],
]
